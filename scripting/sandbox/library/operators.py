"""operator for scripts: what names attributes goes through the guards, and `%` shows no address."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from scripting.sandbox.library.attributes import guarded_getattr
from scripting.sandbox.library.text import scrub, text_imod

NAMES = """
    abs add and_ concat contains countOf eq floordiv ge getitem gt iadd iand iconcat ifloordiv ilshift imatmul imul index
    indexOf inv invert ior ipow irshift is_ is_not isub itemgetter itruediv ixor le lshift lt matmul mul ne neg not_ or_ pos
    pow rshift setitem delitem sub truediv truth xor
"""


def mod(a: Any, b: Any, /) -> Any:
    """Same as a % b."""
    return scrub(operator.mod(a, b))


def attrgetter(attr: str, /, *attrs: str) -> Callable[[Any], Any]:
    """A function that gives the named attribute of a value, or a tuple of several; `"owner.name"` takes two steps."""
    for name in (attr, *attrs):
        if not isinstance(name, str):
            raise TypeError("attribute name must be a string")
    paths = [str.split(str.__str__(name), ".") for name in (attr, *attrs)]

    def get(value: Any, /) -> Any:
        found = [_follow(value, path) for path in paths]
        return tuple(found) if attrs else found[0]

    return get


def methodcaller(name: str, /, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    """A function that calls the named method of a value."""
    if not isinstance(name, str):
        raise TypeError("method name must be a string")
    plain = str.__str__(name)

    def call(value: Any, /) -> Any:
        return guarded_getattr(value, plain)(*args, **kwargs)

    return call


def _follow(value: Any, path: list[str]) -> Any:
    for name in path:
        value = guarded_getattr(value, name)
    return value


MEMBERS: dict[str, Any] = {
    **{name: getattr(operator, name) for name in NAMES.split()},
    "attrgetter": attrgetter,
    "imod": text_imod,
    "methodcaller": methodcaller,
    "mod": mod,
}
