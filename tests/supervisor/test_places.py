"""Places for sandboxes follow memory, and what is pushed out of one comes back without being compiled again."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scripting.sandbox.protocol import Compiled, Load, Loaded
from scripting.supervisor import replaced, room
from scripting.supervisor.compiled import MAX_BYTES_EACH, CompiledBundles, Kind
from scripting.supervisor.pool import SandboxPool
from scripting.supervisor.sandbox import Sandbox
from scripting.types import Bundle, SecurityLimits, Source
from tests.support.sandboxes import bundle_of, outcome_of, value_of

MakePool = Callable[..., SandboxPool]
LIMITS = SecurityLimits()
RULE = """
import decimal, random
from shared.odds import chance
LOW = 3  # knob 1..9: the lowest
decimal.getcontext().prec += 1
def numbers():
    yield from range(LOW)
log(str(decimal.getcontext().prec), chance(0.5))
result = [LOW, random.random(), rand(), sum(numbers())]
"""
BROKEN = "n = 1\nfor each in [0]:\n    n / each  # here\n"


def knobbed(low: int) -> Bundle:
    helpers = (Source("shared/odds", "python", "def chance(share):\n    return share * 2\n"),)
    return Bundle(Source("test/script", "python", RULE, (("LOW", low),)), helpers)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Of each sandbox that was loaded: the digest of its bundle, and whether it was spared the compiler."""
    seen: list[tuple[str, bool]] = []
    load = Sandbox.load

    def watched(sandbox: Sandbox, message: Load) -> Loaded:
        seen.append((sandbox.bundle.digest, bool(message.compiled)))
        return load(sandbox, message)

    monkeypatch.setattr(Sandbox, "load", watched)
    return seen


@pytest.mark.slow
def test_what_was_pushed_out_comes_back_without_the_compiler_and_does_the_same(
    make_pool: MakePool, loads: list[tuple[str, bool]]
) -> None:
    pool = make_pool(max_sandboxes=1)
    bundles = [
        knobbed(4),
        knobbed(5),
        bundle_of(BROKEN),
        bundle_of("f := func() { return 1 }\nresult := f()", language="tengo"),
    ]
    for bundle in bundles:
        first, other, again = (outcome_of(pool, each) for each in (bundle, "result = 0", bundle))
        assert value_of(other) == 0
        assert replace(first, metrics=again.metrics, log_us=()) == replace(again, log_us=())
        assert [spared for digest, spared in loads if digest == bundle.digest] == [False, True]
    assert again.error is None
    assert outcome_of(pool, bundles[2]).error == outcome_of(pool, bundles[2], trial=True).error
    assert outcome_of(pool, bundles[2]).error.excerpt.strip() == "n / each  # here"  # type: ignore[union-attr]


def test_a_sandbox_that_compiled_makes_room_for_one_with_the_code_alone(
    make_pool: MakePool, loads: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiling leaves a process some megabytes larger for good."""
    monkeypatch.setattr("scripting.supervisor.pool._RUNS_OF_COMPILER", 3)
    pool, kept = make_pool(), bundle_of("result = 1")
    for _ in range(8):
        assert value_of(outcome_of(pool, kept)) == 1
    assert [spared for _, spared in loads] == [False, True]
    monkeypatch.setattr("scripting.supervisor.compiled.MAX_BYTES_EACH", 10)
    for _ in range(5):
        assert value_of(outcome_of(pool, "result = 2")) == 2
    assert len(loads) == 3, "what is too large to be kept is not compiled anew"


def test_a_sandbox_that_compiled_and_has_run_is_renewed_while_nothing_waits(
    make_pool: MakePool, loads: list[tuple[str, bool]]
) -> None:
    pool, kept = make_pool(), bundle_of("result = 1")
    assert pool.check(kept, LIMITS).ok
    assert not pool.has_large, "it may be what the first run waits for"
    assert value_of(outcome_of(pool, kept)) == 1
    assert pool.has_large
    (large,) = pool.stats().sandboxes
    pool.renew()
    (small,) = pool.stats().sandboxes
    assert small.pid != large.pid
    assert not pool.has_large
    assert value_of(outcome_of(pool, kept)) == 1
    assert [spared for _, spared in loads] == [False, True]


def test_no_sandbox_is_renewed_where_that_would_push_another_out(make_pool: MakePool) -> None:
    pool = make_pool(max_sandboxes=1)
    assert value_of(outcome_of(pool, "result = 1")) == 1
    before = pool.stats().sandboxes
    pool.renew()
    assert pool.stats().sandboxes == before


def test_no_sandbox_is_renewed_whose_code_was_forgotten(make_pool: MakePool, loads: list[tuple[str, bool]]) -> None:
    """Another would compile it as well, grow as large, and be renewed in its turn."""
    pool, kept = make_pool(), bundle_of("result = 1")
    assert value_of(outcome_of(pool, kept, limits=LIMITS)) == 1
    before = pool.stats().sandboxes
    pool._compiled.forget((kept.digest, (), LIMITS))
    pool.renew()
    assert pool.stats().sandboxes == before
    assert not pool.has_large
    assert loads == [(kept.digest, False)]


def test_other_limits_or_functions_never_get_what_was_compiled_for_these(
    make_pool: MakePool, loads: list[tuple[str, bool]]
) -> None:
    pool = make_pool(max_sandboxes=1)
    text = "import math\nresult = math.floor(1.5)\n"
    assert value_of(outcome_of(pool, text)) == 1
    refused = outcome_of(pool, text, limits=SecurityLimits(allowed_packages=("json",)))
    assert refused.error is not None
    assert not any(spared for _, spared in loads)


def test_what_cannot_be_loaded_is_compiled_from_its_text(pool: SandboxPool) -> None:
    for number, code in enumerate((b"", b"no code", b"i\x01\x00\x00\x00", b"c" + b"\xff" * 40)):
        bundle = bundle_of(f"result = {number} + 0")
        kind, junk = (bundle.digest, (), LIMITS), Compiled(code, (), False, False)
        pool._compiled.keep(kind, (junk,), 1)
        assert value_of(outcome_of(pool, bundle, limits=LIMITS)) == number
        assert pool._compiled.get(kind) not in ((), (junk,)), "what the second sandbox compiled is kept"


def test_sandboxes_that_tell_the_same_at_once_are_counted_once() -> None:
    kept, kind, one = CompiledBundles(), ("digest", (), LIMITS), (Compiled(b"code", (), False, False),)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        telling = [threading.Thread(target=lambda: [kept.keep(kind, one, 1) for _ in range(500)]) for _ in range(4)]
        for thread in telling:
            thread.start()
        for thread in telling:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    kept.forget(kind)
    assert kept._bytes == 0


def test_compiled_texts_are_kept_within_bounds_and_the_least_recently_used_go() -> None:
    def kind(name: str) -> Kind:
        return name, (), LIMITS

    kept = CompiledBundles(max_bytes=1000)
    small, large = Compiled(b"x" * 300, (), False, False), Compiled(b"x" * MAX_BYTES_EACH, (), False, False)
    kept.keep(kind("large"), (large,), 1)
    kept.keep(kind("lacking"), (small,), 2)
    for name in ("a", "b"):
        kept.keep(kind(name), (small,), 1)
    assert kept.get(kind("a"))
    kept.keep(kind("c"), (small,), 1)
    assert [name for name in ("large", "lacking", "a", "b", "c") if kept.get(kind(name))] == ["a", "c"]


def host(root: Path, total_mib: int, available_mib: int, group: dict[str, Any] | None = None) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal: {total_mib << 10} kB\nMemAvailable: {available_mib << 10} kB\n")
    (root / "proc/self/cgroup").write_text("0::/goby/worker\n")
    (root / "sys/fs/cgroup/goby/worker").mkdir(parents=True)
    (root / "sys/fs/cgroup/goby/worker/memory.max").write_text("max\n")
    for name, content in (group or {}).items():
        (root / "sys/fs/cgroup/goby" / name).write_text(f"{content}\n")
    return root


@pytest.mark.parametrize(
    ("total", "available", "group", "taken", "expected"),
    [
        (16 << 10, 12 << 10, None, 15, 16),
        (16 << 10, 12 << 10, None, 16, 102),  # 5 % of 16 GiB, 8 MiB each
        (1 << 10, 900, None, 16, 16),
        (16 << 10, 3 << 10, None, 40, 39),  # others need the memory
        (16 << 10, 3 << 10, None, 16, 16),
        (64 << 10, 60 << 10, {"memory.max": 4 << 30, "memory.current": 1 << 30, "memory.stat": "inactive_file 0"}, 16, 25),
        (64 << 10, 60 << 10, {"memory.max": 4 << 30, "memory.current": 4 << 30, "memory.stat": "inactive_file 0"}, 20, 19),
    ],
)  # fmt: skip
def test_there_are_as_many_places_as_a_share_of_the_memory_holds_while_enough_is_left(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    total: int,
    available: int,
    group: dict[str, Any] | None,
    taken: int,
    expected: int,
) -> None:
    monkeypatch.setattr(room, "_most_open", lambda: 20_000)
    assert room.Room(host(tmp_path, total, available, group)).places(taken, list) == expected


def test_more_scripts_than_sixteen_stay_warm_where_memory_has_room(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LEAST", 2)
    pool = make_pool(max_sandboxes=0)
    for _ in range(2):
        for number in range(4):
            assert value_of(outcome_of(pool, f"result = {number}")) == number
    assert pool.stats().forks == len(pool.stats().sandboxes) == 4
    monkeypatch.setattr(room, "memory", lambda root: (100, 5))
    outcome_of(pool, "result = 'one more'")
    assert pool.stats().places == len(pool.stats().sandboxes) == 3, "others need the memory"


@pytest.mark.slow
def test_each_version_replaced_gives_up_its_sandbox_unless_it_still_runs(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(max_sandboxes=40)
    versions = [bundle_of(f"result = {number}") for number in range(12)]
    current = versions[0]
    outcome_of(pool, current)
    for newer in versions[1:]:
        assert pool.warm(newer, LIMITS, like=current.digest)
        pool.replace([current.digest], [newer.digest])
        pool.give_up_replaced()
        current = newer
    digests = {box.digest for box in pool.stats().sandboxes}
    assert digests == {bundle.digest for bundle in versions[-replaced.MOST_RESTING - 1 :]}

    pool.replace([current.digest], [versions[9].digest])  # rolled back
    assert value_of(outcome_of(pool, versions[9])) == 9
    assert pool.stats().forks == 12, "one that was replaced a moment ago is still warm"
    monkeypatch.setattr(replaced, "REST_SECONDS", 0.0)
    pool.give_up_replaced()
    outcome_of(pool, versions[11])  # a fallback
    pool.give_up_replaced()
    assert {box.digest for box in pool.stats().sandboxes} == {versions[9].digest, versions[11].digest}
    pool.give_up_replaced()
    assert [box.digest for box in pool.stats().sandboxes] == [versions[9].digest]
    assert value_of(outcome_of(pool, versions[11])) == 11, "begun again, if colder"


def test_a_replaced_sandbox_makes_room_before_one_that_has_waited_longer(make_pool: MakePool) -> None:
    pool = make_pool(max_sandboxes=2)
    kept, old = bundle_of("result = 'kept'"), bundle_of("result = 'old'")
    for bundle in (kept, old):
        outcome_of(pool, bundle)
    pool.replace([old.digest], [])
    outcome_of(pool, "result = 'new'")
    assert kept.digest in {box.digest for box in pool.stats().sandboxes}
