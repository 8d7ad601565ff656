"""Who really asks: ASGI middleware that takes the client's address from proxies that GOBY_PROXIES names, and from nobody else."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from scripting.insight.from_here import FORWARDING

UNIX = "unix"
"""Names a proxy that comes by a Unix socket, which has no address."""
UNKNOWN = ""
"""The address of a client that a named proxy does not tell."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Headers = list[tuple[bytes, bytes]]

logger = logging.getLogger("scripting.security")


class Proxies:
    """The proxies that are believed."""

    def __init__(self, names: Iterable[str]) -> None:
        """Addresses, networks, and `unix`. Raises ValueError for any other text."""
        self.names = tuple(name.strip() for name in names if name.strip())
        self._networks = [ipaddress.ip_network(name) for name in self.names if name != UNIX]

    def has(self, peer: str) -> bool:
        """Whether the peer of a connection is one of them."""
        if not peer:
            return UNIX in self.names
        address = parsed(peer)
        return address is not None and self._holds(address)

    def client(self, forwarded: str) -> str:
        """The address that one of them speaks for, of its X-Forwarded-For header: the last that is no proxy of ours.

        What stands before that one was written by the client itself.
        """
        hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
        address: Address | None = None
        for hop in reversed(hops):
            address = parsed(hop)
            if address is None or not self._holds(address):
                break
        return UNKNOWN if address is None else str(address)

    def _holds(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def parsed(text: str) -> Address | None:
    """An address as proxies write it, perhaps with a port and brackets; None for any other text."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


class RealClients:
    """Sets the client and the scheme of a connection that comes through a named proxy, and takes away what told them.

    A header that is left afterwards is vouched for by nobody.
    """

    def __init__(self, inner: Callable[..., Awaitable[None]], proxies: Proxies) -> None:
        self.inner = inner
        self.proxies = proxies
        self._warned: set[str] = set()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] in {"http", "websocket"}:
            peer = (scope.get("client") or ("",))[0] or ""
            if self.proxies.has(peer):
                scope = self._real(scope)
            else:
                self._warn(peer, scope["headers"])
        await self.inner(scope, receive, send)

    def _real(self, scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        headers: Headers = scope["headers"]
        client = self.proxies.client(_joined(headers, b"x-forwarded-for"))
        kept = [(name, value) for name, value in headers if name.decode("latin-1") not in FORWARDING]
        scheme = _joined(headers, b"x-forwarded-proto").rpartition(",")[2].strip()
        if scheme in {"http", "https"}:
            scheme = scheme.replace("http", "ws") if scope["type"] == "websocket" else scheme
        else:
            scheme = scope.get("scheme", "http")
        return {**scope, "client": (client, 0), "scheme": scheme, "headers": kept}

    def _warn(self, peer: str, headers: Headers) -> None:
        if peer in self._warned or len(self._warned) > 100 or not _joined(headers, b"x-forwarded-for"):
            return
        address = parsed(peer)
        if address is None or address.is_private:
            self._warned.add(peer)
            logger.warning(
                "requests come through a proxy at %s that GOBY_PROXIES does not name: all its users count as one address",
                peer or "a Unix socket",
            )


def _joined(headers: Headers, wanted: bytes) -> str:
    """A header that may come more than once."""
    return ",".join(value.decode("latin-1") for name, value in headers if name == wanted)
