"""Scripts created, switched off and on, pinned, retired and brought back in the admin: asked, with a reason, and told to all."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from scripting.engine import get_engine
from scripting.models import Script
from scripting.processes.generation import read
from scripting.registry import lifecycle
from scripting.sources import sync
from scripting.types import ExecutionRequest
from scripting.workbench.history import changes
from tests.admin.people import page
from tests.support.game import BETTER, GOOD, Game

pytestmark = pytest.mark.django_db(transaction=True)

LIST = reverse("admin:scripting_script_changelist")


def switch(client: Client, script: Script, name: str, reason: str = "because"):
    return client.post(page(script, "switch", name), {"_confirmed": "1", "reason": reason})


def text_of(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def offered(client: Client, script: Script) -> list[str]:
    found = re.findall(r"/switch/(\w+)/", client.get(page(script, "change")).content.decode())
    return list(dict.fromkeys(found))


def test_a_disabled_script_does_not_run_and_its_page_says_so_with_who_and_why(
    script: Script, designer: Client, viewer: Client
) -> None:
    before = read()
    assert switch(designer, script, "disable", "it cheats").status_code == 302
    assert read() != before, "every process is told"
    output = get_engine().execute(ExecutionRequest("chess_club", "dice"))
    assert output.status == "skipped"
    text = text_of(viewer.get(page(script, "change")))
    assert ">disabled<" in text
    assert "Its events end as skipped" in text
    assert "by designer" in text
    assert "<q>it cheats</q>" in text
    assert "<b>the built-in rule</b>" in text
    switch(designer, script, "enable", "mended")
    assert get_engine().execute(ExecutionRequest("chess_club", "dice")).status == "succeeded"
    record = script.history.first()
    assert (record.history_change_reason, record.history_user.username) == ("enabled: mended", "designer")
    assert ">disabled<" not in text_of(viewer.get(page(script, "change")))


def test_asking_changes_nothing_and_a_reason_is_required(script: Script, designer: Client) -> None:
    asked = designer.get(page(script, "switch", "retire"))
    assert asked.status_code == 200
    assert "It is not found any longer" in text_of(asked)
    assert designer.post(page(script, "switch", "retire")).status_code == 200, "not confirmed"
    refused = switch(designer, script, "retire", "  ")
    assert refused.status_code == 422
    assert "Say why" in text_of(refused)
    assert switch(designer, script, "retire", "x" * (lifecycle.LONGEST_REASON + 1)).status_code == 422
    script.refresh_from_db()
    assert script.retired_at is None


@pytest.mark.slow
def test_a_pinned_script_keeps_its_version_when_a_new_default_ships(
    game: Game, script: Script, designer: Client
) -> None:
    switch(designer, script, "pin", "for the tournament")
    assert "for the tournament" in text_of(designer.get(page(script, "change")))
    game.ship("dice", BETTER)
    sync.sync()
    assert game.active_text("dice") == GOOD
    assert offered(designer, script) == ["disable", "unpin", "retire"]
    switch(designer, script, "unpin")
    script.refresh_from_db()
    assert not script.pinned


@pytest.mark.slow
def test_a_retired_script_leaves_the_list_and_comes_back(game: Game, script: Script, designer: Client) -> None:
    switch(designer, script, "retire", "out of season")
    assert ">dice<" not in text_of(designer.get(LIST))
    assert ">dice<" in text_of(designer.get(LIST, {"state": "retired"}))
    assert get_engine().execute(ExecutionRequest("chess_club", "dice")).error.type == "not_found"
    shown = text_of(designer.get(page(script, "change")))
    assert ">retired<" in shown
    assert "out of season" in shown
    assert offered(designer, script) == ["bring_back"]
    for where in ("publish", "rollback/1", "revert", "switch/disable"):
        assert designer.post(page(script, where), {"reason": "x", "_confirmed": "1"}, follow=True).status_code == 200
    script.refresh_from_db()
    assert (script.enabled, script.versions.count()) == (True, 1), "nothing else is done to it meanwhile"
    switch(designer, script, "bring_back", "spring")
    assert get_engine().execute(ExecutionRequest("chess_club", "dice")).status == "succeeded"


@pytest.mark.slow
def test_several_scripts_are_switched_from_the_list_with_one_reason(
    game: Game, script: Script, designer: Client
) -> None:
    game.ship("coin")
    sync.sync()
    other = game.script("coin")
    chosen = {"action": "disable_selected", "_selected_action": [script.pk, other.pk]}
    asked = designer.post(LIST, chosen)
    assert "Disable 2 scripts" in text_of(asked)
    script.refresh_from_db()
    assert script.enabled
    done = designer.post(LIST, {**chosen, "_confirmed": "1", "reason": "maintenance"}, follow=True)
    assert "chess_club/dice is disabled." in text_of(done)
    assert "chess_club/coin is disabled." in text_of(done)
    assert [s.history.first().history_change_reason for s in (script, other)] == ["disabled: maintenance"] * 2
    assert "left out" in text_of(designer.post(LIST, chosen, follow=True))


def test_a_helper_in_use_is_not_switched_off_and_the_page_names_what_imports_it(
    game: Game, script: Script, designer: Client
) -> None:
    helpers = game.scripts / "shared"
    helpers.mkdir(parents=True)
    (helpers / "cards.py").write_text("def draw():\n    return 7\n")
    game.override("dice", "from shared.cards import draw\nresult = draw()\n")
    sync.sync()
    helper = Script.objects.get(module="shared", name="cards")
    for name in ("disable", "retire"):
        refused = switch(designer, helper, name)
        assert refused.status_code == 422
        assert "imported by chess_club/dice" in text_of(refused)
    helper.refresh_from_db()
    assert (helper.enabled, helper.retired_at) == (True, None)


def test_who_may_not_publish_switches_nothing_and_sees_no_buttons(script: Script, viewer: Client) -> None:
    assert offered(viewer, script) == []
    assert viewer.get(page(script, "switch", "disable")).status_code == 403
    assert switch(viewer, script, "disable").status_code == 403
    chosen = {"action": "disable_selected", "_selected_action": [script.pk], "_confirmed": "1", "reason": "mine"}
    viewer.post(LIST, chosen)
    assert viewer.get(reverse("admin:scripting_script_add")).status_code == 403
    script.refresh_from_db()
    assert script.enabled


def test_switches_are_not_flipped_by_the_form_of_limits(script: Script, designer: Client) -> None:
    """There they would change without a reason, and a helper under the scripts that import it."""
    designer.post(page(script, "change"), {"max_execution_time": "1.5", "pinned": "on", "reason": "quicker"})
    script.refresh_from_db()
    assert (script.max_execution_time, script.enabled, script.pinned) == (1.5, True, False)


def test_limits_change_with_a_reason_and_their_history_names_units(script: Script, designer: Client) -> None:
    limits = {"max_execution_time": "2", "max_memory_bytes": "48"}
    refused = designer.post(page(script, "change"), limits)
    assert "Say why: it is shown in the history for good." in text_of(refused)
    script.refresh_from_db()
    assert script.max_execution_time is None
    assert designer.post(page(script, "change"), {**limits, "reason": "dice roll slowly"}).status_code == 302
    record = script.history.first()
    assert record.history_change_reason == "limits changed: dice roll slowly"
    assert "limits changed: dice roll slowly" in text_of(designer.get(page(script, "history")))
    history = text_of(designer.get(reverse("workbench:history", args=[script.module, script.name])))
    assert "time limit: the module&#x27;s → <b>2 s</b>" in history
    assert "memory limit: the module&#x27;s → <b>48.0 MiB</b>" in history
    lifecycle.retire(script, actor=None, reason="no dice")
    assert next(change.changes for change in changes(script)) == (("retired", "no", "yes"),)


def test_what_there_is_not_to_do_answers_404(script: Script, designer: Client) -> None:
    assert designer.get(page(script, "switch", "explode")).status_code == 404


def test_a_script_is_created_in_the_browser_and_runs_once_a_text_is_published(
    game: Game, script: Script, designer: Client
) -> None:
    new = designer.get(reverse("admin:scripting_script_add")).url
    designer.post(new, {"module": "chess_club", "name": "fresh", "language": "python", "kind": "event"})
    fresh = game.script("fresh")
    assert "nothing" in text_of(designer.get(page(fresh, "change")))
    data = {"text": "result = 3\n", "language": "python", "reason": "the rule", "base": 0}
    assert designer.post(page(fresh, "publish"), data).status_code == 302
    assert get_engine().execute(ExecutionRequest("chess_club", "fresh")).result == 3
