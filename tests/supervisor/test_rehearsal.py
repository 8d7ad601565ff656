"""What the light parent rehearses is a text that a sandbox loads and runs without a fault."""

from __future__ import annotations

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
