"""Serves the files of Ace that the workbench uses, out of the installed package: one finder for Django's static files."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage, Storage

from scripting.sandbox.languages.table import LANGUAGES

PREFIX = "ace"
MODES = tuple(f"mode-{language.editor_mode}.js" for language in LANGUAGES.values())
FILES = ("ace.js", "ext-language_tools.js", "ext-searchbox.js", "css/ace.css", "css/main-*", *MODES)
"""Themes, workers and the other two hundred files stay where they are: the workbench brings its own colours and uses no worker."""


def ace_folder() -> Path:
    """Where the package django-ace keeps Ace. Raises RuntimeError when it is not installed."""
    spec = importlib.util.find_spec("django_ace")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package django-ace is not installed: run make setup")
    return Path(spec.origin).parent / "static" / "django_ace" / "ace"


class AceFinder(BaseFinder):
    """Finds `ace/<file>` for the files listed above."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.storage = FileSystemStorage(location=str(ace_folder()))
        self.storage.prefix = PREFIX  # type: ignore[attr-defined]

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        folder, _, name = path.partition("/")
        found = folder == PREFIX and is_served(name) and self.storage.exists(name)
        if not found:
            return []
        return [self.storage.path(name)] if find_all else self.storage.path(name)

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, Storage]]:
        root = ace_folder()
        for path in sorted([*root.glob("*.js"), *root.glob("css/*")]):
            name = path.relative_to(root).as_posix()
            if is_served(name):
                yield name, self.storage


def is_served(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in FILES)
