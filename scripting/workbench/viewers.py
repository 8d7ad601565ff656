"""Who has a script open now: a hash in Redis per script, each open page a field that it renews. Forgotten pages fade."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import redis

from scripting import clock
from scripting.storage.redis_client import key, redis_client

RENEW_SECONDS = 15.0
FADE_SECONDS = 40.0
"""A page not heard of for so long is closed, or as good as."""


def group_of(module: str, name: str) -> str:
    """The Channels group of a script's open pages; group names have at most 100 characters, names of scripts 64 each."""
    return f"scripting.workbench.{hashlib.sha256(f'{module}/{name}'.encode()).hexdigest()[:40]}"


def announce(module: str, name: str, page: str, user: str, *, editing: bool, since: float) -> None:
    """Say that a page is open. Raises redis.RedisError."""
    post = {"user": user, "editing": editing, "since": since, "at": clock.seconds()}
    with redis_client().pipeline(transaction=False) as pipe:
        pipe.hset(_key(module, name), page, json.dumps(post))
        pipe.expire(_key(module, name), int(FADE_SECONDS * 2))
        pipe.execute()


def leave(module: str, name: str, page: str) -> None:
    """Raises redis.RedisError."""
    redis_client().hdel(_key(module, name), page)


def people_on(module: str, name: str) -> list[dict[str, Any]]:
    """Everyone who has the script open, once each; `editing` when any of their pages has changes. Raises redis.RedisError."""
    people: dict[str, dict[str, Any]] = {}
    for page, post in redis_client().hgetall(_key(module, name)).items():
        one = json.loads(post)
        if one["at"] < clock.seconds() - FADE_SECONDS:
            redis_client().hdel(_key(module, name), page)
            continue
        known = people.setdefault(
            one["user"], {"user": one["user"], "editing": False, "since": one["since"], "pages": 0}
        )
        known["editing"] = known["editing"] or one["editing"]
        known["since"] = min(known["since"], one["since"])
        known["pages"] += 1
    return sorted(people.values(), key=lambda person: person["since"])


def people_or_nobody(module: str, name: str) -> list[dict[str, Any]]:
    """`people_on`, or nobody while Redis is unavailable: who else is here is a courtesy, not a lock."""
    try:
        return people_on(module, name)
    except redis.RedisError:
        return []


def _key(module: str, name: str) -> str:
    return key("editors", module, name)
