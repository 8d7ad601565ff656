"""Who may watch the battle: everyone where WARGAME_PUBLIC says so, else those with permission wargame.view_game."""

from __future__ import annotations

from typing import Any

from django.conf import settings


def is_public() -> bool:
    """Setting WARGAME_PUBLIC; without it the battle is public on a demo site."""
    return bool(getattr(settings, "WARGAME_PUBLIC", getattr(settings, "GOBY_DEMO", False)))


def may_watch(user: Any) -> bool:
    return is_public() or (user is not None and bool(user.has_perm("wargame.view_game")))
