"""The light parent rehearses a text that a sandbox loads and runs without a fault."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from scripting.sandbox.protocol import decode_value, encode_value
from scripting.sandbox.rehearsal import INPUTS, TEXT
from scripting.supervisor.pool import HostCall, HostFunction, SandboxPool
from tests.support.sandboxes import outcome_of, value_of


def test_the_text_of_the_rehearsal_calls_its_host_and_decides(pool: SandboxPool) -> None:
    calls: list[str] = []

    def host(call: HostCall) -> bytes:
        calls.append(call.name)
        return encode_value(2)

    outcome = outcome_of(pool, TEXT.decode(), decode_value(INPUTS), functions=(HostFunction("ask", "read"),), host=host)
    value = value_of(outcome)
    assert (value["flag"], value["none"], len(value["parts"])) == (True, None, 2)
    assert calls == ["ask"]
    assert len(outcome.logs) == 1


RUN_ONE = """
from scripting.supervisor.pool import PoolConfig, SandboxPool
from tests.support.sandboxes import outcome_of, value_of

pool = SandboxPool(PoolConfig(max_sandboxes=1))
print("decided", value_of(outcome_of(pool, "result = 7")))
pool.close()
"""


@pytest.mark.skipif(not shutil.which("unshare") or os.geteuid() != 0, reason="only root can leave /proc out")
def test_a_sandbox_starts_where_proc_is_not_shown() -> None:
    without_proc = 'umount -l /proc && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", without_proc, "sh", sys.executable, "-c", RUN_ONE]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if "umount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip("this host lets nobody leave /proc out")
    assert (done.stdout, done.returncode) == ("decided 7\n", 0), done.stderr
