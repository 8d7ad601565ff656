"""The admin's pages of scripts and versions: who may see and do what, and what a script's text can do there (nothing)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from scripting.models import Script
from scripting.registry import publishing, storing
from scripting.registry.moves import AnyBase
from scripting.sources import sync
from tests.admin.people import page
from tests.support.arena import make_script
from tests.support.game import BETTER, BROKEN, GOOD, Game

pytestmark = pytest.mark.django_db(transaction=True)

EVIL = "x = '<script>alert(1)</script>'  # \u202e\u200bgood\nresult = x\n"


def publish(client: Client, script: Script, text: str = BETTER, **changes: Any) -> Any:
    script.refresh_from_db()
    base = script.active_version.number if script.active_version else 0
    data = {"text": text, "language": "python", "reason": "more points", "base": base, **changes}
    return client.post(page(script, "publish"), data)


def test_scripts_are_listed_with_version_origin_and_override_marked(game: Game, script: Script, viewer: Client) -> None:
    """Requirement 7.3."""
    text = viewer.get(reverse("admin:scripting_script_changelist")).content.decode()
    assert "chess_club/</span><b>dice</b>" in text
    assert "embedded" in text
    assert ">override<" not in text
    game.override("dice")
    sync.sync()
    text = viewer.get(reverse("admin:scripting_script_changelist")).content.decode()
    assert ">override<" in text


def test_the_text_that_runs_is_shown_escaped_with_what_does_not_show_marked(
    game: Game, script: Script, viewer: Client
) -> None:
    """DESIGN.md, fixed rule 11."""
    game.override("dice", EVIL)
    sync.sync()
    version = game.script("dice").active_version
    assert version is not None
    for url in (page(script, "change"), reverse("admin:scripting_scriptversion_change", args=[version.pk])):
        text = viewer.get(url).content.decode()
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text
        assert "\u202e" not in text
        assert "\u200b" not in text
        assert 'class="goby-control"' in text
        assert "\\u202e" in text


def test_rejected_versions_show_what_their_check_found(game: Game, script: Script, viewer: Client) -> None:
    """Requirement 7.4."""
    game.override("dice", BROKEN)
    sync.sync()
    version = script.versions.rejected().get()
    text = viewer.get(reverse("admin:scripting_scriptversion_change", args=[version.pk])).content.decode()
    assert "invalid_syntax" in text
    assert "goby-line-error" in text


def test_a_designer_publishes_a_new_version_with_a_reason(game: Game, script: Script, designer: Client) -> None:
    assert publish(designer, script).status_code == 302
    assert game.active_text("dice") == BETTER
    activation = script.activations.first()
    assert activation is not None
    assert (activation.cause, activation.reason, str(activation.actor)) == ("publish", "more points", "designer")


def test_line_ends_of_browsers_are_kept_as_line_feeds(game: Game, script: Script, designer: Client) -> None:
    publish(designer, script, BETTER.replace("\n", "\r\n"))
    assert game.active_text("dice") == BETTER


def test_what_will_certainly_fail_is_named_and_published_only_when_that_is_confirmed(
    game: Game, script: Script, designer: Client
) -> None:
    address = f"/admin/scripting/script/{script.pk}/publish/"
    text, base = "result = damge\n", script.active_version.number  # type: ignore[union-attr]
    posted = {"text": text, "language": "python", "base": base, "reason": "why"}
    answer = designer.post(address, posted)
    page = answer.content.decode()
    assert (answer.status_code, script.versions.count()) == (409, 1)
    assert "This will fail. Publish it all the same?" in page
    assert "line 1, column 10" in page
    mark = re.search(r'name="_confirmed" value="(\w+)"', page)
    assert mark is not None
    other = designer.post(address, posted | {"text": "result = demage\n", "_confirmed": mark[1]})
    assert other.status_code == 409, "another text is asked about anew"
    answer = designer.post(address, posted | {"_confirmed": mark[1]})
    assert answer.status_code == 302
    script.refresh_from_db()
    assert script.active_version.text == text  # type: ignore[union-attr]


def test_publishing_without_a_reason_is_refused(game: Game, script: Script, designer: Client) -> None:
    response = publish(designer, script, reason="  ")
    assert b"say why" in response.content
    assert game.active_text("dice") == GOOD


def test_a_text_that_fails_its_check_shows_its_line_is_kept_and_does_not_run(
    game: Game, script: Script, designer: Client
) -> None:
    """Requirement 5.3."""
    response = publish(designer, script, "result = 1\nimport os\n")
    text = response.content.decode()
    assert "line 2, column 1" in text
    assert "security_violation" in text
    assert "import os" in text
    assert game.active_text("dice") == GOOD
    assert script.versions.rejected().count() == 1


def test_checking_only_stores_nothing(game: Game, script: Script, designer: Client) -> None:
    response = publish(designer, script, BROKEN, _check="1")
    assert b"line 1" in response.content
    assert b"found nothing wrong" in publish(designer, script, BETTER, _check="1").content
    assert script.versions.count() == 1


@pytest.mark.parametrize(
    ("choice", "text"),
    [("both", "a = 9\nb = 2\nc = 8\nresult = a\n"), ("mine", "a = 1\nb = 2\nc = 8\nresult = a\n"), ("theirs", "a = 9\nb = 2\nc = 3\nresult = a\n")],
)  # fmt: skip
def test_publishing_over_a_newer_version_shows_both_and_goes_on_with_mine_theirs_or_both(
    game: Game, script: Script, designer: Client, choice: str, text: str
) -> None:
    first, theirs, mine = (f"a = {a}\nb = 2\nc = {c}\nresult = a\n" for a, c in ((1, 3), (9, 3), (1, 8)))
    base = publishing.publish(script, "python", first, actor=None, reason="begun", base=AnyBase).version
    assert base is not None
    publishing.publish(script, "python", theirs, actor=None, reason="someone else", base=AnyBase)
    response = publish(designer, script, mine, base=base.number)
    page = response.content.decode()
    assert response.status_code == 422
    assert "became active" in page
    assert "someone else" in page
    assert "Check and publish" not in page
    assert game.active_text("dice") == theirs
    seen = {"base": base.number, "_seen": base.number + 1, "_settle": choice}
    settled = publish(designer, script, mine, **seen).context["form"]
    assert settled["text"].value() == text
    assert game.active_text("dice") == theirs, "nothing is published until it is asked for"
    if choice != "theirs":
        assert publish(designer, script, text, base=settled["base"].value()).status_code == 302
        assert game.active_text("dice") == text


def test_each_place_that_both_changed_is_decided_before_both_go_on(
    game: Game, script: Script, designer: Client
) -> None:
    publishing.publish(script, "python", "result = 9\n", actor=None, reason="someone else", base=AnyBase)
    html = publish(designer, script, BETTER, base=1).content.decode()
    assert "1 place was changed by both" in html
    assert html.count('name="place1"') == 3
    undecided = publish(designer, script, BETTER, base=1, _seen=2, _settle="both")
    assert undecided.status_code == 422
    assert "Choose mine, theirs or both for every place first." in undecided.content.decode()
    assert undecided.context["form"]["text"].value() == BETTER
    settled = publish(designer, script, BETTER, base=1, _seen=2, _settle="both", place1="both").context["form"]
    assert settled["text"].value() == f"result = 9\n{BETTER}"
    assert game.active_text("dice") == "result = 9\n"


def test_what_went_live_after_the_question_is_shown_before_the_answer_counts(
    game: Game, script: Script, designer: Client
) -> None:
    publishing.publish(script, "python", "result = 9\n", actor=None, reason="someone else", base=AnyBase)
    publish(designer, script, BETTER, base=1)
    publishing.publish(script, "python", "result = 10\n", actor=None, reason="and a third", base=AnyBase)
    response = publish(designer, script, BETTER, base=1, _seen=2, _settle="mine")
    assert response.context["form"]["base"].value() == "1"
    assert b"and a third" in response.content


def test_rolling_back_asks_first_and_reactivates_without_a_copy(game: Game, script: Script, designer: Client) -> None:
    publish(designer, script)
    url = page(script, "rollback", "1")
    assert designer.get(url).status_code == 200
    assert game.active_text("dice") == BETTER
    assert b"Say why" in designer.post(url, {"reason": ""}).content
    assert designer.post(url, {"reason": "too many"}).status_code == 302
    assert game.active_text("dice") == GOOD
    assert script.versions.count() == 2


def test_revert_brings_the_embedded_default_back(game: Game, script: Script, designer: Client) -> None:
    publish(designer, script)
    assert designer.post(page(script, "revert"), {"reason": "as shipped"}).status_code == 302
    assert game.active_text("dice") == GOOD


def test_publishing_switched_off_for_the_site_leaves_rolling_back(
    game: Game, script: Script, designer: Client, settings: Any
) -> None:
    publish(designer, script)
    settings.SCRIPTING_BROWSER_PUBLISH = False
    publish(designer, script, "result = 3\n")
    assert game.active_text("dice") == BETTER
    designer.post(page(script, "rollback", "1"), {"reason": "back"})
    assert game.active_text("dice") == GOOD


@pytest.mark.parametrize("where", ["publish", "rollback/1", "revert", "extract"])
def test_a_viewer_changes_nothing(game: Game, script: Script, viewer: Client, where: str) -> None:
    publish_data = {"text": BETTER, "language": "python", "reason": "mine", "base": 1}
    assert viewer.get(page(script, where)).status_code == 403
    assert viewer.post(page(script, where), publish_data).status_code == 403
    assert game.active_text("dice") == GOOD
    assert not game.scripts.exists()


def test_a_viewer_sees_no_buttons_that_change_anything(script: Script, viewer: Client, designer: Client) -> None:
    target = page(script, "publish").encode()
    assert target not in viewer.get(page(script, "change")).content
    assert target in designer.get(page(script, "change")).content


def test_limits_are_saved_with_history_and_nothing_else_is_written(
    game: Game, script: Script, designer: Client
) -> None:
    opened = {"max_execution_time": "2.5", "max_memory_bytes": "", "enabled": "on", "reason": "slow dice"}
    publishing.publish(script, "python", BETTER, actor=None, reason="meanwhile", base=AnyBase)
    assert designer.post(page(script, "change"), opened).status_code == 302
    script.refresh_from_db()
    assert script.limit_changes() == {"max_execution_time": 2.5}
    assert game.active_text("dice") == BETTER  # the page was opened before it became active
    latest = script.history.first()
    assert (latest.history_user.username, latest.max_execution_time) == ("designer", 2.5)


@pytest.mark.slow
def test_limits_are_written_in_seconds_and_mebibytes_and_what_no_script_can_run_with_is_refused(
    script: Script, designer: Client, viewer: Client
) -> None:
    """A limit of 64 bytes, by someone who thought of MiB, would fail every run from there on."""
    form = page(script, "change")
    wanted = {"max_execution_time": "0.5", "max_memory_bytes": "48.5", "reason": "it counts much"}
    assert designer.post(form, wanted).status_code == 302
    script.refresh_from_db()
    assert script.limit_changes() == {"max_execution_time": 0.5, "max_memory_bytes": int(48.5 * 2**20)}
    text = designer.get(form).content.decode()
    assert 'value="48.5"' in text
    assert "5 s, 32.0 MiB" in text, "what the module allows"
    assert "0.5 s, 48.5 MiB" in viewer.get(form).content.decode()
    assert "0.5 s, 48.5 MiB" in designer.get(page(script, "history")).content.decode()
    records = script.history.count()
    for bad in ({"max_memory_bytes": "0.00006"}, {"max_memory_bytes": "67108864"}, {"max_execution_time": "86400"}):
        assert designer.post(form, {**wanted, **bad}).status_code == 200
    assert (
        "Give 1 to 4,096 MiB"
        in designer.post(form, {"max_memory_bytes": "67108864", "reason": "more"}).content.decode()
    )
    assert designer.post(form, {"max_execution_time": "0.5", "max_memory_bytes": "48.5"}).status_code == 302
    assert script.history.count() == records, "nothing was changed"
    assert (
        designer.post(form, {"max_execution_time": "", "max_memory_bytes": "", "reason": "as before"}).status_code
        == 302
    )
    script.refresh_from_db()
    assert script.limit_changes() == {}


def test_what_is_active_cannot_be_set_by_a_form(game: Game, script: Script, designer: Client) -> None:
    rejected, _ = storing.store(script, "python", BROKEN.encode(), "editor")
    designer.post(page(script, "change"), {"enabled": "on", "active_version": rejected.pk, "file_digest": "x"})
    script.refresh_from_db()
    assert script.active_version != rejected
    assert script.file_digest == ""


def test_scripts_are_neither_deleted_nor_reverted_by_history(script: Script, designer: Client) -> None:
    record = script.history.first()
    assert designer.post(page(script, "delete"), {"post": "yes"}).status_code == 403
    assert designer.post(page(script, "history", str(record.pk)), {"enabled": "on"}).status_code == 403
    assert designer.get(page(script, "history")).status_code == 200
    assert Script.objects.filter(pk=script.pk).exists()


def test_versions_are_read_only_for_everyone(script: Script) -> None:
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss"))
    url = reverse("admin:scripting_scriptversion_change", args=[script.active_version_id])
    assert boss.post(url, {"message": "mine"}).status_code == 403
    assert boss.post(url.replace("change", "delete"), {"post": "yes"}).status_code == 403
    assert boss.get(reverse("admin:scripting_scriptversion_add")).status_code == 403


def test_extraction_from_the_list_writes_the_files_and_reports_each(
    game: Game, script: Script, designer: Client
) -> None:
    """Requirements 4.1 (the action) and 4.5."""
    data = {"action": "extract_selected", "_selected_action": [script.pk]}
    response = designer.post(reverse("admin:scripting_script_changelist"), data, follow=True)
    assert (game.scripts / "chess_club" / "dice.py").read_text() == GOOD
    assert "dice.py: written" in response.content.decode()
    assert b"dice.py: same" in designer.post(page(script, "extract"), follow=True).content


def test_what_runs_now_is_extracted_when_that_is_chosen(game: Game, script: Script, designer: Client) -> None:
    publish(designer, script)
    file = game.scripts / "chess_club" / "dice.py"
    assert b'value="active"' in designer.get(page(script, "extract")).content
    designer.post(page(script, "extract"), {"which": "active"})
    assert file.read_text() == BETTER
    file.unlink()
    data = {"action": "extract_active_selected", "_selected_action": [script.pk]}
    designer.post(reverse("admin:scripting_script_changelist"), data)
    assert file.read_text() == BETTER


@pytest.mark.slow
def test_publishing_and_rolling_back_over_a_file_that_differs_say_so_and_offer_to_write_it(
    game: Game, script: Script, designer: Client
) -> None:
    file = game.override("dice", "result = 5\n")
    sync.sync()
    script.refresh_from_db()
    publish(designer, script)
    assert b"scripts/chess_club/dice.py" in designer.get(page(script, "publish")).content
    back = reverse("admin:scripting_script_rollback", args=[script.pk, 1])
    assert b"scripts/chess_club/dice.py" in designer.get(back).content
    said = designer.post(back, {"reason": "back"}, follow=True).content.decode()
    assert "scripts/chess_club/dice.py holds another text, and takes over when it is saved the next time" in said
    asked = page(script, "extract")
    assert "Overwrite <code>scripts/chess_club/dice.py</code>" in designer.get(asked).content.decode()
    designer.post(asked, {"which": "active"})
    assert file.read_text() == "result = 5\n", "kept, unless one says otherwise"
    designer.post(asked, {"which": "active", "overwrite": "on"})
    assert file.read_text() == GOOD
    assert b"Overwrite" not in designer.get(asked).content


def test_a_rejected_file_is_shown_as_such_and_is_no_override(game: Game, script: Script, designer: Client) -> None:
    game.override("dice", BROKEN)
    sync.sync()
    scripts = reverse("admin:scripting_script_changelist")
    assert "file rejected" in designer.get(scripts).content.decode()
    assert ">override<" not in designer.get(scripts).content.decode()


def test_a_rejected_version_is_checked_again_when_what_it_lacked_is_there(
    game: Game, script: Script, designer: Client
) -> None:
    text = "from shared import points\nresult = points.of(1)\n"
    version, _ = storing.store(script, "python", text.encode(), "editor")
    assert not version.accepted
    again = reverse("admin:scripting_script_rollback", args=[script.pk, version.number])
    assert f'href="{again}">Check again</a>' in designer.get(page(script, "change")).content.decode()
    assert b"there is no helper" in designer.post(again, {"reason": "now"}).content
    make_script("def of(n):\n    return n\n", "points", "shared")
    assert designer.post(again, {"reason": "now"}).status_code == 302
    script.refresh_from_db()
    assert script.active_version == version


def test_a_viewer_is_not_offered_extraction(game: Game, script: Script, viewer: Client) -> None:
    data = {"action": "extract_selected", "_selected_action": [script.pk]}
    viewer.post(reverse("admin:scripting_script_changelist"), data, follow=True)
    assert not game.scripts.exists()


def test_drafts_are_not_in_the_admin(designer: Client) -> None:
    assert designer.get("/admin/scripting/draft/").status_code == 404


def test_the_overview_shows_true_figures(game: Game, script: Script, viewer: Client) -> None:
    cards = {name: str(value) for name, value, _, _ in viewer.get(reverse("admin:index")).context["cards"]}
    assert cards["Scripts"] == "1"
    assert cards["Runs in the last hour"] == "0"


def test_someone_without_permission_sees_no_scripts() -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.get(reverse("admin:scripting_script_changelist")).status_code == 403
    assert "cards" not in client.get(reverse("admin:index")).context
