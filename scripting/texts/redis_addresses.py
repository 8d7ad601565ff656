"""Read from texts where Redis is: the addresses of sentinels, and the master that a URL names."""

from __future__ import annotations

from typing import Any


def addresses_in(text: str) -> list[tuple[str, int]]:
    """The (host, port) pairs that a text names, with commas or blanks between. Raises ValueError."""
    found = []
    for part in text.replace(",", " ").split():
        host, _, port = part.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"write host:port instead of {part}")
        found.append((host.strip("[]"), int(port)))
    return found


def master_of(url: str) -> tuple[str, dict[str, Any]]:
    """The master's name for sentinels, which a URL has as its host, and its other options for connections. Raises ValueError."""
    from redis.connection import parse_url  # only a site with sentinels needs it this early

    options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    options.pop("port", None)
    if options.pop("connection_class", None) is not None:
        options["ssl"] = True
    if "host" not in options:
        raise ValueError(
            "with SCRIPTING_REDIS_SENTINELS the host in REDIS_URL is the master's name, as in redis://goby-master/0"
        )
    return options.pop("host"), options
