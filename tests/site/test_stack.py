"""The process stack: starts once, restarts what dies, leaves nothing behind."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from goby_site.paths import BASE_DIR
from tests.site.test_redis_data import damaged
from tests.support import redis_user
from tests.support.processes import alive, child_environment, free_port, processes_of
from tests.support.stack import RunningStack, wait_until

pytestmark = [pytest.mark.e2e]


ODD = "100% of 'it' ; a \"day\" #1 %(here)s"
"""A name that means something to make, to a shell, to supervisord, to redis.conf and in a URL."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Made from nothing, as on a fresh clone, in a folder of an odd name; `test_ctrl_c_ends_every_process` is the last that looks at it."""
    folder = tmp_path_factory.mktemp("stack") / ODD
    with RunningStack(folder, from_nothing=True, SCRIPTING_REDIS_PREFIX="harbour") as running:
        yield running


@pytest.fixture(scope="module")
def after_power_cut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack whose Redis found its data damaged at the end; lives until its supervisord is killed."""
    folder = tmp_path_factory.mktemp("cut") / "var"
    folder.mkdir(mode=0o700)
    damaged(folder / "redis", bytes(600))
    with RunningStack(folder) as running:
        yield running


@pytest.mark.any_python
def test_every_part_runs_and_its_data_is_private(stack: RunningStack) -> None:
    assert {
        name: len(stack.pids(name)) for name in ("redis", "sandboxes", "web", "worker", "evidence", "battle", "watcher")
    } == {
        "redis": 1,
        "sandboxes": 1,
        "web": 1,
        "worker": 2,
        "evidence": 1,
        "battle": 1,
        "watcher": 1,
    }
    assert stack.folder.stat().st_mode & 0o777 == 0o700
    assert {(stack.folder / name).stat().st_mode & 0o777 for name in ("secret-key", "demo-logins")} == {0o600}
    found = [path for path in stack.folder.rglob("*") if "static" not in path.relative_to(stack.folder).parts]
    found += stack.environment_socket().parent.glob("*.sock")  # elsewhere where the path of the folder is long
    kinds = {path.suffix for path in found}
    assert kinds >= {".sqlite3", ".log", ".pid", ".sock", ".conf", ".lock"}, kinds
    assert [str(path) for path in found if path.lstat().st_mode & 0o077] == []
    assert listening(stack.pids("redis")) == 0, "Redis answers on its socket alone"
    assert listening(stack.pids("web")) > 0


def listening(pids: list[int]) -> int:
    """How many TCP ports these processes listen on."""
    sockets = {link for pid in pids for link in open_files(pid)}
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return sum(f"socket:[{row[9]}]" in sockets for row in rows if row[3] == "0A")


def test_parts_share_the_memory_of_the_project_and_neither_connections_nor_threads(stack: RunningStack) -> None:
    manager = int((stack.folder / "supervisord.pid").read_text())
    assert len(list(Path(f"/proc/{manager}/task").iterdir())) == 1
    assert [link for link in open_files(manager) if "sqlite3" in link] == []
    parts = {pid: name for name in ("web", "worker", "evidence", "battle", "watcher") for pid in stack.pids(name)}
    for pid, name in parts.items():
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        sizes = {key: int(rest.split()[0]) for key, rest in (line.split(":") for line in lines)}
        assert sizes["Shared_Dirty"] > 0.4 * sizes["Rss"], (name, sizes)
        assert Path(f"/proc/{pid}/cmdline").read_text().startswith(f"goby: {name}")
        others = {link for other in {*parts, manager} - {pid} for link in open_files(other)}
        assert {link for link in open_files(pid) & others if link.startswith("socket:")} == set(), name


@pytest.mark.skipif(sys.platform != "linux", reason="light parents are forked on Linux only")
def test_the_sandboxes_of_all_parts_come_from_one_process(stack: RunningStack) -> None:
    commands = processes_with_sandboxes(stack)
    (common,) = stack.pids("sandboxes")
    assert "--listen" in commands[common]
    assert [words for words in commands.values() if " -m scripting.sandbox" in words and "--listen" not in words] == []


def open_files(pid: int) -> set[str]:
    """The files behind its descriptors; it may close one meanwhile."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(str(link.readlink()))
    return found


@pytest.mark.any_python
def test_the_page_and_the_workers_run_scripts(stack: RunningStack) -> None:
    wait_until(lambda: ready(stack), 60)

    def decided() -> int:
        with closing(sqlite3.connect(stack.folder / "goby.sqlite3")) as database:
            query = "SELECT count(*) FROM scripting_execution WHERE trigger = 'event' AND status = 'succeeded'"
            return int(database.execute(query).fetchone()[0])

    wait_until(decided, 60, "the battle's events are decided by scripts")


def test_the_data_folder_may_have_any_name(stack: RunningStack) -> None:
    folder = stack.folder
    assert {path.name for path in (folder / "log").iterdir()} >= {"redis.log", "web.log", "worker-0.log"}
    assert (folder / "redis" / "appendonlydir").is_dir()
    assert (folder / "goby.sqlite3").is_file()
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == [ODD]


def test_every_key_queue_and_group_of_a_site_with_a_prefix_bears_it(stack: RunningStack) -> None:
    """Sites that share a Redis neither run nor hear what is another's."""
    client = redis.Redis(
        unix_socket_path=str(stack.environment_socket().with_name("redis.sock")), decode_responses=True
    )

    def of_queues(keys: list[str]) -> set[str]:
        return {part for key in keys for part in key.split(":") if "scripting" in part}

    def all_workers_told() -> list[str]:
        keys = [*client.scan_iter(count=1000)]
        return keys if of_queues(keys) >= {"harbour-scripting", "harbour-scripting-evidence"} else []

    keys = wait_until(all_workers_told, 60, "the workers of both queues are listed")
    ours = {key for key in keys if not key.startswith("rq:")}
    assert {key.split(":")[0] for key in ours} == {"harbour"}
    assert all(part.startswith("harbour-") for part in of_queues(keys))
    channels = wait_until(lambda: client.pubsub_channels(), 60)
    assert [channel for channel in channels if not channel.startswith("harbour")] == []


def test_the_stack_asks_redis_for_what_its_user_in_a_deployment_may(stack: RunningStack) -> None:
    """`pubsub` is what the test before asked for; `config` Valkey asks itself when it starts."""
    client = redis.Redis(unix_socket_path=str(stack.environment_socket().with_name("redis.sock")))
    used = {name.removeprefix("cmdstat_").partition("|")[0] for name in client.info("commandstats")}
    assert "xadd" in used
    assert used - redis_user.commands() - {"pubsub", "config"} == set()


def test_a_killed_worker_is_replaced(stack: RunningStack) -> None:
    wait_until(lambda: len(stack.worker_pids) == 2)
    victim = stack.kill_worker()
    wait_until(lambda: len(stack.worker_pids) == 2 and victim not in stack.worker_pids)


def test_a_second_stack_in_the_same_place_says_that_one_runs(stack: RunningStack) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "goby_site.stack"],
        cwd=BASE_DIR,
        env=stack.environment | {"PORT": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert second.returncode == 1
    assert f"runs in this clone already: {stack.url}/" in second.stderr


def test_a_used_port_is_named(stack: RunningStack, tmp_path: Path) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "goby_site.stack"],
        cwd=BASE_DIR,
        env=stack.environment
        | {"GOBY_VAR": str(tmp_path / "var"), "DATABASE_URL": f"sqlite:///{tmp_path}/var/goby.sqlite3"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert second.returncode == 1
    assert f"Port {stack.port} cannot be used" in second.stderr


def ready(stack: RunningStack) -> bool:
    """Whether `/readyz` holds; asking makes the web process run a script in a sandbox."""
    try:
        with urllib.request.urlopen(f"{stack.url}/readyz", timeout=30) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def processes_with_sandboxes(stack: RunningStack) -> dict[int, str]:
    """Every process of the stack, once a sandbox is among them."""
    wait_until(lambda: ready(stack), 60)
    found = stack.members()
    assert any("scripting.sandbox" in command for command in found.values()), found
    return found


def test_ctrl_c_ends_every_process(stack: RunningStack) -> None:
    started = processes_with_sandboxes(stack)
    assert stack.stop() == 0
    wait_until(lambda: not any(map(alive, started)) and not stack.members(), 60, "a sandbox ends just after its parent")


def test_the_stack_starts_after_a_power_cut_and_says_what_was_lost(after_power_cut: RunningStack) -> None:
    said = after_power_cut.log.read_text()
    client = redis.Redis(unix_socket_path=str(after_power_cut.environment_socket().with_name("redis.sock")))
    assert client.get("kept") == b"yes"
    assert said.count("damaged at its end") == 1
    (aside,) = (after_power_cut.folder / "redis").glob("damaged-*")
    assert "600 of 6" in said
    assert str(aside) in said


def test_a_killed_stack_leaves_no_orphan(after_power_cut: RunningStack) -> None:
    started = processes_with_sandboxes(after_power_cut)
    after_power_cut.process.kill()
    after_power_cut.process.wait(30)
    wait_until(lambda: not any(map(alive, started)) and not after_power_cut.members())


@pytest.mark.parametrize("forks", [True, False])
def test_a_start_that_fails_says_why_and_leaves_nothing(tmp_path: Path, forks: bool) -> None:
    """`forks` False: every part is a program of its own, as on macOS."""
    environment = child_environment(GOBY_VAR=str(tmp_path / "var"), PORT=str(free_port()), REDIS_URL="")
    environment |= {"DATABASE_URL": f"sqlite:///{tmp_path}/no-such-folder/goby.sqlite3"}
    begin = f"from goby_site.stack import forks, runner; forks.POSSIBLE = {forks}; raise SystemExit(runner.main())"
    stack = subprocess.Popen(
        [sys.executable, "-c", begin], cwd=BASE_DIR, env=environment, stderr=subprocess.PIPE, start_new_session=True
    )
    assert stack.stderr is not None
    said = stack.stderr.read().decode()  # to the end: nobody holds it any longer
    assert "The database could not be prepared; the reason is above." in said
    assert stack.wait(30) == 1
    assert processes_of(stack.pid) == {}


def test_the_stack_runs_where_its_parts_cannot_be_forked(tmp_path: Path) -> None:
    """As on macOS."""
    terminal = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)"  # the tests may have been started by nohup
    begin = "from goby_site.stack import forks, runner; forks.POSSIBLE = False; raise SystemExit(runner.main())"
    with RunningStack(tmp_path / "var", program=("-c", f"{terminal}; {begin}")) as stack:
        started = processes_with_sandboxes(stack)
        assert stack.stop(signal.SIGHUP) == 0, "as where its terminal is closed"
        wait_until(lambda: not any(map(alive, started)) and not stack.members())


def test_make_collects_static_files_once_into_a_folder_of_any_name(tmp_path: Path) -> None:
    environment = child_environment(GOBY_VAR=str(tmp_path / ODD))
    for said in ("Collecting static files …\n", ""):
        answer = subprocess.run(
            ["make", "--no-print-directory", "static", f"VENV={Path(sys.prefix)}"],
            cwd=BASE_DIR,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert (answer.returncode, answer.stdout) == (0, said), answer.stderr
    assert (tmp_path / ODD / ".static").is_file()
