"""The signal by which a process of these tests writes the stacks of all its threads into its log."""

from __future__ import annotations

import faulthandler
import signal

STACKS_SIGNAL = signal.SIGUSR2


def listen() -> None:
    faulthandler.register(STACKS_SIGNAL)
