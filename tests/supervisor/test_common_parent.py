"""The common parent forks the light parents of all processes of a stack; each is as one that was started alone, and none depends on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripting.supervisor.pool import SandboxPool
from tests.supervisor.test_deaths import kill_and_wait
from tests.support import common_parent as parents
from tests.support.sandboxes import outcome_of, value_of
from tests.support.stack import wait_until

MakePool = Callable[..., SandboxPool]
pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform != "linux", reason="light parents are forked on Linux only"),
]


@pytest.fixture(scope="module")
def common_parent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Its socket and process id."""
    address = tmp_path_factory.mktemp("p") / "s"
    with parents.common_parent(address) as process:
        yield str(address), process


def light_parent(pool: SandboxPool) -> int:
    """Its process id, once it has run a script."""
    assert value_of(outcome_of(pool, "result = 6 * 7")) == 42
    found = pool.stats().parent_pid
    assert found is not None
    return found


def test_a_forked_light_parent_ends_with_the_pool_that_asked_for_it(
    make_pool: MakePool, common_parent: tuple[str, int]
) -> None:
    pool = make_pool(common_parent=common_parent[0])
    forked = light_parent(pool)
    pool.close()
    wait_until(lambda: not Path(f"/proc/{forked}").exists(), what="it is no zombie either")


def test_a_forked_light_parent_is_as_one_started_alone_and_the_end_of_the_common_one_stops_nothing(
    make_pool: MakePool, common_parent: tuple[str, int]
) -> None:
    address, common = common_parent
    alone, pool = make_pool(common_parent=""), make_pool(common_parent=address)
    own, forked = light_parent(alone), light_parent(pool)
    assert (parent_of(own), parent_of(forked)) == (os.getpid(), common)
    wait_until(lambda: alike(forked, own), what="the same, once neither is in the middle of a fork")

    kill_and_wait(forked)
    again = light_parent(pool)
    assert again != forked
    assert parent_of(again) == common
    kill_and_wait(common)
    assert light_parent(pool) == again
    kill_and_wait(again)
    assert parent_of(light_parent(pool)) == os.getpid()


def parent_of(pid: int) -> int:
    return int(stat_of(pid)[1])


def stat_of(pid: int) -> list[str]:
    """State, parent, process group, session and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def alike(one: int, other: int) -> bool:
    """Whether two light parents have the same traits; not while one of them closes a file."""
    try:
        return traits(one) == traits(other)
    except FileNotFoundError:
        return False


def traits(pid: int) -> dict[str, object]:
    """Of a light parent: what it knows and has of the host, and whether it leads a session of its own."""
    place = Path(f"/proc/{pid}")
    spaces = {
        name: (place / "ns" / name).readlink() == Path(f"/proc/self/ns/{name}").readlink()
        for name in ("net", "mnt", "ipc")
    }
    files = sorted(str(file.readlink()).partition(":")[0] for file in (place / "fd").iterdir())
    return spaces | {
        "environment": (place / "environ").read_bytes(),
        "folder": (place / "cwd").readlink(),
        "files": files,
        "leads a session": stat_of(pid)[3] == str(pid),
    }
