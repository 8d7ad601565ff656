"""Languages that other installed packages bring, by the entry-point group `goby.languages`.

Each entry point names a Language (`tally = goby_tally:LANGUAGE`) in a module of data that imports nothing of its engine. The entry
points are read here, not by importlib.metadata, which alone takes more memory and time than all our languages.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Collection, Iterator

from scripting.sandbox.languages.language import Language

GROUP = "goby.languages"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,20}")


class BadLanguage(Exception):
    """An installed package offers a language that cannot be one: the message says what is wrong, and is for whoever installed it."""


def installed(taken: Collection[Language]) -> list[Language]:
    """The languages that installed packages offer, by name. Raises BadLanguage."""
    found: dict[str, Language] = {}
    for name, value in sorted(set(_entry_points())):
        language = _load(name, value)
        for other in (*taken, *found.values()):
            if language.name == other.name or language.suffix == other.suffix:
                raise BadLanguage(f"{GROUP}: {name} ({value}) has the name or the suffix of the language {other.name}")
        found[name] = language
    return list(found.values())


def _load(name: str, value: str) -> Language:
    module, _, attribute = value.partition(":")
    try:
        language = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise BadLanguage(f"{GROUP}: {name} names {value}, which cannot be loaded: {error}") from error
    if not isinstance(language, Language) or language.name != name:
        raise BadLanguage(f"{GROUP}: {name} names {value}, which is no Language of that name")
    if not _NAME.fullmatch(language.name) or not _SUFFIX.fullmatch(language.suffix):
        raise BadLanguage(
            f"{GROUP}: the name and the suffix of {value} must be lower-case words, as in tally and .tally"
        )
    return language


def _entry_points() -> Iterator[tuple[str, str]]:
    """Name and value of each entry point of the group, in every distribution on the path."""
    for folder in sys.path:
        try:
            names = [
                entry.name for entry in os.scandir(folder or ".") if entry.name.endswith((".dist-info", ".egg-info"))
            ]
        except OSError:
            continue
        for name in names:
            try:
                with open(os.path.join(folder, name, "entry_points.txt"), encoding="utf-8") as file:
                    text = file.read()
            except OSError:
                continue
            if GROUP in text:
                yield from _of_group(text)


def _of_group(text: str) -> Iterator[tuple[str, str]]:
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[] ")
        elif section == GROUP and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield name.strip(), value.partition("[")[0].strip()
