"""Behind a reverse proxy: who asks is what a named proxy says, read from the right; what anybody else says is not believed."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User

from goby_site.accounts.throttle import FAILURES_OF_NAME
from goby_site.web.proxies import Proxies, RealClients
from scripting.insight.from_here import made_here
from tests.support import forked
from tests.support.processes import child_environment, free_port
from tests.support.stack import wait_until


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("1.2.3.4, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("203.0.113.7:5123", "203.0.113.7"),
        ("[2001:db8::7]:5123, 10.0.0.2", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("10.0.0.9, 10.0.0.2", "10.0.0.9"),
        ("203.0.113.7, unknown", ""),
        ("203.0.113.7, <script>, 10.0.0.2", ""),
        ("", ""),
        (" , ", ""),
    ],
)
def test_the_client_is_the_last_that_is_no_proxy_of_ours(forwarded: str, client: str) -> None:
    assert Proxies(["10.0.0.0/8"]).client(forwarded) == client


def test_proxies_are_named_by_address_network_or_as_a_socket() -> None:
    proxies = Proxies(["10.0.0.0/8", "::1", " ", "unix"])
    assert [proxies.has(peer) for peer in ("10.1.2.3", "::ffff:10.1.2.3", "::1", "", "127.0.0.1", "odd")] == [
        True, True, True, True, False, False,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="example"):
        Proxies(["proxy.example"])


Scope = dict[str, Any]


def through(scope: Scope, *proxies: str) -> Scope:
    seen: list[Scope] = []

    async def site(scope: Scope, receive: object, send: object) -> None:
        seen.append(scope)

    async_to_sync(RealClients(site, Proxies(proxies)))({"scheme": "http", **scope}, None, None)
    return seen[0]


@pytest.mark.parametrize(("kind", "scheme"), [("http", "https"), ("websocket", "wss")])
def test_pages_and_sockets_see_the_client_and_the_scheme_and_no_header_that_told_them(kind: str, scheme: str) -> None:
    headers = [
        (b"x-forwarded-for", b"127.0.0.1"),
        (b"x-forwarded-for", b"203.0.113.7"),
        (b"x-forwarded-proto", b"https"),
    ]
    scope = {"type": kind, "client": ("10.0.0.2", 4000), "headers": [*headers, (b"accept", b"*/*"), (b"via", b"1.1 x")]}
    seen = through(scope, "10.0.0.2")
    assert (seen["client"][0], seen["scheme"]) == ("203.0.113.7", scheme)
    assert [name for name, _ in seen["headers"]] == [b"x-forwarded-proto", b"accept"]
    assert through(scope, "10.0.0.3") == {"scheme": "http", **scope}, "nobody else is believed"


def test_a_proxy_that_is_not_named_is_pointed_out_once(caplog: pytest.LogCaptureFixture) -> None:
    scope = {"type": "http", "client": ("10.0.0.2", 4000), "headers": [(b"x-forwarded-for", b"203.0.113.7")]}

    async def site(*_: object) -> None:
        pass

    proxied = RealClients(site, Proxies([]))
    for _ in range(3):
        async_to_sync(proxied)(scope, None, None)
    assert ["10.0.0.2 that GOBY_PROXIES does not name" in line for line in caplog.messages] == [True]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "x-real-ip", "Via"])
def test_what_comes_through_a_proxy_that_nothing_vouches_for_is_not_from_here(header: str) -> None:
    assert made_here("127.0.0.1", ["Host", "Accept"])
    assert not made_here("127.0.0.1", ["Host", header])
    assert not made_here("", ["Host"])


class Site:
    """A web process that believes a proxy on this machine."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / "web.log"
        command = ["-m", "uvicorn", "goby_site.asgi:application", "--port", str(self.port)]
        with self.log.open("wb") as output:
            self.process = forked.start(
                *command,
                "--lifespan",
                "off",
                "--no-proxy-headers",
                environment=child_environment(GOBY_PROXIES="127.0.0.1", GOBY_DEMO="false"),
                stdout=output,
                stderr=output,
            )

    def ask(self, path: str, forwarded: str | None, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, body and the CSRF cookie's value, if it was set."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
        if form is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded"}
            headers["Cookie"] = f"csrftoken={form['csrfmiddlewaretoken']}"
        connection.request("GET" if form is None else "POST", path, urlencode(form or {}), headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        cookie = re.search(r"csrftoken=(\w+)", answer.headers.get("Set-Cookie", ""))
        return answer.status, body, cookie[1] if cookie else ""

    def answers(self) -> bool:
        try:
            return self.ask("/healthz", None)[0] == 200
        except OSError:
            assert self.process.poll() is None, self.log.read_text()
            return False


@pytest.fixture
def site(tmp_path: Path, transactional_db: None) -> Iterator[Site]:
    started = Site(tmp_path)
    try:
        wait_until(started.answers, 60)
        yield started
    finally:
        started.process.terminate()
        started.process.wait(20)


@pytest.mark.once
@pytest.mark.alone
def test_invented_addresses_open_no_new_counter_and_metrics_are_for_this_machine(site: Site) -> None:
    User.objects.create_user("ada", password="a right one", is_staff=True)
    token = site.ask("/admin/login/", "203.0.113.7")[2]

    def log_in(password: str, forwarded: str) -> tuple[int, str]:
        form = {"username": "ada", "password": password, "csrfmiddlewaretoken": token}
        return site.ask("/admin/login/?next=/healthz", forwarded, form)[:2]

    for number in range(FAILURES_OF_NAME):
        status, page = log_in("a wrong one", f"198.51.100.{number}, 203.0.113.7")
        assert (status, "Too many logins" in page) == (200, False)
    assert "Too many logins" in log_in("a right one", "198.51.100.99, 203.0.113.7")[1]
    assert log_in("a right one", "203.0.113.7, 203.0.113.8")[0] == 302, "another address is not kept out"
    asked = {who: site.ask("/metrics", who)[0] for who in (None, "127.0.0.1", "127.0.0.1, 203.0.113.7", "203.0.113.7")}
    assert asked == {None: 403, "127.0.0.1": 200, "127.0.0.1, 203.0.113.7": 403, "203.0.113.7": 403}
