"""The arena module and a registry that remembers nothing of the test before."""

from tests.support.engine import arena, no_sandbox_left

__all__ = ["arena", "no_sandbox_left"]
