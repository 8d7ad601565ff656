"""EngineFactory: the LanguageEngine of a language, made from the dotted name in the table."""

from __future__ import annotations

import importlib

from scripting.sandbox.languages.engine import LanguageEngine
from scripting.sandbox.languages.table import LANGUAGES


class EngineFactory:
    """Makes each language's engine once."""

    def __init__(self) -> None:
        self._engines: dict[str, LanguageEngine] = {}

    def load_all(self) -> None:
        """Import every engine now: nothing can be imported after the lockdown."""
        for name in LANGUAGES:
            self.engine(name)

    def engine(self, language: str) -> LanguageEngine:
        """The engine of this language. Raises KeyError for a language that the table does not have."""
        if language not in self._engines:
            module, _, attribute = LANGUAGES[language].engine.rpartition(".")
            engine = getattr(importlib.import_module(module), attribute)()
            assert isinstance(engine, LanguageEngine)
            self._engines[language] = engine
        return self._engines[language]
