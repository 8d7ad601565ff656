"""Notices on Redis: read as they were written, whichever release wrote them; anything else is refused in one way."""

from __future__ import annotations

import json

import msgspec
import pytest

from scripting.processes.notices import Notice


def test_a_notice_is_read_as_it_was_written_with_or_without_fields_of_another_release() -> None:
    notice = Notice("activated", "tavern", "barkeeper", 3, actor="Zoë", at=1.5, carried="sealed", change=7)
    assert Notice.unpacked(notice.packed().encode()) == notice
    newer = json.dumps(json.loads(notice.packed()) | {"of_later": [1]}).encode()
    assert Notice.unpacked(newer).change == 7
    assert Notice.unpacked(b'{"kind": "changed", "module": "tavern", "script": "barkeeper"}').carried == ""


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{", b"\xff", b'{"kind": "changed"}', b'{"kind": 5, "module": "a", "script": "b"}']
)
def test_what_is_no_notice_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        Notice.unpacked(text)
