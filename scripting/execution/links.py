"""Links: each commit appends one to a chain of its process, with the digest of every row that it writes, so that no two processes wait.

That is all that an event waits for. The receipts themselves are made of the stored rows later, see receipts/sealing.py, and only of
rows that are still what the digest says; docs/receipts.md says what that proves.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from scripting import clock
from scripting.conf import conf
from scripting.execution.receipts import NONE, Recorded, default_of, link_digest, microseconds
from scripting.models import Attempt, Execution, ReceiptLink, uuid7
from scripting.models.ids import id_in
from scripting.models.receipts import UNSEALED

COLUMNS = (
    *("id", "script_id", "trigger", "event_id", "topic", "key", "depth", "cause", "status", "error_version_id"),
    *("inputs", "inputs_text", "result", "result_text", "queued_at", "started_at", "finished_at"),
    *("worker", "user", "request_id", "deliveries", "trace_id"),
    *("version_id", "bundle_digest", "role", "interpreter", "seed", "clock_us", "host_calls"),
    *("error_type", "error_message", "error_script", "error_line", "error_column"),
    *("compile_us", "wall_us", "cpu_us", "memory_bytes", "host_us", "log", "log_truncated"),
)
OF_ATTEMPTS = ("ordinal", *COLUMNS[COLUMNS.index("version_id") :])
"""The columns that a digest covers, in this order for ever: append new ones. A link says how many there were when it was made."""
HEAD = bytes((1, len(COLUMNS), len(OF_ATTEMPTS)))
"""The first bytes of a link's digests: a format, and how many columns of an execution and of an attempt they cover."""
ENTRY = 48
"""Bytes of one execution in a link: its id, and the sha256 of its row."""


def _plain(value: Any) -> Any:
    """A value of a type derived from one that a column holds: a text that a template may show as it is, a number with a name."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"a column cannot hold {type(value).__name__}")


_encode_into = msgspec.msgpack.Encoder(enc_hook=_plain).encode_into


class _Values:
    """The values of columns of a row as it is inserted or as it is read back: the same, or they were altered."""

    def __init__(self, model: type[models.Model], names: Sequence[str], covered: int) -> None:
        self._defaults = {
            column.attname: default_of(column)
            for column in model._meta.local_concrete_fields
            if column.attname in names
        }
        self._get = itemgetter(*names[:covered])
        self._later = names[covered:]

    def of(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        try:
            values: tuple[Any, ...] = self._get(row)
        except KeyError:
            values = self._get({**self._defaults, **row})
        return values + self._changed(row) if self._later else values

    def _changed(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """Columns that were added since, where they say more than their default: an older row says nothing in them."""
        pairs = ((name, row.get(name, self._defaults[name])) for name in self._later)
        return tuple(pair for pair in pairs if pair[1] != self._defaults[pair[0]])


_row, _try = _Values(Execution, COLUMNS, len(COLUMNS)).of, _Values(Attempt, OF_ATTEMPTS, len(OF_ATTEMPTS)).of


def entries(rows: Sequence[Recorded], head: bytes = HEAD) -> list[bytes]:
    """Of each row with its attempts what a link holds: its id, and the digest of every column. Raises ValueError for an unknown head."""
    row_values, try_values = (_row, _try) if head == HEAD else _covered(head)
    made, text = [], bytearray()  # written over again: what is still near at hand costs half
    for row, tries in rows:
        values = row_values(row)
        _encode_into((values, [try_values(one) for one in tries]) if tries else values, text)
        made.append(row["id"].bytes + sha256(text).digest())
    return made


def _covered(head: bytes) -> tuple[Callable[[Mapping[str, Any]], tuple[Any, ...]], ...]:
    """How rows are read that a release with fewer columns has written."""
    if len(head) != len(HEAD) or head[0] != HEAD[0] or not 0 < head[1] <= HEAD[1] or not 0 < head[2] <= HEAD[2]:
        raise ValueError("digests of a format that is unknown, or altered")
    return _Values(Execution, COLUMNS, head[1]).of, _Values(Attempt, OF_ATTEMPTS, head[2]).of


def alone(rows: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], bytes]]:
    """Rows that have no attempts, each with its entry; none where the site wants no receipts."""
    return list(zip(rows, entries([(row, ()) for row in rows]), strict=True)) if wanted() else []


def split(digests: bytes) -> tuple[bytes, list[bytes]]:
    """The head and the entries of a link; of altered bytes, whatever these are."""
    body = digests[len(HEAD) :]
    return digests[: len(HEAD)], [body[start : start + ENTRY] for start in range(0, len(body), ENTRY)]


# -- digests of a link ---------------------------------------------------------------------------------------------------


def _digest(
    previous: bytes, module: str, chain: UUID, number: int, salt: bytes, made_at: datetime, rows_digest: bytes
) -> bytes:
    head = b"rows" + chain.bytes + number.to_bytes(8, "big") + microseconds(made_at).to_bytes(8, "big")
    return sha256(head + previous + salt + rows_digest + module.encode()).digest()


def digest_of(link: ReceiptLink) -> bytes:
    """The digest that a link must have, as it is stored; those of the first releases hold receipts from the commit on."""
    covered = (bytes(link.previous), link.module, link.chain, link.number, bytes(link.salt), link.made_at)
    if link.rows_digest is None:
        return link_digest(*covered, bytes(link.receipts))
    return _digest(*covered, bytes(link.rows_digest))


def rows_digest(head: bytes, made: Iterable[bytes]) -> bytes:
    """The digest over the entries of a link, which stand in the order of their ids."""
    return sha256(head + b"".join(sorted(made))).digest()


def seal_of(digest: bytes, receipts: bytes, left: bytes) -> bytes:
    """The digest of a sealed link over its receipts, and over the entries of those rows that got none."""
    return sha256(b"sealed" + digest + len(receipts).to_bytes(4, "big") + receipts + left).digest()


# -- chains --------------------------------------------------------------------------------------------------------------


class _Chain(NamedTuple):
    """Where a chain of this process ends: at what is committed."""

    id: UUID
    number: int = 0
    digest: bytes = NONE


_free: dict[tuple[str, bool], list[_Chain]] = {}
"""Per module the chains that nobody in this process is appending to, those of lone requests apart: their links are filed later, each after
the one before it. One that is taken returns when its link is committed; if that fails it ends where it was, and another begins."""
_lock = threading.Lock()
os.register_at_fork(after_in_child=_free.clear)


def _take(of: tuple[str, bool]) -> _Chain:
    with _lock:
        chains = _free.get(of)
        return chains.pop() if chains else _Chain(uuid7())


def _give_back(of: tuple[str, bool], chain: _Chain) -> Callable[[], None]:
    def give_back() -> None:
        with _lock:
            _free.setdefault(of, []).append(chain)

    return give_back


def wanted() -> bool:
    return bool(conf.SCRIPTING_RECEIPTS)


def append(found: Sequence[tuple[Mapping[str, Any], bytes]], connection: BaseDatabaseWrapper) -> list[dict[str, Any]]:
    """Append the entries of rows to a chain of this process: a row of ReceiptLink for each module, for the transaction that writes the rows."""
    modules: dict[str, list[bytes]] = {}
    for row, entry in found:
        modules.setdefault(row["module"], []).append(entry)
    return [_link(module, sorted(made), connection) for module, made in modules.items()]


def _link(module: str, made: Sequence[bytes], connection: BaseDatabaseWrapper) -> dict[str, Any]:
    return {
        **_chained((module, False), HEAD + b"".join(made), connection),
        "receipts": b"",
        "seal": None,
        "first": id_in(made[0][:16]),
        "last": id_in(made[-1][:16]),
        "root_day": UNSEALED,
    }


def lone(row: Mapping[str, Any], entry: bytes, connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """The link of a commit that holds one request, as columns of LoneCommit, for the transaction that writes the row."""
    return {**_chained((row["module"], True), HEAD + entry, connection), "execution": row["id"]}


def _chained(of: tuple[str, bool], digests: bytes, connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """The next link of a chain, which ends there once it is committed."""
    module, chain, salt, made_at = of[0], _take(of), os.urandom(16), clock.now()
    number, over_rows = chain.number + 1, sha256(digests).digest()
    digest = _digest(chain.digest, module, chain.id, number, salt, made_at, over_rows)
    connection.on_commit(_give_back(of, _Chain(chain.id, number, digest)))
    return {
        "module": module,
        "chain": chain.id,
        "number": number,
        "previous": chain.digest,
        "digest": digest,
        "salt": salt,
        "digests": digests,
        "rows_digest": over_rows,
        "made_at": made_at,
    }
