"""Each kind of process tells systemd how it is, heard on a socket as systemd would."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripting.processes import systemd
from tests.support import forked
from tests.support.processes import child_environment

PARTS = {
    "worker": ("manage.py", "run_worker"),
    "watcher": ("manage.py", "watch_scripts"),
    "director": ("manage.py", "play_wargame"),
    "web": ("-m", "uvicorn", "goby_site.asgi:application", "--uds", "{folder}/web", "--lifespan", "on"),
}


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket that NOTIFY_SOCKET names."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(60)
        yield heard


def told(ear: socket.socket) -> str:
    return ear.recv(4096).decode()


class Part:
    """One process, with a socket of its own at which it is heard."""

    def __init__(self, kind: str, folder: Path) -> None:
        folder.mkdir()
        self.ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ear.bind(str(folder / "notify"))
        self.ear.settimeout(90)
        self.kind, self.log = kind, folder / "log"
        own = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "30000000", "GOBY_DEMO": "false"}
        arguments = [one.format(folder=folder) for one in PARTS[kind]]
        with self.log.open("wb") as output:
            self.process = forked.start(
                *arguments,
                environment=child_environment(**own, SCRIPTING_SCRIPTS_DIR=str(folder / "scripts")),
                stdout=output,
                stderr=output,
            )

    def says(self, word: str) -> str:
        """Its next message that begins with `word`; signs of life before it are passed over."""
        while (said := told(self.ear)) == "WATCHDOG=1" != word:
            pass
        assert said.startswith(word), (self.kind, said, self.log.read_text())
        return said

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.ear.close()


@pytest.mark.alone
@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_each_part_says_when_it_is_ready_that_it_is_alive_and_that_it_ends(tmp_path: Path) -> None:
    parts = [Part(kind, tmp_path / kind) for kind in PARTS]
    try:
        for part in parts:
            assert "STATUS=" in part.says("READY=1")
            part.says("WATCHDOG=1")
            part.process.send_signal(signal.SIGTERM)
        for part in parts:
            part.says("STOPPING=1")
            assert part.process.wait(60) in {0, -signal.SIGTERM}, (part.kind, part.log.read_text())
    finally:
        for part in parts:
            part.end()


def test_nothing_is_said_where_systemd_did_not_ask(
    monkeypatch: pytest.MonkeyPatch, ear: socket.socket, tmp_path: Path
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd.ready("here")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() + 1))  # a child has its parent's environment
    systemd.alive()
    ear.settimeout(0)
    with pytest.raises(BlockingIOError):
        told(ear)


def test_signs_of_life_are_given_no_more_often_than_each_second(
    monkeypatch: pytest.MonkeyPatch, ear: socket.socket, tmp_path: Path
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.setattr(systemd, "_alive_at", float("-inf"))
    for _ in range(100):
        systemd.alive()
    assert told(ear) == "WATCHDOG=1"
    monkeypatch.setattr(systemd, "_alive_at", time.monotonic() - systemd.ALIVE_SECONDS)
    systemd.alive()
    assert told(ear) == "WATCHDOG=1"
    ear.settimeout(0)
    with pytest.raises(BlockingIOError):
        told(ear)


def test_a_socket_that_is_gone_disturbs_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    systemd.ready("here")
    assert "systemd was not told READY=1" in caplog.text
