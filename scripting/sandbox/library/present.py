"""The run that goes on, as the functions of scripts see it: its inputs, its moment, its seed and what it has drawn from that."""

from __future__ import annotations


class Present:
    """Written anew for each run, and by the functions that draw or count. In slots: every run writes all, and rand() is asked often."""

    __slots__ = ("inputs", "moment_us", "seed", "serials", "state")

    def __init__(self) -> None:
        self.begin(b"\x80", 0, 0)

    def begin(self, inputs: bytes, seed: int, moment_us: int) -> None:
        """Begin a run on these inputs, with this seed, at this moment (µs since 1970 UTC)."""
        self.inputs = inputs
        self.seed = self.state = seed
        self.moment_us = moment_us
        self.serials = 0
        """Objects that have been given a number in this run."""


present = Present()
"""That of this process, which runs one script at a time."""
