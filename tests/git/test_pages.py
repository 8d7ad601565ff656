"""The page of the followed branch, its two ways out of drift, the webhook, the worker's look and the command."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from scripting.bus import evidence_jobs
from scripting.git import waking
from scripting.git.following import Busy, follow
from scripting.management.commands.run_worker import new_worker
from scripting.models import GitFile
from scripting.processes.one_at_a_time import OneAtATime
from scripting.registry import publishing
from scripting.registry.moves import AnyBase
from tests.git.conftest import Origin
from tests.support.game import BETTER, BROKEN, GOOD, Game
from tests.workbench.test_new_script import client_of

pytestmark = pytest.mark.django_db(transaction=True)

DICE = "chess_club/dice.py"


def shown(client: Client) -> str:
    return " ".join(client.get(reverse("workbench:git")).content.decode().split())


@pytest.mark.slow
def test_the_page_says_what_is_live_what_waits_and_why_and_leads_out_of_drift_both_ways(
    game: Game, origin: Origin
) -> None:
    designer, viewer = client_of("view", "publish"), client_of("view", name="vera")
    assert "It was not looked at yet" in shown(viewer)
    live = origin.commit({DICE: GOOD})
    follow()
    publishing.publish(game.script("dice"), "python", BETTER, actor=None, reason="here", base=AnyBase)
    origin.commit({DICE: BROKEN}, "<b>loud</b>")
    follow()
    page = shown(designer)
    for words in (
        live[:12],
        "&lt;b&gt;loud&lt;/b&gt;",
        "Changed here and in the repository: chess_club/dice",
        "Take theirs",
        "Keep ours",
    ):
        assert words in page
    assert "Take theirs" not in shown(viewer)
    row = GitFile.objects.get()
    sent = {"file": row.pk, "seen": f"{row.theirs_digest} {row.ours_digest}", "decision": "take"}
    assert viewer.post(reverse("workbench:git_decide"), {**sent, "reason": "x"}).status_code == 403
    assert "Say why" in designer.post(reverse("workbench:git_decide"), sent).content.decode()
    assert designer.post(reverse("workbench:git_decide"), {**sent, "reason": "tested"}).status_code == 302
    assert waking.look_when_due(), "deciding wakes the look"
    follow()
    assert "chess_club/dice, line" in shown(viewer)
    assert game.active_text("dice") == BETTER


def test_one_of_the_evidence_workers_has_the_branch_looked_at_each_time_it_is_due(origin: Origin) -> None:
    workers = [new_worker(name, evidence=True) for name in ("eve", "evan")]
    for worker in workers:
        worker.liveness.beat()
        worker.sweep()
    assert evidence_jobs.evidence_queue().get_job_ids() == [waking.JOB_ID]
    evidence_jobs.evidence_queue().empty()
    for worker in workers:
        worker.sweep()
    assert not evidence_jobs.is_pending(waking.JOB_ID), "it is not due again"
    waking.wake()
    for worker in reversed(workers):
        worker.sweep()
    assert evidence_jobs.is_pending(waking.JOB_ID)


def test_the_webhook_wakes_the_look_for_who_knows_the_secret_alone(
    origin: Origin, client: Client, settings: Any
) -> None:
    url, body = reverse("workbench:git_webhook"), json.dumps({"ref": "refs/heads/main"}).encode()

    def call(**headers: str) -> int:
        return client.post(url, body, content_type="application/json", headers=headers).status_code

    waking.look_when_due()  # the poll of this minute
    evidence_jobs.evidence_queue().empty()
    assert call(**{"X-Gitlab-Token": ""}) == 403, "without a secret there is no webhook"
    settings.SCRIPTING_GIT_WEBHOOK_SECRET = "s3cret"
    signature = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert call(**{"X-Hub-Signature-256": f"sha256={signature[::-1]}"}) == 403
    assert call(**{"X-Gitlab-Token": "other"}) == 403
    assert call() == 403
    assert not waking.look_when_due()
    assert call(**{"X-Hub-Signature-256": f"sha256={signature}"}) == 202
    assert waking.look_when_due()
    assert call(**{"X-Gitlab-Token": "s3cret"}) == 202
    assert not waking.look_when_due(), "it waits in the queue already"
    evidence_jobs.evidence_queue().empty()
    assert waking.look_when_due(), "and what was pushed meanwhile is not forgotten"
    assert not waking.look_when_due()
    settings.SCRIPTING_GIT_WEBHOOK_SECRET = ""
    assert [call() for _ in range(waking.CALLS)][-1] == 429


@pytest.mark.slow
def test_the_command_looks_once_says_what_waits_and_two_never_look_at_a_time(
    game: Game, origin: Origin, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    sha = origin.commit({DICE: GOOD})
    call_command("follow_branch")
    assert (
        capsys.readouterr().out
        == f"chess_club/dice: live as in {sha[:12]}\nlive: {sha[:12]}; newest: {sha[:12]}; pushed: 0\n"
    )
    origin.commit({DICE: BROKEN})
    with pytest.raises(CommandError, match="did not pass"):
        call_command("follow_branch", "--json")
    assert json.loads(capsys.readouterr().out)["live"] == sha
    other = OneAtATime("git")
    assert other.step()
    with pytest.raises(Busy):
        follow()
    other.release()
    origin.bare.rename(origin.bare.with_suffix(".gone"))
    with pytest.raises(CommandError, match="git ls-remote"):
        call_command("follow_branch")
    settings.SCRIPTING_GIT_URL = ""
    with pytest.raises(CommandError, match="SCRIPTING_GIT_URL"):
        call_command("follow_branch")
