"""decimal for scripts. Its context, in which precision and rounding are set, is a new one for each run."""

from __future__ import annotations

import decimal
from typing import Any

from scripting.sandbox.library.attributes import OPEN_CLASSES

NAMES = """
    Clamped Context ConversionSyntax Decimal DecimalException DecimalTuple DivisionByZero DivisionImpossible DivisionUndefined
    FloatOperation Inexact InvalidContext InvalidOperation MAX_EMAX MAX_PREC MIN_EMIN MIN_ETINY Overflow ROUND_05UP
    ROUND_CEILING ROUND_DOWN ROUND_FLOOR ROUND_HALF_DOWN ROUND_HALF_EVEN ROUND_HALF_UP ROUND_UP Rounded Subnormal Underflow
    getcontext localcontext setcontext
"""
OPEN_CLASSES.add(decimal.Context)
_SIGNALS = (decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow)


def restart_context() -> None:
    """Begin a run: whatever the one before set is gone."""
    decimal.setcontext(
        decimal.Context(
            prec=28, rounding=decimal.ROUND_HALF_EVEN, Emin=-999999, Emax=999999, capitals=1, clamp=0, flags=[],
            traps=list(_SIGNALS),
        )
    )  # fmt: skip


MEMBERS: dict[str, Any] = {name: getattr(decimal, name) for name in NAMES.split() if hasattr(decimal, name)}
