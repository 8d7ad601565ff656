"""Namespaces: the light parent leaves the host's network, IPC, host name and mounts; its sandboxes are born outside them."""

from __future__ import annotations

import os

from scripting.sandbox.kernel.syscalls import unshare

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWNET = 0x00020000, 0x04000000, 0x08000000, 0x10000000, 0x40000000

_EACH = (("network", NEWNET), ("ipc", NEWIPC), ("host name", NEWUTS), ("mounts", NEWNS))


def leave() -> tuple[tuple[str, ...], str]:
    """Leave what may be left; gives the names of those left and, if some were not, why. Must run before threads exist."""
    left: list[str] = []
    problem = ""
    if os.geteuid() != 0:
        uid, gid = os.geteuid(), os.getegid()
        try:
            unshare(NEWUSER)
            _map_ids(uid, gid)
            left.append("user")
        except OSError as error:
            return (), f"a user namespace is not permitted: {error.strerror}"
    for name, flag in _EACH:
        try:
            unshare(flag)
            left.append(name)
        except OSError as error:
            problem = f"{name}: {error.strerror}"
    return tuple(left), problem


def _map_ids(uid: int, gid: int) -> None:
    for name, content in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(content)
