"""Follow the branch, once: fetch it, make its newest commit live if nothing stands against it, bring back what was published here.

A commit goes live whole or not at all, through the same release, gate and reviews as on every other way in. What was changed on
both sides is drift: nothing is overwritten, the commit waits until a person decides.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from scripting import clock
from scripting.client.folder import FolderWrong
from scripting.conf import conf
from scripting.evidence.gate import weigh, with_evidence
from scripting.git import outgoing
from scripting.git.program import GitFailed, without_secrets
from scripting.git.repository import TOO_LARGE, Commit, Repository
from scripting.git.sides import One, Sides, is_taken, key_of, live_text, sides_of
from scripting.models import CaseChange, GitBranch, GitFile, Review, Script
from scripting.processes.one_at_a_time import RENEW_SECONDS, OneAtATime
from scripting.registry import knobs as registry_knobs
from scripting.registry import lifecycle, releases, reviews
from scripting.registry.gate import GateClosed
from scripting.registry.knobs import ValuesRefused
from scripting.registry.lifecycle import ChangeRefused
from scripting.registry.moves import AtGate, PublishRefused, StaleBase
from scripting.registry.publishing import Text, TogetherRefused
from scripting.registry.releases import NewKnobs, NewValues
from scripting.sandbox import source_text
from scripting.supervisor.errors import SupervisorError
from scripting.texts import case_text
from scripting.texts.case_text import CaseProblem
from scripting.texts.escaping import one_line, visible

logger = logging.getLogger(__name__)

State = GitFile.State
PUBLISH = "scripting.publish_script"


class Busy(Exception):
    """Another process follows the branch right now."""


class NotFollowing(Exception):
    """No repository is named: set SCRIPTING_GIT_URL."""

    def __init__(self) -> None:
        super().__init__(self.__doc__ or "")


class Waits(Exception):
    """The commit does not go live now. The message says why."""


@dataclass(frozen=True)
class Followed:
    """The outcome of one look at the branch."""

    branch: GitBranch
    made_live: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    pushed: int = 0


def source() -> str:
    """The branch in one line; empty where none is followed."""
    if not conf.SCRIPTING_GIT_URL:
        return ""
    return f"{without_secrets(conf.SCRIPTING_GIT_URL)} {conf.SCRIPTING_GIT_BRANCH} {conf.SCRIPTING_GIT_FOLDER}"


def followed_branch() -> GitBranch | None:
    """The state of the branch that the settings name; None before it was first looked at."""
    return GitBranch.objects.select_related("review").filter(source=source()).first()


def follow(progress: Callable[[], None] = lambda: None) -> Followed:
    """Raises NotFollowing, Busy, database errors. What is wrong with the repository or the commit is in the branch's state."""
    if not source():
        raise NotFollowing
    with _alone():
        branch, _ = GitBranch.objects.get_or_create(source=source())
        repo = Repository(progress)
        try:
            head = repo.fetch()
            commit = repo.commit(head)
        except (GitFailed, OSError) as error:
            branch.problem = visible(str(error))
            branch.save(update_fields=["problem"])
            logger.warning("the followed branch: %s", one_line(str(error)))
            return Followed(branch)
        branch.problem, branch.looked_at = "", clock.now()
        branch.head, branch.subject = head, one_line(visible(commit.subject), 300)
        branch.save()
        return _Look(repo, branch, commit).done()


class _Look:
    """One look at one commit."""

    def __init__(self, repo: Repository, branch: GitBranch, commit: Commit) -> None:
        self.repo, self.branch, self.commit = repo, branch, commit
        self.rows = {(row.kind, row.label): row for row in branch.files.all()}
        self.below = repo.below

    def done(self) -> Followed:
        branch, made_live = self.branch, tuple[str, ...]()
        try:
            self._require_fit()
            sides = self._sides()
            drift = sides.of(State.DRIFT)
            self._remember(sides)
            try:
                if drift:
                    raise Waits(
                        f"changed here and in the repository: {', '.join(one.label for one in drift)}: decide on the page of the branch"
                    )
                self._require_rules(sides)
                made_live = self._release(sides.of(State.THEIRS))
                if made_live:
                    sides = self._sides()
                    self._remember(sides)
            except Waits as why:
                branch.waits = visible(str(why))
                logger.info("commit %s waits: %s", self.commit.sha[:12], one_line(str(why)))
            else:
                if branch.live != self.commit.sha:
                    branch.live, branch.live_at = self.commit.sha, clock.now()
                branch.waits, branch.review = "", None
            pushed = self._bring_back(sides)
        except (FolderWrong, GitFailed, OSError) as error:
            branch.waits = visible(str(error))
            drift, pushed = [], 0
        branch.save()
        return Followed(branch, made_live, tuple(one.label for one in drift), pushed)

    def _sides(self) -> Sides:
        with self.repo.laid_out(self.commit.sha) as folder:
            try:
                return sides_of(self.repo, self.commit.sha, folder, self.rows.values(), self.below)
            except FolderWrong as wrong:
                raise FolderWrong(str(wrong).replace(f"{folder}/", self.below)) from None

    def _require_fit(self) -> None:
        """A file that is too large, or is none any more, would count as deleted. Raises FolderWrong, GitFailed."""
        known = {key for key, row in self.rows.items() if row.digest}
        for parts, why in self.repo.unfit(self.commit.sha).items():
            key = key_of(parts)
            if key is not None and (key in known or why.startswith(TOO_LARGE)):
                raise FolderWrong(f"{self.below}{'/'.join(parts)} {why}; what is live stays")

    def _require_rules(self, sides: Sides) -> None:
        """A folder that was moved would take all cases and values away. Raises Waits."""
        if not any(one.theirs for one in sides.found) and any(row.digest for row in self.rows.values()):
            where = self.below or "the repository"
            raise Waits(f"{where} has no rules any more: name their folder in SCRIPTING_GIT_FOLDER, or bring one back")

    # -- into the site -----------------------------------------------------------------------------------------------

    def _release(self, wanted: list[One]) -> tuple[str, ...]:
        """Make the files live: their labels. Raises Waits."""
        if not wanted:
            return ()
        actor = person_of(self.commit)
        reason = message_of(self.commit)
        try:
            texts = [self._text(one, actor) for one in wanted if one.kind == "text"]
            cases = [_case_change(one, texts) for one in wanted if one.kind == "cases"]
            knobs = {one.label: _new_values(one, texts) for one in wanted if one.kind == "knobs"}
            with_evidence(
                lambda: releases.release(
                    texts,
                    actor=actor,
                    reason=reason,
                    knobs=knobs,
                    case_changes=cases,
                    confirmed=False,
                    at_gate=AtGate(wants_advice=True),
                ),
                user=str(actor or "git"),
            )
        except GateClosed as closed:
            if closed.unapproved:
                raise Waits(self._asked(closed, texts, knobs, actor, reason)) from None
            raise Waits(str(closed)) from None
        except StaleBase as late:
            raise Waits(f"{late}: it is looked at again") from None
        except (PublishRefused, ChangeRefused, CaseProblem, SupervisorError) as refused:
            raise Waits(_told(refused)) from None
        return tuple(one.label for one in wanted)

    def _text(self, one: One, actor: Any) -> Text:
        """Raises Waits, ChangeRefused."""
        module, name = one.names
        commit = self.repo.last_of(self.below + one.path, self.branch.live, self.commit.sha)
        message = message_of(commit)
        row = self.rows.get(one.key)
        if row is not None and is_taken(row, one.theirs, one.ours):
            message += f"\n\nTaken instead of v{one.number} by {row.decided_by}: {row.reason}"
        script = Script.objects.named(module, name).first()
        if script is None:
            script = lifecycle.create(module, name, actor=actor, reason=one_line(message, lifecycle.LONGEST_REASON))
        elif script.retired_at is not None:
            raise Waits(f"{script} is retired here: bring it back in the admin, or delete its file")
        base = script.versions.filter(number=one.number).first() if one.number else None
        return Text(script, one.language, source_text.encode(one.content), base, person_of(commit), message)

    def _asked(self, closed: GateClosed, texts: list[Text], knobs: NewKnobs, actor: Any, reason: str) -> str:
        """Ask for a review of the commit, once: what it waits for."""
        branch, review = self.branch, self.branch.review
        if review is not None and branch.asked_for == self.commit.sha and review.state != Review.State.LAPSED:
            return f"{closed} (review {review.pk}: {review.state})"
        if actor is None:
            who = f"set SCRIPTING_GIT_USER, or give {self.commit.mail} to a user who may publish"
            return f"{closed}. Nobody asks for it: {who}"
        try:
            moves = releases.moves_of(texts, knobs, actor=actor, reason=reason, confirmed=False)
            branch.review = reviews.ask(moves, actor=actor, reason=reason)
            branch.asked_for = self.commit.sha
            weigh(reviews.changes_of(branch.review), user=str(actor), anyway=True)
        except (PublishRefused, SupervisorError) as refused:
            return f"{closed}. It could not be asked for: {refused}"
        return f"{closed} (review {branch.review.pk}: {branch.review.state})"

    # -- what is known of each file ----------------------------------------------------------------------------------

    def _remember(self, sides: Sides) -> None:
        """Keep what was found, but not over what a person decided since the rows were read."""
        commits = {one.key: self._commit_of(one) for one in sides.found if one.state == State.SAME}
        found = {one.key for one in sides.found}
        with transaction.atomic():
            decided = dict(self.branch.files.select_for_update().values_list("pk", "decided_at"))
            for one in sides.found:
                row = self.rows.get(one.key) or GitFile(branch=self.branch, kind=one.kind, label=one.label)
                if row.pk in decided and decided[row.pk] != row.decided_at:
                    continue
                row.commit = commits.get(one.key, row.commit)
                self._set(row, one)
                row.save()
                self.rows[one.key] = row
            self.branch.files.filter(pk__in=[row.pk for key, row in self.rows.items() if key not in found]).delete()
        self.rows = {key: row for key, row in self.rows.items() if key in found}

    def _commit_of(self, one: One) -> str:
        """The last commit that changed the file; looked for only where that is another than before."""
        row = self.rows.get(one.key)
        if row is not None and row.commit and (row.digest, row.number) == (one.theirs, one.number):
            return row.commit
        return self.repo.last_of(self.below + one.path, "", self.commit.sha).sha

    def _set(self, row: GitFile, one: One) -> None:
        row.state = one.state
        if one.state == State.SAME:
            row.digest, row.number = one.theirs, one.number
            row.pushed = outgoing.latest_activation(one)
        if one.state == State.DRIFT:
            if (row.theirs_digest, row.ours_digest) != (one.theirs, one.ours):
                row.decision = row.reason = ""
                row.decided_by = row.decided_at = None
            row.theirs, row.ours = _shown(one.content), _shown(live_text(one))
            row.theirs_digest, row.ours_digest = one.theirs, one.ours
        elif one.state != State.THEIRS:
            row.theirs = row.ours = ""

    # -- out of the site ---------------------------------------------------------------------------------------------

    def _bring_back(self, sides: Sides) -> int:
        branch = self.branch
        if not conf.SCRIPTING_GIT_PUSH_BRANCH:
            return 0
        try:
            made = outgoing.bring_back(self.repo, self.commit.sha, sides.of(State.OURS), self.rows, self.below)
        except GitFailed as failed:
            branch.push_problem = visible(str(failed))
            return 0
        branch.push_problem = ""
        if made:
            branch.pushed, branch.pushed_at = made[-1], clock.now()
        return len(made)


# -- people --------------------------------------------------------------------------------------------------------------


def person_of(commit: Commit) -> Any:
    """The one user with the author's e-mail who may publish; else that of SCRIPTING_GIT_USER; None without either."""
    model = get_user_model()
    users = model._default_manager.filter(is_active=True)
    if "@" in commit.mail and hasattr(model, "EMAIL_FIELD"):
        found = list(users.filter(**{f"{model.get_email_field_name()}__iexact": commit.mail})[:2])
        if len(found) == 1 and found[0].has_perm(PUBLISH):
            return found[0]
    if not conf.SCRIPTING_GIT_USER:
        return None
    return users.filter(**{model.USERNAME_FIELD: conf.SCRIPTING_GIT_USER}).first()


def message_of(commit: Commit) -> str:
    """The commit's message, with the commit and its author in the first line."""
    subject, _, rest = commit.message.strip().partition("\n")
    first = f"{subject or 'A commit without a message'} ({commit.sha[:12]} by {commit.author} <{commit.mail}>)"
    return visible(f"{first}\n{rest}".strip())


# -- drift ---------------------------------------------------------------------------------------------------------------


class DecisionRefused(Exception):
    """The decision does not fit what is there now. The message says what to do."""


@transaction.atomic
def decide(pk: int, decision: str, *, seen: str, actor: Any, reason: str) -> GitFile:
    """Take theirs, or keep ours, over exactly what was seen (`theirs_digest ours_digest`). Raises DecisionRefused."""
    row = GitFile.objects.select_for_update().filter(pk=pk, branch__source=source(), state=State.DRIFT).first()
    if row is None or f"{row.theirs_digest} {row.ours_digest}" != seen:
        raise DecisionRefused("it changed meanwhile: look at it again")
    if not reason.strip() or len(reason) > 2000:
        raise DecisionRefused("say why, in 1 to 2000 characters")
    row.decision, row.decided_by = GitFile.Decision(decision), actor
    row.reason, row.decided_at = visible(reason.strip()), clock.now()
    if row.decision == GitFile.Decision.KEEP:
        row.digest, row.pushed, row.state = row.theirs_digest, 0, State.OURS
    row.save()
    return row


# -- parts ---------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Be the one process that follows. Raises Busy."""
    lock, over = OneAtATime("git"), threading.Event()
    if not lock.step():
        raise Busy("another process follows the branch right now: look again in a moment")

    def renew() -> None:
        while not over.wait(RENEW_SECONDS):
            lock.step()

    thread = threading.Thread(target=renew, name="lock of git", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        lock.release()


def _script(one: One, texts: list[Text]) -> Script:
    """The script of a case or of values. Raises Waits."""
    module, name = one.names[:2]
    found = next((text.script for text in texts if (text.script.module, text.script.name) == (module, name)), None)
    found = found or Script.objects.in_use().named(module, name).exclude(active_version=None).first()
    if found is None:
        raise Waits(f"{one.path} is for {module}/{name}, and there is no such script")
    return found


def _case_change(one: One, texts: list[Text]) -> CaseChange:
    """Raises Waits, CaseProblem."""
    content = case_text.decode(one.content) if one.content else None
    return CaseChange(_script(one, texts), one.names[2], content, one.ours)


def _new_values(one: One, texts: list[Text]) -> NewValues:
    """Raises Waits, StaleBase."""
    base = registry_knobs.made_from(_script(one, texts), one.base)
    return NewValues(dict(json.loads(one.content)) if one.content else {}, base)


def _shown(text: str) -> str:
    """The text as a page may show it, its lines ended as they are: a difference tells of that apart."""
    return "\r\n".join(map(visible, text.split("\r\n")))


def _told(refused: Exception) -> str:
    """Why, with the first finding of each text."""
    lines = [str(refused)]
    if isinstance(refused, TogetherRefused):
        for label, verdict in refused.refused.items():
            if verdict.diagnostics:
                first = verdict.diagnostics[0]
                lines.append(f"{label}, line {first.line or 1}: {first.message}")
    if isinstance(refused, ValuesRefused):
        lines += [f"{name}: {problem}" for name, problem in refused.problems.items()]
    return "\n".join(lines)
