"""A request is handed to a thread a few times, however many middlewares there are."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.contrib.auth.models import User
from django.test import AsyncClient

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_page_is_handed_to_a_thread_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    handed = []
    hand_over: Any = SyncToAsync.__call__

    async def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        handed.append(self.func)
        return await hand_over(self, *args, **kwargs)

    client = AsyncClient()
    await client.aforce_login(await User.objects.acreate_superuser("boss"))
    await client.get("/scripts/")  # loads what the first request loads
    monkeypatch.setattr(SyncToAsync, "__call__", counted)
    answer = await client.get("/scripts/")
    assert answer.status_code == 200
    assert len(handed) < 7, handed
