"""The answers of the workbench's addresses: checks, trials, drafts, publishing, and refusals with words that tell what to do."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from scripting.models import Draft, Script
from scripting.sources.steps import UNUSABLE
from scripting.workbench import sampling, trials
from tests.support.arena import arena_registered, make_script
from tests.support.processes import alive, processes_of
from tests.support.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

LIVE = "result = {'points': rand()}\n"
ROOT = "/scripts/arena/scorer/"


@pytest.fixture
def script() -> Iterator[Script]:
    with arena_registered():
        yield make_script(LIVE)


def client_of(*permissions: str, name: str = "dora", staff: bool = True) -> Client:
    """Somebody logged in, with these permissions on scripts."""
    user = User.objects.create_user(name, is_staff=staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=[f"{word}_script" for word in permissions]))
    client = Client()
    client.force_login(user)
    return client


def ask(client: Client, method: str, path: str, **document: Any) -> tuple[int, Any]:
    body = {"language": "python", **document}
    answer = client.generic(method, ROOT + path, json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


@pytest.fixture
def designer(script: Script) -> Client:
    return client_of("view", "edit", "run", "publish")


def test_a_check_names_line_column_and_what_to_write_instead(designer: Client) -> None:
    status, answer = ask(designer, "POST", "api/check", source="x = 1\nimport os\n")
    assert status == 200
    assert not answer["ok"]
    error = next(found for found in answer["diagnostics"] if found["severity"] == "error")
    assert (error["line"], error["type"]) == (2, "security_violation")
    assert "os" in error["message"]


def test_what_will_certainly_fail_is_published_only_when_it_is_confirmed(designer: Client, script: Script) -> None:
    base = script.active_version.number  # type: ignore[union-attr]
    asked = {"source": "result = damge\n", "reason": "why", "base": base}
    status, answer = ask(designer, "POST", "api/publish", **asked)
    assert (status, answer["error"]["type"]) == (409, "will_fail")
    assert [(found["line"], found["certain"]) for found in answer["diagnostics"]] == [(1, True)]
    assert 'line 1: nothing here defines "damge"' in answer["error"]["message"]
    assert script.versions.count() == 1
    status, answer = ask(designer, "POST", "api/publish", **asked, confirmed=True)
    assert (status, answer["active"]["number"]) == (200, 2)


def test_a_trial_plays_both_texts_on_the_same_dice_and_commits_nothing(designer: Client, script: Script) -> None:
    source = "log('awarding')\naward(5)\nresult = {'points': 1 + rand()}\n"
    _, answer = ask(
        designer, "POST", "api/trial", source=source, input="topic:arena.hit", payload={"points": 1}, compare=True
    )
    mine, active = answer["trial"], answer["active"]
    points, live = (json.loads(each["result"])["points"] for each in (mine, active))
    assert points == pytest.approx(1 + live)
    assert mine["seed"] == active["seed"]
    assert [row["mine"] for row in answer["beside"]["effects"]] == ["award(points=5)"]
    assert mine["logs"] == ["awarding"]
    assert 0 < mine["log_us"][0] <= mine["metrics"]["wall_us"]
    assert not script.executions.exists()


@pytest.mark.slow
def test_a_sample_tells_how_often_and_how_much_on_the_same_dice(designer: Client, script: Script) -> None:
    source = "points = rand()\nresult = {'points': 1 + points, 'high': points > 2, 'word': 'x'}\n"
    _, answer = ask(designer, "POST", "api/sample", source=source, input="", payload={}, seed="11")
    assert 1 <= answer["runs"] <= 50
    assert answer["failures"] == [0, 0]
    fields = {field["name"]: field for field in answer["fields"]}
    mine, active = fields["points"]["sides"]
    assert mine["mean"] == pytest.approx(1 + active["mean"])
    assert sum(mine["bins"]) == sum(active["bins"]) == answer["runs"]
    assert (fields["high"]["kind"], fields["high"]["sides"]) == ("share", [0.0, None])
    assert fields["word"]["sides"] == [[["x", answer["runs"]]], []]
    assert not script.executions.exists()


@pytest.mark.slow
def test_a_sample_of_a_text_that_fails_says_so(designer: Client) -> None:
    _, answer = ask(designer, "POST", "api/sample", source="result = 1 / 0\n", input="", payload={})
    assert answer["failures"] == [answer["runs"], 0]
    assert "division" in answer["error"]


def test_inputs_that_do_not_fit_the_topic_are_refused_in_its_words(designer: Client) -> None:
    wanted = {"source": LIVE, "input": "topic:arena.hit", "payload": {"points": "many"}}
    status, answer = ask(designer, "POST", "api/trial", **wanted)
    assert (status, answer["error"]["type"]) == (422, "inputs")
    assert "points" in answer["error"]["message"]


@pytest.mark.slow
def test_a_trial_is_cancelled_by_who_began_it_and_its_process_is_killed(designer: Client, script: Script) -> None:
    script.max_execution_time = 300
    script.save(update_fields=["max_execution_time"])
    stranger = client_of("view", "run", name="otto")
    answers: list[tuple[int, Any]] = []
    endless = {"source": "while True:\n    pass\n", "input": "", "payload": {}, "trial": "first"}
    trial = threading.Thread(target=lambda: answers.append(ask(designer, "POST", "api/trial", **endless)))
    trial.start()
    sandbox = wait_until(busy_sandbox, 60, what="the trial's process")
    assert ask(stranger, "POST", "api/cancel", trial="first")[0] == 200
    assert ask(designer, "POST", "api/cancel", trial="another")[0] == 200
    assert alive(sandbox), "neither of these named the trial"
    assert ask(designer, "POST", "api/cancel", trial="first") == (200, {})
    trial.join(60)
    assert not alive(sandbox)
    [(status, answer)] = answers
    assert (status, answer["trial"]["status"], answer["trial"]["error"]) == (200, "cancelled", None)
    assert answer["active"] is None, "the live text is not run after that"


def busy_sandbox() -> int | None:
    """The sandbox of this very process, and of no other test's, that has computed for a second."""
    for pid, command in processes_of(os.getsid(0)).items():
        fields = stat_of(pid)
        if (
            "scripting.sandbox" in command
            and fields
            and fields[0] == "R"
            and int(fields[11]) > os.sysconf("SC_CLK_TCK")
        ):
            parents = [int(fields[1])]
            while parents[-1] > 1 and (more := stat_of(parents[-1])):
                parents.append(int(more[1]))
            if os.getpid() in parents:
                return pid
    return None


def stat_of(pid: int) -> list[str]:
    """State, parent and so on of a process; nothing of one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def test_a_cancelled_sample_tells_of_the_runs_until_then(designer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []

    def outcome(*arguments: Any) -> Any:
        runs.append("one")
        if len(runs) == 5:
            ask(designer, "POST", "api/cancel", trial="sample")
        return trials.outcome(*arguments)

    monkeypatch.setattr(sampling, "outcome", outcome)
    _, answer = ask(designer, "POST", "api/sample", source=LIVE, input="", payload={}, trial="sample")
    assert (answer["cancelled"], answer["runs"]) == (True, 2)


def test_the_search_finds_ones_own_drafts_and_nobody_elses(designer: Client, script: Script) -> None:
    ask(designer, "PUT", "api/draft", source=LIVE + "# a flying castle\n", base=1, revision=None)
    assert b"<mark>flying</mark>" in designer.get("/scripts/?q=flying").content
    assert designer.get("/scripts/?q=rand()").content.count(b"<mark>") == 1, "lines that are live are not told twice"
    other = client_of("view", "edit", name="otto")
    assert b"<mark>" not in other.get("/scripts/?q=flying").content
    assert b"your draft</span>" not in other.get("/scripts/").content


@pytest.mark.parametrize("seed", ["-1", "1.5", "x", str(2**63)])
def test_a_seed_that_is_none_is_refused(designer: Client, seed: str) -> None:
    assert ask(designer, "POST", "api/trial", source=LIVE, input="", payload={}, seed=seed)[0] == 422


@pytest.mark.any_database
def test_a_draft_is_only_replaced_by_who_knows_its_revision(designer: Client, script: Script) -> None:
    _, first = ask(designer, "PUT", "api/draft", source="one", base=1, revision=None)
    status, conflict = ask(designer, "PUT", "api/draft", source="two", base=1, revision=None)
    assert (status, conflict["error"]["type"]) == (409, "draft_conflict")
    assert (conflict["theirs"]["source"], conflict["base_source"]) == ("one", LIVE)
    assert ask(designer, "PUT", "api/draft", source="two", base=1, revision=first["revision"])[0] == 200
    assert ask(designer, "POST", "api/discard", revision=first["revision"])[0] == 409
    assert Draft.objects.get(script=script).source == "two"


def test_drafts_are_personal(designer: Client, script: Script) -> None:
    ask(designer, "PUT", "api/draft", source="hers", base=1, revision=None)
    other = client_of("view", "edit", name="otto")
    assert ask(other, "PUT", "api/draft", source="his", base=1, revision=None)[0] == 200
    assert {draft.source for draft in Draft.objects.filter(script=script)} == {"hers", "his"}


@pytest.mark.any_database
@pytest.mark.parametrize("source", ["a\x00b", "half \ud83d"])
def test_a_text_that_no_database_can_hold_is_refused_with_a_reason(designer: Client, source: str) -> None:
    status, answer = ask(designer, "PUT", "api/draft", source=source, base=1, revision=None)
    assert (status, answer["error"]["type"]) == (422, "bad_text")


def test_publishing_takes_a_reason_a_sound_text_and_the_base_it_was_begun_on(designer: Client, script: Script) -> None:
    good = {"source": "result = {'points': 2}\n", "base": 1}
    assert ask(designer, "POST", "api/publish", **good, reason=" ")[1]["error"]["type"] == "reason"
    broken = ask(designer, "POST", "api/publish", source="result = (", base=1, reason="Oops")
    assert (broken[0], broken[1]["error"]["type"]) == (422, "check_failed")
    assert broken[1]["diagnostics"][0]["line"] == 1
    ask(designer, "PUT", "api/draft", source=good["source"], base=1, revision=None)
    status, answer = ask(designer, "POST", "api/publish", **good, reason="Two points")
    assert (status, answer["active"]["source"], answer["activation"]["reason"]) == (200, good["source"], "Two points")
    assert not Draft.objects.exists()
    status, stale = ask(designer, "POST", "api/publish", source="result = 3\n", base=1, reason="Three")
    assert (status, stale["error"]["type"]) == (409, "stale_base")
    assert (stale["theirs"]["source"], stale["theirs"]["reason"], stale["base_source"]) == (
        good["source"],
        "Two points",
        LIVE,
    )


def test_a_merge_gives_its_parts_in_order_and_no_marks_of_a_conflict(designer: Client) -> None:
    base, theirs, mine = (f"a = {a}\nb = 2\nc = {c}\n" for a, c in ((1, 3), (1, "<theirs>"), (9, "<mine>")))
    status, answer = ask(designer, "POST", "api/merge", base=base, theirs=theirs, mine=mine)
    assert status == 200
    both = {"mine": "c = <mine>\n", "theirs": "c = <theirs>\n", "both": "c = <theirs>\nc = <mine>\n"}
    assert answer["parts"] == ["a = 9\n", "b = 2\n", both]
    assert answer["words"].startswith("1 place was changed by both. 1 other change is in the text already: 1 of yours")
    assert "c = &lt;mine&gt;" in answer["html"]
    assert "<<<" not in answer["html"]


def test_with_publishing_switched_off_only_what_was_live_can_be_live_again(
    designer: Client, script: Script, settings: Any
) -> None:
    make_script("result = {'points': 2}\n")
    make_never_live = ask(
        designer, "POST", "api/publish", source="result = {'points': 3}\n", base=1, reason="Stale on purpose"
    )
    assert make_never_live[0] == 409
    settings.SCRIPTING_BROWSER_PUBLISH = False
    refused = ask(designer, "POST", "api/publish", source="result = {'points': 4}\n", base=2, reason="Four")
    assert (refused[0], refused[1]["error"]["type"]) == (403, "switched_off")
    assert ask(designer, "POST", "api/rollback", number=1, reason="Back")[0] == 200
    assert ask(designer, "PUT", "api/draft", source="a draft", base=1, revision=None)[0] == 200
    assert ask(designer, "POST", "api/trial", source=LIVE, input="", payload={})[0] == 200
    page = designer.get(ROOT).content.decode()
    assert "switched off for this site" in page
    assert 'id="publish-go" disabled' in page
    assert '"browser_publish": false' in page


@pytest.mark.slow
def test_each_permission_opens_its_own_door_and_no_other(script: Script) -> None:
    doors = {
        "api/check": ("POST", "edit"), "api/draft": ("PUT", "edit"), "api/trial": ("POST", "run"),
        "api/publish": ("POST", "publish"), "api/rollback": ("POST", "publish"),
    }  # fmt: skip
    whole = {
        "source": "result = 7\n",
        "base": 1,
        "revision": None,
        "reason": "Why",
        "number": 1,
        "input": "",
        "payload": {},
    }
    for permission in ("edit", "run", "publish"):
        client = client_of("view", permission, name=f"only-{permission}")
        for path, (method, needed) in doors.items():
            status = ask(client, method, path, **whole)[0]
            assert (status == 403) == (needed != permission), (permission, path, status)
    blind = client_of("edit", "run", "publish", name="blind")
    assert {ask(blind, method, path, **whole)[0] for path, (method, _) in doors.items()} == {403}
    outside = client_of("view", "edit", name="outside", staff=False)
    assert ask(outside, "POST", "api/check", **whole)[0] == 403


def test_a_request_without_csrf_token_is_refused(designer: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = designer.cookies
    answer = strict.post(f"{ROOT}api/publish", "{}", content_type="application/json")
    assert answer.status_code == 403


def test_a_session_that_ended_is_told_as_such(script: Script) -> None:
    status, answer = ask(Client(), "PUT", "api/draft", source="x")
    assert (status, answer["error"]["type"]) == (401, "login_required")
    assert Client().get(ROOT).headers["Location"].startswith("/admin/login/?next=/scripts/arena/")


def test_script_text_is_escaped_wherever_it_is_shown(designer: Client, script: Script) -> None:
    evil = "# </script><script>alert(1)</script> <img src=x onerror=alert(1)>\nresult = 1\n"
    make_script(evil)
    for address in (ROOT, f"{ROOT}history/?old=1&new=2", "/scripts/?q=alert", f"{ROOT}?version=2"):
        page = designer.get(address).content.decode()
        assert "<script>alert" not in page, address
        assert "<img src=x" not in page, address
    answer = ask(designer, "POST", "api/compare", old=1, new=evil)[1]
    assert "&lt;img src=x" in answer["html"]


def test_the_list_of_scripts_says_in_its_text_why_a_file_cannot_be_taken(designer: Client, script: Script) -> None:
    Script.objects.filter(pk=script.pk).update(held=f"{UNUSABLE}scorer.py is a folder")
    page = designer.get("/scripts/").content.decode()
    assert "file cannot be taken</span>" in page
    assert ">scorer.py is a folder</span>" in page


def test_a_text_with_the_line_ends_of_windows_is_shown_as_the_same_text_with_other_line_ends(
    designer: Client, script: Script
) -> None:
    make_script("a = 1\nresult = a\n")
    make_script("a = 1\r\nresult = a\r\n")
    told = "Line ends differ: LF before, CRLF (Windows) after; nothing else does."
    page = designer.get(f"{ROOT}history/?old=2&new=3").content.decode()
    assert (told in page, "The two texts are the same" in page) == (True, False)
    answer = ask(designer, "POST", "api/compare", old=2, new="a = 1\r\nresult = 2\r\n")[1]
    assert (answer["added"], answer["removed"], "Line ends differ" in answer["html"]) == (1, 1, True)
    assert "The two texts are the same" in ask(designer, "POST", "api/compare", old=3, new=3)[1]["html"]


@pytest.mark.parametrize("address", ["/scripts/", ROOT, f"{ROOT}history/"])
def test_the_policy_of_the_pages_has_nothing_unsafe(designer: Client, address: str) -> None:
    policy = designer.get(address).headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'nonce-" in policy


def test_a_recorded_event_is_shown_masked_and_tried_on_its_real_inputs(designer: Client, script: Script) -> None:
    from scripting.engine import get_engine
    from scripting.types import ExecutionRequest, ScriptInput

    message = {"topic": "arena.hit", "payload": {"points": 3, "secret": "swordfish"}}
    output = get_engine().execute(
        ExecutionRequest("arena", "scorer", ScriptInput({"message": message}), topic="arena.hit", trigger="manual")
    )
    shown = designer.get(f"{ROOT}api/executions/{output.execution_id}").json()
    assert json.loads(shown["payload"]) == {"points": 3, "secret": "•••"}
    source = "result = len(message['payload']['secret'])\n"
    answer = ask(designer, "POST", "api/trial", source=source, execution=output.execution_id)[1]
    assert answer["trial"]["result"] == str(len("swordfish"))
    assert answer["trial"]["seed"] == str(output.seed)
    assert [event["id"] for event in designer.get(f"{ROOT}api/events").json()["events"]] == [output.execution_id]
