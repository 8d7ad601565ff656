"""The page of knobs: who may, what it shows, what the server refuses, and that events are decided by what was published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scripting.access.roles import TUNER, permissions_of
from scripting.evidence import curve_jobs
from scripting.evidence.replays import live_bundle
from scripting.models import Execution, KnobCurve, KnobSchedule, KnobSet, ReplayReport, Script
from scripting.registry import knobs
from tests.evidence.recorded import record
from tests.support.arena import arena_registered, make_script
from tests.workbench.test_answers import ROOT, ask, client_of

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = """factor = 1.0  # knob 0..4 step 0.5: points are multiplied by it
limit = 3  # knob 0..6: a high score is above it
loud = False  # knob: whether it tells
points = message['payload']['points']
if loud:
    log('a hit')
result = {'points': int(points * factor), 'high': points > limit, 'told': message['payload']['secret']}
"""


@pytest.fixture
def script() -> Iterator[Script]:
    with arena_registered():
        made = make_script(TEXT)
        hits(30)
        yield made


def hits(count: int) -> list[Execution]:
    payloads = [{"points": at % 7, "secret": "swordfish"} for at in range(count)]
    return record("arena", "scorer", "arena.hit", payloads, key="ada")


@pytest.fixture
def tuner(script: Script) -> Client:
    return client_of("tune", name="tess")


def test_who_may_only_tune_sees_the_knobs_and_nothing_else(tuner: Client) -> None:
    page = tuner.get(ROOT + "tune/").content.decode()
    assert "points are multiplied by it" in page
    assert "Open in the workbench" not in page
    assert tuner.get("/scripts/tune/").content.decode().count("/tune/") >= 2
    for closed in ("/scripts/", ROOT, ROOT + "history/", ROOT + "replay/", ROOT + "api/active"):
        assert tuner.get(closed).status_code == 403, closed
    assert ask(tuner, "POST", "api/publish", source="result = 1", reason="no")[0] == 403
    designer = client_of("view", "edit", "run", "publish", name="dora")
    assert designer.get(ROOT + "tune/").status_code == 403
    for path in ("replay", "publish", "rollback"):
        assert ask(designer, "POST", f"api/tune/{path}", values={}, reason="no", number=0)[0] == 403


@pytest.mark.any_database
def test_the_role_tuner_has_the_one_permission(script: Script) -> None:
    assert [permission.codename for permission in permissions_of(TUNER)] == ["tune_script"]


def test_values_are_published_with_a_reason_and_decide_the_next_event(script: Script, tuner: Client) -> None:
    values = {"factor": 2, "limit": 3, "loud": False}
    assert ask(tuner, "POST", "api/tune/publish", values=values, base=None)[1]["error"]["type"] == "reason"
    status, answer = ask(tuner, "POST", "api/tune/publish", values=values, reason="more", base=None)
    assert (status, answer) == (200, {"number": 1})
    assert KnobSet.objects.get().values == {"factor": 2.0}, "as the knob has it, and nothing that is the default"
    [*_, last] = hits(6)
    assert last.result_value["points"] == 10
    page = tuner.get(ROOT + "tune/").content.decode()
    assert "Set by tess" in page
    assert "more" in page
    assert "knobs 1 is live" in page
    status, answer = ask(tuner, "POST", "api/tune/publish", values=values, reason="again", base=1)
    assert (status, answer["error"]["type"]) == (422, "unchanged")
    status, answer = ask(tuner, "POST", "api/tune/publish", values={"factor": 3}, reason="late", base=None)
    assert (status, answer["error"]["type"]) == (409, "stale_base")
    status, answer = ask(tuner, "POST", "api/tune/rollback", number=0, reason="what is live was not seen", base=None)
    assert (status, answer["error"]["type"]) == (409, "stale_base")
    status, answer = ask(tuner, "POST", "api/tune/rollback", number=0, reason="back", base=1)
    assert (status, answer) == (200, {"number": None})
    assert hits(6)[-1].result_value["points"] == 5


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"factor": 5}, {"factor": "is not between 0 and 4"}),
        ({"factor": 1.2}, {"factor": "is not on the steps of 0.5 from 0"}),
        ({"limit": 1.5, "loud": "yes"}, {"limit": "is not a whole number", "loud": "is not true or false"}),
        ({"nobody": 1}, {"nobody": "is no knob of this script"}),
        ({"factor": None}, {"factor": "has no value"}),
        ({"factor": 10**30}, {"factor": "is not a value that a knob can have"}),
    ],
)
def test_bounds_hold_on_the_server(tuner: Client, values: dict[str, object], problem: dict[str, str]) -> None:
    for path in ("publish", "replay"):
        status, answer = ask(tuner, "POST", f"api/tune/{path}", values=values, reason="a try")
        assert (status, answer["problems"]) == (422, problem)
    assert not KnobSet.objects.exists()


def test_draft_values_are_replayed_and_who_may_not_try_scripts_gets_no_report(script: Script, tuner: Client) -> None:
    status, answer = ask(tuner, "POST", "api/tune/replay", values={"factor": 2})
    changed = sum(at % 7 != 0 for at in range(30))
    assert status == 200
    assert answer == {"sentence": f"changes {changed} of 30 decisions, 0 would fail", "kind": "changed", "address": ""}
    report = ReplayReport.objects.get()
    assert report.text == "", "it says nothing of the version"
    both = client_of("view", "run", "tune", name="rita")
    address = ask(both, "POST", "api/tune/replay", values={"factor": 2})[1]["address"]
    assert address == reverse("workbench:report", args=["arena", "scorer", report.pk])
    assert "Knobs of tess changes" in both.get(address).content.decode()


@pytest.mark.any_database
def test_values_are_planned_for_a_time_on_the_clock_of_the_site_and_ended(script: Script, tuner: Client) -> None:
    begins = timezone.localtime(timezone.now() + timedelta(days=1)).replace(tzinfo=None, microsecond=0)
    times = {"from": begins.isoformat(), "until": (begins + timedelta(hours=2)).isoformat()}
    status, answer = ask(tuner, "POST", "api/tune/plan", values={"factor": 2}, reason="a festival", **times)
    assert (status, answer["number"]) == (200, 1)
    made = KnobSchedule.objects.get()
    assert (made.starts_at, made.ends_at - made.starts_at) == (timezone.make_aware(begins), timedelta(hours=2))
    page = tuner.get(ROOT + "tune/").content.decode()
    assert "a festival" in page
    assert "planned" in page
    for more, kind in (({"from": "soon"}, "time"), ({"until": ""}, "time"), ({}, "refused")):
        status, answer = ask(
            tuner, "POST", "api/tune/plan", **{"values": {"factor": 3}, "reason": "more", **times, **more}
        )
        assert (status, answer["error"]["type"]) == (422, kind)
    assert ask(tuner, "POST", "api/tune/cancel", id=made.pk, reason="rain") == (200, {"state": "cancelled"})
    assert ask(tuner, "POST", "api/tune/cancel", id=made.pk, reason="rain")[0] == 422


@pytest.mark.slow
@pytest.mark.any_database
def test_a_curve_tells_what_nine_settings_would_do_with_intervals(script: Script, tuner: Client) -> None:
    curve_jobs.draw(script.pk, live_bundle(script).digest)
    curves = {curve.knob: curve.document for curve in KnobCurve.objects.all()}
    assert set(curves) == {"factor", "limit"}, "numbers alone have one"
    factor, limit = curves["factor"], curves["limit"]
    assert factor["settings"] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]
    assert limit["settings"] == [0, 1, 2, 3, 4, 5, 6]
    points = [at % 7 for at in range(30)]
    means = [mean for mean, _, _ in factor["measures"]["points"]["points"]]
    assert means == pytest.approx([sum(int(p * f) for p in points) / 30 for f in factor["settings"]])
    assert all(low <= mean <= high for mean, low, high in factor["measures"]["points"]["points"])
    shares = [share for share, _, _ in limit["measures"]["high"]["points"]]
    assert shares == pytest.approx([sum(p > most for p in points) / 30 for most in limit["settings"]])
    assert (limit["measures"]["high"]["kind"], limit["measures"]["points"]["moves"]) == ("share", False)
    status, answer = ask(tuner, "GET", "api/tune/curves")
    assert status == 200
    assert "mean points" in answer["html"]["factor"]
    assert "share of high" in answer["html"]["limit"]
    assert "mean points" not in answer["html"]["limit"], "it does not move them"
    assert not answer["waiting"]


def test_curves_of_other_live_values_are_not_shown(script: Script, tuner: Client) -> None:
    curve_jobs.draw(script.pk, live_bundle(script).digest)
    knobs.publish(script, {"limit": 2}, actor=None, reason="less")
    assert curve_jobs.fresh(script) == {}


@pytest.mark.any_database
def test_a_knob_that_moves_nothing_says_so_and_nothing_recorded_has_no_curve(tuner: Client, script: Script) -> None:
    Execution.objects.all().delete()
    curve_jobs.draw(script.pk, live_bundle(script).digest)
    answer = ask(tuner, "GET", "api/tune/curves")[1]
    assert answer["problem"] == "This script has not run yet: there is nothing to try values on."
    assert ask(tuner, "POST", "api/tune/replay", values={"factor": 2})[1] == {"sentence": ""}


@pytest.mark.any_database
def test_an_execution_names_its_knobs(script: Script, admin_client: Client) -> None:
    knobs.publish(script, {"factor": 2}, actor=None, reason="more")
    [*_, last] = hits(3)
    page = admin_client.get(reverse("admin:scripting_execution_change", args=[last.pk])).content.decode()
    assert ", knobs 1" in page
    assert ", knobs 1" in admin_client.get(ROOT + "history/").content.decode()


@pytest.mark.slow
@pytest.mark.any_database
def test_values_for_one_key_alone_are_set_beside_the_others_planned_and_taken_away(
    script: Script, tuner: Client
) -> None:
    everywhere = {"factor": 2, "limit": 3, "loud": False}
    ask(tuner, "POST", "api/tune/publish", values=everywhere, reason="more", base=None)
    mild = everywhere | {"factor": 1}
    status, answer = ask(tuner, "POST", "api/tune/publish", values=mild, only="key ada", reason="spare her", base=1)
    assert (status, answer) == (200, {"number": 2})
    assert KnobSet.objects.get(number=2).told == {"factor": 2.0, "factor for key ada": 1.0}
    assert [hits(3)[2].result_value["points"], hits_of("bo")] == [2, 4]
    page = tuner.get(ROOT + "tune/").content.decode()
    assert 'data-drop="key ada"' in page
    assert "Only for <select" in page
    ask(tuner, "POST", "api/tune/publish", values=everywhere | {"limit": 1}, reason="for all", base=2)
    assert KnobSet.objects.get(number=3).segments == [("key ada", {"factor": 1.0})], "it stays beside"
    until = (timezone.localtime() + timedelta(hours=1)).isoformat()
    planned = ask(tuner, "POST", "api/tune/plan", values=mild, only="key bo", reason="a feast", until=until)
    assert planned[0] == 200
    assert [name for name, _ in KnobSchedule.objects.get().knobs.segments] == ["key bo", "key ada"]
    refused = ask(tuner, "POST", "api/tune/publish", values=mild, only="segment gold", reason="no", base=3)
    assert refused[0] == 422
    assert ask(tuner, "POST", "api/tune/drop", only="key zoe", reason="no")[0] == 404
    assert ask(tuner, "POST", "api/tune/drop", only="key ada", reason="enough")[0] == 200
    assert Script.objects.get(pk=script.pk).active_knobs.segments == []  # type: ignore[union-attr]


def hits_of(key: str) -> int:
    [execution] = record("arena", "scorer", "arena.hit", [{"points": 2, "secret": "swordfish"}], key=key)
    return int(execution.result_value["points"])
