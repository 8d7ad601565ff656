"""Asking for a review from the browser, and what its page shows. Asks the registry."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from scripting.conf import conf
from scripting.evidence.gate import weigh, with_evidence
from scripting.models import Evidence, Review, ReviewComment, ReviewedChange, ReviewedText, Script
from scripting.registry import knobs as registry_knobs
from scripting.registry import publishing, reviews
from scripting.registry.moves import AnyBase, Move, PublishRefused, StaleBase
from scripting.registry.publishing import Text, TogetherRefused
from scripting.sandbox import source_text
from scripting.supervisor.errors import SupervisorError
from scripting.texts.diff import Difference, Row, difference
from scripting.types import KnobValue
from scripting.workbench.access import Refusal
from scripting.workbench.publishing import SWITCHED_OFF, described, of_refused, require_reason, version_numbered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.contrib.auth.models import User


def ask_about_text(script: Script, user: User, source: str, language: str, reason: str) -> Review:
    """Ask about a text, which is stored for it. Raises Refusal."""
    require_reason(reason)
    text = Text(script, language, source_text.encode(source), AnyBase)
    try:
        return _ask(publishing.moves_for([text], actor=user, reason=reason), user, reason)
    except TogetherRefused as refused:
        found = [described(each) for verdict in refused.refused.values() for each in verdict.diagnostics]
        raise Refusal(422, "check_failed", "The text does not pass its check.", diagnostics=found) from None
    except SupervisorError as error:
        raise Refusal(503, "unavailable", f"The text could not be checked: {error}") from None


def ask_about_version(script: Script, user: User, number: Any, reason: str) -> Review:
    """Ask about a stored version. Raises Refusal."""
    require_reason(reason)
    version = version_numbered(script, number)
    if version.pk == script.active_version_id:
        raise Refusal(422, "unchanged", f"v{version.number} is live already.")
    return _ask([Move(script, version, "publish")], user, reason)


def ask_about_values(script: Script, user: User, values: Mapping[str, KnobValue], reason: str) -> Review:
    """Ask about values of the live text's knobs. Raises Refusal, PublishRefused, SupervisorError."""
    require_reason(reason)
    settled = registry_knobs.settle(script, values)
    chosen = registry_knobs.keep(script, settled, author=user, message=reason)
    return _ask([Move(script, script.active_version, "publish", knobs=chosen)], user, reason)


def _ask(moves: list[Move], user: User, reason: str) -> Review:
    try:
        review = reviews.ask(moves, actor=user, reason=reason)
    except PublishRefused as refused:
        raise of_refused(refused) from None
    with contextlib.suppress(SupervisorError):  # the page says that it was not replayed, and offers it
        weigh(reviews.changes_of(review), user=user.get_username(), anyway=True)
    return review


def make_live(review: Review, user: User) -> None:
    """Make all of it live. Raises Refusal."""
    if not conf.SCRIPTING_BROWSER_PUBLISH:
        raise Refusal(403, "switched_off", SWITCHED_OFF)
    try:
        with_evidence(lambda: reviews.make_live(review, actor=user), user=user.get_username())
    except StaleBase as stale:
        raise Refusal(409, "stale_base", f"{stale}.") from None
    except PublishRefused as refused:
        raise of_refused(refused) from None
    except SupervisorError as error:
        raise Refusal(503, "unavailable", f"The texts could not be checked or replayed: {error}") from None


def replay(review: Review, user: User) -> None:
    """Make the evidence that there is not yet. Raises Refusal."""
    try:
        weigh(reviews.changes_of(review), user=user.get_username(), anyway=True)
    except SupervisorError as error:
        raise Refusal(503, "unavailable", f"It could not be replayed: {error}") from None


# -- what the page shows -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Thread:
    """A comment with its answers."""

    first: ReviewComment
    answers: tuple[ReviewComment, ...]

    @property
    def is_resolved(self) -> bool:
        return self.first.resolved_at is not None


@dataclass(frozen=True)
class Line:
    """A row of the difference, what was said of it, and whether somebody is about to say something."""

    row: Row
    threads: tuple[Thread, ...]
    is_chosen: bool


@dataclass(frozen=True)
class Part:
    """A text of the review as the page shows it."""

    text: ReviewedText
    difference: Difference
    lines: tuple[Line, ...]
    values: tuple[tuple[str, Any, Any], ...]
    """Of its knobs: (name, before, after); None for the default of the text."""


@dataclass(frozen=True)
class Found:
    """A change with the evidence on it."""

    change: ReviewedChange
    evidence: Evidence | None

    @property
    def report(self) -> str:
        """The address of its replay's report; empty without one."""
        if self.evidence is None or self.evidence.report_id is None:
            return ""
        script = self.change.script
        return reverse("workbench:report", args=[script.module, script.name, self.evidence.report_id])


def threads_of(review: Review) -> list[Thread]:
    """Every thread, the oldest first."""
    comments = list(review.comments.select_related("author", "resolved_by", "text__script"))
    return [
        Thread(first, tuple(each for each in comments if each.answers_id == first.pk))
        for first in comments
        if first.answers_id is None
    ]


def parts_of(review: Review, threads: list[Thread], chosen: tuple[int, int]) -> list[Part]:
    """Its texts, each with what was said of its lines; `chosen` is the text and the line that somebody is about to comment."""
    texts = review.texts.select_related("script", "version__script", "version__author", "base", "knobs", "base_knobs")
    return [_part(text, threads, chosen) for text in texts]


def _part(text: ReviewedText, threads: list[Thread], chosen: tuple[int, int]) -> Part:
    found = difference(text.base.editable_text if text.base else "", text.version.editable_text)
    mine = [thread for thread in threads if thread.first.text_id == text.pk]
    lines = tuple(
        Line(
            row,
            tuple(thread for thread in mine if row.new is not None and thread.first.line == row.new),
            row.new is not None and chosen == (text.pk, row.new),
        )
        for row in found.rows
    )
    return Part(text, found, lines, tuple(_values(text)))


def _values(text: ReviewedText) -> Iterator[tuple[str, Any, Any]]:
    if not text.of_knobs:
        return
    before = text.base_knobs.told if text.base_knobs else {}
    after = text.knobs.told if text.knobs else {}
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield name, before.get(name), after.get(name)


def found_on(review: Review) -> list[Found]:
    """Each script that decides otherwise, with the newest evidence on exactly that."""
    return [
        Found(
            change,
            Evidence.objects.filter(script=change.script, candidate=change.candidate, live=change.live)
            .select_related("report")
            .order_by("-id")
            .first(),
        )
        for change in review.changes.select_related("script")
    ]
