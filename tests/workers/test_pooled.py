"""PostgreSQL behind a real PgBouncer in transaction mode, as docs/deployment.md has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection

from goby_site.paths import BASE_DIR
from scripting.bus import publishing
from scripting.bus.publishing import Message
from scripting.models import Execution
from tests.support.processes import free_port
from tests.support.stack import wait_until
from tests.workers.processes import WorkerProcess, wait_for
from tests.workers.track import laps

pytestmark = [pytest.mark.usefixtures("track"), pytest.mark.alone]

EXAMPLE = BASE_DIR / "docs" / "examples" / "deploy" / "pgbouncer" / "pgbouncer.ini"
CONNECTIONS = 3
"""Fewer than two workers would have without a pooler."""


@pytest.fixture
def pooled_url() -> Iterator[str]:
    """The test's database through the pooler."""
    pgbouncer = shutil.which("pgbouncer")
    if connection.vendor != "postgresql" or pgbouncer is None:
        pytest.skip("this runs on PostgreSQL where pgbouncer is installed")
    there, port = connection.settings_dict, free_port()
    folder = Path(tempfile.mkdtemp(prefix="pooled-"))
    folder.chmod(0o755)
    own = {
        "goby = host=db.internal port=5432 dbname=goby": f"* = host={there['HOST']} user={there['USER']}",
        "listen_addr = 127.0.0.1": f"listen_addr = 127.0.0.1\nunix_socket_dir =\nlogfile = {folder}/log",
        "listen_port = 6432": f"listen_port = {port}",
        "auth_type = scram-sha-256": "auth_type = any",
        "auth_file = /etc/pgbouncer/userlist.txt\n": "",
        "default_pool_size = 20": f"default_pool_size = {CONNECTIONS}",
    }
    text = EXAMPLE.read_text()
    for theirs, ours in own.items():
        assert text.count(theirs) == 1, theirs
        text = text.replace(theirs, ours)
    (folder / "pgbouncer.ini").write_text(text)
    shutil.chown(folder, "nobody") if os.geteuid() == 0 else None
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([pgbouncer, "-q", *user, str(folder / "pgbouncer.ini")])
    url = f"postgresql://{there['USER']}@127.0.0.1:{port}/{quote(str(there['NAME']))}"

    def answers() -> bool:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert process.poll() is None, (folder / "log").read_text()
            return False
        return True

    try:
        wait_until(answers)
        yield url
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder)


def test_workers_behind_a_pooler_in_transaction_mode_lose_double_and_misorder_nothing(
    tmp_path: Path, pooled_url: str
) -> None:
    own = {"DATABASE_URL": pooled_url, "GOBY_POOLED": "true"}
    with WorkerProcess(tmp_path, "one", **own) as one, WorkerProcess(tmp_path, "two", **own) as two:
        one.takes_jobs(), two.takes_jobs()
        publishing.publish_many(
            Message("track.lap", {"lap": lap, "seconds": 0.002, "turns": 0}, key=f"runner-{number}")
            for lap in range(1, 31)
            for number in range(8)
        )
        wait_for(lambda: Execution.objects.count() == 240 and publishing.backlog().events == 0, 60)
    assert laps() == {f"runner-{number}": list(range(1, 31)) for number in range(8)}
    assert set(Execution.objects.values_list("status", flat=True)) == {"succeeded"}
