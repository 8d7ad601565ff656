"""sandbox_report(): which layers of the sandbox hold on this host, found by trying in real sandboxes, and what is missing."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from scripting.supervisor.errors import SandboxUnavailable
from scripting.supervisor.fork_server import ExitStatus, ParentClient


@dataclass(frozen=True)
class Layer:
    """One layer: whether it holds here, how that was found, and what to do if it does not."""

    name: str
    holds: bool
    detail: str
    hint: str = ""


@dataclass(frozen=True)
class _Probe:
    layer: str
    tries: str


# In the order of scripting/sandbox/probes.py, which a test compares: the trusted side imports nothing of that process.
_PROBES = (
    _Probe("seccomp", "open a file"),
    _Probe("seccomp", "open a socket"),
    _Probe("seccomp", "start a process"),
    _Probe("seccomp", "run a program"),
    _Probe("seccomp", "trace a process"),
    _Probe("seccomp", "set up io_uring"),
    _Probe("seccomp", "signal its parent"),
    _Probe("seccomp", "take memory that no limit counts"),
    _Probe("landlock", "read a directory"),
    _Probe("namespaces", "see network interfaces"),
    _Probe("unprivileged user", "act as root"),
    _Probe("no new privileges", "gain privileges by a program"),
    _Probe("memory limit", "take four times the memory it may"),
    _Probe("descriptors closed", "find a descriptor of another"),
    _Probe("empty environment", "read the supervisor's environment"),
    _Probe("own code only", "find code of the site in its memory"),
)
_HINTS = {
    "seccomp": "use a Linux kernel with CONFIG_SECCOMP_FILTER on x86-64 or AArch64; a container must permit seccomp()",
    "landlock": "use Linux 5.13 or newer with landlock among its security modules (lsm=landlock,…)",
    "namespaces": "start as root, or permit user namespaces (user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)",
    "unprivileged user": "do not start the site as root in a container that forbids changing the user",
    "no new privileges": "use Linux 3.5 or newer",
    "memory limit": "use Linux 4.7 or newer: RLIMIT_DATA must count all private memory",
    "descriptors closed": "report this: it should hold everywhere",
    "empty environment": "report this: it should hold everywhere",
    "own code only": "look for a .pth file or sitecustomize in this environment that imports more than it should",
}
_FAULTLESS = (3, 13, 2)


def sandbox_report(python: str = sys.executable) -> list[Layer]:
    """Each layer, tried in real processes. Needs some tenths of a second; raises nothing."""
    client = ParentClient(python, reserve=0)
    try:
        return [*_layers(client), _interpreter(client)]
    except SandboxUnavailable as error:
        return [Layer("light parent", False, str(error), "no script can run until this is mended")]
    finally:
        client.close()


def _layers(client: ParentClient) -> list[Layer]:
    tried: dict[str, list[tuple[str, ExitStatus]]] = {}
    for number, probe in enumerate(_PROBES):
        tried.setdefault(probe.layer, []).append((probe.tries, client.probe(number)[0]))
    return [_layer(name, endings) for name, endings in tried.items()]


def _layer(name: str, endings: list[tuple[str, ExitStatus]]) -> Layer:
    happened = [tries for tries, ended in endings if not _refused(ended)]
    if happened:
        return Layer(name, False, f"a sandbox can {', '.join(happened)}", _HINTS[name])
    return Layer(name, True, f"a sandbox cannot {', '.join(tries for tries, _ in endings)}")


def _refused(ended: ExitStatus) -> bool:
    return ended.status is not None and (ended.status == 0 or ended.status < 0)


def _interpreter(client: ParentClient) -> Layer:
    version = client.probe(0)[1]
    shown = ".".join(map(str, version))
    if version >= _FAULTLESS:
        return Layer("interpreter", True, f"Python {shown} has no fault known to matter here")
    faults = ["except* can confuse types"]
    if version >= (3, 12, 0):
        faults.append("deeply nested comprehensions can end compile()")
    detail = f"Python {shown} has known faults: {', '.join(faults)}. The policy refuses scripts that would reach them"
    return Layer("interpreter", False, detail, "use Python 3.13.2 or newer")
