"""Figures of this project, each beside a peer measured in the same minute on the same machine."""

from __future__ import annotations

import sys


class Missing(Exception):
    """This machine lacks a part that a benchmark needs; the message names it and says what to do."""


def leave_out(figures: str, reason: object) -> None:
    """Say which figures are not measured here, and why."""
    print(f"Left out: {figures}. {reason}", file=sys.stderr, flush=True)
