"""Guessing passwords takes too long: after some failures a name from an address, the name or the address must wait."""

from __future__ import annotations

import hashlib
import ipaddress
import logging

from django.core.exceptions import ValidationError
from django.http import HttpRequest

from goby_site.accounts import attempts
from goby_site.accounts.attempts import WINDOW_SECONDS, Counter
from scripting.storage.redis_client import key

FAILURES_OF_NAME = 10
"""Of one name from one address."""
FAILURES_OF_NAME_ANYWHERE = 50
"""Of one name from all addresses. An address from which it has logged in before is spared, or anyone could keep its owner out."""
FAILURES_OF_ADDRESS = 100
"""Of one address with all names. Names that have logged in from there are spared, or anyone could keep all behind one proxy out."""

logger = logging.getLogger("scripting.security")


def demand_patience(request: HttpRequest | None, name: str | None) -> None:
    """Count a login that is about to be tried. Raises ValidationError, which login forms show, where too many have failed."""
    if request is None or attempts.begin(_known(request, name), _counters(request, name)):
        return
    logger.warning(
        "logins from %s are refused for now: too many have failed", _address(request) or "an unknown address"
    )
    raise ValidationError(
        f"Too many logins have failed. Wait {WINDOW_SECONDS // 60} minutes, then try again.", code="throttled"
    )


def note_success(request: HttpRequest | None, name: str | None) -> None:
    """The password was right."""
    if request is not None:
        attempts.forgive(_known(request, name), _counters(request, name))


def _counters(request: HttpRequest, name: str | None) -> list[Counter]:
    return [
        Counter(key("logins", "pair", _pair(request, name)), FAILURES_OF_NAME, spares_known=False),
        Counter(key("logins", "name", _digest((name or "").casefold())), FAILURES_OF_NAME_ANYWHERE),
        Counter(key("logins", "address", _address(request)), FAILURES_OF_ADDRESS),
    ]


def _known(request: HttpRequest, name: str | None) -> str:
    return key("logins", "known", _pair(request, name))


def _pair(request: HttpRequest, name: str | None) -> str:
    return _digest(f"{_address(request)} {(name or '').casefold()}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _address(request: HttpRequest) -> str:
    """Of IPv6 the network, since who has one has all of its addresses."""
    text = str(request.META.get("REMOTE_ADDR", ""))[:64]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else text
