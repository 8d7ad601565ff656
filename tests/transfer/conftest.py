"""The arena for tests of exported sites."""

from tests.subscriptions.conftest import arena

__all__ = ["arena"]
