"""The example clients of the API, each built and run against a real site with a worker; a language that is not here is left out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from goby_site.paths import BASE_DIR
from scripting.access import tokens
from scripting.access.tokens import Wanted
from scripting.bus.streams import Stream
from scripting.models import Execution
from scripting.sources import sync
from scripting.workers import drain_job

CLIENTS = BASE_DIR / "docs" / "examples" / "clients"
MONO = """\
mcs -nologo -langversion:7 -r:System.Net.Http -r:System.Runtime.Serialization -r:System.Xml -out:"$HOME/Hit.exe" Program.cs
exec mono "$HOME/Hit.exe"
"""
"""Debian: mono-mcs, mono-runtime, libmono-system-net-http4.0-cil, libmono-system-runtime-serialization4.0-cil."""
COMMANDS = {
    "curl": ("sh", CLIENTS / "send_hit.sh"),
    "python": (sys.executable, CLIENTS / "send_hit.py"),
    "go": ("go", "run", "."),
    "dotnet": ("dotnet", "run"),
    "mono": ("sh", "-ec", MONO),
}
NEEDS = {"curl": "curl", "python": sys.executable, "go": "go", "dotnet": "dotnet", "mono": "mcs"}


@pytest.fixture
def environment(live_server: Any, tmp_path: Path) -> dict[str, str]:
    """Of a machine with a token for hits of the wargame."""
    user = User.objects.create_superuser("server")
    _, text = tokens.make(Wanted("match server", user, ("events",), ("wargame/*",)), actor=user, reason="an example")
    sync.sync()
    own = {"GOBY_SERVER": live_server.url, "GOBY_TOKEN": text, "GOCACHE": str(tmp_path / "go"), "HOME": str(tmp_path)}
    return {**os.environ, **own}


@pytest.fixture
def worker() -> Iterator[None]:
    """Drains the example's stream until the test is over, as a worker would."""
    over = threading.Event()

    def drain() -> None:
        try:
            while not over.wait(0.02):
                drain_job.drain_once(Stream.of("wargame", "example", ""))
        finally:
            connections.close_all()

    thread = threading.Thread(target=drain)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", COMMANDS)
def test_a_client_sends_a_hit_and_prints_what_the_rule_decided(
    language: str, environment: dict[str, str], worker: None
) -> None:
    if shutil.which(NEEDS[language]) is None:
        pytest.skip(f"{NEEDS[language]} is not installed here")
    folder = CLIENTS / {"go": "go", "dotnet": "csharp", "mono": "csharp"}.get(language, "")
    ran = subprocess.run(COMMANDS[language], cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "wargame/damage_calculator" in ran.stdout
    assert "base_damage" in ran.stdout
    execution = Execution.objects.get()
    assert (str(execution.script), execution.key) == ("wargame/damage_calculator", "example")


@pytest.mark.django_db(transaction=True)
def test_a_client_tells_what_the_server_refuses(environment: dict[str, str]) -> None:
    ran = subprocess.run([*COMMANDS["python"], "{}"], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert ran.stderr.startswith("does_not_fit: wargame.hit: ")
