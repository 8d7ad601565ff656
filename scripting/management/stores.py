"""Redis, the database and files in the words of a command: which of them failed, without its password, and what to do."""

from __future__ import annotations

import errno

import redis
from django.db import DEFAULT_DB_ALIAS, DatabaseError, Error, InterfaceError, connections

from scripting.conf import conf
from scripting.storage import database, redis_errors
from scripting.storage.redis_client import redis_client

_WHO_DOES_WHAT = (
    ({"25006", 8}, "takes no writes: let DATABASE_URL name the main server, or whoever runs it must allow them"),
    ({"53100", 13}, "has no room on its disk: whoever runs it must make some"),
    ({"53300"}, "has no connection left: wait, or whoever runs it must raise max_connections"),
    ({"57P01", "57P02", "57P03"}, "ends or begins: try again in a moment"),
    ({3, 14}, "cannot be opened: its folder must be there, and open to who runs this"),
    ({5, 6}, "is held by another process: try again"),
    ({11, 26}, "is damaged, or no database: put a backup in its place"),
)
"""By codes of PostgreSQL and of SQLite."""
_OTHERWISE = "refuses work: whoever runs it must look at its log and its disk"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def about_redis(error: redis.RedisError) -> str:
    options = redis_client().connection_pool.connection_kwargs
    address = options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
    if conf.SCRIPTING_REDIS_SENTINELS:
        address = f"what {conf.SCRIPTING_REDIS_SENTINELS} call the master"
    if isinstance(error, (redis.ConnectionError, redis.TimeoutError)):
        return (
            f"Redis does not answer at {address}: start it with `make run`, or set REDIS_URL to one that runs ({error})"
        )
    return f"Redis at {address} refused: {redis_errors.told(error)}"


def about_database(error: Error) -> str:
    """Empty for an error that says nothing of the database, but of what was asked of it."""
    said = str(error).strip()
    if database.is_unavailable(error):
        return f"{_address()} {_state(error)} ({said})"
    if database.is_about_tables(error) and (lacking := _lacking()):
        return f"{_address()} lacks {len(lacking)} migrations of this code, the last one {lacking[-1]}: say `manage.py prepare`, or `migrate` in a project of your own"
    return ""


def about_file(error: OSError) -> str:
    """Empty for an error of no file, such as that of a pipe whose reader has gone."""
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return f"a file could not be written: {error.strerror}" if error.errno in _NO_ROOM else ""


def _address() -> str:
    settings = connections[DEFAULT_DB_ALIAS].settings_dict
    if connections[DEFAULT_DB_ALIAS].vendor == "sqlite":
        return f"the database {settings['NAME']}"
    host = settings["HOST"] or "the local socket"
    return f"the database {settings['NAME']} at {host}{':' if settings['PORT'] else ''}{settings['PORT']}"


def _state(error: BaseException) -> str:
    if not database.refuses(error):
        return "does not answer: start it, or let DATABASE_URL name one that runs"
    codes = set(_codes(error))
    return next((words for known, words in _WHO_DOES_WHAT if known & codes), _OTHERWISE)


def _codes(error: BaseException | None) -> tuple[str, int]:
    """The name that PostgreSQL or SQLite has for the first error of the chain that has a code."""
    while error is not None:
        state, code = getattr(error, "sqlstate", None), getattr(error, "sqlite_errorcode", None)
        if state is not None or code is not None:
            return state or "", (code or 0) & 0xFF
        error = error.__cause__
    return "", 0


def _lacking() -> list[str]:
    try:
        return database.lacking_migrations()
    except (DatabaseError, InterfaceError):
        return []
