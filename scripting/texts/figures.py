"""Figures as people read them: four digits, a sign where it counts, shares in percent."""

from __future__ import annotations

MINUS = "\N{MINUS SIGN}"


def rounded(value: float) -> str:
    """A figure of four digits: `12.35`, `1,235`."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def signed(value: float) -> str:
    """With its sign, `+4.2`; `0` has none."""
    if not value:
        return "0"
    return ("+" if value > 0 else MINUS) + rounded(abs(value))


def percent(share: float) -> str:
    """Of a share from 0 to 1: `48.5 %`."""
    return f"{100 * share:.3g} %"


def percent_points(difference: float) -> str:
    """Of the difference of two shares, which is no percentage of either: `+14.5 pp`, percentage points."""
    return f"{signed(float(f'{100 * difference:.3g}'))} pp"
