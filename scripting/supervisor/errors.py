"""Failures on our own side. A script's failure is never one of these: it is a value."""

from __future__ import annotations


class SupervisorError(Exception):
    """The supervisor could not do its work."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").partition("\n")[0])


class SandboxUnavailable(SupervisorError):
    """No sandbox could be had: the light parent does not start, or all places are taken. Try again; see sandbox_report."""


class SandboxLost(SupervisorError):
    """The sandbox was killed from outside in the middle of a run that had already called functions. Run it again."""


class PoolClosed(SupervisorError):
    """The pool has been closed: make a new one."""


class HostCallRefused(Exception):
    """A function of the module refuses this call: the script gets the message as an error at its line."""
