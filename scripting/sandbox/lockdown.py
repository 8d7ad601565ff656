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
    close,
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
from typing import Any

from scripting.sandbox.kernel import landlock, seccomp
from scripting.sandbox.kernel.resources import Resources, lower, lower_calls
from scripting.sandbox.kernel.syscalls import (
    IS_LINUX,
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    Call,
    capabilities_call,
    failure,
    prctl_call,
)
from scripting.sandbox.meter import Meter

NOBODY = 65534
SOCKET = 3
"""Descriptor of a sandbox's socket."""
_STATM, _CLEAR_REFS, _RULESET = 4, 5, 6


class Lockdown:
    """Closes in the process that enters it.

    The light parent makes one for all its sandboxes, with each call ready: what a sandbox makes, or touches first, becomes memory of its own.
    """

    def __init__(self, parent: int, skip: frozenset[str] = frozenset()) -> None:
        """`parent` is the light parent, at whose end a sandbox ends; `skip` are layers left out, so that a probe can look at another
        one alone."""
        self.parent = parent
        self.resources = Resources(_STATM)
        self.meter = Meter(_CLEAR_REFS)
        self.missing: tuple[tuple[str, str], ...] = ()
        """Layers that do not hold, and why."""
        self._ruleset = -1
        steps: dict[str, Callable[[], tuple[Call, ...]]] = {"resource limits": self._limit}
        if IS_LINUX:
            steps |= {
                "unprivileged user": _drop_user,
                "no capabilities": lambda: (capabilities_call(),),
                "dies with its parent": self._end_with_parent,
                "no new privileges": lambda: (prctl_call(PR_SET_NO_NEW_PRIVS, 1),),
                "landlock": self._restrict,
                "seccomp": lambda: (seccomp.filter_call(),),
            }
        else:
            self.missing = (("kernel lockdown", f"not on {sys.platform}: the language policy is the only wall"),)
        layers = []
        for layer, calls in steps.items():
            if layer not in skip:
                try:
                    layers.append((layer, calls()))
                except OSError as error:
                    self.missing += ((layer, str(error)[:200]),)
        self._layers = tuple(layers)
        self._at_hand = self._layers, self.resources, self.meter, self._ruleset, sysconf("SC_OPEN_MAX")
        """In one place: each name that a sandbox looks up is one more page of its own."""

    @property
    def held(self) -> tuple[str, ...]:
        """Layers that hold."""
        return ("descriptors closed", *(layer for layer, _ in self._layers))

    def enter(self, socket: int, headroom_bytes: int) -> tuple[tuple[str, str], ...]:
        """Lock this process down for good; its socket is SOCKET from now on. Gives the layers that failed, and why."""
        layers, resources, meter, ruleset, most_files = self._at_hand
        if headroom_bytes:
            resources.headroom = headroom_bytes
        has_statm, has_clear_refs = keep_descriptors(socket, ruleset, most_files)
        if not has_statm:
            resources.statm = None
        if not has_clear_refs:
            meter.clear_refs = None
        return make(layers)

    def _end_with_parent(self) -> tuple[Call, ...]:
        # After the change of user, which clears it; and the parent may be gone already.
        return prctl_call(PR_SET_PDEATHSIG, signal.SIGKILL), (_end_without, (self.parent,)), prctl_call(PR_SET_DUMPABLE)

    def _limit(self) -> tuple[Call, ...]:
        return (*lower_calls(), (self.resources.limit_compiling, ()))

    def _restrict(self) -> tuple[Call, ...]:
        self._ruleset = landlock.ruleset()
        return landlock.restrict_call(_RULESET), (close, (_RULESET,))


def keep_descriptors(socket: int, ruleset: int, most: int) -> tuple[bool, bool]:
    """Keep the socket, two meters and the ruleset, close all others: whatever the parent held. Gives which of the meters there are."""
    statm = _open("/proc/self/statm", O_RDONLY)
    clear_refs = _open("/proc/self/clear_refs", O_WRONLY)
    wanted = ((socket, SOCKET), (statm, _STATM), (clear_refs, _CLEAR_REFS), (ruleset, _RULESET))
    above = _RULESET + max(socket, statm, clear_refs, ruleset)
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
    closerange(_RULESET + 1, most)
    return statm >= 0, clear_refs >= 0


def make(layers: tuple[tuple[str, tuple[Call, ...]], ...]) -> tuple[tuple[str, str], ...]:
    """Make the calls of these layers; gives the layers in which one failed, and why."""
    failed: tuple[tuple[str, str], ...] = ()
    for layer, calls in layers:
        try:
            for call, arguments in calls:
                if call(*arguments):
                    raise failure()
        except (OSError, ValueError) as error:
            failed += ((layer, str(error)[:200]),)
    return failed


def _drop_user() -> tuple[Call, ...]:
    if geteuid() != 0:
        return ()  # already without privileges
    return (setgroups, ([],)), (setresgid, 3 * (NOBODY,)), (setresuid, 3 * (NOBODY,))


def _end_without(parent: int) -> None:
    if getppid() != parent:
        _exit(1)


def _open(path: str, flags: int) -> int:
    """The descriptor, -1 where there is no such file."""
    try:
        return open(path, flags)
    except OSError:
        return -1


FUNCTIONS: tuple[Any, ...] = (Lockdown.enter, keep_descriptors, _open, make, lower, _end_without)
"""Those that every sandbox calls, in the order of their first calls."""
