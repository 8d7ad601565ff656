"""Publishing or rolling back to what is live already says so and records nothing."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from scripting.models import Script
from scripting.registry.moves import AnyBase
from scripting.registry.publishing import publish
from scripting.workbench import publishing
from scripting.workbench.access import Refusal
from tests.admin.people import page
from tests.support.game import BETTER, GOOD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("address", "data"),
    [
        (("rollback", "1"), {"reason": "again"}),
        (("publish",), {"text": GOOD, "language": "python", "reason": "again", "base": 1}),
    ],
)
def test_the_admin_says_that_nothing_changed(
    script: Script, designer: Client, address: tuple[str, ...], data: dict[str, object]
) -> None:
    answer = designer.post(page(script, *address), data, follow=True)
    assert answer.redirect_chain == [(page(script, "change"), 302)]
    assert "chess_club/dice: v1 is live already; nothing changed." in answer.content.decode()
    assert script.activations.count() == 1


def test_the_workbench_says_so_too_where_someone_else_was_quicker(script: Script, designer: Client) -> None:
    publish(Script.objects.get(), "python", BETTER, actor=None, reason="sooner", base=AnyBase)
    with pytest.raises(Refusal, match="v2 is live already") as refusal:
        publishing.rollback(script, User.objects.get(), 2, "again")
    assert (refusal.value.status, refusal.value.document["error"]["type"]) == (422, "unchanged")
    assert script.activations.count() == 2
