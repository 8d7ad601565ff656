"""The form that asks for a replay: which text, on which executions. What is long is left to an evidence worker."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import redis
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from scripting.bus import evidence_jobs
from scripting.evidence import corpus as corpora
from scripting.evidence import jobs
from scripting.evidence.corpus import LAST, MOST, Selection
from scripting.evidence.replays import candidate_of
from scripting.insight.times import written
from scripting.models import Execution, ReplayJob, ReplayReport, Script
from scripting.registry.resolved import ScriptNotFound
from scripting.sandbox import source_text
from scripting.sandbox.languages.table import LANGUAGES, language_for_suffix
from scripting.sources.folder import MAX_FILE_BYTES, ScriptFile, look_up, scripts_dir
from scripting.workbench import drafts, inputs, publishing, replays
from scripting.workbench.access import Refusal
from scripting.workbench.frame import whole_number

logger = logging.getLogger(__name__)

SIZES = (200, 1000, 5000, 20_000)
AT_ONCE = 1000
"""So many are replayed while the page waits."""
NIGHT_HOUR = 18
"""A night begins then, on the evening before, in the site's zone."""


def replay_asked(script: Script, user: AbstractBaseUser | AnonymousUser, post: Mapping[str, str], upload: UploadedFile[bytes] | None) -> ReplayReport:  # fmt: skip
    """The report that the form asks for, whole or growing. Raises Refusal."""
    source, language, title = candidate(script, user, post.get("candidate", ""), upload)
    selection, chosen = selection_of(script, post)
    by = user.get_username()
    replays.demand_check(script, source, language)
    corpus = corpora.resolve(script, selection)
    if not corpus.ids:
        if not script.executions.exists():
            raise Refusal(409, "nothing_recorded", "This script has not run yet: there is nothing to replay.")
        raise Refusal(
            409,
            "nothing_recorded",
            f"No execution is recorded for {chosen}{when(selection)}: choose more, or another time.",
        )
    if len(corpus.ids) <= AT_ONCE and not post.get("night"):
        return replays.report_on(corpus, source, language, title=title, user=by, seconds=replays.ASKED_SECONDS)
    try:
        return jobs.ask(
            corpus, candidate_of(script, source, language), title=title, chosen=chosen, selection=selection, user=by
        )
    except ScriptNotFound:
        raise replays.nothing_live() from None
    except redis.RedisError as error:
        logger.warning("a replay of %s waits for Redis: %s", script, error)
        raise Refusal(503, "unavailable", "Redis does not answer, so no evidence worker hears of it: try again.") from None  # fmt: skip


# -- which text ----------------------------------------------------------------------------------------------------------


def candidate(
    script: Script, user: AbstractBaseUser | AnonymousUser, which: str, upload: UploadedFile[bytes] | None
) -> tuple[str, str, str]:
    """(text, language, title) of the draft, the file beside the script, an uploaded file, or a version. Raises Refusal."""
    if upload is not None:
        return of_upload(upload)
    match which:
        case "draft":
            draft = drafts.draft_of(script, user)  # type: ignore[arg-type]
            if draft is None:
                raise Refusal(409, "no_draft", "You have no draft of this script: change it in the workbench first.")
            return draft.source, draft.language, f"draft of {user.get_username()}"
        case "file":
            found = look_up(scripts_dir(), script.module, script.name)
            if not isinstance(found, ScriptFile):
                raise Refusal(409, "no_file", "There is no file of this script any more.")
            return text_of(found.content, found.path), found.language, f"file {found.path}"
    version = publishing.version_numbered(script, whole_number(which))
    return version.text, version.language, f"v{version.number}"


def of_upload(upload: UploadedFile[bytes]) -> tuple[str, str, str]:
    """Raises Refusal."""
    name = (upload.name or "").rpartition("/")[2]
    language = language_for_suffix("." + name.rpartition(".")[2])
    if language is None:
        suffixes = ", ".join(sorted(known.suffix for known in LANGUAGES.values()))
        raise Refusal(422, "language", f"{name} is in no language that runs here: its name must end with {suffixes}.")
    if (upload.size or 0) > MAX_FILE_BYTES:
        raise Refusal(413, "too_large", f"{name} is larger than any script may be.")
    return text_of(upload.read(), name), language.name, f"file {name}"


def text_of(content: bytes, name: str) -> str:
    """Raises Refusal."""
    try:
        return source_text.decode(content)
    except source_text.NotText as error:
        raise Refusal(422, "bad_text", f"{name} cannot be read as text: {error}") from None


def file_that_differs(script: Script) -> str:
    """The path of the script's file where its text is not what is live; empty where there is none."""
    found = look_up(scripts_dir(), script.module, script.name)
    if not isinstance(found, ScriptFile):
        return ""
    live = script.active_version
    return "" if live is not None and bytes(live.content) == found.content else found.path


# -- which executions ----------------------------------------------------------------------------------------------------


def selection_of(script: Script, post: Mapping[str, str]) -> tuple[Selection, str]:
    """The candidate of a replay, and its title. Raises Refusal."""
    if post.get("night"):
        evening = last_evening()
        return Selection(since=evening), "the whole night"
    since, until = moment(post, "since"), moment(post, "until")
    last = whole_number(post.get("count", "")) or whole_number(post.get("last", ""))
    if post.get("last") == "all":
        last = MOST
    if not 1 <= last <= MOST:
        raise Refusal(422, "wrong_size", f"Choose how many executions to replay, from 1 to {MOST}.")
    if since is not None and until is not None and since >= until:
        raise Refusal(422, "wrong_time", "The end must be after the beginning.")
    version = whole_number(post.get("version", ""))
    if version:
        publishing.version_numbered(script, version)
    status = post.get("status", "")
    if status not in ("", *Execution.Status.values):
        raise Refusal(422, "wrong_status", f"There is no outcome {status}.")
    selection = Selection(last, since, until, post.get("topic", ""), status, post.get("key", ""), version or None)
    return selection, in_words(selection)


def in_words(selection: Selection) -> str:
    kind = "a sample of" if selection.since or selection.until else "the last"
    parts = ["all" if selection.last == MOST else f"{kind} {selection.last}"]
    parts += [f"on {selection.topic}"] if selection.topic else []
    parts += [f"that {selection.status.replace('_', ' ')}"] if selection.status else []
    parts += [f"with the key {selection.key}"] if selection.key else []
    parts += [f"by v{selection.version}"] if selection.version else []
    return " ".join(parts)


def when(selection: Selection) -> str:
    """The range of time in words; empty without one."""
    since = f" since {written(selection.since)}" if selection.since else ""
    return since + (f" until {written(selection.until)}" if selection.until else "")


def last_evening(now: datetime | None = None) -> datetime:
    """NIGHT_HOUR of the day before, in the site's zone."""
    local = timezone.localtime(now)
    return (local - timedelta(days=1)).replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)


def moment(post: Mapping[str, str], name: str) -> datetime | None:
    """A moment of the form, in the site's zone unless it names another. Raises Refusal."""
    text = post.get(name, "").strip()
    if not text:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise Refusal(422, "wrong_time", f"Write a time such as 2026-11-27 20:00, not {text[:40]!r}.")
    return found if found.tzinfo else timezone.make_aware(found)


def choices(script: Script) -> dict[str, Any]:
    """The lists that the form offers, and what was chosen where nothing was yet."""
    return {
        "sizes": SIZES,
        "chosen": {"last": str(LAST)},
        "most": MOST,
        "file": file_that_differs(script),
        "topics": [source.topic.name for source in inputs.sources(script) if source.topic],
        "statuses": [(value, value.replace("_", " ")) for value in Execution.Status.values],
        "evening": last_evening(),
    }


def unserved(job: ReplayJob | None) -> bool:
    """Whether an unfinished replay waits for an evidence worker that nobody started."""
    if job is None or not job.is_unfinished:
        return False
    try:
        return not evidence_jobs.is_served()
    except redis.RedisError:
        return False
