"""A site carried to another: exported into a file, and taken in whole or not at all, without overwriting what is there."""

from __future__ import annotations

import json
import stat
import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.core.management.base import CommandError

from scripting.models import Case, KnobSet, Schedule, Script, ScriptVersion, SubscriptionSet
from scripting.registry import knobs, publishing
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase
from scripting.schedules import keeping
from scripting.subscriptions import sets
from scripting.subscriptions.subscribed import Subscriber, table
from scripting.texts import case_text
from scripting.transfer import archive
from tests.support.arena import make_script
from tests.support.emptying import empty_the_rest

pytestmark = [pytest.mark.usefixtures("arena"), pytest.mark.django_db(transaction=True)]

FIRST = "POINTS = 2  # knob 0..100: what a hit is worth\nresult = {'points': POINTS}"
SECOND = FIRST.replace("2", "3")
CASE = '{"event": {"topic": "arena.hit", "payload": {"points": 1}}, "expect": [{"at": "result.points", "equal": 7}]}'


def run(command: str, *arguments: Any) -> str:
    said = StringIO()
    call_command(command, *arguments, stdout=said)
    return said.getvalue()


def publish(script: Script, text: str) -> None:
    script.refresh_from_db()
    publishing.publish(script, "python", text, actor=None, reason="better", base=AnyBase)


def make_site() -> Script:
    """A script at its second version with values, a case, subscriptions and a schedule."""
    script = make_script(FIRST)
    publish(script, SECOND)
    knobs.publish(script, {"POINTS": 7}, actor=None, reason="more")
    case = Case(script=script, name="seven")
    case.write(case_text.decode(CASE), Case.Origin.EDITOR)
    case.save()
    sets.publish("arena.unheard", [Subscriber("arena", "scorer")], actor=None, reason="heard")
    keeping.create(
        actor=None,
        reason="hourly",
        name="hourly hit",
        seconds=3600,
        topic="arena.hit",
        payload={"points": 1},
        key="ann",
    )
    return script


@pytest.fixture
def exported(tmp_path: Path, redis_client: redis.Redis) -> Path:
    """The file of that site; afterwards database and Redis are empty, and so another site's."""
    make_site()
    path = tmp_path / "site.zip"
    said = run("export_site", path)
    assert "1 scripts, 2 versions, 1 knobs, 1 cases, 1 subscriptions, 1 schedules" in said
    empty_the_rest()
    redis_client.flushall()
    registry.forget()
    table.forget()
    return path


@pytest.mark.parametrize("folder", [".", "/"])
def test_a_folder_is_no_file_to_export_to(folder: str) -> None:
    with pytest.raises(CommandError, match="is a folder: name the file to write") as refused:
        run("export_site", folder)
    assert refused.value.returncode == 2


def test_an_exported_site_is_its_owner_s_alone(exported: Path) -> None:
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600


def numbers() -> list[tuple[int, str]]:
    return [(each.number, each.text) for each in ScriptVersion.objects.order_by("number")]


def test_an_empty_site_becomes_the_same_site_and_a_second_import_changes_nothing(exported: Path) -> None:
    run("import_site", exported, "-m", "a second site", "--live")
    script = Script.objects.get()
    assert numbers() == [(1, FIRST), (2, SECOND)]
    assert script.active_version is not None
    assert script.active_version.number == 2
    assert script.active_knobs is not None
    assert script.active_knobs.values == {"POINTS": 7}
    assert "better (imported: 2 of " in script.active_version.message
    assert sets.now_active("arena.unheard").number == SubscriptionSet.objects.get().number == 1
    assert Schedule.objects.get().enabled
    assert script.cases.get().decoded() == case_text.decode(CASE)
    assert run("import_site", exported, "-m", "again", "--live") == "0 changes, 6 here already, 0 left\n"


def test_without_live_texts_are_kept_and_what_runs_stays(exported: Path) -> None:
    said = run("import_site", exported, "-m", "to look at")
    script = Script.objects.get()
    assert script.active_version is None
    assert numbers() == [(1, FIRST), (2, SECOND)]
    assert not Schedule.objects.get().enabled
    assert sets.now_active("arena.unheard").number == 0
    assert "the schedule hourly hit is new here, and paused" in said


def test_an_equal_text_is_the_version_that_it_is_and_another_gets_a_new_number(exported: Path) -> None:
    script = make_script("result = {'points': 99}")
    publish(script, SECOND)
    said = run("import_site", exported, "-m", "merged")
    assert numbers() == [(1, "result = {'points': 99}"), (2, SECOND), (3, FIRST)]
    assert "arena/scorer v1 is arena/scorer v3" in said
    script.refresh_from_db()
    assert script.active_version is not None
    assert script.active_version.number == 2, "what runs stays"


def test_a_case_and_a_schedule_that_are_others_here_are_left_and_named(exported: Path) -> None:
    script = make_script(SECOND)
    case = Case(script=script, name="seven")
    case.write(case_text.decode(CASE.replace("7}", "3}")), Case.Origin.EDITOR)
    case.save()
    keeping.create(
        actor=None, reason="daily", name="hourly hit", seconds=86400, topic="arena.hit", payload={"points": 1}
    )
    said = run("import_site", exported, "-m", "merged")
    assert "left as it is: the case arena/scorer/seven is another one here" in said
    assert "left as it is: the schedule hourly hit is another one here" in said
    assert Schedule.objects.get().seconds == 86400
    run("import_site", exported, "-m", "theirs counts", "--live")
    assert Schedule.objects.get().seconds == 3600
    case.refresh_from_db()
    assert case.decoded() == case_text.decode(CASE)


def test_a_dry_run_says_the_same_and_changes_nothing(exported: Path) -> None:
    said = run("import_site", exported, "-m", "try", "--live", "--dry-run")
    assert "arena/scorer v2 is live" in said
    assert "nothing is imported: this was a dry run" in said
    assert not Script.objects.exists()
    registry.forget()


def changed(path: Path, member: str, edit: Any, *, digests: bool = True) -> Path:
    """The archive with one member's text edited; its list of digests too, unless it is to be found."""
    site = archive.read(path)
    other = path.with_name("changed.zip")
    archive.write(other, site)
    with zipfile.ZipFile(other) as file:
        texts = {name: file.read(name).decode() for name in file.namelist()}
    texts[member] = edit(texts[member])
    if digests:
        head = json.loads(texts[archive.LIST])
        head["files"][member]["sha256"] = ScriptVersion.digest_of(texts[member].encode())
        texts[archive.LIST] = json.dumps(head)
    with zipfile.ZipFile(other, "w") as file:
        for name, text in texts.items():
            file.writestr(name, text)
    return other


def refused(path: Path) -> str:
    with pytest.raises(CommandError) as refusal:
        run("import_site", path, "-m", "why not", "--live")
    assert "nothing is imported" in str(refusal.value)
    assert not Script.objects.exists(), "all of it or nothing"
    assert not KnobSet.objects.exists()
    registry.forget()
    return str(refusal.value)


def test_a_file_that_was_damaged_or_does_not_fit_this_site_is_refused_whole(exported: Path) -> None:
    assert "its digest differs" in refused(
        changed(exported, "cases.jsonl", lambda t: t.replace("7", "8"), digests=False)
    )
    assert "its digest is another one" in refused(
        changed(exported, "versions.jsonl", lambda t: t.replace("UE9", "UE8"))
    )
    assert "lacks the topic arena.lost" in refused(
        changed(exported, "subscriptions.jsonl", lambda t: t.replace("arena.unheard", "arena.lost"))
    )
    assert "lacks the module harbour" in refused(
        changed(exported, "scripts.jsonl", lambda t: t.replace("arena", "harbour"))
    )
    # the last of its kinds, when all the others are in the transaction already
    assert "the schedule hourly hit" in refused(changed(exported, "schedules.jsonl", lambda t: t.replace("3600", "0")))
    assert "the case arena/scorer/../seven" in refused(
        changed(exported, "cases.jsonl", lambda t: t.replace('"name":"seven"', '"name":"../seven"'))
    )
    half = exported.with_name("half.zip")
    half.write_bytes(exported.read_bytes()[:-40])
    assert "damaged" in refused(half)
