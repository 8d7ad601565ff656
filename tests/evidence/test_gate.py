"""The gate: overriding, what evidence is of, files that wait, policies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse

from scripting.evidence import cases
from scripting.evidence.gate import weigh, weigh_versions, with_evidence
from scripting.hot_reload.watcher import Watcher
from scripting.models import Activation, Evidence, Execution, GatePolicy, Script
from scripting.registry import gate, knobs, publishing
from scripting.registry.gate import Candidate, GateClosed, OverrideForbidden
from scripting.registry.gate_policies import Mode, Policies, set_policy
from scripting.registry.lifecycle import ChangeRefused
from scripting.registry.moves import AnyBase, AtGate
from scripting.sources import sync
from scripting.texts import case_text
from scripting.types import Source
from tests.evidence.gated import EVENTS, GOOD, HELPER, browser, person, refused, scorer, text_of, what_runs

__all__ = ["scorer"]

ADVICE = AtGate(wants_advice=True)


# -- overriding ----------------------------------------------------------------------------------------------------------


def publish(script: Script, body: str, at_gate: AtGate = ADVICE, actor: User | None = None) -> Activation:
    return with_evidence(
        lambda: publishing.publish(
            script, "python", text_of(body), actor=actor, reason="why", base=AnyBase, at_gate=at_gate
        )
    )


@pytest.mark.slow
def test_an_override_takes_a_permission_and_a_reason_and_is_shown_for_good(scorer: Script) -> None:
    address = reverse("workbench:publish", args=[scorer.module, scorer.name])
    asked = {"source": text_of("return points + 1"), "language": "python", "reason": "a try", "base": 1}
    client = browser("override_gate")
    plain = client.post(address, json.dumps(asked | {"override": "  "}), content_type="application/json")
    assert (plain.status_code, plain.json()["error"]["type"]) == (422, "gate_closed")
    answer = client.post(
        address, json.dumps(asked | {"override": "the event is over"}), content_type="application/json"
    )
    assert answer.status_code == 200
    last = scorer.activations.first()
    assert last is not None
    assert (last.override, last.version.number) == ("the event is over", 2)
    assert last.evidence.get().altered == EVENTS
    shown = client.get(reverse("workbench:history", args=[scorer.module, scorer.name])).content.decode()
    assert "the event is over" in shown
    assert "24 decisions, 24 changed, 0 failing" in shown.replace("\N{NO-BREAK SPACE}", " ")


def test_without_the_permission_an_override_is_403_in_the_workbench_and_in_the_admin(scorer: Script) -> None:
    client = browser()
    document = {
        "source": text_of("return points + 1"),
        "language": "python",
        "reason": "a try",
        "base": 1,
        "override": "I want",
    }
    address = reverse("workbench:publish", args=[scorer.module, scorer.name])
    assert client.post(address, json.dumps(document), content_type="application/json").status_code == 403
    form = {
        "text": text_of("return points + 1"),
        "language": "python",
        "reason": "a try",
        "base": "1",
        "_override": "I want",
    }
    assert client.post(reverse("admin:scripting_script_publish", args=[scorer.pk]), form).status_code == 403
    with pytest.raises(OverrideForbidden):
        publish(scorer, "return points + 1", AtGate("I want"), User.objects.get(username="dora"))
    assert what_runs() == (1, 1)


def test_a_command_overrides_as_its_operator_but_not_in_the_name_of_who_may_not(scorer: Script, tmp_path: Path) -> None:
    person("dora")
    file = tmp_path / "new.py"
    file.write_text(text_of("return points + 1"))
    arguments = ("publish_script", str(scorer), "--source", str(file), "-m", "a try")
    assert "scripting.override_gate" in refused(*arguments, "--override", "I want", "--user", "dora")
    assert what_runs() == (1, 1)
    assert refused(*arguments, "--override", "an emergency") == ""
    last = scorer.activations.first()
    assert last is not None
    assert (last.version.number, last.override, last.actor) == (2, "an emergency", None)


def test_an_override_that_was_not_needed_is_not_recorded(scorer: Script) -> None:
    assert publish(scorer, GOOD, AtGate("in case", wants_advice=True)).override == ""


@pytest.mark.any_database
def test_what_was_live_is_rolled_back_to_at_once_whatever_the_policy(scorer: Script) -> None:
    publish(scorer, GOOD)
    scorer.cases.all().delete()
    set_policy("arena", "scorer", actor=None, reason="stricter", max_changed=0)
    assert publishing.rollback(scorer, 1, actor=None, reason="an emergency").version.number == 1  # type: ignore[union-attr]


@pytest.mark.slow
@pytest.mark.any_database
def test_values_of_knobs_pass_the_gate_like_texts_and_so_does_a_set_that_was_never_live(scorer: Script) -> None:
    set_policy("arena", "scorer", actor=None, reason="for a while", mode=Mode.OFF)
    text = "bonus = 0  # knob 0..9: what is added\nresult = {'points': message['payload']['points'] + bonus}\n"
    publishing.publish(scorer, "python", text, actor=None, reason="why", base=AnyBase)
    set_policy("arena", "scorer", actor=None, reason="back again", mode=Mode.REQUIRE)

    def tune(number: int) -> Activation:
        scorer.refresh_from_db()
        return with_evidence(lambda: knobs.publish(scorer, {"bonus": number}, actor=None, reason="why", at_gate=ADVICE))

    with pytest.raises(GateClosed, match="100 % of 24 decisions would change"):
        tune(1)
    [kept] = scorer.knob_sets.all()
    with pytest.raises(GateClosed, match="100 % of 24 decisions would change"):
        knobs.rollback(scorer, kept.number, actor=None, reason="why")
    set_policy("arena", "scorer", actor=None, reason="wider", max_changed=100, max_red=1)
    assert tune(1).evidence.get().altered == EVENTS
    set_policy("arena", "scorer", actor=None, reason="narrow", max_changed=0, max_red=0)
    assert knobs.rollback(scorer, 0, actor=None, reason="an emergency").knobs is None


# -- evidence is of exactly one change -----------------------------------------------------------------------------------


def candidate(script: Script, body: str) -> Candidate:
    return Candidate(script, Source(str(script), "python", text_of(body)), "a try")


def evidence_of(script: Script, body: str) -> Evidence | None:
    """The evidence for a text, as things are now."""
    script.refresh_from_db()
    [change] = gate.changes_of([candidate(script, body)])
    return gate.evidence_on(change)


@pytest.fixture
def weighed(scorer: Script) -> Evidence:
    """Evidence for GOOD."""
    [evidence] = weigh(gate.changes_of([candidate(scorer, GOOD)]))
    assert evidence_of(scorer, GOOD) == evidence
    return evidence


def test_another_text_has_no_part_in_the_evidence(scorer: Script, weighed: Evidence) -> None:
    assert evidence_of(scorer, GOOD + "  # a remark") is None


def test_another_live_version_voids_it(scorer: Script, weighed: Evidence) -> None:
    set_policy("arena", "scorer", actor=None, reason="for a while", mode=Mode.OFF)
    publish(scorer, "return points + 2")
    assert evidence_of(scorer, GOOD) is None


def test_another_helper_voids_it(scorer: Script, weighed: Evidence) -> None:
    set_policy("arena", "scorer", actor=None, reason="for a while", mode=Mode.OFF)
    rules = Script.objects.get(module="shared")
    publishing.publish(rules, "python", HELPER + "# new\n", actor=None, reason="why", base=AnyBase)
    assert evidence_of(scorer, GOOD) is None


def test_another_case_voids_it_and_so_do_other_limits(scorer: Script, weighed: Evidence) -> None:
    case = scorer.cases.get()
    cases.change(case, case_text.decode(case.document.replace("900", "800")), user="ada")
    assert evidence_of(scorer, GOOD) is None
    cases.change(case, case_text.decode(case.document.replace("800", "900")), user="ada")
    assert evidence_of(scorer, GOOD) == weighed
    Script.objects.filter(pk=scorer.pk).update(max_execution_time=0.1)
    assert evidence_of(scorer, GOOD) is None


def test_a_policy_that_asks_for_more_events_asks_anew_and_one_with_other_thresholds_does_not(
    scorer: Script, weighed: Evidence
) -> None:
    set_policy("arena", "scorer", actor=None, reason="stricter", max_changed=0)
    with pytest.raises(GateClosed, match=r"4.17 % of 24 decisions would change") as closed:
        publishing.publish(scorer, "python", text_of(GOOD), actor=None, reason="why", base=AnyBase)
    assert closed.value.lacking == ()
    set_policy("arena", "scorer", actor=None, reason="more", max_changed=50, last=EVENTS + 1)
    with pytest.raises(GateClosed, match="not replayed yet on the last 25 decisions"):
        publishing.publish(scorer, "python", text_of(GOOD), actor=None, reason="why", base=AnyBase)
    assert publish(scorer, GOOD).evidence.get().asked == EVENTS + 1


def test_a_replay_that_had_no_time_for_all_does_not_pass(scorer: Script) -> None:
    [evidence] = weigh(gate.changes_of([candidate(scorer, GOOD)]), seconds=0)
    assert (evidence.complete, evidence.decided) == (False, 0)
    with pytest.raises(GateClosed, match="there was no time to replay all: 0 of 24 decisions were tried"):
        publishing.publish(scorer, "python", text_of(GOOD), actor=None, reason="why", base=AnyBase)


def test_cases_that_had_no_time_do_not_pass_and_are_run_again(scorer: Script) -> None:
    Execution.objects.all().delete()  # no replay that would have no time either
    [hasty] = weigh(gate.changes_of([candidate(scorer, GOOD)]), seconds=0)
    assert (hasty.complete, hasty.red) == (False, ["much"])
    with pytest.raises(GateClosed, match="there was no time to run all cases"):
        publishing.publish(scorer, "python", text_of(GOOD), actor=None, reason="why", base=AnyBase)
    [evidence] = weigh(gate.changes_of([candidate(scorer, GOOD)]))
    assert (evidence.complete, evidence.red) == (True, [])
    publish(scorer, GOOD)


@pytest.mark.any_database
def test_cases_that_had_no_time_are_told_apart_from_a_replay_of_which_a_record_was_of_no_use(scorer: Script) -> None:
    first = Execution.objects.order_by("pk").first()
    assert first is not None
    Execution.objects.filter(pk=first.pk).update(inputs=b"")
    [evidence] = weigh(gate.changes_of([candidate(scorer, GOOD)]))
    assert (evidence.complete, evidence.not_replayable) == (True, 1)
    evidence.delete()  # its report is kept, and whole
    [hasty] = weigh(gate.changes_of([candidate(scorer, GOOD)]), seconds=0)
    assert (hasty.complete, hasty.report) == (False, evidence.report)
    with pytest.raises(GateClosed, match="there was no time to run all cases"):
        publishing.publish(scorer, "python", text_of(GOOD), actor=None, reason="why", base=AnyBase)


# -- files that wait -----------------------------------------------------------------------------------------------------


def save(tmp_path: Path, body: str) -> None:
    file = tmp_path / "scripts" / "arena" / "scorer.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text_of(body))


def outcomes(watcher: Watcher) -> list[str]:
    return [step.outcome for step in watcher.look()]


def weigh_newest(script: Script) -> None:
    weigh_versions([script.versions.latest("number").pk])


@pytest.mark.any_database
def test_a_saved_file_waits_says_so_and_goes_live_once_its_replay_passes(
    scorer: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path, GOOD)
    watcher = Watcher()
    assert outcomes(watcher) == ["waiting"]
    assert outcomes(watcher) == [], "it is said once"
    call_command("list_scripts", "--module", "arena")
    assert "file waits" in capsys.readouterr().out
    page = browser().get(reverse("workbench:scripts")).content.decode()
    assert "file waits for its replay" in page
    weigh_newest(scorer)
    assert outcomes(watcher) == ["activated"]
    assert what_runs() == (2, 1)
    scorer.refresh_from_db()
    assert (scorer.held, scorer.rejected_basis) == ("", "")


@pytest.mark.any_database
def test_a_file_that_waits_is_overtaken_by_another_save(scorer: Script, tmp_path: Path) -> None:
    watcher = Watcher()
    save(tmp_path, GOOD)
    assert outcomes(watcher) == ["waiting"]
    save(tmp_path, "return points + 1")
    assert outcomes(watcher) == ["waiting"]
    weigh_versions([scorer.versions.get(number=2).pk])
    assert outcomes(watcher) == [], "the evidence is of a text that no file holds any more"
    weigh_newest(scorer)
    assert outcomes(watcher) == ["held"]
    assert what_runs() == (1, 1)


@pytest.mark.any_database
def test_a_file_that_waits_is_overtaken_by_a_publish(scorer: Script, tmp_path: Path) -> None:
    watcher = Watcher()
    save(tmp_path, GOOD)
    assert outcomes(watcher) == ["waiting"]
    publish(scorer, GOOD + "  # by hand")
    weigh_newest(scorer)
    weigh_versions([scorer.versions.get(number=2).pk])
    assert outcomes(watcher) == []
    assert what_runs() == (3, 1)


@pytest.mark.any_database
def test_a_publish_while_a_command_replays_a_file_stands(scorer: Script, tmp_path: Path) -> None:
    save(tmp_path, GOOD)

    def meanwhile(closed: GateClosed) -> bool:
        publish(scorer, GOOD + "  # by hand")
        return bool(weigh(closed.lacking))

    steps = {step.script: step.outcome for step in sync.sync(weigh=meanwhile)}
    assert steps["arena/scorer"] == "passed_over"
    assert what_runs() == (3, 1)
    assert {step.outcome for step in sync.sync() if step.script == "arena/scorer"} == {"unchanged"}


def test_under_advise_everything_goes_live_and_what_was_known_is_kept(scorer: Script, tmp_path: Path) -> None:
    set_policy("arena", "scorer", actor=None, reason="gentler", mode=Mode.ADVISE)
    activation = publish(scorer, "return points + 1")
    assert activation.evidence.get().altered == EVENTS
    assert activation.override == ""
    save(tmp_path, "return points + 2")
    assert outcomes(Watcher()) == ["activated"]


def test_the_first_version_of_a_script_is_held_to_its_cases_alone(scorer: Script) -> None:
    set_policy("", "", actor=None, reason="everywhere", mode=Mode.REQUIRE)
    new = Script.objects.create(module="arena", name="judge")
    how = {"actor": None, "reason": "new", "base": None}
    publishing.publish(new, "python", "result = {'points': 1}", **how)  # type: ignore[arg-type]
    other = Script.objects.create(module="arena", name="jury")
    case = {
        "event": {"topic": "arena.hit", "payload": {"points": 900}},
        "expect": [{"at": "result.points", "equal": 900}],
    }
    cases.add(other, "much", case_text.decode(json.dumps(case)), user="ada")
    with pytest.raises(GateClosed, match="1 of 1 cases red"):
        with_evidence(lambda: publishing.publish(other, "python", "result = {'points': 1}", **how))  # type: ignore[arg-type]


# -- policies ------------------------------------------------------------------------------------------------------------


@pytest.mark.any_database
def test_the_narrowest_policy_counts_and_one_may_follow_the_wider(scorer: Script) -> None:
    set_policy("", "", actor=None, reason="everywhere", mode=Mode.ADVISE)
    set_policy("arena", "", actor=None, reason="here", mode=Mode.OFF)
    read = Policies.read
    assert read().of(scorer).scope == "arena/scorer"
    set_policy("arena", "scorer", actor=None, reason="as the rest", mode=Mode.FOLLOW)
    assert read().of(scorer).scope == "module arena"
    set_policy("arena", "", actor=None, reason="as the rest", mode=Mode.FOLLOW)
    assert read().of(scorer).scope == "the whole site"
    assert [each.history_change_reason for each in GatePolicy.history.filter(name="scorer")] == [
        "as the rest",
        "for a test",
    ]


def test_a_policy_takes_a_reason_and_a_scope_that_there_is(scorer: Script) -> None:
    for module, name, reason, words in (
        ("arena", "", " ", "say why"),
        ("arena", "", "x" * 81, "80 at the most"),
        ("areno", "", "a slip", "there is no module areno"),
        ("arena", "scorrer", "a slip", "there is no script arena/scorrer"),
        ("shared", "rules", "a helper", "helpers pass the gate of the scripts that import them"),
    ):
        with pytest.raises(ChangeRefused, match=words):
            set_policy(module, name, actor=None, reason=reason, mode=Mode.REQUIRE)
    with pytest.raises(ChangeRefused, match="max_changed"):
        set_policy("arena", "", actor=None, reason="too much", max_changed=101)
    assert GatePolicy.objects.count() == 1
