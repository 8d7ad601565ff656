"""Take an exported site into this one, in one transaction: what is here is never overwritten, an equal text is the version that it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction

from scripting.models import SHARED, Activation, Case, KnobSet, Schedule, Script, ScriptVersion, SubscriptionSet
from scripting.modules.installed import modules
from scripting.modules.topics import topics
from scripting.registry import activating, judging, knobs, lifecycle, storing
from scripting.registry.bundles import values_digest
from scripting.registry.judging import Proposal
from scripting.registry.lifecycle import ChangeRefused
from scripting.registry.moves import PLAIN, AnyBase, AtGate, Move, PublishRefused
from scripting.sandbox.languages.table import LANGUAGES
from scripting.schedules import keeping
from scripting.schedules.keeping import ScheduleRefused
from scripting.subscriptions import sets
from scripting.subscriptions.sets import SubscriptionRefused
from scripting.subscriptions.subscribed import Subscriber
from scripting.texts import case_text
from scripting.texts.case_text import CaseProblem
from scripting.transfer.archive import ArchiveRefused
from scripting.transfer.records import CaseRecord, ScheduleRecord, ScriptRecord, Site, VersionRecord

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass
class Report:
    """The outcome of an import: what it did, and what it left as it is here."""

    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    same: int = 0
    """Versions, values, cases, sets and schedules that are here already."""


def take(
    site: Site, *, actor: User | None, reason: str, live: bool, dry_run: bool = False, at_gate: AtGate = PLAIN
) -> Report:
    """Take all of it in, or nothing. `live`: also make live what was live there, and take its cases and schedules over those here.

    Raises ArchiveRefused.
    """
    taking = _Taking(site, actor, reason, live, at_gate)
    try:
        with transaction.atomic():
            taking.all()
            if dry_run:
                transaction.set_rollback(True)
    except (PublishRefused, ChangeRefused, SubscriptionRefused, ScheduleRefused, CaseProblem) as refused:
        raise ArchiveRefused(f"{taking.at}: {refused}") from None
    except ValidationError as refused:
        raise ArchiveRefused(f"{taking.at}: {'; '.join(refused.messages)}") from None
    return taking.report


class _Taking:
    """One import: each step takes one kind in."""

    def __init__(self, site: Site, actor: User | None, reason: str, live: bool, at_gate: AtGate) -> None:
        self.site, self.actor, self.reason, self.live, self.at_gate = site, actor, reason, live, at_gate
        self.report = Report()
        self.at = "the archive"
        """Whatever is being taken, for who reads why it was refused."""
        self.scripts: dict[str, Script] = {}
        self.new: list[ScriptRecord] = []
        self.versions: dict[tuple[str, int], ScriptVersion] = {}
        """By their numbers there."""
        self.knobs: dict[tuple[str, int], KnobSet] = {}

    def all(self) -> None:
        self._require_ours()
        for script in self.site.scripts:
            self._script(script)
        for version in self.site.versions:
            self._version(version)
        self._knob_sets()
        for case in self.site.cases:
            self._case(case)
        if self.live:
            self._make_live()
        self._settle_new()
        self._subscriptions()
        for schedule in self.site.schedules:
            self._schedule(schedule)

    def _require_ours(self) -> None:
        """Raises ArchiveRefused where this site lacks a module, a language or a topic that the other has, or a line names no script."""
        labels = {script.label for script in self.site.scripts}
        lacking = {
            f"the module {s.module}" for s in self.site.scripts if s.module != SHARED and modules.get(s.module) is None
        }
        lacking |= {
            f"the language {version.language}" for version in self.site.versions if version.language not in LANGUAGES
        }
        lacking |= {f"the topic {each.topic}" for each in self.site.subscriptions if each.topic not in topics}
        named = [each.script for kind in (self.site.versions, self.site.knobs, self.site.cases) for each in kind]
        lacking |= {f"the script {name}, in its own list" for name in named if name not in labels}
        if lacking:
            raise ArchiveRefused(f"this site lacks {', '.join(sorted(lacking))}")

    def _script(self, record: ScriptRecord) -> None:
        self.at = record.label
        found = Script.objects.named(record.module, record.name).first()
        if found is None:
            reason = self.reason[: lifecycle.LONGEST_REASON]
            found = lifecycle.create(record.module, record.name, actor=self.actor, reason=reason)
            self.new.append(record)
            self.report.done.append(f"{record.label}: new here")
        self.scripts[record.label] = found

    # -- versions and values ---------------------------------------------------------------------------------------------

    @cached_property
    def _verdicts(self) -> Mapping[tuple[str, str], judging.Verdict]:
        """On the texts that are live there, beside each other."""
        return judging.judge([self._proposal(version) for version in self._live_there])

    @cached_property
    def _live_there(self) -> list[VersionRecord]:
        live = {(script.label, script.live) for script in self.site.scripts}
        return [version for version in self.site.versions if (version.script, version.number) in live]

    def _proposal(self, version: VersionRecord) -> Proposal:
        script = self.scripts[version.script]
        return Proposal(script.module, script.name, version.language, version.content)

    def _verdict(self, version: VersionRecord) -> judging.Verdict:
        """Of this site's own check: what the other one found does not count."""
        proposal = self._proposal(version)
        if version in self._live_there:
            return self._verdicts[proposal.key]
        beside = [self._proposal(each) for each in self._live_there if each.script.startswith(f"{SHARED}/")]
        others = [each for each in beside if each.key != proposal.key and SHARED.encode() in version.content]
        return judging.judge([proposal, *others])[proposal.key]

    def _version(self, record: VersionRecord) -> None:
        self.at = f"{record.script} v{record.number}"
        script = self.scripts[record.script]
        _require_digest(self.at, record.content, record.sha256)
        if record.origin not in ScriptVersion.Origin.values:
            raise ArchiveRefused(f"{self.at}: there is no origin {record.origin!r}")
        found = script.versions.filter(language=record.language, sha256=record.sha256).first()
        if found is None:
            verdict = self._verdict(record)
            found = storing.keep(
                script, record.language, record.content, record.origin, verdict,
                author=self._person(record.author), message=_provenance(record.message, record.number, record),
                tell=False, at_least=record.number,
            )  # fmt: skip
            refused = "" if verdict.accepted else f", which does not pass its check here: {verdict.first_error.message}"
            self.report.done.append(f"{self.at} is {found}{refused}")
        else:
            self.report.same += 1
        self.versions[record.script, record.number] = found

    def _knob_sets(self) -> None:
        for record in self.site.knobs:
            self.at = f"{record.script} knobs {record.number}"
            script = self.scripts[record.script]
            if values_digest(record.values) != record.sha256:
                raise ArchiveRefused(f"{self.at}: its digest is another one")
            known = script.knob_sets.filter(sha256=record.sha256).exists()
            message = _provenance(record.message, record.number, record)
            author = self._person(record.author)
            found = knobs.keep(script, record.values, author=author, message=message, at_least=record.number)
            self._count(known, f"{self.at} is {found}")
            self.knobs[record.script, record.number] = found

    def _count(self, known: bool, said: str) -> None:
        if known:
            self.report.same += 1
        else:
            self.report.done.append(said)

    def _person(self, name: str) -> Any:
        """Somebody of that name here, or nobody."""
        return self._people.get(name)

    @cached_property
    def _people(self) -> dict[str, Any]:
        model = get_user_model()
        return {user.get_username(): user for user in model._default_manager.all()}

    # -- what is live ----------------------------------------------------------------------------------------------------

    def _make_live(self) -> None:
        self.at = "what is live"
        moves = []
        for record in self.site.scripts:
            if record.live is None:
                continue
            script = self.scripts[record.label]
            version = self.versions.get((record.label, record.live))
            chosen = self.knobs.get((record.label, record.live_knobs or 0))
            if version is None or (record.live_knobs and chosen is None):
                raise ArchiveRefused(f"{record.label}: its live version or values are not in the archive")
            if (script.active_version_id, script.active_knobs_id) == (version.pk, chosen and chosen.pk):
                continue
            moves.append(
                Move(
                    script,
                    version,
                    Activation.Cause.PUBLISH,
                    AnyBase,
                    self.actor,
                    self.reason,
                    knobs=chosen,
                    at_gate=self.at_gate,
                )
            )
        if moves:
            activating.activate_together(moves)
        self.report.done += [f"{move.version} is live" for move in moves]

    def _settle_new(self) -> None:
        """Give a script that is new here what it has there beside its texts."""
        reason = self.reason[: lifecycle.LONGEST_REASON]
        for record in self.new:
            self.at = record.label
            script = self.scripts[record.label]
            limits = {"max_execution_time": record.max_execution_time, "max_memory_bytes": record.max_memory_bytes}
            if any(limits.values()):
                lifecycle.limit(script, actor=self.actor, reason=reason, **limits)
            if record.pinned:
                lifecycle.pin(script, actor=self.actor, reason=reason)
            if not record.enabled:
                lifecycle.disable(script, actor=self.actor, reason=reason)
            if record.retired:
                lifecycle.retire(script, actor=self.actor, reason=reason)

    def _subscriptions(self) -> None:
        for record in self.site.subscriptions:
            self.at = f"subscriptions {record.number} of {record.topic}"
            _require_digest(self.at, record.content.encode(), record.sha256)
            try:
                subscribers = [Subscriber(**entry) for entry in json.loads(record.content)]
            except (ValueError, TypeError):
                raise ArchiveRefused(f"{self.at}: no list of subscribers") from None
            before = set(SubscriptionSet.objects.filter(topic=record.topic).values_list("pk", flat=True))
            author = self._person(record.author)
            kept = sets.keep(record.topic, subscribers, author=author, at_least=record.number)
            self._count(kept.pk in before, f"{self.at} is {kept}")
            if self.live and record.live and sets.now_active(record.topic).number != kept.number:
                sets.rollback(record.topic, kept.number, actor=self.actor, reason=self.reason)
                self.report.done.append(f"{kept} is live")

    # -- cases and schedules ---------------------------------------------------------------------------------------------

    def _case(self, record: CaseRecord) -> None:
        self.at = f"the case {record.script}/{record.name}"
        _require_digest(self.at, record.document.encode(), record.digest)
        script = self.scripts[record.script]
        found = script.cases.filter(name=record.name).first()
        if found is not None and found.removed_at is None and found.digest == record.digest:
            self.report.same += 1
            return
        if found is not None and not self.live:
            how = "was deleted" if found.removed_at else "is another one"
            self.report.left.append(f"{self.at} {how} here")
            return
        kept = found or Case(script=script, name=record.name)
        user = self.actor.get_username() if self.actor else ""
        kept.write(case_text.decode(record.document), Case.Origin.EDITOR, user=user)
        kept.full_clean(exclude=["digest"])
        kept.save()
        self.report.done.append(f"{self.at} {'is changed' if found else 'is new here'}")

    def _schedule(self, record: ScheduleRecord) -> None:
        self.at = f"the schedule {record.name}"
        fields = {name: getattr(record, name) for name in keeping.FIELDS}
        fields["script"] = keeping.script_named(record.script) if record.script else None
        reason = self.reason[: keeping.LONGEST_REASON - len("changed: ")]
        found = Schedule.objects.select_related("script").filter(name=record.name).first()
        if found is None:
            enabled = self.live and record.enabled
            keeping.create(actor=self.actor, reason=reason, enabled=enabled, **fields)
            self.report.done.append(f"{self.at} is new here{'' if enabled else ', and paused'}")
        elif {name: getattr(found, name) for name in keeping.FIELDS} == fields and found.enabled == record.enabled:
            self.report.same += 1
        elif self.live:
            keeping.change(found.pk, actor=self.actor, reason=reason, enabled=record.enabled, **fields)
            self.report.done.append(f"{self.at} is changed")
        else:
            self.report.left.append(f"{self.at} is another one here")


def _require_digest(what: str, content: bytes, sha256: str) -> None:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ArchiveRefused(f"{what}: its digest is another one")


def _provenance(message: str, number: int, record: Any) -> str:
    """Its message there, with what the new row cannot hold."""
    by = f" by {record.author}" if record.author else ""
    return f"{message} (imported: {number} of {record.made_at[:10]}{by})".strip()
