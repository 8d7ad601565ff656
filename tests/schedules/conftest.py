"""The arena for tests of schedules."""

from tests.subscriptions.conftest import arena

__all__ = ["arena"]
