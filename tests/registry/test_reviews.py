"""Approvals: by whom, for exactly what, until when; and what needs none."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from scripting.evidence.gate import with_evidence
from scripting.models import Activation, Review, ReviewNote, Script
from scripting.registry import activating, knobs, publishing, reviews
from scripting.registry.gate import GateClosed
from scripting.registry.gate_policies import Mode, set_policy
from scripting.registry.moves import AnyBase, AtGate, Move
from scripting.registry.publishing import Text
from scripting.registry.reviews import ReviewRefused
from tests.evidence.gated import GOOD, helper_of, person, scorer, text_of

__all__ = ["scorer"]

OTHER = "return points if points != 9 else 8"


@pytest.fixture
def eyes(scorer: Script) -> Script:
    """A live script of which somebody else approves every change; nothing else is asked."""
    set_policy("arena", "scorer", actor=None, reason="two pairs of eyes", mode=Mode.OFF, approval="always")
    return scorer


@pytest.fixture
def eve(eyes: Script) -> User:
    return person("eve")


@pytest.fixture
def rita(eyes: Script) -> User:
    return person("rita", "approve_review")


def ask(script: Script, by: User, body: str = GOOD) -> Review:
    text = Text(script, "python", text_of(body).encode())
    return reviews.ask(publishing.moves_for([text], actor=by, reason="why"), actor=by, reason="why")


def publish(script: Script, body: str = GOOD, **how: object) -> Activation:
    script = Script.objects.get(pk=script.pk)
    return with_evidence(
        lambda: publishing.publish(script, "python", text_of(body), actor=None, reason="why", base=AnyBase, **how)  # type: ignore[arg-type]
    )


def test_who_asked_and_who_wrote_it_may_not_approve_it_even_as_a_superuser(eyes: Script, rita: User) -> None:
    root = User.objects.create_superuser("root")
    review = ask(eyes, root)
    with pytest.raises(ReviewRefused, match="You asked for it"):
        reviews.approve(review, actor=root)
    of_another = ask(eyes, rita)  # the same text, which root wrote
    with pytest.raises(ReviewRefused, match="You wrote it"):
        reviews.approve(of_another, actor=root)
    assert not Review.objects.waiting_for(root).exists()
    with pytest.raises(ReviewRefused, match=r"needs the permission scripting\.approve_review"):
        reviews.approve(review, actor=person("nobody"))
    assert set(Review.objects.waiting_for(rita)) == {review}


def test_an_approval_lapses_with_any_edit_of_the_text_a_helper_or_what_is_live(
    eyes: Script, eve: User, rita: User
) -> None:
    review = reviews.approve(ask(eyes, eve), actor=rita)
    with pytest.raises(GateClosed, match="nobody else has approved it yet"):
        publish(eyes, OTHER)
    publish(eyes, OTHER, at_gate=AtGate("urgent"))
    with pytest.raises(GateClosed):
        publish(eyes)
    publishing.rollback(eyes, 1, actor=None, reason="back")
    assert publish(eyes).review == review


def test_a_change_of_a_helper_takes_the_approval_of_what_imports_it(eyes: Script, eve: User, rita: User) -> None:
    rules = Script.objects.get(module="shared")
    text = Text(rules, "python", helper_of(GOOD).encode())
    moves = publishing.moves_for([text], actor=eve, reason="why")
    with pytest.raises(GateClosed):
        activating.activate_together(moves)
    reviews.approve(reviews.ask(moves, actor=eve, reason="why"), actor=rita)
    [activation] = activating.activate_together(moves)
    assert activation.review is not None


def test_what_is_withdrawn_refused_or_asked_anew_counts_no_longer(eyes: Script, eve: User, rita: User) -> None:
    review = reviews.approve(ask(eyes, eve), actor=rita)
    with pytest.raises(ReviewRefused, match="who asked may withdraw it"):
        reviews.withdraw(review, actor=rita)
    reviews.withdraw(review, actor=eve)
    with pytest.raises(GateClosed):
        publish(eyes)
    refused = reviews.refuse(reviews.approve(ask(eyes, eve), actor=rita), actor=rita, reason="on second thoughts")
    with pytest.raises(GateClosed):
        publish(eyes)
    older = reviews.approve(ask(eyes, eve), actor=rita)
    ask(eyes, eve, OTHER)
    older.refresh_from_db()
    assert (refused.state, older.state) == ("refused", "lapsed")
    with pytest.raises(GateClosed):
        publish(eyes)
    with pytest.raises(ReviewRefused, match="lapsed already"):
        reviews.make_live(older, actor=eve)
    said = [each.history_change_reason for each in refused.history.order_by("history_id")]
    assert said == ["asked", "approved", "refused: on second thoughts"]


def test_what_changed_meanwhile_is_not_approved_but_lapses(eyes: Script, eve: User, rita: User) -> None:
    review = ask(eyes, eve)
    publish(eyes, OTHER, at_gate=AtGate("urgent"))
    with pytest.raises(ReviewRefused, match="changed after it was asked"):
        reviews.approve(review, actor=rita)
    review.refresh_from_db()
    assert review.state == "lapsed"


def test_what_was_live_before_comes_back_at_once(eyes: Script) -> None:
    publish(eyes, at_gate=AtGate("urgent"))
    assert publishing.rollback(eyes, 1, actor=None, reason="back").review is None
    publishing.rollback(eyes, 2, actor=None, reason="and forth")


@pytest.mark.slow
def test_a_small_measured_effect_needs_nobody_and_a_larger_one_does(eyes: Script, eve: User, rita: User) -> None:
    set_policy("arena", "scorer", actor=None, reason="small ones alone", approval="above", alone=5)
    assert publish(eyes).review is None, "1 of 24 decisions, 4 %"
    with pytest.raises(GateClosed, match="nobody else has approved it yet") as closed:
        publish(eyes, "return points if points > 3 else 4")
    assert closed.value.unapproved
    set_policy("arena", "scorer", actor=None, reason="none alone", alone=0)
    with pytest.raises(GateClosed):
        publish(eyes, OTHER)


def test_an_effect_that_nothing_measured_is_not_small(eyes: Script) -> None:
    set_policy("arena", "scorer", actor=None, reason="small ones alone", approval="above", alone=100)
    eyes.executions.all().delete()
    with pytest.raises(GateClosed, match="nobody else has approved it yet"):
        publish(eyes)


def test_values_of_knobs_take_an_approval_too(eyes: Script, eve: User, rita: User) -> None:
    text = "bonus = 0  # knob 0..9: what is added\nresult = {'points': message['payload']['points'] + bonus}\n"
    publishing.publish(eyes, "python", text, actor=None, reason="why", base=AnyBase, at_gate=AtGate("urgent"))
    script = Script.objects.get(pk=eyes.pk)
    with pytest.raises(GateClosed):
        knobs.publish(script, {"bonus": 1}, actor=eve, reason="why")
    chosen = script.knob_sets.get()
    move = Move(script, script.active_version, "publish", knobs=chosen)
    review = reviews.approve(reviews.ask([move], actor=eve, reason="why"), actor=rita)
    [activation] = reviews.make_live(review, actor=eve)
    assert (activation.knobs, activation.review) == (chosen, review)


def test_mentions_answers_and_comments_tell_those_they_are_for(eyes: Script, eve: User, rita: User) -> None:
    text = Text(eyes, "python", text_of(GOOD).encode())
    moves = publishing.moves_for([text], actor=eve, reason="why")
    review = reviews.ask(moves, actor=eve, reason="less for 7, @rita. @nobody looks away")
    first = reviews.comment(review, "why 7?", actor=rita, text=review.texts.get(), line=3)
    answer = reviews.comment(review, "ask @rita", actor=eve, answers=first)
    assert (answer.text, answer.line) == (first.text, 3)
    reviews.approve(review, actor=rita)
    told = [(note.user.username, note.words) for note in ReviewNote.objects.order_by("pk")]
    assert told == [
        ("rita", "eve asks for a review"),
        ("eve", "rita comments"),
        ("rita", "eve mentions you in a comment"),
        ("eve", "approved by rita"),
    ]
    reviews.read(review, rita)
    assert (len(reviews.unread(rita)), len(reviews.unread(eve))) == (0, 2)
