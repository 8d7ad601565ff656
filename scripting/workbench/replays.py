"""The workbench's replays: which text is tried on which executions, and the report as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scripting.evidence import corpus as corpora
from scripting.evidence.classes import Class
from scripting.evidence.corpus import Corpus, Selection
from scripting.evidence.kept import report_of
from scripting.evidence.replays import candidate_of, live_bundle
from scripting.models import ReplayJob, ReplayReport, Script
from scripting.registry import publishing as registry_publishing
from scripting.registry.resolved import ScriptNotFound
from scripting.supervisor.errors import SupervisorError
from scripting.supervisor.interface import Cancellation
from scripting.workbench.access import Refusal

BY_ITSELF_SECONDS, ASKED_SECONDS = 10.0, 60.0
"""A replay that the page begins by itself, and one that somebody asks for, end after so long with what they have by then."""
DECIDED = (Class.CHANGED, Class.FIXED)
WIDTH, HEIGHT, FOOT = 320, 96, 18
BAR = 100.0
"""Width of a full bar of rates, in units of its drawing."""


def replay(
    script: Script, source: str, language: str, *, last: int, title: str, user: str, cancellation: Cancellation
) -> ReplayReport:
    """Replay a text on the newest executions, as a page does by itself. Raises Refusal, and ReplayStopped after a cancel."""
    demand_check(script, source, language)
    corpus, seconds = corpus_of(script, last), BY_ITSELF_SECONDS
    return report_on(corpus, source, language, title=title, user=user, seconds=seconds, cancellation=cancellation)


def demand_check(script: Script, source: str, language: str) -> None:
    """Raises Refusal for a text that does not pass its check."""
    checked = registry_publishing.check(script.module, script.name, language, source)
    if not checked.ok:
        first = next((each for each in checked.diagnostics if each.severity == "error"), None)
        why = f" Line {first.line}: {first.message}" if first and first.line else ""
        raise Refusal(
            422, "rejected", f"This script does not pass its check: fix what Problems lists, then replay it.{why}"
        )


def report_on(
    corpus: Corpus,
    source: str,
    language: str,
    *,
    title: str,
    user: str,
    seconds: float,
    cancellation: Cancellation | None = None,
) -> ReplayReport:
    """Replay a text that passed its check, while the caller waits. Raises Refusal, and ReplayStopped after a cancel."""
    try:
        candidate = candidate_of(corpus.script, source, language)
        return report_of(corpus, candidate, title=title, user=user, seconds=seconds, cancellation=cancellation)
    except ScriptNotFound:
        raise nothing_live() from None
    except SupervisorError as error:
        raise Refusal(503, "unavailable", f"No sandbox could be started: {error}") from None


def nothing_live() -> Refusal:
    return Refusal(409, "nothing_live", "No version of this script is live, so there is nothing to compare with.")


def corpus_of(script: Script, last: int) -> Corpus:
    """Raises Refusal where nothing was recorded."""
    corpus = corpora.resolve(script, Selection(last=last))
    if not corpus.ids:
        raise Refusal(409, "nothing_recorded", "This script has not run yet: there is nothing to replay.")
    return corpus


def compared_with(report: ReplayReport, job: ReplayJob | None) -> str:
    """Say with which version it was compared, where that is not live any more; else empty."""
    try:
        if live_bundle(report.script).digest == report.live:
            return ""
    except ScriptNotFound:
        pass
    number = f"v{job.live_version.number}" if job else "another version"
    return f"Compared with {number}, which was live then and is not now: replay it again to compare with what is live."


def described(report: ReplayReport) -> dict[str, Any]:
    """A report's totals, for the head of the workbench."""
    document = report.document
    bad = document["failing"] + document["refused"] + document["left"]
    return {
        "id": str(report.pk),
        "sentence": report.sentence,
        "kind": "bad" if bad else "changed" if document["changed"] or document["fixed"] else "same",
    }


# -- as shapes for the page ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Distribution:
    """A number of the results before and after: figures, and two histograms on one axis."""

    name: str
    figures: Mapping[str, Any]
    before: str
    """Path of the outline of the histogram before."""
    after: str
    least: float
    most: float
    unchanged: bool

    width, height, foot = WIDTH, HEIGHT, HEIGHT - FOOT


def distributions(document: Mapping[str, Any]) -> list[Distribution]:
    """Each number of the results, those that move first."""
    found = [distribution(name, figures) for name, figures in document["fields"].items()]
    return sorted(found, key=lambda each: (each.unchanged, each.name))


def distribution(name: str, figures: Mapping[str, Any]) -> Distribution:
    """Of one number, from its figures in a report."""
    before, after = figures["bins"]
    most = max(*before, *after, 1)
    unchanged = figures["difference"] == 0 and before == after
    return Distribution(
        name, figures, _outline(before, most), _outline(after, most), figures["least"], figures["most"], unchanged
    )


def _outline(bins: Sequence[int], most: int) -> str:
    """The outline of a histogram as an SVG path, from the axis and back to it."""
    step = WIDTH / len(bins)
    floor = HEIGHT - FOOT
    parts = [f"M0 {floor}"]
    for at, count in enumerate(bins):
        y = floor - (floor - 4) * count / most
        parts.append(f"V{y:.1f}H{step * (at + 1):.1f}")
    return "".join(parts) + f"V{floor}Z"


@dataclass(frozen=True)
class Rates:
    """A flag or word of the results: how often each value came, before and after."""

    name: str
    rows: Sequence[tuple[str, float, float, float, float]]
    """(value, percent before, percent after, width before, width after)."""


def rates(document: Mapping[str, Any]) -> list[Rates]:
    """Each flag and word whose rates are known, those that move first."""
    found: list[tuple[float, Rates]] = []
    for name, values in document["words"].items():
        rows = [
            (value, 100 * (before or 0), 100 * (after or 0), BAR * (before or 0), BAR * (after or 0))
            for value, (before, after) in values.items()
        ]
        found.append((max(abs(row[1] - row[2]) for row in rows), Rates(name, rows)))
    return [
        each for moved, each in sorted(found, key=lambda pair: (-pair[0], pair[1].name)) if moved or len(each.rows) > 1
    ]


def changes(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The decisions that come out otherwise, the largest change first."""
    return [each for each in document["changes"] if each["class"] in DECIDED]


def wrong(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Of the decisions that fail, are refused or left the recording, those that are listed."""
    return [each for each in document["changes"] if each["class"] not in DECIDED]
