"""The table of script languages. Data only: the trusted side reads it, the sandbox finds its engine by the dotted name."""

from __future__ import annotations

from typing import NamedTuple


class Language(NamedTuple):
    """One script language: how its files end, how the editor shows it, where its LanguageEngine lives."""

    name: str
    suffix: str
    editor_mode: str
    engine: str


LANGUAGES: dict[str, Language] = {
    language.name: language
    for language in (
        Language("python", ".py", "python", "scripting.sandbox.languages.python.engine.PythonEngine"),
        Language("tengo", ".tengo", "golang", "scripting.sandbox.languages.tengo.engine.TengoEngine"),
        Language("zygomys", ".zygomys", "clojure", "scripting.sandbox.languages.zygomys.engine.ZygomysEngine"),
    )
}


def language_for_suffix(suffix: str) -> Language | None:
    """The language whose files end so (`.py`), or None."""
    return next((language for language in LANGUAGES.values() if language.suffix == suffix), None)
