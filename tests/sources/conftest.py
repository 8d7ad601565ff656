"""The small game that the tests of this folder are tried on."""

from tests.support.game import game

__all__ = ["game"]
