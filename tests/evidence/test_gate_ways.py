"""Under `require` no bad text goes live by any way, and what went live keeps what was known of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from scripting.evidence.gate import weigh_versions
from scripting.hot_reload.watcher import Watcher
from scripting.models import Activation, Review, Script, ScriptVersion
from scripting.registry import publishing, reviews, storing
from scripting.registry.gate_policies import set_policy
from scripting.registry.publishing import Text
from scripting.sources import sync
from tests.api.conftest import Machine, machine_of
from tests.evidence.gated import (
    BAD,
    ENDLESS,
    EVENTS,
    GOOD,
    LIVE,
    SECONDS,
    browser,
    give_time,
    helper_of,
    person,
    refused,
    scorer,
    text_of,
    what_runs,
)

__all__ = ["scorer"]

# -- the ways ------------------------------------------------------------------------------------------------------------


def by_workbench(script: Script, body: str, tmp_path: Path) -> str:
    address = reverse("workbench:publish", args=[script.module, script.name])
    document = {"source": text_of(body), "language": "python", "reason": "a try", "base": 1, "confirmed": True}
    answer = browser().post(address, json.dumps(document), content_type="application/json")
    return "" if answer.status_code == 200 else answer.json()["error"]["message"]


def by_plain_form(script: Script, body: str, tmp_path: Path) -> str:
    address = reverse("workbench:script", args=[script.module, script.name])
    form = {
        "source": text_of(body),
        "language": "python",
        "reason": "a try",
        "base": "1",
        "publish": "1",
        "confirmed": "1",
    }
    return browser().post(address, form, follow=True).content.decode()


def by_admin(script: Script, body: str, tmp_path: Path) -> str:
    address = reverse("admin:scripting_script_publish", args=[script.pk])
    form = {"text": text_of(body), "language": "python", "reason": "a try", "base": "1"}
    return browser().post(address, form, follow=True).content.decode()


def by_command(script: Script, body: str, tmp_path: Path) -> str:
    file = tmp_path / "new.py"
    file.write_text(text_of(body))
    return refused("publish_script", str(script), "--source", str(file), "-m", "a try")


def by_command_together(script: Script, body: str, tmp_path: Path) -> str:
    (tmp_path / "new.py").write_text(LIVE)
    (tmp_path / "rules.py").write_text(helper_of(body))
    return refused(
        "publish_script", f"{script}={tmp_path / 'new.py'}", f"shared/rules={tmp_path / 'rules.py'}", "-m", "a try"
    )


def by_sync(script: Script, body: str, tmp_path: Path) -> str:
    (tmp_path / "scripts" / "arena").mkdir()
    (tmp_path / "scripts" / "arena" / "scorer.py").write_text(text_of(body))
    return refused("sync_scripts")


def by_watcher(script: Script, body: str, tmp_path: Path) -> str:
    (tmp_path / "scripts" / "arena").mkdir()
    (tmp_path / "scripts" / "arena" / "scorer.py").write_text(text_of(body))
    watcher = Watcher()
    [first] = watcher.look()
    if first.outcome != "waiting":  # there is evidence already
        return first.detail
    weigh_versions([script.versions.latest("number").pk])  # the evidence worker's part
    return " ".join(step.detail for step in watcher.look())


def stored(script: Script, body: str) -> int:
    """The number of a version that was never live."""
    version, _diagnostics = storing.store(script, "python", text_of(body).encode(), ScriptVersion.Origin.EDITOR)
    return version.number


def by_rollback(script: Script, body: str, tmp_path: Path) -> str:
    return refused("rollback_script", str(script), str(stored(script, body)), "-m", "a try")


def by_rollback_in_workbench(script: Script, body: str, tmp_path: Path) -> str:
    number = stored(script, body)
    address = reverse("workbench:rollback", args=[script.module, script.name])
    answer = browser().post(address, json.dumps({"number": number, "reason": "a try"}), content_type="application/json")
    return "" if answer.status_code == 200 else answer.json()["error"]["message"]


def by_rollback_in_admin(script: Script, body: str, tmp_path: Path) -> str:
    address = reverse("admin:scripting_script_rollback", args=[script.pk, stored(script, body)])
    return browser().post(address, {"reason": "a try"}, follow=True).content.decode()


def machine() -> Machine:
    user = person("ci")
    return machine_of(user)


def by_api(script: Script, body: str, tmp_path: Path) -> str:
    asked = {"source": text_of(body), "language": "python", "reason": "a try", "confirmed": True}
    answer = machine().post(f"scripts/{script}/publish", asked)
    return "" if answer.status_code == 200 else str(answer.json()["detail"])


def by_release(script: Script, body: str, tmp_path: Path) -> str:
    text = {"module": "shared", "name": "rules", "language": "python", "source": helper_of(body)}
    answer = machine().post("releases", {"reason": "a try", "scripts": [text], "confirmed": True})
    return "" if answer.status_code == 200 else str(answer.json()["detail"])


def by_rollback_of_api(script: Script, body: str, tmp_path: Path) -> str:
    number = stored(script, body)
    answer = machine().post(f"scripts/{script}/rollback", {"version": number, "reason": "a try"})
    return "" if answer.status_code == 200 else str(answer.json()["detail"])


def by_helper(script: Script, body: str, tmp_path: Path) -> str:
    address = reverse("workbench:publish", args=["shared", "rules"])
    document = {"source": helper_of(body), "language": "python", "reason": "a try", "base": 1, "confirmed": True}
    answer = browser().post(address, json.dumps(document), content_type="application/json")
    return "" if answer.status_code == 200 else answer.json()["error"]["message"]


WAYS = (
    by_workbench, by_plain_form, by_admin, by_command, by_command_together, by_sync, by_watcher,
    by_rollback, by_rollback_in_workbench, by_rollback_in_admin, by_helper, by_api, by_release, by_rollback_of_api,
)  # fmt: skip


def forget_people_and_files(tmp_path: Path) -> None:
    """So that a way can be gone once more."""
    User.objects.filter(username__in=["dora", "ci"]).delete()
    if folders := list((tmp_path / "scripts").glob("*/")):
        for folder in folders:
            shutil.rmtree(folder)
        sync.sync(wait=lambda _seconds: None)


OF_A_HELPER = (by_command_together, by_helper, by_release)


def asked_for(script: Script, way: Callable[[Script, str, Path], str]) -> Review:
    """A review of the text that a way would make live, asked for by eve."""
    of_helper = way in OF_A_HELPER
    about = Script.objects.get(module="shared") if of_helper else script
    text = Text(about, "python", (helper_of if of_helper else text_of)(GOOD).encode())
    eve = person("eve")
    return reviews.ask(publishing.moves_for([text], actor=eve, reason="less for 7"), actor=eve, reason="less for 7")


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_takes_an_approval_goes_live_by_every_way_once_somebody_else_gave_it_and_not_before(
    scorer: Script, tmp_path: Path, way: Callable[[Script, str, Path], str]
) -> None:
    set_policy("arena", "scorer", actor=None, reason="two pairs of eyes", approval="always")
    review = asked_for(scorer, way)
    said = way(scorer, GOOD, tmp_path)
    assert "the gate is closed: nobody else has approved it yet" in said
    assert what_runs() == (1, 1)
    forget_people_and_files(tmp_path)
    reviews.approve(review, actor=person("rita", "approve_review"))
    assert "the gate is closed" not in way(scorer, GOOD, tmp_path)
    last = Activation.objects.get(version__number=2)
    assert last.review == review
    review.refresh_from_db()
    assert review.state == "live"


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_bad_text_goes_live_by_any_way_and_then_a_good_one_does_and_keeps_what_was_known(
    scorer: Script, tmp_path: Path, way: Callable[[Script, str, Path], str]
) -> None:
    for bad, (body, words) in BAD.items():
        give_time(scorer, SECONDS / 4 if bad == ENDLESS else SECONDS)  # what is sure to take all of it takes no more
        said = way(scorer, body, tmp_path)
        assert "the gate is closed" in said, f"{bad}: {said[-2000:]}"
        assert words in said, f"{bad}: {said[-2000:]}"
        assert what_runs() == (1, 1), bad
        forget_people_and_files(tmp_path)
    made_live = Activation.objects.exclude(script__module="wargame")
    assert made_live.count() == 2
    give_time(scorer, SECONDS)
    assert "the gate is closed" not in way(scorer, GOOD, tmp_path)
    assert what_runs() != (1, 1)
    last = made_live.exclude(version__number=1).get()
    [evidence] = last.evidence.all()
    assert (evidence.script, evidence.events, evidence.altered, evidence.failing) == (scorer, EVENTS, 1, 0)
    assert evidence.in_words == "24 decisions, 1 changed, 0 failing, 0 of 1 cases red"
