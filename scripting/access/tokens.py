"""Make, find and revoke tokens. The secret part is shown once and kept as a digest that this site's key goes into."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models import Q
from django.utils.crypto import salted_hmac

from scripting import clock
from scripting.models.tokens import Action, ApiToken

logger = logging.getLogger(__name__)

LIFETIME, LONGEST = timedelta(days=90), timedelta(days=366)
"""How long a token lasts where nothing is said, and at the most."""
MOST_A_MINUTE = 10_000_000
USED = timedelta(minutes=1)
"""Its last use is written once in this time at the most."""
_FORM = re.compile(r"goby_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_PATTERN = re.compile(r"(\*|[a-z][a-z0-9_*?]*)/(\*|[a-z*?][a-z0-9_*?]*)")


class WrongToken(ValueError):
    """A token cannot be made as it was asked for. The message says what to write."""


@dataclass(frozen=True)
class Wanted:
    """A token as it is asked for."""

    name: str
    user: Any
    actions: Sequence[str]
    scripts: Sequence[str] = ("*/*",)
    networks: Sequence[str] = ()
    lifetime: timedelta = LIFETIME
    per_minute: int | None = None


def make(wanted: Wanted, *, actor: Any, reason: str) -> tuple[ApiToken, str]:
    """The token and the text to give to the machine, which cannot be shown again. Raises WrongToken."""
    _require_reason(reason)
    if not wanted.name.strip():
        raise WrongToken("give the token a name: the machine that will use it")
    if not wanted.actions or (unknown := [each for each in wanted.actions if each not in Action.values]):
        raise WrongToken(f"name what it may do, of {', '.join(Action.values)}{_not(unknown if wanted.actions else [])}")
    if not wanted.scripts or (odd := [each for each in wanted.scripts if not _PATTERN.fullmatch(each)]):
        raise WrongToken(f"name scripts as tavern/* or */*{_not(odd if wanted.scripts else [])}")
    if not timedelta() < wanted.lifetime <= LONGEST:
        raise WrongToken(f"a token lasts from 1 to {LONGEST.days} days")
    if wanted.per_minute is not None and not 1 <= wanted.per_minute <= MOST_A_MINUTE:
        raise WrongToken(f"requests in a minute are 1 to {MOST_A_MINUTE}")
    public_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    token = ApiToken(
        name=wanted.name.strip()[:100],
        user=wanted.user,
        public_id=public_id,
        digest=_digest(secret, settings.SECRET_KEY),
        actions=[each for each in Action.values if each in wanted.actions],
        scripts=list(wanted.scripts),
        networks=[_network(each) for each in wanted.networks],
        per_minute=wanted.per_minute,
        expires_at=clock.now() + wanted.lifetime,
    )
    token._history_user, token._change_reason = actor, f"made: {reason.strip()}"[:100]
    token.save()
    return token, f"goby_{public_id}_{secret}"


def revoke(token: ApiToken, *, actor: Any, reason: str) -> None:
    """From now on it opens nothing. Raises WrongToken without a reason, or where it is revoked already."""
    _require_reason(reason)
    if token.revoked_at is not None:
        raise WrongToken(f"{token} is revoked already")
    token.revoked_at = clock.now()
    token._history_user, token._change_reason = actor, f"revoked: {reason.strip()}"[:100]
    token.save(update_fields=["revoked_at"])


def found(text: str) -> ApiToken | None:
    """The token that a request shows, whatever its state; None where there is none with this secret."""
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    token = ApiToken.objects.select_related("user").filter(public_id=form[1]).first()
    if token is None:
        return None
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return token if any(compare_digest(token.digest, _digest(form[2], key)) for key in keys) else None


def used(token: ApiToken, now: datetime) -> None:
    """Remember that it was used, once a minute at the most. A database that cannot be written keeps nobody out."""
    before = now - USED
    if token.last_used_at is None or token.last_used_at < before:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=before)
        token.last_used_at = now
        try:
            ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the last use of token %s was not written: %s", token, error)


def _digest(secret: str, key: str | bytes) -> str:
    return salted_hmac("scripting.api.token", secret, secret=key, algorithm="sha256").hexdigest()


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip(), strict=False))
    except ValueError:
        raise WrongToken(f"write a network such as 10.0.0.0/8 or an address, not {text[:60]!r}") from None


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise WrongToken("say why: the reason is kept with the token")


def _not(wrong: Sequence[str]) -> str:
    return f", not {', '.join(map(repr, wrong))[:200]}" if wrong else ""
