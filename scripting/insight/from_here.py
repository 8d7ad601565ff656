"""Whether a request was made on this machine, or inside a network, and not through a proxy that speaks for others."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable

FORWARDING = frozenset({"x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via"})
"""Headers that a proxy adds. A site that knows its proxies takes them away once it has read them."""
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def made_here(peer: str, headers: Iterable[str]) -> bool:
    """Whether the peer is this machine and no header, by its name, tells of a proxy that nothing vouches for."""
    return made_inside(LOOPBACK, peer, headers)


def made_inside(
    networks: Collection[ipaddress.IPv4Network | ipaddress.IPv6Network], peer: str, headers: Iterable[str]
) -> bool:
    """The same of a peer inside of one of `networks`."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks) and not any(name.lower() in FORWARDING for name in headers)
