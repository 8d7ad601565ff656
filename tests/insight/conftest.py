"""The small game that the tests of this folder are tried on, and a client that may do everything."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.support.engine import arena, no_sandbox_left
from tests.support.game import game


@pytest.fixture
def boss(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


__all__ = ["arena", "boss", "game", "no_sandbox_left"]
