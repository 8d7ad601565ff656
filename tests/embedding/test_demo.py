"""`pip install "goby[demo]"` and `python -m goby_site.stack`: Goby's own site without a clone."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest

from goby_site.paths import private_dir
from tests.support import migrated
from tests.support.processes import free_port
from tests.support.stack import wait_until

pytestmark = [pytest.mark.e2e]


def test_the_site_runs_from_its_wheel_with_its_data_where_one_works(environment: Path, tmp_path: Path) -> None:
    port = free_port()
    own = {"PATH": f"{environment.parent}:/usr/local/bin:/usr/bin:/bin", "PORT": str(port), "GOBY_DEMO": "true"}
    log = tmp_path / "log"
    tmp_path.chmod(0o755)
    migrated.copy_file(private_dir(tmp_path / "var") / "goby.sqlite3")
    with log.open("wb") as output:
        stack = subprocess.Popen(
            [environment, "-m", "goby_site.stack"], cwd=tmp_path, env=own, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: stack.poll() is not None or "Goby is at" in log.read_text(), 240, "the site is served")
        assert stack.poll() is None, log.read_text()
        with urlopen(f"http://127.0.0.1:{port}/admin/login/", timeout=60) as page:
            login = page.read().decode()
        assert "demo-logins" in login  # the site's own template, at the top level of a clone
        with closing(sqlite3.connect(tmp_path / "var" / "goby.sqlite3")) as database:
            assert database.execute("SELECT count(*) FROM scripting_activation").fetchone()[0] > 0, (
                "it keeps its data there"
            )
    finally:
        stack.send_signal(signal.SIGINT)
        assert stack.wait(60) == 0
