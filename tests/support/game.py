"""A small game module of its own package, with real files: what discovery, extraction, commands and pages are tried on."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scripting.models import Script
from scripting.modules.calls import CallContext
from scripting.modules.installed import modules
from scripting.modules.scriptable import ModuleScriptConfig, ScriptableModule, exposed
from scripting.modules.topics import Topic, topics
from scripting.registry.active import registry

GOOD = "result = {'points': 1}\n"
BETTER = "result = {'points': 2}\n"
BROKEN = "result = (\n"
FORBIDDEN = "import os\nresult = 1\n"


class Roll(msgspec.Struct):
    """Payload of chess_club.roll."""

    sides: int
    secret: str = ""


ROLL = Topic("chess_club.roll", Roll, "Someone rolls dice.", frozenset({"secret"}), {"sides": 6})


class Game:
    """The module `chess_club`: `ship` writes its package's defaults, `override` the files of the scripts folder."""

    name = "chess_club"

    def __init__(self, package: Path, scripts: Path) -> None:
        self.package = package
        self.scripts = scripts

    def ship(self, name: str, text: str | bytes = GOOD) -> Path:
        return _write(self.package / "scripts" / f"{name}.py", text)

    def unship(self, name: str) -> None:
        (self.package / "scripts" / f"{name}.py").unlink()

    def override(self, name: str, text: str | bytes = BETTER) -> Path:
        return _write(self.scripts / self.name / f"{name}.py", text)

    def script(self, name: str) -> Script:
        return Script.objects.get(module=self.name, name=name)

    def active_text(self, name: str) -> str | None:
        version = self.script(name).active_version
        return version.text if version else None


def _write(path: Path, text: str | bytes) -> Path:
    """In one go, as editors save: a watcher never meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.parents[2] / "being-saved"
    whole.write_bytes(text if isinstance(text, bytes) else text.encode())
    whole.replace(path)
    return path


@pytest.fixture
def game(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Game]:
    """The only module of the site while the test runs."""
    importlib.import_module(settings.ROOT_URLCONF)  # names modules of the site, so it is read while they are there
    package = tmp_path / "chess_club_package"
    (package / "scripts").mkdir(parents=True)
    (package / "__init__.py").touch()
    settings.SCRIPTING_SCRIPTS_DIR = tmp_path / "scripts"
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()

    class ChessClub(ScriptableModule):
        name = Game.name
        package = "chess_club_package"
        topics = (ROLL,)
        config = ModuleScriptConfig(message_handlers={ROLL.name: "dice"}, endpoint_scripts={"/roll": "dice"})

        @exposed(kind="pure")
        def double(self, context: CallContext, number: int) -> int:
            """Twice the number."""
            return 2 * number

        @exposed(kind="read")
        def score(self, context: CallContext) -> int:
            """Changes between two runs, as a game does."""
            self.reads += 1
            return self.reads

        reads = 0

        def built_in(self, context: CallContext, inputs: Any) -> Any:
            if context.script != "dice":
                raise NotImplementedError
            return {"points": 0}

    monkeypatch.setattr(modules, "_modules", {})
    monkeypatch.setattr(topics, "_topics", {})
    modules.register(ChessClub())
    registry.forget()
    yield Game(package, tmp_path / "scripts")
    registry.forget()
    sys.modules.pop("chess_club_package", None)
