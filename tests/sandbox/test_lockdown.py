"""The lockdown's layers, call by call: one that fails is named with why, and the others still hold."""

from __future__ import annotations

import ctypes
import errno

from scripting.sandbox.fork_server import without
from scripting.sandbox.kernel import syscalls
from scripting.sandbox.lockdown import make
from scripting.sandbox.protocol import Ready


def test_a_layer_with_a_call_that_fails_is_named_and_the_layers_after_it_are_made() -> None:
    made: list[str] = []
    layers = (
        ("first", ((made.append, ("first",)),)),
        ("refused", ((lambda: ctypes.set_errno(errno.EPERM) and 0, ()), (lambda: -1, ()), (made.append, ("never",)))),
        ("raises", ((int, ("no number",)),)),
        ("last", ((made.append, ("last",)),)),
    )
    failed = dict(make(layers))
    assert made == ["first", "last"]
    assert set(failed) == {"refused", "raises"}
    assert "Operation not permitted" in failed["refused"]


def test_a_system_call_made_ready_is_made_with_its_arguments() -> None:
    call, arguments = syscalls.prctl_call(9999)
    assert call(*arguments) == -1
    assert syscalls.failure().errno == errno.EINVAL


def test_a_sandbox_says_which_layers_failed_in_it_beside_those_that_its_host_lacks() -> None:
    ready = Ready(("seccomp", "landlock"), (("namespaces", "not permitted"),))
    assert without(ready, (("landlock", "too old"),)) == Ready(
        ("seccomp",), (("namespaces", "not permitted"), ("landlock", "too old"))
    )
