"""The lines of an exported site, one structure for each kind; decoded strictly, each with a digest of its own where it has one."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

Numbered = Annotated[int, Meta(ge=1, le=10**9)]


class Record(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    member: ClassVar[str]
    """Name of the file in the archive."""


class ScriptRecord(Record, forbid_unknown_fields=True, kw_only=True, frozen=True):
    member: ClassVar[str] = "scripts.jsonl"
    module: str
    name: str
    language: str
    enabled: bool
    pinned: bool
    retired: bool
    max_execution_time: float | None
    max_memory_bytes: int | None
    live: int | None
    """Number of its live version."""
    live_knobs: int | None

    @property
    def label(self) -> str:
        return f"{self.module}/{self.name}"


class VersionRecord(Record, forbid_unknown_fields=True, kw_only=True, frozen=True):
    member: ClassVar[str] = "versions.jsonl"
    script: str
    number: Numbered
    language: str
    sha256: str
    content: bytes
    """As written; base64 in the file."""
    origin: str
    author: str
    message: str
    made_at: str


class KnobRecord(Record, forbid_unknown_fields=True, kw_only=True, frozen=True):
    member: ClassVar[str] = "knobs.jsonl"
    script: str
    number: Numbered
    sha256: str
    values: dict[str, Any]
    author: str
    message: str
    made_at: str


class CaseRecord(Record, forbid_unknown_fields=True, kw_only=True, frozen=True):
    member: ClassVar[str] = "cases.jsonl"
    script: str
    name: str
    digest: str
    document: str


class SubscriptionRecord(Record, forbid_unknown_fields=True, kw_only=True, frozen=True):
    member: ClassVar[str] = "subscriptions.jsonl"
    topic: str
    number: Numbered
    sha256: str
    content: str
    author: str
    live: bool


class ScheduleRecord(Record, forbid_unknown_fields=True, kw_only=True, frozen=True):
    member: ClassVar[str] = "schedules.jsonl"
    name: str
    cron: str
    seconds: int
    zone: str
    topic: str
    script: str
    """Empty: it publishes an event."""
    payload: dict[str, Any]
    key: str
    missed: str
    most: int
    overlap: str
    enabled: bool


class Site(Struct, kw_only=True, frozen=True):
    """All of one site that is carried to another."""

    scripts: list[ScriptRecord]
    versions: list[VersionRecord]
    knobs: list[KnobRecord]
    cases: list[CaseRecord]
    subscriptions: list[SubscriptionRecord]
    schedules: list[ScheduleRecord]


KINDS: dict[str, type[Record]] = {
    "scripts": ScriptRecord,
    "versions": VersionRecord,
    "knobs": KnobRecord,
    "cases": CaseRecord,
    "subscriptions": SubscriptionRecord,
    "schedules": ScheduleRecord,
}
"""Fields of Site → their records, in the order in which they are taken in."""
