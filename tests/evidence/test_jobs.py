"""Replays that an evidence worker makes: one for each question, readable while they grow, cancelled at once, begun anew after a death."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripting import clock
from scripting.bus import evidence_jobs
from scripting.evidence import jobs
from scripting.evidence.corpus import Selection, resolve
from scripting.evidence.replays import candidate_of, replay
from scripting.models import Execution, ReplayJob, ReplayReport, Script
from scripting.registry.active import registry
from scripting.supervisor.interface import Cancellation
from scripting.workers.evidence_worker import EvidenceWorker
from tests.evidence.recorded import hits, record
from tests.support.arena import make_script
from tests.support.stack import wait_until
from tests.workers.processes import WorkerProcess

EVENTS = 60
HARDER = "\nresult['damage'] = min(10000, result['damage'] + 1)\n"
SLOW = "\nfor _ in range(1_000_000):\n    pass\n"


@pytest.fixture
def recorded(damage: Script) -> list[Execution]:
    return record("wargame", "damage_calculator", "wargame.hit", hits(EVENTS))


def asked(script: Script, more: str, last: int = EVENTS) -> ReplayReport:
    assert script.active_version is not None
    candidate = candidate_of(script, script.active_version.text + more, "python")
    return jobs.ask(resolve(script, Selection(last=last)), candidate, title="a draft", chosen=f"the last {last}")


def state_of(report: ReplayReport) -> str:
    return ReplayJob.objects.get(pk=report.pk).state


def without_times(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("seconds", "wall_us", "memory_bytes")}


@pytest.mark.slow
def test_a_job_finds_what_a_replay_at_once_finds(damage: Script, recorded: list[Execution]) -> None:
    report = asked(damage, HARDER)
    assert (state_of(report), report.sentence) == ("queued", "waits for an evidence worker")
    assert EvidenceWorker("eve").work_once(None)
    job = ReplayJob.objects.get(pk=report.pk)
    assert (job.state, job.decided, job.total, bytes(job.bundles), bytes(job.executions)) == (
        "done",
        EVENTS,
        EVENTS,
        b"",
        b"",
    )
    report.refresh_from_db()
    assert damage.active_version is not None
    at_once = replay(
        resolve(damage, Selection(last=EVENTS)), candidate_of(damage, damage.active_version.text + HARDER, "python")
    )
    assert without_times(report.document) == without_times(at_once)
    assert report.sentence == at_once["sentence"]


def test_the_same_question_asked_twice_is_one_job_and_one_report(damage: Script, recorded: list[Execution]) -> None:
    assert asked(damage, HARDER) == asked(damage, HARDER)
    assert evidence_jobs.evidence_queue().count == 1
    EvidenceWorker("eve").work_once(None)
    assert asked(damage, HARDER).document["complete"]
    assert evidence_jobs.evidence_queue().count == 0
    assert asked(damage, HARDER, last=10) != asked(damage, HARDER)


def test_a_report_belongs_to_what_was_live_when_it_was_asked_for(damage: Script, recorded: list[Execution]) -> None:
    report = asked(damage, HARDER)
    make_script("result = {'damage': 0, 'base_damage': 0, 'message': 'peace'}", "damage_calculator", "wargame")
    registry.forget()
    EvidenceWorker("eve").work_once(None)
    report.refresh_from_db()
    assert (report.document["changed"], state_of(report)) == (EVENTS, "done")
    assert report.document["fields"]["damage"]["difference"] == pytest.approx(1)


def test_a_candidate_keeps_the_helper_that_it_was_asked_for_with(damage: Script, recorded: list[Execution]) -> None:
    make_script("def more(n):\n    return n + 1\n", "dice", "shared")
    registry.forget()
    report = asked(damage, "\nfrom shared import dice\nresult['damage'] = dice.more(result['damage'])\n")
    make_script("def more(n):\n    return n + 2\n", "dice", "shared")
    registry.forget()
    EvidenceWorker("eve").work_once(None)
    report.refresh_from_db()
    assert report.document["fields"]["damage"]["difference"] == pytest.approx(1)


def test_a_cancelled_job_keeps_what_it_has_and_may_be_asked_for_again(
    damage: Script, recorded: list[Execution]
) -> None:
    report = asked(damage, HARDER)
    assert jobs.cancel(report.pk, "ada")
    assert not jobs.cancel(report.pk, "bob")
    EvidenceWorker("eve").work_once(None)
    report.refresh_from_db()
    stopped = f"nothing was decided (cancelled by ada after 0 of {EVENTS})"
    assert (state_of(report), report.sentence, report.document["sentence"]) == ("cancelled", stopped, stopped)
    assert asked(damage, HARDER) == report
    assert ReplayReport.objects.get().sentence == "waits for an evidence worker"
    EvidenceWorker("eve").work_once(None)
    assert state_of(report) == "done"


def test_the_sentence_of_a_replay_that_failed_says_so(damage: Script, recorded: list[Execution]) -> None:
    report = asked(damage, HARDER)
    jobs.failed(str(report.pk), "its workers died")
    report.refresh_from_db()
    assert report.sentence == f"nothing was decided (failed after 0 of {EVENTS})"


def test_a_replay_that_is_cancelled_while_it_is_made_says_of_how_many_its_figures_are(
    damage: Script, recorded: list[Execution], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = asked(damage, HARDER)
    decide_all = jobs.decide_all

    def cancelled_after_three(*args: Any, cancellation: Cancellation, **more: Any) -> Iterator[None]:
        for number, _ in enumerate(decide_all(*args, cancellation=cancellation, **more), 1):
            yield
            if number == 3:
                jobs.cancel(report.pk, "ada")
                cancellation.cancel()

    monkeypatch.setattr(jobs, "decide_all", cancelled_after_three)
    EvidenceWorker("eve").work_once(None)
    report.refresh_from_db()
    assert report.sentence == f"changes 3 of 3 decisions, 0 would fail (cancelled by ada after 3 of {EVENTS})"
    assert report.document["events"] == ReplayJob.objects.get().decided == 3


def test_a_run_of_a_replay_ends_once_another_has_begun_it_anew(
    damage: Script, recorded: list[Execution], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = asked(damage, HARDER)
    decide_all = jobs.decide_all

    def begun_anew_after_one(*args: Any, cancellation: Cancellation, **more: Any) -> Iterator[None]:
        for _ in decide_all(*args, cancellation=cancellation, **more):
            yield
            ReplayJob.objects.update(started_at=clock.now())
            wait_until(lambda: cancellation.cancelled, 20, "the run sees that another has begun")

    monkeypatch.setattr(jobs, "decide_all", begun_anew_after_one)
    EvidenceWorker("eve").work_once(None)
    report.refresh_from_db()
    assert (state_of(report), ReplayJob.objects.get().decided) == ("running", 0)
    assert report.sentence == "waits for an evidence worker"


def test_a_replay_that_is_asked_for_again_when_a_run_of_it_is_through_is_left_to_the_next_run(
    damage: Script, recorded: list[Execution], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = asked(damage, HARDER)
    decide_all = jobs.decide_all

    def asked_again_at_the_end(*args: Any, **more: Any) -> Iterator[None]:
        yield from decide_all(*args, **more)
        jobs.cancel(report.pk, "ada")
        asked(damage, HARDER)

    monkeypatch.setattr(jobs, "decide_all", asked_again_at_the_end)
    EvidenceWorker("eve").work_once(None)
    report.refresh_from_db()
    assert (state_of(report), report.sentence) == ("queued", "waits for an evidence worker")


def test_a_job_that_redis_lost_is_enqueued_again(
    damage: Script, recorded: list[Execution], redis_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = asked(damage, HARDER)
    redis_client.flushall()
    jobs.look_for_lost()
    assert evidence_jobs.evidence_queue().count == 0, "it may be on its way"
    monkeypatch.setattr(jobs, "LOST_SECONDS", 0)
    jobs.look_for_lost()
    EvidenceWorker("eve").work_once(None)
    assert state_of(report) == "done"


@pytest.mark.alone
@pytest.mark.once
def test_a_report_grows_while_it_is_made_and_a_killed_worker_s_job_is_made_anew(
    damage: Script, recorded: list[Execution], tmp_path: Path
) -> None:
    report = asked(damage, HARDER + SLOW)
    with WorkerProcess(tmp_path, "eve", "--evidence").takes_jobs() as worker:
        wait_until(lambda: ReplayJob.objects.get(pk=report.pk).decided > 0, 60, "it grows")
        report.refresh_from_db()
        assert report.sentence.startswith("so far changes ")
        assert 0 < report.document["events"] < EVENTS
        assert not report.document["complete"]
        worker.kill()
    with WorkerProcess(tmp_path, "eva", "--evidence").takes_jobs():
        wait_until(lambda: state_of(report) == "done", 60, "another worker makes it")
    report.refresh_from_db()
    assert (report.document["events"], report.document["changed"]) == (EVENTS, EVENTS)


@pytest.mark.once
@pytest.mark.alone
def test_a_cancel_takes_effect_within_a_second_even_in_a_loop_and_a_stop_leaves_the_job_to_the_next(
    damage: Script, recorded: list[Execution], tmp_path: Path
) -> None:
    damage.max_execution_time = 30
    damage.save()
    registry.forget()
    report = asked(damage, "\nwhile True:\n    pass\n")
    with WorkerProcess(tmp_path, "eve", "--evidence").takes_jobs() as worker:
        wait_until(lambda: state_of(report) == "running", 60, "it began")
        worker.process.terminate()
        assert worker.process.wait(20) == 0, "sooner than the script's own limit would end it"
    assert state_of(report) == "queued"
    with WorkerProcess(tmp_path, "eva", "--evidence").takes_jobs():
        wait_until(lambda: state_of(report) == "running", 60, "another takes it")
        assert jobs.cancel(report.pk, "ada" * 50)
        wait_until(lambda: not evidence_jobs.is_pending(f"replay-{report.pk}"), 20, "the worker is free")
