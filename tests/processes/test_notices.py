"""Notices over Channels: read as they were written, whichever release wrote them; anything else is refused in one way."""

from __future__ import annotations

from dataclasses import asdict

import msgspec
import pytest

from scripting.hot_reload.subscription import Subscription
from scripting.processes import notices
from scripting.processes.notices import Notice
from scripting.storage.redis_client import key, redis_client


def test_a_notice_is_read_as_it_was_written_with_or_without_fields_of_another_release() -> None:
    notice = Notice("activated", "tavern", "barkeeper", 3, actor="Zoë", at=1.5, carried="sealed", change=7)
    written = {"type": notices.TYPE, **asdict(notice)}
    assert Notice.of(written) == notice
    assert Notice.of(written | {"of_later": [1]}).change == 7
    assert Notice.of({"kind": "changed", "module": "tavern", "script": "barkeeper"}).carried == ""


@pytest.mark.parametrize("message", [[], None, {"kind": "changed"}, {"kind": 5, "module": "a", "script": "b"}])
def test_what_is_no_notice_is_refused(message: object) -> None:
    with pytest.raises(msgspec.MsgspecError):
        Notice.of(message)


@pytest.mark.once
@pytest.mark.usefixtures("redis_server")
def test_who_hears_goes_on_behind_what_is_no_notice_a_lost_connection_and_a_ring() -> None:
    joinings: list[int] = []
    subscription = Subscription(joined=lambda: joinings.append(1))
    channel = key("").removesuffix(":") + f"__group__{notices.PROCESSES}"
    subscription.join()
    for message in (b"", b"\xff\xff", b"\x01"):
        redis_client().publish(channel, message)
    notices.spread(Notice("changed", "tavern", "barkeeper"), (b"epoch", b"1"))
    heard = subscription.wait(10) or subscription.wait(10) or subscription.wait(10) or subscription.wait(10)
    assert [notice.script for notice in heard] == ["barkeeper"]
    subscription.ring()
    assert subscription.wait(60) == []
    redis_client().client_kill_filter(_type="pubsub")
    assert subscription.wait(60) == []
    assert not subscription.is_told
    assert subscription.wait(0) == []
    assert len(joinings) == 2, "what was sent meanwhile was missed"
    notices.spread(Notice("changed", "tavern", "barkeeper"), (b"epoch", b"1"))
    assert len(subscription.wait(10)) == 1
    subscription.leave()
