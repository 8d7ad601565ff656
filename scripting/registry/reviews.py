"""Reviews: ask somebody else to approve what is to go live, answer, comment, and make it live once it is approved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import connections, router, transaction

from scripting import clock
from scripting.models import Activation, Draft, KnobSet, Review, ReviewComment, ReviewedChange, ReviewedText, ReviewNote
from scripting.registry import gate
from scripting.registry.activating import activate_together
from scripting.registry.gate import Candidate, Change
from scripting.registry.moves import PLAIN, AnyBase, AtGate, Move, PublishRefused, SameKnobs, say_why
from scripting.storage.compiled_query import Prepared, number
from scripting.texts.escaping import one_line, visible

if TYPE_CHECKING:
    from django.contrib.auth.models import User

State = Review.State
APPROVE = "scripting.approve_review"
"""The permission to approve and refuse what others want to make live."""
SEE = "scripting.view_script"
LONGEST = 4000
"""Characters of a comment."""
MOST_COMMENTS = 500
MENTION = re.compile(r"(?<![\w@])@([\w.+-]+)")


class ReviewRefused(PublishRefused):
    """The review does not admit it: the message says why, and what to do."""


def ask(moves: Sequence[Move], *, actor: User, reason: str) -> Review:
    """Ask somebody else to approve that these go live together; open questions of the same person about them lapse.

    Raises ReviewRefused, PublishRefused without a reason.
    """
    say_why(reason)
    if not moves:
        raise ReviewRefused("what you ask about is live already")
    for move in moves:
        if move.version is None or not move.version.accepted:
            raise ReviewRefused(f"{move.version or move.script} did not pass its check: nobody could make it live")
    changes = _changes(moves)
    with transaction.atomic():
        scripts = [move.script.pk for move in moves]
        for older in _held(asked_by=actor, texts__script__in=scripts):
            _close(older, State.LAPSED, actor, "asked anew")
        review = Review(reason=visible(reason), asked_by=actor)
        _save(review, actor, "asked")
        for move in moves:
            assert move.version is not None
            ReviewedText.objects.create(
                review=review,
                script=move.script,
                version=move.version,
                base=move.script.active_version,
                of_knobs=move.is_of_knobs,
                knobs=move.knobs if isinstance(move.knobs, KnobSet) else None,
                base_knobs=move.script.active_knobs,
            )
        ReviewedChange.objects.bulk_create(
            ReviewedChange(review=review, script=change.script, live=live, candidate=candidate)
            for change, (live, candidate) in ((change, _pair(change)) for change in changes)
        )
        _tell(review, mentioned_in(reason), f"{actor} asks for a review", but=actor)
    return review


def open_on(change: Change) -> Review | None:
    """The newest open review of exactly this change."""
    live, candidate = _pair(change)
    of = {"changes__script": change.script, "changes__live": live, "changes__candidate": candidate}
    return Review.objects.open().filter(**of).order_by("-pk").first()


def why_not(review: Review, user: Any) -> str:
    """Why this person may not answer; empty where they may."""
    if not user.has_perm(APPROVE):
        return f"Answering a review needs the permission {APPROVE}: ask an admin for it."
    if review.asked_by_id == user.pk:
        return "You asked for it, so somebody else answers."
    if review.texts.filter(version__author=user).exists():
        return "You wrote it, so somebody else answers."
    return ""


def is_current(review: Review) -> bool:
    """Whether all that is live, and all that the texts take in, is as it was when it was asked."""
    asked = {(change.script_id, change.live, change.candidate) for change in review.changes.all()}
    return asked == {(change.script.pk, *_pair(change)) for change in changes_of(review)}


def changes_of(review: Review) -> list[Change]:
    """The scripts that would decide otherwise, over what is live now."""
    return _changes(moves_of(review))


def approve(review: Review, *, actor: User, words: str = "") -> Review:
    """Say that it may go live. Raises ReviewRefused."""
    with transaction.atomic():
        locked = _answerable(review, actor)
        if locked.state != State.OPEN:
            raise ReviewRefused(f"the review is {locked.state} already")
        if not is_current(locked):
            _close(locked, State.LAPSED, actor, "what is live, or a helper, changed after it was asked")
        else:
            locked.approved_at = clock.now()
            _close(locked, State.APPROVED, actor, words)
        _tell_asker(locked, f"{locked.state} by {actor}", but=actor)
    if locked.state == State.LAPSED:
        raise ReviewRefused(f"{locked.decision}: ask for a review again")
    return locked


def refuse(review: Review, *, actor: User, reason: str) -> Review:
    """Say that it may not go live, also where it was approved before. Raises ReviewRefused."""
    say_why(reason)
    with transaction.atomic():
        locked = _answerable(review, actor)
        if locked.is_over:
            raise ReviewRefused(f"the review is {locked.state} already")
        _close(locked, State.REFUSED, actor, reason)
        _tell_asker(locked, f"refused by {actor}", but=actor)
    return locked


def withdraw(review: Review, *, actor: User, reason: str = "") -> Review:
    """Take the question back. Raises ReviewRefused."""
    with transaction.atomic():
        locked = _lock(review)
        if locked.asked_by_id != actor.pk:
            raise ReviewRefused("who asked may withdraw it; others refuse it")
        if locked.is_over:
            raise ReviewRefused(f"the review is {locked.state} already")
        _close(locked, State.WITHDRAWN, actor, reason)
    return locked


def make_live(review: Review, *, actor: User, at_gate: AtGate = PLAIN) -> list[Activation]:
    """Make all of it live, as the gate lets it. Raises what `activate_together` does, and ReviewRefused where it is over."""
    review.refresh_from_db()
    if review.is_over:
        raise ReviewRefused(f"the review is {review.state} already")
    moves = moves_of(review, actor=actor, at_gate=at_gate)
    activations = activate_together(moves)
    for move in moves:
        assert move.version is not None
        Draft.objects.filter(script=move.script, user=review.asked_by, source=move.version.text).delete()
    return activations


def moves_of(review: Review, *, actor: User | None = None, at_gate: AtGate = PLAIN) -> list[Move]:
    """The moves that it is about."""
    texts = review.texts.select_related(
        "script__active_version", "script__active_knobs", "version__script", "base", "knobs", "base_knobs"
    )
    cause = Activation.Cause.PUBLISH
    return [
        Move(
            text.script,
            text.version,
            cause,
            text.base,
            actor,
            review.reason,
            at_gate=at_gate,
            knobs=text.knobs if text.of_knobs else SameKnobs,
            knobs_base=text.base_knobs if text.of_knobs else AnyBase,
        )
        for text in texts
    ]


# -- comments ------------------------------------------------------------------------------------------------------------


def comment(
    review: Review,
    body: str,
    *,
    actor: User,
    text: ReviewedText | None = None,
    line: int | None = None,
    answers: ReviewComment | None = None,
) -> ReviewComment:
    """Say something to it, to a line of one of its texts, or to a comment. Raises ReviewRefused."""
    if not body.strip() or len(body) > LONGEST:
        raise ReviewRefused(f"a comment has 1 to {LONGEST} characters")
    with transaction.atomic():
        locked = _lock(review)
        if locked.comments.count() >= MOST_COMMENTS:
            raise ReviewRefused(f"a review has at most {MOST_COMMENTS} comments")
        if answers is not None:
            answers = answers.answers or answers
            text, line = answers.text, answers.line
        made = ReviewComment.objects.create(
            review=locked, text=text, line=line, answers=answers, author=actor, body=visible(body)
        )
        mentioned = mentioned_in(body)
        _tell(locked, mentioned, f"{actor} mentions you in a comment", but=actor)
        others = {locked.asked_by, *(each.author for each in _thread(answers))} - {None, *mentioned}
        _tell(locked, [each for each in others if each is not None], f"{actor} comments", but=actor)
    return made


def resolve(comment: ReviewComment, *, actor: User, resolved: bool = True) -> None:
    """Mark a thread as settled, or open it again."""
    comment.resolved_by, comment.resolved_at = (actor, clock.now()) if resolved else (None, None)
    comment.save(update_fields=["resolved_by", "resolved_at"])


def _thread(first: ReviewComment | None) -> Iterable[ReviewComment]:
    return [] if first is None else [first, *first.answered_by.select_related("author")]


# -- who is told ---------------------------------------------------------------------------------------------------------


def mentioned_in(text: str) -> list[User]:
    """The people whom a text names as @name, of those who may see scripts."""
    names = {name for found in MENTION.findall(text)[:50] for name in (found, found.rstrip("."))}
    model = get_user_model()
    users = model._default_manager.filter(**{f"{model.USERNAME_FIELD}__in": sorted(names)}, is_active=True)
    return [user for user in users.order_by("pk") if user.has_perm(SEE)]


# Every page asks both, so these queries are compiled once.
_waiting = Prepared(lambda: Review.objects.waiting_for(number("user")).order_by().values_list("pk"))
_unread = Prepared(
    lambda: ReviewNote.objects.filter(user=number("user"), read_at=None).values_list("words", "review__pk")[:50]
)


def count_waiting(user: Any) -> int:
    """How many reviews this person may answer now."""
    return len(_rows_of(user, _waiting)) if user.has_perm(APPROVE) else 0


def unread(user: Any) -> list[tuple[str, Review]]:
    """Messages that this person has not opened yet, newest first: words, and the review, of which only the number is read."""
    return [(words, Review(pk=pk)) for words, pk in _rows_of(user, _unread)]


def _rows_of(user: Any, query: Prepared) -> list[tuple[Any, ...]]:
    """Of a site whose users have a UUID too: a compiled query takes parameters as the database has them."""
    using = router.db_for_read(Review)
    return query.rows(using, user=user._meta.pk.get_db_prep_value(user.pk, connections[using]))


def read(review: Review, user: Any) -> None:
    """The person has opened the review."""
    ReviewNote.objects.filter(review=review, user=user, read_at=None).update(read_at=clock.now())


def _tell(review: Review, users: Iterable[User], words: str, *, but: User) -> None:
    ReviewNote.objects.bulk_create(
        ReviewNote(user=user, review=review, words=one_line(words, 200)) for user in users if user.pk != but.pk
    )


def _tell_asker(review: Review, words: str, *, but: User) -> None:
    if review.asked_by is not None:
        _tell(review, [review.asked_by], words, but=but)


# -- parts ---------------------------------------------------------------------------------------------------------------


def _changes(moves: Sequence[Move]) -> list[Change]:
    return gate.changes_of([Candidate.of(move, move.script) for move in moves])


def _pair(change: Change) -> tuple[str, str]:
    return change.before.digest if change.before else "", change.after.digest


def _answerable(review: Review, actor: User) -> Review:
    """The review, locked. Raises ReviewRefused where this person may not answer."""
    locked = _lock(review)
    if problem := why_not(locked, actor):
        raise ReviewRefused(problem)
    return locked


def _lock(review: Review) -> Review:
    return Review.objects.select_for_update().get(pk=review.pk)


def _held(**of: Any) -> list[Review]:
    """Reviews that are not over, locked one after the other in their order."""
    found = Review.objects.filter(state__in=(State.OPEN, State.APPROVED), **of).distinct().values_list("pk", flat=True)
    return list(Review.objects.select_for_update().filter(pk__in=list(found)).order_by("pk"))


def _close(review: Review, state: State, actor: User, words: str) -> None:
    review.state, review.decided_by, review.decided_at = state, actor, clock.now()
    review.decision = visible(words.strip())
    _save(review, actor, f"{state}: {review.decision}" if review.decision else str(state.value))


def _save(review: Review, actor: User, said: str) -> None:
    review._history_user, review._change_reason = actor, said[:100]
    review.save()
