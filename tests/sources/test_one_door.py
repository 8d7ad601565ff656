"""Source text comes in by one door: what is UTF-8 is taken with a mark or without, what is not is refused in the same words."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from scripting.engine import get_engine
from scripting.models import Script
from scripting.registry.storing import store
from scripting.sandbox.source_text import NotText, decode, encode, read_any
from scripting.sources.file_checks import check_path

BAD: dict[str, tuple[bytes, str]] = {
    "Latin-1": (
        "result = 'caf\u00e9'".encode("latin-1"),
        "the text is not UTF-8: byte 0xe9 stands for no character; save it as UTF-8",
    ),
    "UTF-16": ("result = 1".encode("utf-16"), "the text is in UTF-16: save it as UTF-8"),
    "a lone surrogate": (
        b"result = '\xed\xa0\xbd'",
        "the text holds half a character (a lone surrogate): type that character anew",
    ),
}
MARKED = {"python": "\ufeffresult = 5", "tengo": "\ufeffresult := 5"}
SUFFIX = {"python": "py", "tengo": "tengo"}


def output(command: str, *arguments: str) -> dict[str, Any]:
    """The document that a command prints, whether what it did succeeded or not."""
    out = io.StringIO()
    with contextlib.suppress(CommandError, SystemExit):
        call_command(command, *arguments, "--json", stdout=out, stderr=io.StringIO())
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("name", BAD)
def test_every_door_says_the_same_of_what_is_no_text(name: str, tmp_path: Path) -> None:
    content, said = BAD[name]
    path = tmp_path / "script.py"
    path.write_bytes(content)
    script = Script.objects.create(module="arena", name="door")
    _, found = store(script, "python", content, "editor")
    checked = check_path(path, "arena")[0]
    tried = get_engine().execute_source(read_any(content), language="python", module_name="arena")
    ran = output("run_script", "--source", str(path))
    assert tried.error is not None
    assert {found[0].message, checked.diagnostics[0].message, tried.error.message, ran["error"]["message"]} == {said}


@pytest.mark.django_db
@pytest.mark.parametrize("language", MARKED)
def test_a_mark_at_the_beginning_is_taken_by_every_door(language: str, tmp_path: Path) -> None:
    text = MARKED[language]
    path = tmp_path / f"script.{SUFFIX[language]}"
    path.write_bytes(text.encode())
    script = Script.objects.create(module="arena", name="door")
    version, _ = store(script, language, text.encode(), "editor")
    assert version.accepted
    assert not [d for d in check_path(path, "arena")[0].diagnostics if d.severity == "error"]
    assert get_engine().execute_source(text, language=language, module_name="arena").result == 5
    assert output("run_script", "--source", str(path))["result"] == 5


def test_a_mark_moves_no_column() -> None:
    error = get_engine().execute_source("\ufeffresult = nothing", language="python").error
    assert error is not None
    assert (error.line, error.column, error.excerpt) == (1, 10, "result = nothing")


@pytest.mark.parametrize("content", [b"a\xff", b"\xed\xa0\xbd", b"\xef\xbb\xbfa", b"", "\u00e9".encode()])
def test_text_goes_back_to_the_bytes_that_it_came_from(content: bytes) -> None:
    assert encode(read_any(content)) == content
    with contextlib.suppress(NotText):
        assert encode(decode(content)) == content
