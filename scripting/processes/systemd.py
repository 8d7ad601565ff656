"""Tell systemd that a process is ready, alive, ending, for units of `Type=notify`. Does nothing where systemd does not ask for it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time

logger = logging.getLogger(__name__)

ALIVE_SECONDS = 1.0
"""Between two signs of life at the least: whoever gives them need not count."""

_lock = threading.Lock()
_alive_at = float("-inf")


def ready(status: str) -> None:
    """Say that this process does its work; `systemctl status` shows `status`."""
    _tell(f"READY=1\nSTATUS={status}")


def alive() -> None:
    """Give the watchdog a sign of life. Call it in the loop that must not hang, however often."""
    global _alive_at
    if not _is_watched():
        return
    now = time.monotonic()
    with _lock:
        if now - _alive_at < ALIVE_SECONDS:
            return
        _alive_at = now
    _tell("WATCHDOG=1")


def stopping() -> None:
    """Say that this process was asked to end and does."""
    _tell("STOPPING=1")


async def stay_alive() -> None:
    """Give signs of life as long as the event loop turns; until it is cancelled."""
    while True:
        alive()
        await asyncio.sleep(ALIVE_SECONDS)


def _is_watched() -> bool:
    """Whether the unit has a watchdog, and it watches this very process: children have the same environment."""
    return "WATCHDOG_USEC" in os.environ and os.environ.get("WATCHDOG_PID") in {None, str(os.getpid())}


def _tell(text: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):
        address = f"\0{address[1:]}"  # a socket without a file
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as said:
            said.settimeout(1)
            said.sendto(text.encode(), address)
    except OSError as error:
        logger.warning("systemd was not told %s: %s", text.split("\n", maxsplit=1)[0], error)
