"""The table of script languages. Data only: the trusted side reads it, the sandbox finds its engine by the dotted name.

First come our own, then those that installed packages bring. Of two files that override one script the earlier language's counts.
"""

from __future__ import annotations

from scripting.sandbox.languages.installed import installed
from scripting.sandbox.languages.language import Language

OURS = (
    Language("python", ".py", "python", "scripting.sandbox.languages.python.engine.PythonEngine"),
    Language("tengo", ".tengo", "golang", "scripting.sandbox.languages.tengo.engine.TengoEngine"),
    Language("zygomys", ".zygomys", "clojure", "scripting.sandbox.languages.zygomys.engine.ZygomysEngine"),
)

LANGUAGES: dict[str, Language] = {language.name: language for language in (*OURS, *installed(OURS))}


def language_for_suffix(suffix: str) -> Language | None:
    """The language whose files end so (`.py`), or None."""
    return next((language for language in LANGUAGES.values() if language.suffix == suffix), None)
