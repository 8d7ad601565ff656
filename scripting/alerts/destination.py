"""Whether a message may go to an address: never into the own network, unless the site allows that network.

A name is resolved once, every address that it has is looked at, and the connection is made to one of those. So neither a
name that resolves to something else the second time, nor a redirect, which nobody follows, leads inside.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from scripting.conf import conf, networks_in

NAT64 = ipaddress.ip_network("64:ff9b::/96")
PORTS = {"http": 80, "https": 443}


class Forbidden(Exception):
    """The message is not sent there: the text says why, and what would allow it."""


@dataclass(frozen=True)
class Destination:
    """Where to connect, and what to ask for there."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]


def resolve(url: str) -> Destination:
    """Raises Forbidden, OSError where the name has no address."""
    scheme, host, port, path = parts_of(url)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not admits(address):
            raise Forbidden(f"{host} is {address}, inside of a private network: SCRIPTING_ALERT_NETWORKS allows one")
    return Destination(scheme, host, port, path, addresses)


def parts_of(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port, and path with query. Raises Forbidden for what is no address of a receiver."""
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError as error:
        raise Forbidden(f"that is no URL: {error}") from None
    if split.scheme not in PORTS or not split.hostname:
        raise Forbidden("write a URL that begins with https:// or http://")
    if split.username is not None or split.password is not None:
        raise Forbidden("a URL must not hold a name or a password")
    if any(ord(character) <= 32 or ord(character) == 127 for character in url):
        raise Forbidden("a URL has no blanks or control characters")
    path = (split.path or "/") + (f"?{split.query}" if split.query else "")
    return split.scheme, split.hostname, port or PORTS[split.scheme], path


def admits(address: str) -> bool:
    """Whether a message may go to this IP address, whatever it is wrapped in."""
    found = ipaddress.ip_address(address.partition("%")[0])
    allowed = networks_in(conf.SCRIPTING_ALERT_NETWORKS)
    return all(_is_public(each) or any(each in network for network in allowed) for each in _meant(found))


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address itself, or those IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in NAT64:
        return [last]
    found: list[IPv4Address | IPv6Address] = [address]
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found += address.teredo
    if int(address) >> 32 == 0:  # IPv4-compatible
        found.append(last)
    return found


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved
