"""The small game, with executions that leave receipts."""

from tests.receipts.recorded import rolls
from tests.support.game import game

__all__ = ["game", "rolls"]
