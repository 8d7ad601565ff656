"""Receipts: of each execution, what decided, on what, what, and when, in 193 bytes that commit to every column of its row.

They are made of stored rows when their link is sealed, or when somebody asks for one sooner. The layout is repeated in
receipts/offline.py, which must stand alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256, sha512
from operator import itemgetter
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import models
from django.db.models.fields import NOT_PROVIDED

from scripting.models import Attempt, Execution

FORMAT = 1
LAYOUT = Struct(">B16sIIBBBxq32s20s20s20s20s20s20s")
SIZE = LAYOUT.size + 4
"""Bytes of a receipt: the fields, and their checksum, by which an altered one is told apart inside its link."""
CUT = 20
"""Bytes kept of a sha256: 160 bits."""
STATUSES = ("", "succeeded", "fell_back", "failed", "cancelled", "skipped", "abandoned")
TRIGGERS = ("", "event", "endpoint", "manual", "replay")
ROLES = ("", "primary", "retry", "fallback", "built_in")
"""Numbered by their place: append new ones. A receipt has 0 for what is not listed; the row's digest holds it all the same."""
NONE = bytes(32)

ORIGIN = frozenset({"user", "worker", "request_id", "trace_id", "key", "event_id", "cause", "deliveries"})
"""Columns that say where it came from: under a digest of their own with a salt, since a shared receipt withholds them."""
PAYLOAD = frozenset({"inputs", "inputs_text", "result", "result_text", "log", "host_calls"})
"""Columns that the retention empties, under digests of their own too."""

_encode = msgspec.json.Encoder().encode
_statuses, _triggers, _roles = ({name: place for place, name in enumerate(n)} for n in (STATUSES, TRIGGERS, ROLES))


Recorded = tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]
"""A row of Execution, and those of its attempts where it needed several."""


class Receipt(NamedTuple):
    """The fields of a receipt. The digests are cut; see `parts_of` for what each covers."""

    format: int
    execution: bytes
    script: int
    version: int
    status: int
    trigger: int
    role: int
    finished_us: int
    bundle: bytes
    record: bytes
    origin: bytes
    shown: bytes
    inputs: bytes
    outcome: bytes
    calls: bytes

    @property
    def execution_id(self) -> UUID:
        return UUID(bytes=self.execution)


def _fields(model: type[models.Model], without: frozenset[str]) -> list[tuple[str, Any]]:
    """Columns by name, each with the value that a digest leaves out: a column added later changes no older receipt."""
    columns = sorted(model._meta.local_concrete_fields, key=lambda column: column.attname)
    return [(column.attname, default_of(column)) for column in columns if column.attname not in without]


def default_of(column: models.Field[Any, Any]) -> Any:
    """The value of a column that a row leaves out; None where each row has its own."""
    if callable(column.default) and column.default is not NOT_PROVIDED:
        return None
    default = column.get_default()
    return default.value if isinstance(default, Enum) else default


class _Columns:
    """Columns of a row as JSON with sorted names, without those that have their default. A struct writes that at half the price of a dict."""

    def __init__(self, fields: Sequence[tuple[str, Any]]) -> None:
        self._fields = fields
        self._defaults = dict(fields)
        self._values = itemgetter(*self._defaults)
        self._struct = msgspec.defstruct(
            "Columns", [(name, Any, default) for name, default in fields], omit_defaults=True, gc=False
        )
        # A struct leaves out what *is* the default: there is one None, one 0 and one empty text, but not one of another text, and 0 is False.
        self._several = [(place, default) for place, (_, default) in enumerate(fields) if default or default is False]

    def of(self, row: Mapping[str, Any]) -> bytes:
        try:
            values = self._values(row)
        except KeyError:
            values = self._values({**self._defaults, **row})
        for place, default in self._several:
            if values[place] is not default and values[place] == default:
                values = (*values[:place], default, *values[place + 1 :])
        return _encode(self._struct(*values))


_record_fields = _fields(Execution, ORIGIN | PAYLOAD)
_record = _Columns(_record_fields)
_origin = _Columns([(name, default) for name, default in _fields(Execution, PAYLOAD) if name in ORIGIN])
_attempt = _fields(Attempt, frozenset({"id", "execution_id", "log", "host_calls"}))


def record_text(row: Mapping[str, Any], tries: Sequence[Mapping[str, Any]] = ()) -> bytes:
    """The row as the digest `record` covers it: JSON with sorted names, without what has its default, with its attempts."""
    if not tries:
        return _record.of(row)
    found = _changed(row, _record_fields)
    found["attempts"] = [_changed(one, _attempt) for one in tries]
    return _encode(found)


def origin_text(row: Mapping[str, Any]) -> bytes:
    return _origin.of(row)


def _changed(row: Mapping[str, Any], fields: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    get = row.get
    return {name: value for name, default in fields if (value := get(name, default)) != default}


def salts_of(link_salt: bytes, execution: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """The salts of origin, inputs, outcome and calls: each may be told without telling another, or that of another receipt."""
    salts = sha512(link_salt + execution).digest()
    return salts[:16], salts[16:32], salts[32:48], salts[48:]


def parts_of(row: Mapping[str, Any], tries: Sequence[Mapping[str, Any]], link_salt: bytes) -> tuple[bytes, ...]:
    """The six digests: record, origin, shown, inputs, outcome, calls. The salt keeps what is withheld from being guessed."""
    [digests] = _digests([(row, tries)], link_salt)
    return tuple(whole[:CUT] for whole in digests)


def _digests(rows: Sequence[Recorded], link_salt: bytes) -> Iterator[tuple[bytes, ...]]:
    """The digests of `parts_of` of each row, not yet cut. Part by part: the same short code many times over runs at half the price."""
    salts = [sha512(link_salt + row["id"].bytes).digest() for row, _ in rows]
    record = [sha256(b"record" + record_text(row, tries)).digest() for row, tries in rows]
    origin = [
        sha256(b"origin" + salt[:16] + _origin.of(row)).digest() for salt, (row, _) in zip(salts, rows, strict=True)
    ]
    shown = [sha256(shown_text(row)).digest() for row, _ in rows]
    inputs = [
        sha256(b"inputs" + salt[16:32] + row.get("inputs", b"")).digest()
        for salt, (row, _) in zip(salts, rows, strict=True)
    ]
    outcome = [
        sha256(b"outcome" + salt[32:48] + outcome_text(row)).digest()
        for salt, (row, _) in zip(salts, rows, strict=True)
    ]
    calls = [
        sha256(b"calls" + salt[48:] + calls_text(row, tries)).digest()
        for salt, (row, tries) in zip(salts, rows, strict=True)
    ]
    return zip(record, origin, shown, inputs, outcome, calls, strict=True)


def shown_text(row: Mapping[str, Any]) -> bytes:
    inputs = row.get("inputs_text", "").encode("utf-8", "surrogatepass")
    result = row.get("result_text", "").encode("utf-8", "surrogatepass")
    return b"".join((b"shown", len(inputs).to_bytes(4, "big"), inputs, result))


def outcome_text(row: Mapping[str, Any]) -> bytes:
    result = row.get("result")
    return b"-" if result is None else b"+" + bytes(result)


def calls_text(row: Mapping[str, Any], tries: Sequence[Mapping[str, Any]]) -> bytes:
    """Host calls with answers and effects, and the log, of the run and of its attempts: each with its length before it."""
    if not tries and not row.get("host_calls") and not row.get("log"):
        return b""
    texts = (bytes(one.get(name) or b"") for one in (row, *tries) for name in ("host_calls", "log"))
    return b"".join(len(text).to_bytes(4, "big") + text for text in texts)


def pack(rows: Sequence[Recorded], link_salt: bytes) -> list[bytes]:
    """The receipts of rows of Execution, given as `insert_rows` takes them or as they are read back, each with its attempts."""
    fields = [
        LAYOUT.pack(
            FORMAT,
            row["id"].bytes,
            row["script_id"] & 0xFFFFFFFF,
            (row.get("version_id") or 0) & 0xFFFFFFFF,
            _statuses.get(row["status"], 0),
            _triggers.get(row["trigger"], 0),
            _roles.get(row.get("role", ""), 0),
            microseconds(row["finished_at"]),
            bytes.fromhex(bundle) if (bundle := row.get("bundle_digest")) else NONE,
            *digests,  # the layout cuts them
        )
        for (row, _), digests in zip(rows, _digests(rows, link_salt), strict=True)
    ]
    return [each + zlib.crc32(each).to_bytes(4, "big") for each in fields]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def unpack(receipts: bytes) -> Iterator[tuple[bytes, Receipt | None]]:
    """Each receipt of a link, as bytes and read; None where its checksum does not fit."""
    for start in range(0, len(receipts), SIZE):
        one = receipts[start : start + SIZE]
        whole = len(one) == SIZE and zlib.crc32(one[:-4]).to_bytes(4, "big") == one[-4:]
        yield one, Receipt._make(LAYOUT.unpack(one[:-4])) if whole else None


def link_digest(
    previous: bytes, module: str, chain: UUID, number: int, salt: bytes, made_at: datetime, receipts: bytes
) -> bytes:
    """The digest of a link as the first releases made it, over receipts; those of today are chained by links.py."""
    head = f"link {module} {chain} {number} {microseconds(made_at)} ".encode()
    return sha256(head + previous + salt + receipts).digest()
