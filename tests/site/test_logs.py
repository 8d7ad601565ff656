"""The site's log: a line says what happened whatever its fields, and names its request; a closed stream is no error."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import sys
import time
from collections.abc import Iterator

import pytest
from django.test import Client
from structlog.contextvars import get_contextvars

from goby_site.logs import StderrHandler, logging_config
from goby_site.web import health
from scripting.execution import site_log

FAILED = {
    "status": "failed", "error_type": "timeout", "error_message": "too slow\nby far", "error_line": 3,
    "id": "e-1", "event_id": "ev-1", "request_id": "r-1",
}  # fmt: skip


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The JSON lines of the loggers of executions, written by a handler as the site configures it."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    config = logging_config("json", logging.DEBUG)
    formatter = config["formatters"]["line"]
    handler = StderrHandler()
    handler.setFormatter(
        formatter["()"](foreign_pre_chain=formatter["foreign_pre_chain"], processors=formatter["processors"])
    )
    loggers = [logging.getLogger(name) for name in ("scripting.execution", "scripting.lines", "scripting.security")]
    before = [(logger.level, logger.handlers[:], logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.DEBUG)
    yield stream
    for logger, (level, handlers, propagate) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def test_a_line_of_an_execution_says_what_happened_and_carries_its_ids(written: io.StringIO) -> None:
    site_log.tell(FAILED, "a/b", 2, [site_log.Written(2, ["a line"], [1500])])
    line, told = (json.loads(text) for text in written.getvalue().splitlines())
    assert (line["event"], line["at_us"], line["level"]) == ("a line", 1500, "debug")
    assert (told["event"], told["level"]) == ("execution of a/b failed: timeout line 3: too slow⏎by far", "error")
    for each in (line, told):
        ids = {name: each[name] for name in ("script", "version", "execution", "event_id", "request_id")}
        assert ids == {"script": "a/b", "version": 2, "execution": "e-1", "event_id": "ev-1", "request_id": "r-1"}


def test_a_field_that_is_named_like_the_message_does_not_replace_it(written: io.StringIO) -> None:
    logging.getLogger("scripting.execution").error("what happened", extra={"event": "something else"})
    assert json.loads(written.getvalue())["event"] == "what happened"


def test_a_security_violation_goes_to_its_own_logger_too(written: io.StringIO) -> None:
    site_log.tell({**FAILED, "error_type": "security_violation", "user": "ada", "trigger": "event"}, "a/b", 2)
    lines = [json.loads(text) for text in written.getvalue().splitlines()]
    assert [line["logger"] for line in lines] == ["scripting.security", "scripting.execution"]
    assert [line["event"].partition(" line 3")[0] for line in lines] == [
        "a/b refused by the sandbox",
        "execution of a/b failed: security_violation",
    ]
    assert (lines[0]["by"], lines[0]["trigger"], lines[0]["level"]) == ("ada", "event", "warning")


def test_a_stream_that_was_closed_is_left_for_the_one_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    handler = StderrHandler()
    record = logging.LogRecord("x", logging.WARNING, "x.py", 1, "still here", None, None)
    first.close()
    handler.handle(record)  # nowhere to write to, and nothing to complain to
    monkeypatch.setattr(sys, "stderr", second)
    handler.handle(record)
    assert second.getvalue() == "still here\n"


@pytest.mark.parametrize(("given", "kept"), [("req-7", True), ("", False), ("a b", False), ("x" * 65, False)])
def test_each_line_of_a_request_and_its_answer_carry_its_id(
    client: Client, monkeypatch: pytest.MonkeyPatch, given: str, kept: bool
) -> None:
    seen: list[object] = []

    def look() -> bool:
        seen.append(get_contextvars().get("request_id"))
        return True

    monkeypatch.setattr(health, "PARTS", {"look": look})
    told = client.get("/readyz", headers={"x-request-id": given}).headers["X-Request-ID"]
    assert seen == [told]
    assert (told == given) is kept
    assert 0 < len(told) <= 64
    assert "request_id" not in get_contextvars()


def test_what_a_disabled_script_skips_is_counted_once_a_minute_at_info(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    logging.getLogger("scripting.execution").setLevel(logging.INFO)
    now = time.monotonic()
    monkeypatch.setattr(site_log.time, "monotonic", lambda: now)
    for _ in range(3):
        site_log.tell({"status": "skipped", "id": "e-1"}, "a/asleep", 2)
        site_log.tell({"status": "skipped", "id": "e-2"}, "a/at_rest", 2)
    now += site_log.SKIPS_SECONDS
    site_log.tell({"status": "skipped", "id": "e-1"}, "a/asleep", 2)
    told = [json.loads(text) for text in written.getvalue().splitlines()]
    assert [(each["script"], each["event"][-1], each["level"]) for each in told] == [
        ("a/asleep", "1", "info"),
        ("a/at_rest", "1", "info"),
        ("a/asleep", "3", "info"),
    ]
