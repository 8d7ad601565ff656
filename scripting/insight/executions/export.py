"""Executions as CSV or JSON, in a stream: masked as on the pages, harmless to spreadsheets, and kept on record who took them."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST

from scripting.insight import audit, times
from scripting.insight.executions import listing
from scripting.insight.executions.filters import Filters, parse
from scripting.insight.executions.list_page import EXPORT, EXPORT_MOST
from scripting.insight.frame import VIEW, demand
from scripting.insight.replica import choose
from scripting.models import Execution
from scripting.modules.masking import Mask, masks_of
from scripting.sandbox.protocol import ValueProblem
from scripting.storage.pages_database import reading_from
from scripting.texts.cells import harmless
from scripting.texts.escaping import display, visible

BATCH = 500
COLUMNS = (
    "id",
    "script",
    "version",
    "trigger",
    "topic",
    "key",
    "status",
    "error_type",
    "error_message",
    "error_line",
    "started_at",
    "finished_at",
    "wall_us",
    "cpu_us",
    "memory_bytes",
    "worker",
    "user",
    "event_id",
    "request_id",
    "trace_id",
    "cause",
    "inputs",
    "result",
)


@require_POST
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """Export every execution that the query string asks for, as `csv` or `json` (one object a line)."""
    demand(request, VIEW)
    demand(request, EXPORT)
    if form not in FORMS:
        return HttpResponse("There is no such format.", status=404, content_type="text/plain")
    filters = parse(request.GET.dict())
    if filters.problems:
        return HttpResponse("\n".join(filters.problems), status=400, content_type="text/plain; charset=utf-8")
    asked = request.GET.urlencode() or "everything"
    audit.record(request.user, f"exported executions as {form}: {asked}")
    kind, write = FORMS[form]
    lines = write(rows(filters, choose(request).alias))
    # An ASGI server would read a plain iterator to its end before it sent anything.
    response = StreamingHttpResponse(_stream(lines) if isinstance(request, ASGIRequest) else lines, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="executions.{"csv" if form == "csv" else "jsonl"}"'
    response["Cache-Control"] = "no-store"
    return response


async def _stream(lines: Iterator[str]) -> AsyncIterator[str]:
    while text := await sync_to_async(_some)(lines):
        yield text


def _some(lines: Iterator[str]) -> str:
    return "".join(itertools.islice(lines, BATCH))


def rows(filters: Filters, alias: str = "") -> Iterator[dict[str, Any]]:
    """Every execution asked for, newest first, as the values of COLUMNS and `log`; read a batch at a time, in the database of this alias.

    Where that is not all there are, the last is no execution but {`note`: why, and what to do}.
    """
    before: UUID | None = None
    left = EXPORT_MOST
    notes: tuple[str, ...] = ()
    while left > 0:
        with reading_from(alias):
            found = listing.page(filters, before=before, size=min(BATCH, left))
            payloads = Execution.objects.in_bulk([row.pk for row in found.rows])
            values = [_values(payloads[row.pk], row) for row in found.rows if row.pk in payloads]
        yield from values
        left -= len(found.rows)
        if not found.stopped:
            notes = found.remarks
        if left == 0 and found.older is not None:
            until = times.with_zone(found.rows[-1].started_at)
            notes = (f"Cut: an export holds {EXPORT_MOST} executions. For older ones export again until {until}.",)
        if found.older is None:
            break
        before = found.older
    if notes:
        yield {"note": " ".join(notes)}


def _values(execution: Execution, found: Execution) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(execution, name) for name in COLUMNS if name not in _MADE}
    version = found.version or found.error_version
    given, made = masks_of(execution)
    values |= {
        "script": str(found.script),
        "version": version.number if version else None,
        "inputs": _shown(lambda: execution.inputs_value, given),
        "result": _shown(lambda: execution.result_value, made),
    }
    return {name: _plain(values[name]) for name in COLUMNS} | {"log": _log(execution, made)}


_MADE = frozenset({"script", "version", "inputs", "result"})


def _shown(value: Callable[[], Any], mask: Mask) -> str:
    try:
        found = value()
    except ValueProblem:
        return ""
    return "" if found is None else display(mask.value(found), 32_000)


def _log(execution: Execution, mask: Mask) -> list[dict[str, Any]]:
    """Lines of the log with their µs since the start of the run; in JSON alone, a cell could not hold them."""
    try:
        return [{"us": line.us, "text": visible(mask.text(line.text))} for line in execution.log_lines]
    except ValueProblem:
        return []


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    return visible(value.isoformat() if hasattr(value, "isoformat") else str(value))


def as_csv(values: Iterable[dict[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    lines = ([row["note"]] if "note" in row else [harmless(row[name]) for name in COLUMNS] for row in values)
    for line in itertools.chain([COLUMNS], lines):
        yield writer.writerow(line)


def as_json(values: Iterable[dict[str, Any]]) -> Iterator[str]:
    for row in values:
        yield json.dumps(row, ensure_ascii=False) + "\n"


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


FORMS: dict[str, tuple[str, Callable[[Iterable[dict[str, Any]]], Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "json": ("application/jsonl; charset=utf-8", as_json),
}
