"""The table of script languages. Data only: the trusted side reads it, the sandbox finds its engine by the dotted name.

First come our own, then those that installed packages bring. Of two files that override one script the earlier language's counts.
"""

from __future__ import annotations

from scripting.sandbox.languages.installed import installed
from scripting.sandbox.languages.language import Language

HERE = "scripting.sandbox.languages"
OURS = (
    Language("python", ".py", "python", f"{HERE}.python.engine.PythonEngine", f"{HERE}.python.templates.TEMPLATES"),
    Language("tengo", ".tengo", "golang", f"{HERE}.tengo.engine.TengoEngine", f"{HERE}.tengo.templates.TEMPLATES"),
    Language(
        "zygomys", ".zygomys", "clojure", f"{HERE}.zygomys.engine.ZygomysEngine", f"{HERE}.zygomys.templates.TEMPLATES"
    ),
)

LANGUAGES: dict[str, Language] = {language.name: language for language in (*OURS, *installed(OURS))}


def language_for_suffix(suffix: str) -> Language | None:
    """The language whose files end so (`.py`), or None."""
    return next((language for language in LANGUAGES.values() if language.suffix == suffix), None)
