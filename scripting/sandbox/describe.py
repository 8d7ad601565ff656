"""`python -m scripting.sandbox.describe`: what every script may use, as JSON for editors, read from the tables the sandbox uses.

A process of its own, since importing these tables changes the interpreter it happens in. It is given no script text.
"""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

from scripting.sandbox.languages.factory import EngineFactory
from scripting.sandbox.library.builtins import BUILTIN_NAMES, make_builtins
from scripting.sandbox.library.packages import PACKAGES, offered_names
from scripting.sandbox.policy.names import GENERATED
from scripting.sandbox.protocol import SCRIPT_FUNCTIONS, cut

MAX_DOC = 400


def described(name: str, value: Any) -> dict[str, str]:
    """One name: what it is, how it is called, the first paragraph of its docstring."""
    doc = (inspect.getdoc(value) or "") if callable(value) else ""
    first = doc.split("\n\n", 1)[0].strip()
    return {"name": name, "kind": kind_of(value), "signature": signature_of(name, value), "doc": cut(first, MAX_DOC)}


def kind_of(value: Any) -> str:
    """`exception`, `class`, `function` or `constant`."""
    if isinstance(value, type):
        return "exception" if issubclass(value, BaseException) else "class"
    return "function" if callable(value) else "constant"


def signature_of(name: str, value: Any) -> str:
    """`name(parameters)`; the name alone where there is no telling; for a constant its value."""
    if not callable(value):
        shown = repr(value)
        return f"{name} = {shown}" if len(shown) <= 60 and not shown.startswith("<") else name
    try:
        return f"{name}{inspect.signature(value)}"
    except (TypeError, ValueError):
        return f"{name}(…)"


def description() -> dict[str, Any]:
    """Builtins, the functions of every script, and the packages with the names that they offer: Python's, then those of
    each language that has its own."""
    factory = EngineFactory()
    factory.load_all()
    builtins = make_builtins({}, __import__, print)
    plain = sorted(n for n in BUILTIN_NAMES if not n.startswith((GENERATED, "__")) and n not in SCRIPT_FUNCTIONS)
    return {
        "builtins": [described(name, builtins[name]) for name in plain],
        "functions": [
            {"name": name, "kind": "function", "signature": signature, "doc": doc}
            for name, (signature, doc) in SCRIPT_FUNCTIONS.items()
        ],
        "packages": {
            package: [described(name, vars(PACKAGES[package])[name]) for name in sorted(offered_names(package))]
            for package in PACKAGES
        },
        "languages": {
            name: own for name in factory.languages() if (own := factory.engine(name).described()) is not None
        },
    }


if __name__ == "__main__":
    json.dump(description(), sys.stdout)
