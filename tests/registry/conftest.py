"""The arena module and a registry that remembers nothing of the test before."""

from tests.support.engine import arena, no_sandbox_left
from tests.support.game import game
from tests.support.notices import heard

__all__ = ["arena", "game", "heard", "no_sandbox_left"]
