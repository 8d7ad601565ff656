"""A server's HTTP API, asked with a token."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TOKEN = "GOBY_TOKEN"  # noqa: S105 - the variable that holds it
SERVER = "GOBY_SERVER"
SECONDS = 120.0
MAX_BODY_BYTES = 4 << 20
"""Of a request, as the server has it: it closes the connection on a longer one, before its answer can be read."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the token elsewhere, and make a GET of a POST."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects)


class ServerRefused(Exception):
    """The server did not do what was asked. `problem` is its answer, empty where there was none."""

    def __init__(self, message: str, problem: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.problem = problem or {}


@dataclass(frozen=True)
class Server:
    """Where it is, and the token for it."""

    url: str
    token: str

    @staticmethod
    def named(url: str | None) -> Server:
        """The server of an option or of the environment; the token is always the environment's. Raises ServerRefused."""
        url, token = url or os.environ.get(SERVER, ""), os.environ.get(TOKEN, "").strip()
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise ServerRefused(f"name the server, as --server https://goby.example or in {SERVER}, not {url!r}")
        if not token:
            raise ServerRefused(f"put a token into {TOKEN}: an admin makes one with `manage.py api_token make`")
        if re.search(r"[^!-~]", token):  # which no header can carry, and http.client would tell with the whole of it
            raise ServerRefused(f"{TOKEN} holds a blank, a line break or a character that no token has: copy it anew")
        return Server(url.rstrip("/"), token)

    def get(self, address: str) -> Any:
        """Raises ServerRefused."""
        return self._ask(address, None)

    def post(self, address: str, document: Any) -> Any:
        """Raises ServerRefused."""
        body = json.dumps(document).encode()
        if len(body) > MAX_BODY_BYTES:
            sizes = f"{len(body) / (1 << 20):.1f} MiB, and a request may have {MAX_BODY_BYTES >> 20}"
            raise ServerRefused(f"{self.url} was not asked: what changed here comes to {sizes}: bring it in parts")
        return self._ask(address, body)

    def _ask(self, address: str, body: bytes | None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/v1/{address}", body, headers)  # noqa: S310 - http or https, see above
        try:
            with _opener.open(request, timeout=SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if elsewhere := error.headers.get("Location"):
                raise ServerRefused(f"{self.url} says to ask {elsewhere}: name that server in {SERVER}") from None
            problem = _problem(error)
            detail = problem.get("detail") or f"{error.code} {error.reason}: is the HTTP API there?"
            raise ServerRefused(f"{self.url}: {detail}", problem) from None
        except (OSError, ValueError) as error:
            raise ServerRefused(f"{self.url} does not answer: {error}") from None


def _problem(error: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        document = json.load(error)
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
