"""Bodies of requests to the wargame's endpoints, as its scripts may rely on them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from wargame.topics import UnitID


class ShotRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A test shot: without attacker and target the odds alone."""

    attacker: UnitID = ""
    target: UnitID = ""
    distance: Annotated[int, Meta(ge=0, le=1000, description="Hexes; tried out instead of the real ones.")] = 1
    terrain: Annotated[str, Meta(max_length=40, description="plain, forest, hill, town or water; empty: as it is")] = ""
    screening: Annotated[int, Meta(ge=0, le=1000, description="Hexes in between that give cover.")] = 0
