"""A live script under a policy that requires evidence, rules to try on it, and who tries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from scripting.evidence import cases
from scripting.models import Script
from scripting.registry.active import registry
from scripting.registry.gate_policies import Mode, set_policy
from scripting.texts import case_text
from tests.evidence.recorded import record
from tests.support.arena import Arena, make_script

HELPER = "def points_of(points, read):\n    return points\n"
LIVE = """
from shared.rules import points_of
result = {'points': points_of(message['payload']['points'], get_score)}
"""
EVENTS = 24
SECONDS = 0.4
"""A run may take so long: far longer than any that ends, on a busy machine too."""
ENDLESS = "a loop without end on one event"

BAD = {
    "fails for some events alone": (
        "if points % 8 == 7:\n    return {}['nothing']\nreturn points",
        "3 of 24 decisions would newly fail (allowed: 0)",
    ),
    "a text for a number": (
        "return 'many' if points > 21 else points",
        "2 of 24 decisions the game would newly refuse",
    ),
    ENDLESS: (
        "while points == 5:\n    pass\nreturn points",
        "decisions would newly fail (allowed: 0)",
    ),
    "a read that was never recorded": ("return read() + points", "24 of 24 decisions left the recording (allowed: 0)"),
    "changes more than allowed": ("return points + 1", "100 % of 24 decisions would change (allowed: 10 %)"),
    "an event that is newly published": (
        "publish_event('arena.unheard', {'points': 1})\nreturn points",
        "100 % of 24 decisions would change",
    ),
    "a red case": ("return points - 1 if points == 900 else points", "1 of 1 cases red: much (allowed: 0)"),
}
"""Of each bad rule its text, and what the gate says of it."""
GOOD = "return points if points != 7 else 8"


def helper_of(body: str) -> str:
    """The helper with another rule in it."""
    return "def points_of(points, read):\n    " + body.replace("\n", "\n    ") + "\n"


def text_of(body: str) -> str:
    """A script with the rule in itself."""
    return helper_of(body) + "\nresult = {'points': points_of(message['payload']['points'], get_score)}\n"


def give_time(script: Script, seconds: float) -> None:
    """Let each of its runs take so long."""
    script.max_execution_time = seconds
    script.save()
    registry.forget()


@pytest.fixture
def scorer(arena: Arena, tmp_path: Path, settings: Settings, transactional_db: None) -> Script:
    """A live script with a helper, a case and recorded events, under a policy that requires evidence."""
    settings.SCRIPTING_SCRIPTS_DIR = tmp_path / "scripts"
    (tmp_path / "scripts").mkdir()
    make_script(HELPER, "rules", "shared")
    script = make_script(LIVE)
    registry.forget()
    record("arena", "scorer", "arena.hit", [{"points": points} for points in range(EVENTS)], key="ada")
    give_time(script, SECONDS)
    case = {
        "event": {"topic": "arena.hit", "payload": {"points": 900}},
        "expect": [{"at": "result.points", "equal": 900}],
    }
    cases.add(script, "much", case_text.decode(json.dumps(case)), user="ada")
    set_policy("arena", "scorer", actor=None, reason="for a test", mode=Mode.REQUIRE, max_changed=10, last=EVENTS)
    return script


def person(name: str, *more: str) -> User:
    """A designer, and what else they may."""
    user = User.objects.create_user(name, password="x", is_staff=True)
    codes = ["view_script", "change_script", "edit_script", "run_script", "publish_script", *more]
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    return user


def browser(*more: str) -> Client:
    client = Client()
    client.force_login(person("dora", *more))
    return client


def refused(*arguments: str, **options: object) -> str:
    """The message of a command that exits with 1; empty if it does its work."""
    try:
        call_command(*arguments, **options)
    except CommandError as error:
        return str(error) if error.returncode == 1 else ""
    return ""


def what_runs() -> tuple[int, ...]:
    scripts = Script.objects.filter(module__in=["arena", "shared"]).order_by("module", "name")
    return tuple(scripts.values_list("active_version__number", flat=True))
