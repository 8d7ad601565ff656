"""Under `require` no bad text goes live by any way, and what went live keeps what was known of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.urls import reverse

from scripting.evidence.gate import weigh_versions
from scripting.hot_reload.watcher import Watcher
from scripting.models import Activation, Script, ScriptVersion
from scripting.registry import publishing
from tests.api.conftest import Machine, machine_of
from tests.evidence.gated import (
    BAD,
    EVENTS,
    GOOD,
    LIVE,
    browser,
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
    [waiting] = watcher.look()
    assert waiting.outcome == "waiting"
    weigh_versions([script.versions.latest("number").pk])  # the evidence worker's part
    return " ".join(step.detail for step in watcher.look())


def by_rollback(script: Script, body: str, tmp_path: Path) -> str:
    """To a version that was never live."""
    publishing.store(script, "python", text_of(body).encode(), ScriptVersion.Origin.EDITOR)
    return refused("rollback_script", str(script), "2", "-m", "a try")


def by_rollback_in_workbench(script: Script, body: str, tmp_path: Path) -> str:
    publishing.store(script, "python", text_of(body).encode(), ScriptVersion.Origin.EDITOR)
    address = reverse("workbench:rollback", args=[script.module, script.name])
    answer = browser().post(address, json.dumps({"number": 2, "reason": "a try"}), content_type="application/json")
    return "" if answer.status_code == 200 else answer.json()["error"]["message"]


def by_rollback_in_admin(script: Script, body: str, tmp_path: Path) -> str:
    publishing.store(script, "python", text_of(body).encode(), ScriptVersion.Origin.EDITOR)
    address = reverse("admin:scripting_script_rollback", args=[script.pk, 2])
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
    publishing.store(script, "python", text_of(body).encode(), ScriptVersion.Origin.EDITOR)
    answer = machine().post(f"scripts/{script}/rollback", {"version": 2, "reason": "a try"})
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


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("bad", BAD)
def test_no_bad_text_goes_live_by_any_way(
    scorer: Script, tmp_path: Path, bad: str, way: Callable[[Script, str, Path], str]
) -> None:
    body, words = BAD[bad]
    said = way(scorer, body, tmp_path)
    assert "the gate is closed" in said
    assert words in said
    assert what_runs() == (1, 1)
    assert Activation.objects.exclude(script__module="wargame").count() == 2


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_changes_little_enough_goes_live_by_every_way_and_keeps_what_was_known(
    scorer: Script, tmp_path: Path, way: Callable[[Script, str, Path], str]
) -> None:
    assert "the gate is closed" not in way(scorer, GOOD, tmp_path)
    assert what_runs() != (1, 1)
    last = Activation.objects.filter(version__number=2).first()
    assert last is not None
    [evidence] = last.evidence.all()
    assert (evidence.script, evidence.events, evidence.altered, evidence.failing) == (scorer, EVENTS, 1, 0)
    assert evidence.in_words == "24 decisions, 1 changed, 0 failing, 0 of 1 cases red"
