"""The rules of "which version is active" as tables: what is there and what is known → what to do."""

from __future__ import annotations

import pytest

from scripting.sources.folder import ScriptFile, Unusable
from scripting.sources.rules import DefaultAction, FileAction, Known, decide_default, decide_file

FILE = ScriptFile("m", "x", "python", "scripts/m/x.py", b"result = 1\n")
UNUSABLE = Unusable("m", "x", "scripts/m/x.py", "is a symbolic link")


@pytest.mark.parametrize(
    ("found", "known", "action"),
    [
        (FILE, Known(), FileAction.TAKE),
        (FILE, Known(file_digest=FILE.digest), FileAction.NOTHING),
        (FILE, Known(file_digest="of another text", has_active=True), FileAction.TAKE),
        (UNUSABLE, Known(file_digest=FILE.digest, has_active=True, active_by_file=True), FileAction.KEEP),
        (None, Known(), FileAction.NOTHING),
        (None, Known(file_digest=FILE.digest, has_active=True, active_by_file=True), FileAction.NOTHING),
        (
            None,
            Known(file_digest=FILE.digest, here=FILE.digest, has_active=True, active_by_file=True),
            FileAction.REVERT,
        ),
        (None, Known(file_digest=FILE.digest, here=FILE.digest, has_active=True), FileAction.FORGET),
        (None, Known(file_digest="another's", here=FILE.digest, has_active=True), FileAction.LEAVE),
        (FILE, Known(file_digest="another's", here=FILE.digest, has_active=True), FileAction.NOTHING),
        (FILE, Known(here=FILE.digest, has_active=True), FileAction.NOTHING),
    ],
)
def test_a_file_is_taken_only_when_its_digest_changed_and_counts_as_deleted_only_when_it_is_gone(
    found: ScriptFile | Unusable | None, known: Known, action: FileAction
) -> None:
    assert decide_file(found, known) is action


SHIPPED = {"has_active": True, "has_default": True}


@pytest.mark.parametrize(
    ("known", "file_present", "action"),
    [
        (Known(), False, DefaultAction.ACTIVATE),
        (Known(), True, DefaultAction.ACTIVATE),
        (Known(**SHIPPED, default_same=True, default_active=True), False, DefaultAction.NOTHING),
        (Known(**SHIPPED, default_same=True), False, DefaultAction.NOTHING),
        (Known(has_default=True, default_same=True), False, DefaultAction.ACTIVATE),
        (Known(**SHIPPED, default_active=True), False, DefaultAction.UPGRADE),
        (Known(**SHIPPED, default_active=True), True, DefaultAction.FLAG),
        (Known(**SHIPPED, default_active=True, pinned=True), False, DefaultAction.FLAG),
        (Known(**SHIPPED), False, DefaultAction.FLAG),
        (Known(has_active=True), False, DefaultAction.FLAG),
    ],
)
def test_an_upgraded_default_activates_only_without_file_unpinned_and_over_the_previous_default(
    known: Known, file_present: bool, action: DefaultAction
) -> None:
    assert decide_default(known, file_present=file_present) is action


def test_the_same_text_under_another_suffix_is_another_file() -> None:
    other = ScriptFile("m", "x", "tengo", "scripts/m/x.tengo", FILE.content)
    assert other.digest != FILE.digest
