"""Code that one process had compiled for a changed script, for the other processes' sandboxes: else each compiles the same text at the same moment.

Bytes to every process but a sandbox: sealed, since Redis holds them, and of use to the very same interpreter and compiler alone.
"""

from __future__ import annotations

import base64
import hashlib
import logging

import msgspec
import redis
from django.core.signing import BadSignature, Signer

from scripting.modules.installed import modules
from scripting.registry.checking import checker
from scripting.registry.resolved import ResolvedScript
from scripting.runtime.host_calls import host_functions
from scripting.runtime.pool import get_pool
from scripting.sandbox.protocol import Compiled
from scripting.storage.redis_client import key, redis_client
from scripting.supervisor.interface import HostFunction

logger = logging.getLogger(__name__)

KEPT_SECONDS = 60
"""Others make their sandboxes ready right behind the change."""
MOST_CHARACTERS = 200_000
_SALT = "scripting.compiled"


def functions_of(script: ResolvedScript) -> tuple[HostFunction, ...]:
    """The functions that the script's sandboxes may call."""
    return host_functions(modules.get(script.module))


def offer(script: ResolvedScript) -> None:
    """Have other processes find the code of its active version, if this process has it. Never fails: they compile it themselves."""
    code = get_pool().code_of(script.for_key("").active.bundle, script.limits, functions_of(script))
    if not code:
        return
    name = _name(script)
    sealed = Signer(salt=_SALT + name).sign(base64.b64encode(msgspec.msgpack.encode(code)).decode())
    if len(sealed) > MOST_CHARACTERS:
        return
    try:
        redis_client().set(name, sealed, ex=KEPT_SECONDS)
    except redis.RedisError as error:
        logger.debug("each process compiles %s itself: %s", script, error)


def find(script: ResolvedScript) -> None:
    """Take the code of its active version from who offered it, unless this process has it."""
    bundle, functions = script.for_key("").active.bundle, functions_of(script)
    if get_pool().code_of(bundle, script.limits, functions):
        return
    name = _name(script)
    try:
        found = redis_client().get(name)
        if found is None:
            return
        packed = Signer(salt=_SALT + name).unsign(found.decode())  # type: ignore[union-attr] # our clients answer bytes
        code = msgspec.msgpack.decode(base64.b64decode(packed), type=tuple[Compiled, ...])
    except (redis.RedisError, BadSignature, ValueError, msgspec.MsgspecError) as error:
        logger.debug("%s is compiled here: %s", script, error)
        return
    get_pool().take_code(bundle, script.limits, functions, code)


def _name(script: ResolvedScript) -> str:
    """The key in Redis: of all that decides what the code is."""
    bundle = script.for_key("").active.bundle
    rests_on = f"{checker()} {bundle.digest} {script.limits!r} {functions_of(script)!r}"
    return key("compiled", hashlib.sha256(rests_on.encode()).hexdigest())
