"""A rehearsal in the light parent: a text of ours is loaded and run as a sandbox loads and runs a designer's, before the first fork.

What the interpreter does for the first few times that a line is run, it writes down: how quick instructions may be, where a class keeps
a method. Done here it is done once; done by each sandbox, each page of it would be a copy of its own, and its first runs slower.
"""

from __future__ import annotations

import _socket
import contextlib
import gc
import os
from functools import partial
from typing import Any

import msgspec

from scripting.sandbox.compiler import Compiler
from scripting.sandbox.gathering import called, gather
from scripting.sandbox.handed_on import told
from scripting.sandbox.kernel.resources import Resources
from scripting.sandbox.languages.factory import EngineFactory
from scripting.sandbox.last_word import LastWord
from scripting.sandbox.meter import Meter
from scripting.sandbox.plain_data import encode_value
from scripting.sandbox.protocol import DEFAULT_PACKAGES, Answer, Connection, Function, Load, Ready, Run, State, Text
from scripting.sandbox.server import Server, SupervisorGone
from scripting.sandbox.wire import Wire

TEXT = b"""\
import math

def worth(item):
    name = item["name"].strip().lower()
    if name in {"a", "b"} and not item.get("gone", False):
        return max(1, int(item["count"] * 1.5) - len(name)) + round(rand())
    return math.floor(ask(name))

total = 0
parts = []
for item in items:
    total += worth(item)
    parts.append(f"{item['name']}: {total}")
log("the worth is " + str(total))
result = {"total": total, "parts": parts, "when": timestamp(), "sorted": sorted(get_context()), "none": None, "flag": True}
"""
"""In Python, as most scripts are: to rehearse the other languages takes more memory of all than it spares a sandbox of theirs."""
ENOUGH = 12
"""Times that a line is run until the interpreter has made its instructions as quick as it will."""
INPUTS = encode_value(
    {"items": [{"name": "A", "count": 80, "gone": False}, {"name": "other", "count": 2}], "topic": "t", "timestamp": 1}
)
_LOAD = Load(
    Text("rehearsal", "python", TEXT), (), (Function("ask", "read"),), DEFAULT_PACKAGES,
    32 << 20, 5, 64 << 10, 1000, 50, 64 << 10, 40, 10_000, 100, 64 << 10, 100, warns=False,
)  # fmt: skip


def rehearse(engines: EngineFactory, others: tuple[Any, ...]) -> None:
    """Load the text and run it: once to be compiled, then with the code at hand, as most sandboxes get it.

    Before that, gather the code of the functions that such a sandbox calls, `others` first, which it calls beside those of the rehearsal.
    """
    program = Compiler(_LOAD, engines).compile()
    assert program is not None
    handed_on = msgspec.structs.replace(_LOAD, compiled=told(program))
    statm = _open_statm()
    live = partial(_live, engines=engines, resources=Resources(statm, lower=_lower_nothing), last_word=LastWord())
    gather((*others, *called(lambda: live(handed_on))))
    for load in (_LOAD, *(ENOUGH * [handed_on])):
        live(load)
    if statm is not None:
        os.close(statm)


def _open_statm() -> int | None:
    """None on a system that has no such file, or does not show it."""
    try:
        return os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:
        return None


def _lower_nothing(kind: int, value: int) -> None:
    """The light parent goes on without limits."""


def _live(load: Load, engines: EngineFactory, resources: Resources, last_word: LastWord) -> None:
    """The whole life of a sandbox, whose supervisor has said all ahead and does not listen."""
    resources.limit_compiling()
    ours, theirs = _socket.socketpair()
    with contextlib.closing(ours), contextlib.closing(theirs):
        run = _frame(State.LOADED, Run(INPUTS, 1, 0)) + _frame(State.CALLING, Answer(encode_value(2), ""))
        ours.sendall(_frame(State.EMPTY, load) + ENOUGH * run)
        ours.shutdown(_socket.SHUT_WR)
        with contextlib.suppress(SupervisorGone):
            Server(Wire(theirs.fileno()), engines, resources, Meter(None), last_word).serve(Ready((), ()))
    gc.unfreeze()  # what the server set aside goes with it


def _frame(state: State, message: Load | Run | Answer) -> bytes:
    connection = Connection(sandbox_end=False)
    connection.state = state
    return connection.send(message)
