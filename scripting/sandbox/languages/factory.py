"""EngineFactory: the LanguageEngine of a language, made from the dotted name in the table."""

from __future__ import annotations

import importlib
import sys

from scripting.sandbox.languages.engine import LanguageEngine
from scripting.sandbox.languages.table import LANGUAGES, OURS
from scripting.sandbox.policy.refusal import Refusal

FORBIDDEN = frozenset({"django", "redis", "rq", "channels", "psycopg"})
"""Packages that nothing in a sandbox may import, directly or not: a language from outside that does is not used."""


class EngineFactory:
    """Makes each language's engine once."""

    def __init__(self) -> None:
        self._engines: dict[str, LanguageEngine] = {}
        self._problems: dict[str, str] = {}

    def load_all(self) -> None:
        """Import every engine now: nothing can be imported after the lockdown. A faulty one from outside harms no other."""
        for language in OURS:
            self.engine(language.name)
        for name in LANGUAGES:
            if name not in self._engines:
                self._load_from_outside(name)

    def make_ahead(self) -> None:
        """Have every engine make ahead what each sandbox takes of it."""
        for engine in self._engines.values():
            engine.make_ahead()

    def _load_from_outside(self, name: str) -> None:
        before = set(sys.modules)
        try:
            self.engine(name)
        except Exception as error:  # noqa: BLE001 - whatever somebody else's package raises
            self._problems[name] = f"the language {name} cannot be loaded: {type(error).__name__}: {str(error)[:200]}"
        found = FORBIDDEN & {module.partition(".")[0] for module in set(sys.modules) - before}
        if found:
            self._engines.pop(name, None)
            self._problems[name] = f"the language {name} imports {', '.join(sorted(found))}, which no sandbox may load"

    def engine(self, language: str) -> LanguageEngine:
        """The engine of this language. Raises KeyError for a language that the table does not have, Refusal for one from outside
        that could not be loaded."""
        if language in self._problems:
            raise Refusal("compilation", self._problems[language], hint="tell whoever installed it")
        if language not in self._engines:
            module, _, attribute = LANGUAGES[language].engine.rpartition(".")
            engine = getattr(importlib.import_module(module), attribute)()
            if not isinstance(engine, LanguageEngine):
                raise TypeError(f"{LANGUAGES[language].engine} is no LanguageEngine")
            self._engines[language] = engine
        return self._engines[language]

    def languages(self) -> list[str]:
        """The languages whose engines could be loaded."""
        return [name for name in LANGUAGES if name not in self._problems]
