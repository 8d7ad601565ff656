"""Fill the template of a new script with the names that its module offers.

A line of a template that has `$function`, `$field` or `$example` stands once for each function of the module, or for each field of
the topic; where there are none it is left out.
"""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Iterable, Mapping
from string import Template
from typing import Any

from scripting.modules.installed import modules
from scripting.modules.scriptable import ScriptableModule
from scripting.modules.topics import Topic
from scripting.sandbox.languages.language import ENDPOINT, EVENT, HELPER
from scripting.sandbox.languages.table import LANGUAGES
from scripting.supervisor.offered import plain_signature
from scripting.texts.escaping import one_line

KINDS = {
    EVENT: ("Answers an event", "Something happened in the game, and the script decides what comes of it."),
    ENDPOINT: ("Answers an endpoint request", "Somebody asks over HTTP, and the script gives the answer."),
    HELPER: ("Helper", "Functions that other scripts import. Helpers lie in the module shared."),
}
MOST_FIELDS, LONGEST_PURPOSE = 6, 200


def text_for(language: str, kind: str, *, module: str, name: str, purpose: str, topic: Topic | None = None) -> str:
    """The text that a new script begins with, on this topic or one that tells much; empty where the language has no such template."""
    owner = modules.get(module)
    topic = topic or _topic_of(owner)
    fixed = {
        "purpose": one_line(purpose, LONGEST_PURPOSE) or f"What does {name} decide?",
        "name": name,
        "module": module,
        "topic": topic.name if topic else "made-up event",
    }
    functions = [{"function": plain_signature(f.name + f.signature)} for f in owner.functions.values()] if owner else []
    fields = [{"field": field, "example": json.dumps(value)} for field, value in _fields_of(topic).items()]
    lines = templates_of(language).get(kind, "").split("\n")
    return "\n".join(filled for line in lines for filled in _filled(line, fixed, functions, fields))


def has_template(language: str, kind: str) -> bool:
    return kind in templates_of(language)


@functools.cache
def templates_of(language: str) -> Mapping[str, str]:
    """The templates of a language by their kind. Raises ImportError or AttributeError for a language that names none that is there."""
    module, _, attribute = LANGUAGES[language].templates.rpartition(".")
    return getattr(importlib.import_module(module), attribute) if module else {}


def _filled(
    line: str, fixed: Mapping[str, str], functions: Iterable[Mapping[str, str]], fields: Iterable[Mapping[str, str]]
) -> list[str]:
    each = functions if "$function" in line else fields if "$field" in line else [{}]
    return [Template(line).safe_substitute({**fixed, **one}) for one in each]


def _topic_of(module: ScriptableModule | None) -> Topic | None:
    """The topic of the module that tells most in plain fields: those that it handles come first."""
    if module is None:
        return None
    heard = [topic for topic in module.topics if topic.name in module.config.message_handlers]
    return max([*heard, *module.topics], key=lambda topic: len(_fields_of(topic)), default=None)


def _fields_of(topic: Topic | None) -> dict[str, Any]:
    """Fields of the topic's example that every language writes alike: numbers and texts. None that is sensitive."""
    example = topic.example if topic else {}
    plain = {
        name: value
        for name, value in example.items()
        if name.isidentifier() and name.isascii() and _is_plain(value) and topic and name not in topic.sensitive
    }
    return dict(list(plain.items())[:MOST_FIELDS])


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return value.isascii() and value.isprintable()
    return isinstance(value, (int, float)) and not isinstance(value, bool)
