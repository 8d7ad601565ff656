"""The lockdown of a sandbox just forked, told in order: what each step needs must still be allowed when it is taken.

Every layer is best effort: what a host does not permit is left out and named, and the other layers still hold.

Here and in all that a sandbox runs once, functions are imported by their names: to look one up in its module, the interpreter writes to the
module, to the name and to its memory of such names, and each of these pages is then the sandbox's own.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from os import (
    O_RDONLY,
    O_WRONLY,
    _exit,
    closerange,
    dup2,
    geteuid,
    getppid,
    open,  # noqa: A004 - by its descriptor
    setgroups,
    setresgid,
    setresuid,
    sysconf,
)

from scripting.sandbox.kernel import landlock, seccomp
from scripting.sandbox.kernel.resources import Resources
from scripting.sandbox.kernel.syscalls import (
    IS_LINUX,
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    drop_capabilities,
    prctl,
)
from scripting.sandbox.meter import Meter

NOBODY = 65534
SOCKET = 3
"""Descriptor of a sandbox's socket."""
_STATM, _CLEAR_REFS = 4, 5
_KILL = int(signal.SIGKILL)


class Lockdown:
    """Closes in the process that enters it.

    The light parent makes one for all its sandboxes: what a sandbox makes, or touches first, becomes memory of its own.
    """

    def __init__(self, parent: int, skip: frozenset[str] = frozenset()) -> None:
        """`parent` is the light parent, at whose end a sandbox ends; `skip` are layers left out, so that a probe can look at another
        one alone."""
        self.parent = parent
        self.resources = Resources(_STATM)
        self.meter = Meter(_CLEAR_REFS)
        self.missing: tuple[tuple[str, str], ...] = ()
        """Layers that do not hold, and why."""
        steps: dict[str, Callable[[], object]] = {"resource limits": self.resources.limit_before_lockdown}
        if IS_LINUX:
            steps |= {
                "unprivileged user": _drop_user,
                "no capabilities": drop_capabilities,
                "dies with its parent": self._die_with_parent,
                "no new privileges": _gain_no_privileges,
                "landlock": landlock.restrict,
                "seccomp": _filter_calls,
            }
        else:
            self.missing = (("kernel lockdown", f"not on {sys.platform}: the language policy is the only wall"),)
        self._layers = {step: layer for layer, step in steps.items() if layer not in skip}
        self._steps = tuple(self._layers)
        self._most_files = sysconf("SC_OPEN_MAX")

    @property
    def held(self) -> tuple[str, ...]:
        """Layers that hold."""
        missing = dict(self.missing)
        return ("descriptors closed", *(layer for layer in self._layers.values() if layer not in missing))

    def enter(self, socket: int, headroom_bytes: int) -> None:
        """Lock this process down for good; its socket is SOCKET from now on."""
        self._keep_descriptors(socket)
        if headroom_bytes:
            self.resources.headroom = headroom_bytes
        for step in self._steps:
            try:
                step()
            except (OSError, ValueError, KeyError, AttributeError) as error:
                self.missing += ((self._layers[step], str(error)[:200]),)

    def _keep_descriptors(self, socket: int) -> None:
        """Keep the socket and two meters, close all others: whatever the parent held."""
        statm = _open("/proc/self/statm", O_RDONLY)
        clear_refs = _open("/proc/self/clear_refs", O_WRONLY)
        wanted = ((socket, SOCKET), (statm, _STATM), (clear_refs, _CLEAR_REFS))
        above = max(socket, statm, clear_refs, _CLEAR_REFS)
        # First out of each other's way, then into place.
        for source, place in wanted:
            if source >= 0:
                dup2(source, above + place)
        for source, place in wanted:
            if source >= 0:
                dup2(above + place, place, False)  # by its place: a name would be read and kept, in six pages
            else:
                closerange(place, place + 1)
        closerange(0, SOCKET)
        closerange(_CLEAR_REFS + 1, self._most_files)
        if statm < 0:
            self.resources.statm = None
        if clear_refs < 0:
            self.meter.clear_refs = None

    def _die_with_parent(self) -> None:
        # After the change of user, which clears it; and the parent may be gone already.
        prctl(PR_SET_PDEATHSIG, _KILL)
        if getppid() != self.parent:
            _exit(1)
        prctl(PR_SET_DUMPABLE, 0)


def _drop_user() -> None:
    if geteuid() != 0:
        return  # already without privileges
    setgroups([])
    setresgid(NOBODY, NOBODY, NOBODY)
    setresuid(NOBODY, NOBODY, NOBODY)


def _gain_no_privileges() -> None:
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def _filter_calls() -> None:
    if not seccomp.is_supported():
        raise OSError("no table of system calls for this machine")
    seccomp.install()


def _open(path: str, flags: int) -> int:
    """The descriptor, -1 where there is no such file."""
    try:
        return open(path, flags)
    except OSError:
        return -1
