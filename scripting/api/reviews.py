"""Reviews over the API: ask for one, see what became of it. No token answers one: that takes a person."""

from __future__ import annotations

from ninja import Field, Router, Schema

from scripting.api.access import ApiRequest, demand
from scripting.api.problems import Problem
from scripting.api.releases import (
    MOST_TEXTS,
    ReleaseKnobs,
    ReleaseText,
    knobs_of,
    require_known,
    stating,
    texts_of,
)
from scripting.evidence.gate import weigh
from scripting.insight.addresses import address_of
from scripting.models import Review
from scripting.models.tokens import Action
from scripting.registry import releases, reviews

router = Router(tags=["reviews"])


class ReviewIn(Schema):
    """Texts, and values of knobs, that are to go live together, and why."""

    reason: str
    commit: str = Field("", max_length=64, description="The commit they come from; kept in the reason.")
    scripts: list[ReleaseText] = Field(default_factory=list, max_length=MOST_TEXTS)
    knobs: list[ReleaseKnobs] = Field(default_factory=list, max_length=MOST_TEXTS)


class ReviewOut(Schema):
    """A review and its state."""

    review: int
    state: str = Field(description="open, approved, refused, withdrawn, lapsed or live.")
    page: str = Field(description="Where a person answers it.")
    decided_by: str | None
    decision: str


@router.post("/reviews", response=ReviewOut)
def ask(request: ApiRequest, wanted: ReviewIn) -> ReviewOut:
    """Ask somebody else to approve texts, which are checked beside each other and stored. Publishing them then takes the same texts."""
    names = [f"{each.module}/{each.name}" for each in wanted.scripts]
    names += [f"{each.module}/{each.name}" for each in wanted.knobs]
    demand(request, Action.PUBLISH, *dict.fromkeys(names))
    require_known(wanted.scripts)
    user = request.auth.user
    reason = f"{wanted.reason} ({wanted.commit})" if wanted.commit and wanted.reason.strip() else wanted.reason
    with stating(None):
        texts = texts_of(wanted.scripts, user, reason)
        moves = releases.moves_of(texts, knobs_of(wanted.knobs, texts), actor=user, reason=reason)
        review = reviews.ask(moves, actor=user, reason=reason)
    weigh(reviews.changes_of(review), user=user.get_username(), anyway=True)
    return _out(request, review)


@router.get("/reviews/{int:review}", response=ReviewOut)
def review(request: ApiRequest, review: int) -> ReviewOut:
    """One review."""
    demand(request, Action.READ)
    found = Review.objects.select_related("decided_by").filter(pk=review).first() if review < 2**63 else None
    if found is None or not all(request.auth.covers(str(text.script)) for text in found.texts.select_related("script")):
        raise Problem(404, "not_found", f"There is no review {review}.")
    return _out(request, found)


def _out(request: ApiRequest, found: Review) -> ReviewOut:
    page = address_of("workbench:review", found.pk)
    return ReviewOut(
        review=found.pk,
        state=found.state,
        page=request.build_absolute_uri(page) if page else "",
        decided_by=str(found.decided_by) if found.decided_by else None,
        decision=found.decision,
    )
