"""A process of a test that listens for new versions and runs scripts of the arena: `Member` drives `main` in a child."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support import forked
from tests.support.processes import child_environment
from tests.support.stack import wait_until


class Member:
    """A running process of some kind; a context manager that ends it. `under` is a command that starts it."""

    def __init__(self, folder: Path, kind: str = "worker", *, under: Sequence[str] = (), **environment: str) -> None:
        self.log = folder / f"member-{time.monotonic_ns()}.log"
        with self.log.open("wb") as errors:
            self.process = forked.start(
                "-m",
                "tests.support.member",
                kind,
                environment=child_environment(**environment),
                stderr=errors,
                under=under,
            )
        self.name = self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        return json.loads(line)

    def ask(self, command: str, *arguments: Any) -> Any:
        """Have the child call a method of `Answers`; its answer."""
        self.tell(command, *arguments)
        return self._answer()

    def tell(self, command: str, *arguments: Any) -> None:
        """The same without waiting for the answer, which the next `heard` gives."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([command, *arguments]) + "\n")
        self.process.stdin.flush()

    heard = _answer

    def stop(self) -> None:
        """SIGSTOP: it does nothing until `go_on`."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """A clean end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)

    def __enter__(self) -> Member:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self.process.send_signal(signal.SIGUSR1)
            time.sleep(0.2)
            print(f"--- {self.log.name}\n{self.log.read_text()[-4000:]}")
        self.go_on()
        if self.process.poll() is None:
            try:
                self.end()
            except (subprocess.TimeoutExpired, BrokenPipeError):
                self.process.kill()
                self.process.wait()


@contextmanager
def members(folder: Path, count: int) -> Iterator[list[Member]]:
    """Several, started side by side."""
    with ExitStack() as stack:
        yield [stack.enter_context(Member(folder)) for _ in range(count)]


def wait_for_version(script: str, number: int, count: int, seconds: float = 60) -> None:
    """Until `count` processes have acknowledged version `number` of the script (module/name)."""
    from scripting.processes.members import everyone

    def have() -> int:
        loaded = [process.loaded.get(script) for process in everyone([script])]
        return sum(version is not None and version.number == number for version in loaded)

    wait_until(lambda: have() >= count, seconds, f"{have()} of {count} processes have v{number} of {script}")


# -- in the child ------------------------------------------------------------------------------------------------------


class Answers:
    """The questions that a member answers."""

    def __init__(self, listener: Any) -> None:
        self.listener = listener
        self._stop = threading.Event()
        self._runs: list[tuple[float, int, int]] = []
        self._thread = threading.Thread(target=self._spin)

    def run(self) -> tuple[float, int, int]:
        """One run of arena/scorer: when it began (seconds since 1970), its version's number, µs of compiling."""
        from scripting.bus.publishing import make_event
        from scripting.engine import get_engine

        started = time.time()
        attempt = get_engine().decide(make_event("arena.hit", {"points": 1}), "arena", "scorer").attempts[0]
        assert attempt.outcome.error is None, attempt.outcome.error
        assert attempt.version is not None
        return started, attempt.version.info.number, attempt.outcome.metrics.compile_us

    def is_warm(self) -> bool:
        """Whether a sandbox of the version of now is ready: one that still compiles is busy."""
        from scripting.registry.active import registry
        from scripting.runtime.pool import get_pool

        digest = registry.resolve("arena", "scorer").active.bundle.digest
        return any(box.digest == digest and not box.busy for box in get_pool().stats().sandboxes)

    def sandboxes(self) -> int:
        """How many there are in this process."""
        from scripting.runtime.pool import vitals

        return vitals()["sandboxes"]

    def decided_by(self) -> int:
        """The number of the version that decided a run of arena/scorer, a fallback if need be."""
        from scripting.bus.publishing import make_event
        from scripting.engine import get_engine

        last = get_engine().decide(make_event("arena.hit", {"points": 1}), "arena", "scorer").attempts[-1]
        assert last.outcome.error is None, last.outcome.error
        assert last.version is not None
        return last.version.info.number

    def spin(self) -> None:
        """Begin to run over and over."""
        self._thread.start()

    def _spin(self) -> None:
        while not self._stop.is_set():
            self._runs.append(self.run())

    def count(self) -> int:
        return len(self._runs)

    def runs(self) -> list[tuple[float, int, int]]:
        """End running; every run."""
        self._stop.set()
        self._thread.join()
        return self._runs

    def deafen(self) -> None:
        """Drop every notice from now on, as a network might."""
        self.listener._subscription._notice = lambda message: None

    def missed(self) -> int:
        return int(self.listener.missed)

    def told(self) -> list[tuple[str, str]]:
        """The arguments that on_script_changed was called with."""
        from scripting.modules.installed import modules

        return list(modules.get("arena").changes)  # type: ignore[union-attr]


def main() -> None:
    import faulthandler

    import django

    faulthandler.register(signal.SIGUSR1)

    django.setup()
    from scripting.hot_reload.listener import listening
    from scripting.runtime.pool import close_pool
    from tests.support.arena import arena_registered

    with arena_registered() as arena, listening(sys.argv[1]) as listener:
        arena.changes = []
        arena.on_script_changed = lambda *change: arena.changes.append(change)  # type: ignore[method-assign]
        answers = Answers(listener)
        print(json.dumps(listener.member.name), flush=True)
        for line in sys.stdin:
            command, *arguments = json.loads(line)
            print(json.dumps(getattr(answers, command)(*arguments)), flush=True)
        close_pool()
    os._exit(0)


if __name__ == "__main__":
    main()
