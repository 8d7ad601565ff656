"""Publish, roll back, diff and upgrade as services with reason, author and base version."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from scripting.models import Activation, Draft, Script, ScriptVersion, uuid7
from scripting.registry import activating, lifecycle, publishing, storing, upgrades
from scripting.registry.active import registry
from scripting.registry.moves import AlreadyActive, AnyBase, PublishRefused, StaleBase
from scripting.registry.resolved import ScriptNotFound
from scripting.texts import diff
from scripting.texts.merge import BOTH
from tests.support.arena import Arena, make_script

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "POINTS = 1\nBONUS = 2\n\nresult = {'points': POINTS + BONUS}\n"


def publish(
    script: Script, text: str, base: ScriptVersion | type[AnyBase] | None = AnyBase, **who: object
) -> Activation:
    return publishing.publish(script, "python", text, actor=who.get("actor"), reason="a reason", base=base)  # type: ignore[arg-type]


def test_publishing_records_who_why_and_over_what(arena: Arena) -> None:
    ada = get_user_model().objects.create_user("ada")
    script = make_script(TEXT)
    activation = publish(script, TEXT.replace("2", "3"), script.active_version, actor=ada)
    version = activation.version
    assert version is not None
    assert (version.number, version.author, version.message, version.origin) == (2, ada, "a reason", "editor")
    assert (activation.actor, activation.reason, activation.cause) == (ada, "a reason", "publish")
    latest = script.history.latest()
    assert (latest.history_user, latest.history_change_reason) == (ada, "publish: a reason")


def test_publishing_over_a_newer_version_gives_the_three_way_merge_and_keeps_the_text(arena: Arena) -> None:
    script = make_script(TEXT)
    base = script.active_version
    publish(script, TEXT.replace("POINTS = 1", "POINTS = 10"), base)
    with pytest.raises(StaleBase, match="became active meanwhile") as refusal:
        publish(script, TEXT.replace("BONUS = 2", "BONUS = 20"), base)
    merged = refusal.value.merge
    assert merged is not None
    assert len(merged.conflicts) == 1, "neighbouring lines: a person decides"
    assert script.versions.count() == 3, "the text that was refused is kept"
    script.refresh_from_db()
    assert script.active_version.number == 2  # type: ignore[union-attr]


def test_a_text_that_is_stale_or_live_before_its_check_is_not_stored_where_that_is_not_wanted(arena: Arena) -> None:
    script = make_script(TEXT)
    base = script.active_version
    publish(script, theirs := "# theirs\n" + TEXT, base)
    for text, refusal in ((TEXT + "# mine\n", StaleBase), (theirs, AlreadyActive)):
        with pytest.raises(refusal):
            publishing.publish(script, "python", text, actor=None, reason="why", base=base, keep_stale=False)
    assert script.versions.count() == 2


def test_a_draft_is_done_with_when_its_writer_publishes_its_text_and_no_other_draft_is(arena: Arena) -> None:
    script = make_script(TEXT)
    ada, ben = (get_user_model().objects.create_user(name) for name in ("ada", "ben"))
    text = TEXT + "# new\n"
    for user in (ada, ben):
        Draft.objects.create(script=script, user=user, language="python", source=text, revision=uuid7())
    publish(script, TEXT + "# older\n", actor=ada)
    assert Draft.objects.filter(user=ada).exists(), "she went on writing"
    publish(script, text, actor=ada)
    assert [draft.user for draft in Draft.objects.all()] == [ben]


def test_a_merge_without_conflicts_can_be_published_on_the_new_base(arena: Arena) -> None:
    script = make_script(TEXT)
    base = script.active_version
    publish(script, "# theirs\n" + TEXT, base)
    with pytest.raises(StaleBase) as refusal:
        publish(script, TEXT + "# mine\n", base)
    merged = refusal.value.merge
    assert merged is not None
    assert merged.is_clean
    publish(script, merged.decided([]), script.active_version)
    assert registry.resolve("arena", "scorer").active.bundle.script.text == f"# theirs\n{TEXT}# mine\n"


def test_a_merge_with_conflicts_can_be_published_once_each_place_is_decided(arena: Arena) -> None:
    script = make_script(TEXT)
    base = script.active_version
    publish(script, TEXT.replace("POINTS = 1", "POINTS = 10"), base)
    with pytest.raises(StaleBase) as refusal:
        publish(script, TEXT.replace("POINTS = 1", "POINTS = 20"), base)
    merged = refusal.value.merge
    assert merged is not None
    with pytest.raises(ValueError, match="places to decide: 1"):
        merged.decided([])
    text = merged.decided([BOTH])
    assert "POINTS = 10\nPOINTS = 20\n" in text
    script.refresh_from_db()
    publish(script, text, script.active_version)


def test_a_text_that_fails_its_check_is_kept_and_the_old_one_stays(arena: Arena) -> None:
    script = make_script(TEXT)
    with pytest.raises(PublishRefused) as refusal:
        publish(script, "result = (", script.active_version)
    assert refusal.value.version is not None
    assert not refusal.value.version.accepted
    assert refusal.value.diagnostics[0].line == 1
    assert registry.resolve("arena", "scorer").active.info.number == 1


def test_publishing_without_a_reason_is_refused(arena: Arena) -> None:
    script = make_script(TEXT)
    with pytest.raises(PublishRefused, match="say why"):
        publishing.publish(script, "python", "result = 1", actor=None, reason="  ", base=AnyBase)


def test_a_rollback_activates_the_old_version_without_a_copy(arena: Arena) -> None:
    script = make_script(TEXT)
    publish(script, TEXT + "# two")
    activation = publishing.rollback(script, 1, actor=None, reason="two was worse")
    assert (activation.version.number, activation.cause, activation.reason) == (1, "rollback", "two was worse")  # type: ignore[union-attr]
    assert script.versions.count() == 2
    with pytest.raises(PublishRefused, match="has no version 9"):
        publishing.rollback(script, 9, actor=None, reason="?")


def test_what_is_live_already_is_not_activated_again(arena: Arena) -> None:
    script = make_script(TEXT)
    before = [script.activations.count(), script.history.count()]
    with pytest.raises(AlreadyActive, match="v1 is live already; nothing changed"):
        publishing.rollback(script, 1, actor=None, reason="again")
    for base in (AnyBase, None, script.active_version):
        with pytest.raises(AlreadyActive, match="v1 is live already; nothing changed"):
            publish(script, TEXT, base)
    assert [script.activations.count(), script.history.count()] == before
    assert script.versions.count() == 1


def test_a_rejected_version_cannot_be_rolled_back_to(arena: Arena) -> None:
    script = make_script(TEXT)
    with pytest.raises(PublishRefused):
        publish(script, "result = (")
    with pytest.raises(PublishRefused, match="did not pass its check"):
        publishing.rollback(script, 2, actor=None, reason="?")


def test_the_difference_of_two_versions_is_a_unified_diff(arena: Arena) -> None:
    script = make_script(TEXT)
    publish(script, TEXT.replace("BONUS = 2", "BONUS = 5"))
    one, two = script.versions.order_by("number")
    assert diff.unified(one.source, two.source, str(one), str(two)) == (
        "--- arena/scorer v1\n+++ arena/scorer v2\n@@ -1,4 +1,4 @@\n"
        " POINTS = 1\n-BONUS = 2\n+BONUS = 5\n \n result = {'points': POINTS + BONUS}"
    )


# -- upgrades ----------------------------------------------------------------------------------------------------------


def ship(script: Script, text: str) -> ScriptVersion:
    """A new embedded default, as discovery stores and flags it over an override."""
    version, _ = storing.store(script, "python", text.encode(), ScriptVersion.Origin.EMBEDDED)
    script.refresh_from_db()
    script.default_version = version
    script.save(update_fields=["default_version"])
    return version


def test_a_new_default_under_an_override_is_shown_as_base_default_and_mine(arena: Arena) -> None:
    script, _ = Script.objects.get_or_create(module="arena", name="scorer")
    first = ship(script, TEXT)
    activating.activate(script, first, Activation.Cause.DEFAULT, base=None)
    assert upgrades.upgrade_of(script) is None
    publish(script, TEXT + "# mine\n")
    script.refresh_from_db()
    assert upgrades.upgrade_of(script) is None, "an override by itself is no upgrade"
    second = ship(script, "# new\n" + TEXT)
    upgrade = upgrades.upgrade_of(script)
    assert upgrade is not None
    assert (upgrade.base, upgrade.default, upgrade.mine) == (first, second, script.active_version)
    assert upgrade.merge is not None
    both = upgrade.merge.decided([])
    assert both == f"# new\n{TEXT}# mine\n"
    publish(script, both)
    assert upgrades.upgrade_of(script) is None, "it was decided"


def test_the_scripts_page_shows_an_upgrade_as_base_default_and_mine(arena: Arena) -> None:
    script, _ = Script.objects.get_or_create(module="arena", name="scorer")
    activating.activate(script, ship(script, TEXT), Activation.Cause.DEFAULT, base=None)
    publish(script, TEXT + "# <mine>\n")
    ship(script, "# new\n" + TEXT)
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    page = client.get(f"/admin/scripting/script/{script.pk}/change/").content.decode()
    assert "v1 was the default when v2 was chosen; v3 is the default now. Both changes fit into one text." in page
    assert "+# new" in page
    assert "+# &lt;mine&gt;" in page


# -- the script as a whole -----------------------------------------------------------------------------------------------


def test_a_script_is_created_and_runs_once_a_text_is_published(arena: Arena) -> None:
    script = lifecycle.create("arena", "fresh", actor=None, reason="a new rule")
    with pytest.raises(ScriptNotFound, match="module arena has: arena/fresh"):
        registry.resolve("arena", "fresh")
    publish(script, "result = 1", None)
    assert registry.resolve("arena", "fresh").active.info.number == 1
    assert script.history.earliest().history_change_reason == "created: a new rule"


@pytest.mark.parametrize(
    ("module", "name", "why"),
    [
        ("nowhere", "x", "no module nowhere"),
        ("arena", "No!", "cannot be a script's name"),
        ("arena", "scorer", "exists already"),
    ],
)
def test_a_script_that_cannot_be_is_not_created(arena: Arena, module: str, name: str, why: str) -> None:
    make_script(TEXT)
    with pytest.raises(lifecycle.ChangeRefused, match=why):
        lifecycle.create(module, name, actor=None, reason="why not")


def test_switching_off_and_on_retiring_and_bringing_back_are_seen_at_once_and_recorded(arena: Arena) -> None:
    ada = get_user_model().objects.create_user("ada")
    script = make_script(TEXT)
    lifecycle.disable(script, actor=ada, reason="it misbehaves")
    assert not registry.resolve("arena", "scorer").enabled
    assert (script.history.latest().history_user, script.history.latest().history_change_reason) == (
        ada,
        "disabled: it misbehaves",
    )
    lifecycle.enable(script, actor=ada, reason="mended")
    assert registry.resolve("arena", "scorer").enabled
    lifecycle.retire(script, actor=ada, reason="gone")
    with pytest.raises(ScriptNotFound):
        registry.resolve("arena", "scorer")
    lifecycle.bring_back(script, actor=ada, reason="missed")
    assert registry.resolve("arena", "scorer").active.info.number == 1
    lifecycle.pin(script, actor=ada, reason="as it is")
    assert script.pinned
    lifecycle.unpin(script, actor=ada, reason="no longer")
    assert not script.pinned
    with pytest.raises(lifecycle.ChangeRefused, match="say why"):
        lifecycle.pin(script, actor=ada, reason="")
