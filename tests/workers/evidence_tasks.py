"""Jobs for tests of evidence workers: each notes that it began, as a row (auth Group) that every process sees.

Groups of the site's roles may be there too.
"""

from __future__ import annotations

import time

from django.contrib.auth.models import Group

from scripting.bus import evidence_jobs

NOTE = "tests.workers.evidence_tasks.note"
FAIL = "tests.workers.evidence_tasks.fail"
WAIT = "tests.workers.evidence_tasks.wait"
FAILED = "tests.workers.evidence_tasks.failed"
MARK = "note: "


def note(name: str) -> None:
    write(f"{name} {len(notes())}")


def fail(name: str) -> None:
    raise ZeroDivisionError("the bug")


def wait(name: str) -> None:
    """Until the worker is asked to end."""
    note(name)
    while not evidence_jobs.running.is_stopping():
        evidence_jobs.running.progress()
        time.sleep(0.02)


def failed(name: str, why: str) -> None:
    write(f"{name} failed: {why}")


def write(words: str) -> None:
    Group.objects.create(name=MARK + words)


def notes() -> list[str]:
    found = Group.objects.filter(name__startswith=MARK).order_by("pk")
    return [name.removeprefix(MARK) for name in found.values_list("name", flat=True)]
