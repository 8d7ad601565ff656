"""Whether a request was made on this machine, and not through a proxy that speaks for others."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

FORWARDING = frozenset({"x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via"})
"""Headers that a proxy adds. A site that knows its proxies takes them away once it has read them."""


def made_here(peer: str, headers: Iterable[str]) -> bool:
    """Whether the peer is this machine and no header, by its name, tells of a proxy that nothing vouches for."""
    try:
        is_here = ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False
    return is_here and not any(name.lower() in FORWARDING for name in headers)
