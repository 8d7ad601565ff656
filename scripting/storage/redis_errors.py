"""Errors of Redis: whether it cannot be used for now, though no caller and no event is to blame, and who is to do what about it."""

from __future__ import annotations

import re

import redis
from redis import exceptions

from scripting.storage.database import Outage

__all__ = ["RedisRefused", "code_of", "is_unavailable", "noted", "outage", "told"]

_UNREACHABLE = (redis.ConnectionError, redis.TimeoutError)
_CLASSES: tuple[tuple[type[redis.RedisError], str], ...] = (
    (exceptions.OutOfMemoryError, "OOM"),
    (redis.ReadOnlyError, "READONLY"),
    (redis.BusyLoadingError, "LOADING"),
    (exceptions.MasterDownError, "MASTERDOWN"),
    (exceptions.ClusterDownError, "CLUSTERDOWN"),
    (exceptions.TryAgainError, "TRYAGAIN"),
    (exceptions.NoPermissionError, "NOPERM"),
    (redis.AuthenticationError, "NOAUTH"),
)
"""The first that fits counts."""
_WHO_DOES_WHAT = {
    "MISCONF": "it cannot write its files, as with a full disk: whoever runs Redis must make room there",
    "OOM": "it holds its `maxmemory`: start more workers, or have whoever runs Redis give it more",
    "READONLY": "it is a replica: whoever runs Redis must promote one, or REDIS_URL must name the master",
    "UNBLOCKED": "it has just become a replica: whoever runs Redis must promote one, or REDIS_URL must name the master",
    "LOADING": "it reads its data after a start: wait",
    "MASTERDOWN": "it is a replica without its master: whoever runs Redis must bring a master back",
    "CLUSTERDOWN": "its cluster lacks a node: whoever runs Redis must bring it back",
    "TRYAGAIN": "its cluster is moving keys: wait",
    "NOREPLICAS": "it has fewer replicas than `min-replicas-to-write`: whoever runs Redis must bring them back",
    "BUSY": "somebody's Lua script has run there for too long: whoever runs Redis must end it (SCRIPT KILL)",
    "NOAUTH": "it takes neither user nor password of REDIS_URL: whoever runs this site must put them right",
    "NOPERM": "the user in REDIS_URL may not do this: whoever runs Redis must permit it, see docs/deployment.md",
}
"""By the first word of Redis's answer."""

# redis-py has no class for some of them, and gives what a pipeline or, before Redis 7, a script was answered a text of its own around it.
_ANSWER = re.compile(
    rf"(?:Error running script .*: -|Transaction discarded because of: )?({'|'.join(_WHO_DOES_WHAT)})\b", re.DOTALL
)
_SCRIPT_NOT_PERMITTED = re.compile(
    r"ACL failure in script: |Error running script .*The user executing the script can't ", re.DOTALL
)
_IN_PIPELINE = " of pipeline caused error: "

outage = Outage("Redis")


class RedisRefused(redis.RedisError):
    """Redis is there, and takes nothing for now. The text says who is to do what."""

    def __init__(self, code: str, then: str = "") -> None:
        self.code = code
        """The first word of its answer."""
        super().__init__(f"Redis refuses work ({code}): {_WHO_DOES_WHAT[code]}{then}")


def code_of(error: BaseException) -> str:
    """The first word by which Redis says that it is not ready for work (MISCONF, READONLY, …); empty for every other error."""
    if isinstance(error, RedisRefused):
        return error.code
    if not isinstance(error, redis.RedisError):
        return ""
    for kind, code in _CLASSES:
        if isinstance(error, kind):
            return code
    answer = str(error).rpartition(_IN_PIPELINE)[2]
    if _SCRIPT_NOT_PERMITTED.match(answer):
        return "NOPERM"
    found = _ANSWER.match(answer)
    return found[1] if found else ""


def is_unavailable(error: BaseException) -> bool:
    """Whether Redis cannot be reached or is not ready for work, so that the same may go well later."""
    return isinstance(error, _UNREACHABLE) or code_of(error) != ""


def told(error: redis.RedisError) -> str:
    """The error in words for who runs the site."""
    code = code_of(error)
    return str(RedisRefused(code)) if code else str(error)


def noted(error: redis.RedisError) -> bool:
    """Tell the log where Redis is unavailable, once, and then a count; False for an error of another kind, which the caller tells."""
    if not is_unavailable(error):
        return False
    outage.note(told(error))
    return True
