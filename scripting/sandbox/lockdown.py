"""The lockdown of a sandbox just forked, told in order: what each step needs must still be allowed when it is taken.

Every layer is best effort: what a host does not permit is left out and named, and the other layers still hold.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from scripting.sandbox.kernel import landlock, seccomp, syscalls
from scripting.sandbox.kernel.resources import OPEN_FILES, Resources
from scripting.sandbox.meter import Meter

NOBODY = 65534
_SOCKET, _STATM, _CLEAR_REFS = 3, 4, 5


@dataclass
class Lockdown:
    """Closes this process in. `held` and `missing` say what came of it."""

    parent: int
    """Process id of the light parent, at whose end this process ends."""
    skip: frozenset[str] = frozenset()
    """Layers left out, so that a probe can look at another one alone."""
    held: list[str] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)

    def enter(self, socket: int, headroom_bytes: int) -> tuple[int, Resources, Meter]:
        """Lock this process down for good; gives the socket's new descriptor and the meters opened before."""
        statm, clear_refs = self._keep_descriptors(socket)
        resources = Resources(statm)
        self._try("resource limits", lambda: resources.limit_before_lockdown(headroom_bytes))
        if syscalls.IS_LINUX:
            self._try("unprivileged user", _drop_user)
            self._try("no capabilities", syscalls.drop_capabilities)
            self._try("dies with its parent", self._die_with_parent)
            self._try("no new privileges", lambda: syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1))
            self._try("landlock", landlock.restrict)
            self._try("seccomp", _filter_calls)
        else:
            self.missing.append(("kernel lockdown", f"not on {sys.platform}: the language policy is the only wall"))
        return _SOCKET, resources, Meter(clear_refs)

    def _keep_descriptors(self, socket: int) -> tuple[int | None, int | None]:
        """Keep the socket and two meters, close all others: standard streams and whatever the parent held."""
        statm = _open("/proc/self/statm", os.O_RDONLY)
        clear_refs = _open("/proc/self/clear_refs", os.O_WRONLY)
        wanted = [(socket, _SOCKET), (statm, _STATM), (clear_refs, _CLEAR_REFS)]
        # First out of each other's way, then into place.
        high = [(os.dup(source) if source is not None else None, place) for source, place in wanted]
        safe = [(_above(descriptor), place) for descriptor, place in high]
        for descriptor, place in safe:
            if descriptor is not None:
                os.dup2(descriptor, place, inheritable=False)
        kept = [place for descriptor, place in safe if descriptor is not None]
        edges = [-1, *kept, os.sysconf("SC_OPEN_MAX")]
        for low, up in itertools.pairwise(edges):
            os.closerange(low + 1, up)
        sys.stdin = sys.stdout = sys.stderr = None
        sys.__stdin__ = sys.__stdout__ = sys.__stderr__ = None  # type: ignore[misc]
        self.held.append("descriptors closed")
        return (_STATM if statm is not None else None), (_CLEAR_REFS if clear_refs is not None else None)

    def _die_with_parent(self) -> None:
        # After the change of user, which clears it; and the parent may be gone already.
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self.parent:
            os._exit(1)
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)

    def _try(self, layer: str, step: Callable[[], object]) -> None:
        if layer in self.skip:
            return
        try:
            step()
            self.held.append(layer)
        except (OSError, ValueError, KeyError, AttributeError) as error:
            self.missing.append((layer, str(error)[:200]))


def _drop_user() -> None:
    if os.geteuid() != 0:
        return  # already without privileges
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def _filter_calls() -> None:
    if not seccomp.is_supported():
        raise OSError("no table of system calls for this machine")
    seccomp.install()


def _open(path: str, flags: int) -> int | None:
    try:
        return os.open(path, flags)
    except OSError:
        return None


def _above(descriptor: int | None) -> int | None:
    """The same file on a descriptor above those that are kept."""
    if descriptor is None:
        return None
    while descriptor <= OPEN_FILES:
        descriptor = os.dup(descriptor)
    return descriptor
