"""Helpers: scripts of the module `shared`, taken into the bundle of what imports them, and never changed to its harm."""

from __future__ import annotations

import pytest

from scripting.engine import get_engine
from scripting.hot_reload.listener import Listener
from scripting.models import BundleHelper, ScriptVersion
from scripting.processes import members
from scripting.registry import dependents, lifecycle, publishing, storing
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase, PublishRefused
from scripting.types import ExecutionRequest
from tests.support.arena import Arena, make_script

pytestmark = pytest.mark.django_db(transaction=True)

DICE = "def roll(sides):\n    return sides\n"
SCORER = "from shared.dice import roll\nresult = {'points': roll(6)}\n"


@pytest.fixture
def helper(arena: Arena):
    script = make_script(DICE, "dice", "shared")
    make_script(SCORER)
    return script


def publish(script, text):
    return publishing.publish(script, "python", text, actor=None, reason="why", base=AnyBase)


def run() -> object:
    return get_engine().execute(ExecutionRequest("arena", "scorer", key="ada")).result


def test_a_new_helper_version_is_a_new_bundle_of_what_imports_it(helper) -> None:
    before = registry.resolve("arena", "scorer").active
    assert run() == {"points": 6}
    publish(helper, DICE.replace("return sides", "return sides * 2"))
    after = registry.resolve("arena", "scorer").active
    assert (after.info, after.bundle.digest != before.bundle.digest) == (before.info, True)
    assert run() == {"points": 12}
    assert BundleHelper.objects.filter(bundle_digest=after.bundle.digest).count() == 1


def test_a_process_reads_again_what_may_import_the_helper_and_nothing_else(helper, monkeypatch) -> None:
    make_script("result = {'points': 1}", "alone")
    make_script("# shared dice are no good\nresult = {'points': 1}", "word")
    listener = Listener("test", heartbeat=False)
    listener.member.beat()
    listener.step(0)
    alone = registry.resolve("arena", "alone")
    read = []
    take = registry.take
    monkeypatch.setattr(registry, "take", lambda keys, span: read.append(set(keys)) or take(keys, span))
    publish(helper, DICE.replace("return sides", "return sides * 2"))
    listener.step(10)
    assert read == [{("shared", "dice"), ("arena", "scorer"), ("arena", "word")}]
    assert registry._scripts["arena", "alone"] is alone
    assert run() == {"points": 12}
    (process,) = members.everyone(["arena/scorer"])
    assert process.loaded["arena/scorer"].digest == registry.resolve("arena", "scorer").active.bundle.digest
    listener.member.leave()


def test_a_helper_that_would_break_a_dependent_is_refused_and_names_it(helper) -> None:
    with pytest.raises(PublishRefused, match=r"would break arena/scorer \(v1\)") as refusal:
        publish(helper, "def throw(sides):\n    return sides\n")
    assert refusal.value.version is not None
    assert refusal.value.version.text.startswith("def throw"), "the text is kept"
    assert run() == {"points": 6}


def test_a_helper_of_a_file_that_would_break_a_dependent_is_rejected_and_names_it(helper) -> None:
    version, diagnostics = storing.store(helper, "python", b"def throw(n):\n    return n\n", ScriptVersion.Origin.FILE)
    assert not version.accepted
    assert "would break arena/scorer (v1) line 1" in diagnostics[0].message
    assert version.diagnostics[0]["message"] == diagnostics[0].message


def test_a_refused_helper_is_accepted_once_its_dependents_have_been_changed(helper) -> None:
    text = "def throw(sides):\n    return sides\n"
    with pytest.raises(PublishRefused):
        publish(helper, text)
    make_script("result = {'points': 1}")
    publish(helper, text)
    assert registry.resolve("shared", "dice").active.info.number == 2


def test_what_a_script_lacked_before_is_no_fault_of_a_helper(helper) -> None:
    script = make_script("result = 1", "other")
    version, _ = storing.store(script, "python", b"from shared.cards import draw\nresult = draw()", "editor")
    assert not version.accepted, "there is no helper cards yet"
    make_script("def draw():\n    return 7\n", "cards", "shared")
    storing.recheck(version)
    assert version.accepted


def test_a_helper_that_is_imported_by_way_of_another_counts(helper) -> None:
    make_script("from shared.dice import roll\ndef twice(n):\n    return 2 * roll(n)\n", "pairs", "shared")
    make_script("from shared.pairs import twice\nresult = {'points': twice(3)}\n")
    assert run() == {"points": 6}
    assert {str(version.script) for version in dependents.dependents_of("dice")} == {"arena/scorer", "shared/pairs"}
    with pytest.raises(PublishRefused, match="would break"):
        publish(helper, "def throw(sides):\n    return sides\n")


@pytest.mark.parametrize(
    "text",
    [
        "from shared import dice\nresult = {'points': dice.roll(6)}\n",
        "import shared.dice\nresult = {'points': shared.dice.roll(6)}\n",
        "from shared import dice as d\nresult = {'points': 6 if True else d.roll(6)}\n",
    ],
)
def test_a_helper_used_as_a_whole_is_not_broken_either(helper, text: str) -> None:
    make_script(text)
    assert run() == {"points": 6}
    with pytest.raises(PublishRefused, match=r"would break arena/scorer \(v2\) line \d: .* does not offer .roll."):
        publish(helper, "def throw(sides):\n    roll = sides\n    return roll\n")
    publish(helper, DICE + "\n\ndef throw(sides):\n    return sides\n")
    assert run() == {"points": 6}


def test_rolling_a_helper_back_names_what_it_would_break(helper) -> None:
    publish(helper, DICE + "\n\ndef throw(sides):\n    return sides\n")
    make_script("from shared.dice import throw\nresult = {'points': throw(2)}\n")
    with pytest.raises(PublishRefused, match="cannot become active: would break arena/scorer"):
        publishing.rollback(helper, 1, actor=None, reason="back")
    assert run() == {"points": 2}


def test_a_helper_in_use_is_neither_disabled_nor_retired(helper) -> None:
    with pytest.raises(lifecycle.ChangeRefused, match="imported by arena/scorer"):
        lifecycle.retire(helper, actor=None, reason="gone")
    with pytest.raises(lifecycle.ChangeRefused, match="imported by arena/scorer"):
        lifecycle.disable(helper, actor=None, reason="off")
    make_script("result = {'points': 1}")
    lifecycle.retire(helper, actor=None, reason="gone")
