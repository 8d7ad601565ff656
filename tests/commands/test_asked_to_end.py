"""A command that writes files and is asked to end, or has no room, leaves nothing half written behind."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripting.client import folder
from scripting.sources import sync
from scripting.supervisor.asked_to_end import quietly
from tests.support.game import Game
from tests.support.processes import child_environment

SLOWLY = """
import os, sys, time
name, *arguments = sys.argv[1:]
kept = getattr(os, name)
def slowly(*given, **how):
    print("writing", flush=True)
    time.sleep(60)
setattr(os, name, slowly)
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *arguments])
"""
"""A command whose call of this function, which ends the writing of a file, takes a minute."""

PULL = """
import sys, time
from pathlib import Path
from scripting.client import folder, main
def slowly(*given):
    print("writing", flush=True)
    time.sleep(60)
Path.chmod = slowly
main.stubs.write = lambda *given: folder.write(Path(sys.argv[1]) / "dice.py", "result = 1\\n")
main.main(["stubs", sys.argv[1], "--offline"])
"""


def ended(command: list[str], number: signal.Signals) -> int:
    """Its exit code, having been asked to end in the middle of writing, of which it says nothing."""
    with subprocess.Popen(command, env=child_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"writing\n"
        running.send_signal(number)
        _, said = running.communicate(timeout=30)
        assert b"Traceback" not in said
        return running.returncode


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("command", "call"), [("export_site", "replace"), ("extract_scripts", "fsync")])
def test_a_command_that_is_asked_to_end_takes_away_what_it_had_begun_to_write(
    game: Game, tmp_path: Path, command: str, call: str, number: signal.Signals
) -> None:
    game.ship("dice")
    sync.sync()
    target = tmp_path / "target"
    target.mkdir()
    arguments = [str(target / "site.zip")] if command == "export_site" else ["--to", str(target), "--module", "wargame"]
    code = ended([sys.executable, "-c", SLOWLY, call, command, *arguments], number)
    assert code == -number
    assert [path for path in target.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_goby_takes_away_what_it_had_begun_to_write(tmp_path: Path, number: signal.Signals) -> None:
    assert ended([sys.executable, "-c", PULL, str(tmp_path)], number) == -number
    assert list(tmp_path.iterdir()) == []


def test_whoever_hears_of_errors_hears_of_those_after_ctrl_c_and_of_that_not(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, *_: heard.append(kind))
    with pytest.raises(KeyboardInterrupt), quietly():
        raise KeyboardInterrupt
    for error in (KeyboardInterrupt(), ValueError()):
        sys.excepthook(type(error), error, None)
    assert heard == [ValueError]


def test_a_file_for_which_there_is_no_room_is_not_half_written(tmp_path: Path) -> None:
    path = tmp_path / "dice.py"
    folder.write(path, "result = 1\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            folder.write(path, "#" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert ([each.name for each in tmp_path.iterdir()], path.read_text()) == (["dice.py"], "result = 1\n")
