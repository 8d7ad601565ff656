"""The web process and a real worker follow versions as the members of the other tests do."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripting.bus.publishing import publish as publish_event
from scripting.hot_reload import fleet
from scripting.models import Execution, Script
from scripting.modules.topics import topics
from scripting.processes import members
from scripting.registry import publishing
from scripting.registry.active import registry
from scripting.registry.moves import AnyBase
from scripting.sources import sync
from tests.support import forked
from tests.support.member import wait_for_version
from tests.support.processes import child_environment
from tests.support.stack import wait_until
from tests.workers.outages import stop_outside_a_transaction

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

NAME = "wargame/damage_calculator"


@pytest.fixture
def script(tmp_path: Path, settings: Any) -> Script:
    """The wargame's damage_calculator, on its default."""
    settings.SCRIPTING_SCRIPTS_DIR = tmp_path / "scripts"
    registry.forget()
    sync.sync()
    return Script.objects.get(module="wargame", name="damage_calculator")


@pytest.fixture
def worker(script: Script, tmp_path: Path) -> Iterator[forked.Process]:
    """A running `manage.py run_worker` that has taken the default."""
    with (tmp_path / "worker.log").open("wb") as log:
        process = forked.start(
            "manage.py", "run_worker", environment=child_environment(), stdout=log, stderr=log, real=True
        )
    wait_for_version(NAME, 1, 1, seconds=120)
    yield process
    process.send_signal(signal.SIGCONT)
    process.terminate()
    assert process.wait(60) == 0, (tmp_path / "worker.log").read_text()
    assert members.everyone() == [], "a worker that ends is listed no longer"


def publish(script: Script, number: int) -> None:
    text = f"result = {{'damage': {number}, 'base_damage': {number}, 'message': 'x'}}\n"
    publishing.publish(script, "python", text, actor=None, reason="for a test", base=AnyBase)


def run_event() -> Execution:
    """One event, once its execution is recorded."""
    before = Execution.objects.count()
    publish_event("wargame.hit", topics.get("wargame.hit").example, key="game")
    wait_until(lambda: Execution.objects.count() > before, 60)
    return Execution.objects.order_by("pk").last()  # type: ignore[return-value]


def test_a_worker_that_was_stopped_is_shown_stale_and_runs_its_next_event_on_the_new_version(
    script: Script, worker: forked.Process
) -> None:
    assert run_event().version == script.versions.get(number=1)
    stop_outside_a_transaction(worker.send_signal)
    publish(script, 2)
    wait_until(lambda: "0 of 1 on v2, one stale since" in str(fleet.loaded_by(script)), 60)
    publish_event("wargame.hit", topics.get("wargame.hit").example, key="game")
    worker.send_signal(signal.SIGCONT)
    wait_until(lambda: Execution.objects.count() == 2, 60)
    assert Execution.objects.order_by("pk").last().version.number == 2  # type: ignore[union-attr]
    wait_until(lambda: str(fleet.loaded_by(script)) == "1 of 1 on v2", 60)


def test_the_web_process_follows_versions_from_its_servers_start_to_its_end(script: Script) -> None:
    from goby_site.asgi import application

    async def serve() -> list[str]:
        asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        said: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        server = asyncio.create_task(application({"type": "lifespan"}, asked.get, said.put))
        await asked.put({"type": "lifespan.startup"})
        assert await said.get() == {"type": "lifespan.startup.complete"}
        await asyncio.to_thread(wait_for_version, NAME, 1, 1)
        kinds = [process.kind for process in await asyncio.to_thread(members.everyone)]
        await asked.put({"type": "lifespan.shutdown"})
        assert await said.get() == {"type": "lifespan.shutdown.complete"}
        await server
        return kinds

    assert asyncio.run(serve()) == ["web"]
    assert members.everyone() == []
