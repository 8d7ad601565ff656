"""Bodies that are too large are refused while they come, before anything of them is kept."""

from __future__ import annotations

import json

from asgiref.testing import ApplicationCommunicator

from goby_site.asgi import application
from goby_site.web.body_limit import MAX_BYTES

PIECE = b"x" * 65536


def scope(*headers: tuple[bytes, bytes]) -> dict[str, object]:
    host = (b"host", b"localhost")
    return {"type": "http", "method": "POST", "path": "/admin/login/", "query_string": b"", "headers": [host, *headers]}


async def test_a_body_announced_as_too_large_is_refused_unread() -> None:
    site = ApplicationCommunicator(application, scope((b"content-length", str(MAX_BYTES + 1).encode())))
    assert (await site.receive_output(10))["status"] == 413


async def test_the_refusal_is_a_problem_to_clients_of_the_api_and_an_error_to_pages() -> None:
    site = ApplicationCommunicator(application, scope((b"content-length", str(MAX_BYTES + 1).encode())))
    start, body = await site.receive_output(10), await site.receive_output(10)
    document = json.loads(body["body"])
    assert (b"content-type", b"application/problem+json") in start["headers"]
    assert (document["status"], document["code"], document["error"]["type"]) == (413, "too_large", "too_large")
    assert document["detail"] == document["error"]["message"]


async def test_a_body_of_unknown_length_is_refused_where_it_goes_past_the_bound() -> None:
    site = ApplicationCommunicator(application, scope((b"transfer-encoding", b"chunked")))
    for _ in range(MAX_BYTES // len(PIECE) + 1):
        await site.send_input({"type": "http.request", "body": PIECE, "more_body": True})
    assert (await site.receive_output(10))["status"] == 413


async def test_a_body_within_the_bound_is_the_site_s_to_answer() -> None:
    site = ApplicationCommunicator(application, scope())
    await site.send_input({"type": "http.request", "body": PIECE, "more_body": True})
    await site.send_input({"type": "http.request", "body": PIECE, "more_body": False})
    assert (await site.receive_output(10))["status"] == 403  # no CSRF token
