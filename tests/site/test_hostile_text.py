"""Words of scripts, people and events are text on every page: nothing of it becomes markup, wherever a link leads."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from scripting.engine import get_engine
from scripting.models import Script, ScriptVersion
from scripting.registry import storing
from scripting.types import ExecutionRequest, ScriptInput
from scripting.workbench import drafts
from tests.support.arena import arena_registered, make_script

pytestmark = pytest.mark.django_db(transaction=True)

MARKUP = """</script></textarea></title>"'><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7 }}\u202e\x1b[31m"""
NAME = MARKUP.partition("{")[0]
SIGNS = ("<img src=x", "<script>alert(2)", "\u202e", "\x1b")
"""Any of these on a page came from `MARKUP`, and not as text."""
MOST_PAGES = 90


@pytest.fixture
def hostile() -> Iterator[Script]:
    """A script that says it in its text, log, result and errors, run on inputs that say it, by somebody of that name."""
    with arena_registered():
        text = f"# {MARKUP!r}\nlog({MARKUP!r})\nresult = {{{MARKUP!r}: {MARKUP!r}}}\nif fail:\n    raise ValueError({MARKUP!r})\n"
        script = make_script(text)
        user = User.objects.create_superuser(
            NAME, first_name=NAME
        )  # forms refuse such names: somebody's script made it
        storing.store(
            script,
            "python",
            f"import os  # {MARKUP}\n".encode(),
            ScriptVersion.Origin.EDITOR,
            author=user,
            message=MARKUP,
        )
        drafts.save(script, user, f"# {NAME}\n", "python", None, None)
        for fail in (False, True):
            context: dict[str, Any] = {
                "fail": fail,
                "topic": MARKUP,
                "message": {"payload": {MARKUP: MARKUP}},
                MARKUP: MARKUP,
            }
            get_engine().execute(
                ExecutionRequest(
                    "arena",
                    "scorer",
                    ScriptInput(context),
                    trigger="manual",
                    user_id=str(user.pk),
                    request_id=MARKUP[:60],
                )
            )
        yield script


def pages(client: Client) -> Iterator[tuple[str, str]]:
    """Address and text of each page that links lead to."""
    seen: set[str] = set()
    queue = ["/", "/scripts/", "/admin/", "/scripts/arena/scorer/", "/scripts/arena/scorer/history/"]
    queue += ["/admin/scripting/execution/", "/admin/scripting/execution/figures/", "/admin/scripting/errorgroup/"]
    while queue and len(seen) < MOST_PAGES:
        address = queue.pop(0)
        if address in seen:
            continue
        seen.add(address)
        response = client.get(address, follow=True)
        if response.streaming or "html" not in response["Content-Type"]:
            continue
        text = response.content.decode()
        assert response.status_code < 500, address
        yield address, text
        for link in re.findall(r'href="(/[^"#]*)"', text):
            where = html.unescape(link)
            if (
                not where.startswith(("/static/", "/admin/logout", "//", "/admin/auth/"))
                and where.count("?") + where.count("&") < 3
            ):
                queue.append(where)


@pytest.mark.slow
def test_no_page_shows_as_markup_what_was_said(hostile: Script) -> None:
    client = Client()
    client.force_login(User.objects.get(username=NAME))
    logging.disable(logging.CRITICAL)
    try:
        found = dict(pages(client))
    finally:
        logging.disable(logging.NOTSET)
    assert len(found) > 30
    told = [address for address, text in found.items() if "img src=x" in text or "u003Cimg" in text]
    assert len(told) > 8  # it is there, as text
    wrong = {address: [sign for sign in SIGNS if sign in text] for address, text in found.items()}
    assert {address: signs for address, signs in wrong.items() if signs} == {}
