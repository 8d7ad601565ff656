"""Rows that a publish writes by statements compiled once: what they hold is what the ORM would have stored."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models

from scripting.models import Activation, ScriptVersion
from scripting.storage.compiled_insert import create
from tests.support.arena import make_script

pytestmark = pytest.mark.django_db(transaction=True)

FOUND = [{"severity": "warning", "type": "execution", "message": "ünused", "line": 3}]


def stored(row: models.Model, but: set[str]) -> dict[str, Any]:
    read = type(row)._default_manager.get(pk=row.pk)
    return {f.attname: getattr(read, f.attname) for f in row._meta.concrete_fields if f.attname not in but}


@pytest.mark.usefixtures("arena")
def test_a_row_is_stored_and_answered_as_the_orm_does_it() -> None:
    script = make_script("result = 1")
    values: dict[str, Any] = {
        "script": script, "language": "python", "content": b"\xff\x00 %s", "source": "\\xff %s ü", "origin": "file",
        "message": "50 %", "accepted": False, "diagnostics": FOUND,
    }  # fmt: skip
    ours = create(ScriptVersion, number=7, sha256="a" * 64, **values)
    theirs = ScriptVersion.objects.create(number=8, sha256="b" * 64, **values)
    differing = {"id", "number", "sha256", "created_at"}
    assert stored(ours, differing) == stored(theirs, differing)
    read = ScriptVersion.objects.get(number=7, script=script)
    assert (read.pk, read.created_at, bytes(read.content)) == (ours.pk, ours.created_at, b"\xff\x00 %s")
    ours.accepted = True
    ours.save(update_fields=["accepted"])  # it is known as a stored one
    assert ScriptVersion.objects.get(pk=ours.pk).accepted

    moved: dict[str, Any] = {
        "script": script,
        "version": ours,
        "knobs": None,
        "cause": "publish",
        "actor": None,
        "reason": "%d",
    }
    live, by_orm = create(Activation, **moved), Activation.objects.create(**moved)
    assert stored(live, {"id", "created_at"}) == stored(by_orm, {"id", "created_at"})
    assert (live.version, live.script.pk, live.override) == (ours, script.pk, "")
    assert live.pk < by_orm.pk


@pytest.mark.usefixtures("arena")
def test_what_the_database_refuses_is_refused() -> None:
    script = make_script("result = 1")
    with pytest.raises(Exception, match=r"(?i)version_number_unique|unique constraint failed"):
        create(
            ScriptVersion, script=script, number=1, language="python", content=b"x", source="x", sha256="c" * 64,
            origin="file", accepted=True,
        )  # fmt: skip
