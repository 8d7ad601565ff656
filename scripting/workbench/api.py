"""The workbench's JSON addresses: each asks a layer below and decides nothing."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string

from scripting.hot_reload.fleet import spread_of
from scripting.models import Script, ScriptVersion
from scripting.modules.masking import NOTHING
from scripting.registry.moves import AnyBase
from scripting.registry.publishing import check as check_text
from scripting.sandbox import source_text
from scripting.sources.beside import file_beside
from scripting.supervisor.errors import SandboxUnavailable
from scripting.texts.diff import difference
from scripting.texts.escaping import visible
from scripting.texts.merge import CHOICES, Agreed, merge
from scripting.texts.plain_json import jsonable
from scripting.workbench import cases, completion, drafts, gate, outcomes, publishing, recorded, sampling, trials
from scripting.workbench.access import (
    EDIT,
    PUBLISH,
    RUN,
    VIEW,
    Refusal,
    api,
    body_of,
    known_language,
    script_named,
    text_in,
)
from scripting.workbench.documents import active_of, version_of


@api("POST", EDIT)
def check(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Check a text in a sandbox; store nothing."""
    script, document = script_named(module, name), body_of(request)
    source, language = text_in(document, "source"), known_language(text_in(document, "language"))
    try:
        report = check_text(script.module, script.name, language, source)
    except SandboxUnavailable as error:
        raise Refusal(503, "unavailable", f"The text could not be checked: {error}") from None
    return {
        "ok": report.ok,
        "diagnostics": [publishing.described(diagnostic) for diagnostic in report.diagnostics],
        "compile_us": report.compile_us,
    }


@api("POST", RUN)
def trial(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Run a text on chosen inputs; nothing of it is committed."""
    document = body_of(request)
    wanted = trial_asked(request, script_named(module, name), document)
    with trials.told_whose_fault(wanted):
        return trials.run(wanted, compare=document.get("compare") is True)


@api("POST", RUN)
def sample(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Run a text and the live one many times on the same seeds; nothing of it is committed."""
    wanted = trial_asked(request, script_named(module, name), body_of(request))
    with trials.told_whose_fault(wanted):
        return sampling.sample(wanted)


def trial_asked(request: HttpRequest, script: Script, document: dict[str, Any]) -> trials.Trial:
    """The trial that the page asks for, on a case or on other inputs. Raises Refusal."""
    of = cases.trial_on if document.get("case") else trials.trial_of
    return of(script, document, request.user.get_username())


@api("POST", RUN)
def cancel(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Kill the process of a trial of one's own that still runs; one that is over is no error."""
    script_named(module, name)
    trials.cancel(request.user.get_username(), text_in(body_of(request), "trial"))
    return {}


@api("GET", VIEW)
def names(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """The names that the script sees when it is written in the language asked for."""
    language = known_language(request.GET.get("language", "python"))
    return dict(jsonable(completion.namespace(script_named(module, name), language)))


@api("POST", RUN)
def compare_trials(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Two outcomes of trials side by side; each is given as the record that the page got of it."""
    script_named(module, name)
    document = body_of(request)
    old, new = (outcomes.from_record(text_in(document, side)) for side in ("old", "new"))
    try:
        return outcomes.beside(old, new, NOTHING)
    except RecursionError:
        raise outcomes.no_record() from None


@api("GET", VIEW)
def events(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """The latest recorded events in words, to be picked as inputs; `q` searches them."""
    return {
        "events": recorded.found(script_named(module, name), request.GET.get("q", "")),
        "searched": recorded.SEARCHED,
    }


@api("GET", VIEW)
def execution(request: HttpRequest, module: str, name: str, execution_id: str) -> dict[str, Any]:
    """One recorded execution: its payload as a page may show it, as JSON text, since a browser's numbers are not exact."""
    script = script_named(module, name)
    if (sample := recorded.sample_of(script, execution_id)) is not None:
        return sample
    found = recorded.execution_of(script, execution_id)
    source, payload = recorded.payload_of(script, found)
    return {
        "id": str(found.pk),
        "at": found.started_at.timestamp(),
        "topic": found.topic,
        "status": found.status,
        "seed": None if found.seed is None else str(found.seed),
        "words": recorded.in_words(script, found),
        "source": source.key,
        "payload": json.dumps(jsonable(payload)),
        "version": found.version.number if found.version else None,
    }


# -- drafts ------------------------------------------------------------------------------------------------------------


@api("PUT", EDIT)
def save_draft(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Save what the page has. 409 draft_conflict carries the text that another tab saved."""
    script, document = script_named(module, name), body_of(request)
    source = text_in(document, "source")
    revision = document.get("revision")
    base = base_in(document, script)
    user = request.user
    assert user.is_authenticated
    return drafts.described(
        drafts.save(script, user, source, known_language(text_in(document, "language")), base, revision)
    )


@api("POST", EDIT)
def discard_draft(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Delete the draft: the page shows the live text again."""
    script, user = script_named(module, name), request.user
    assert user.is_authenticated
    drafts.discard(script, user, body_of(request).get("revision"))
    return active_of(script)


@api("POST", VIEW)
def merged(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Three texts brought together: their parts in order, and the places that both changed as a form. Nothing is stored."""
    document = body_of(request)
    together = merge(text_in(document, "base"), text_in(document, "theirs"), text_in(document, "mine"))
    return {
        "parts": [
            part.text if isinstance(part, Agreed) else {choice: part.decided(choice) for choice in CHOICES}
            for part in together.parts
        ],
        "words": together.in_words,
        "html": render_to_string("scripting/workbench/_places.html", {"places": together.places({})}),
    }


# -- versions ----------------------------------------------------------------------------------------------------------


@api("GET", VIEW)
def active(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """The version that runs now, with its text, and where it is loaded."""
    return active_of(script_named(module, name))


@api("GET", VIEW)
def loaded(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Which processes have taken the active version."""
    script = script_named(module, name)
    number = script.active_version.number if script.active_version else None
    return {"number": number, **spread_of(script).described()}


@api("GET", VIEW)
def version(request: HttpRequest, module: str, name: str, number: int) -> dict[str, Any]:
    """A version's text."""
    return version_of(publishing.version_numbered(script_named(module, name), number))


@api("POST", VIEW)
def compare(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """The difference of two texts as HTML; each is given as text or as the number of a version."""
    script, document = script_named(module, name), body_of(request)
    old, new = side_in(document, "old", script), side_in(document, "new", script)
    found = difference(old, new)
    html = render_to_string("scripting/workbench/_difference.html", {"difference": found})
    return {"html": html, "added": found.added, "removed": found.removed}


@api("POST", VIEW)
def file(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """The script's file, if it holds another text than the one given, or than the version of that number.

    That takes over when it is saved the next time.
    """
    script, document = script_named(module, name), body_of(request)
    if "number" in document:
        version = publishing.version_numbered(script, document["number"])
        language, content = version.language, bytes(version.content)
    else:
        language = known_language(text_in(document, "language"))
        content = source_text.encode(text_in(document, "source"))
    beside = file_beside(script, language, content)
    return {"path": visible(beside.path) if beside else None}


@api("POST", PUBLISH)
def at_gate(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Ask the gate about a text, or of the version of that number: makes the evidence that there is not yet."""
    script, document, user = script_named(module, name), body_of(request), request.user
    assert user.is_authenticated
    if "number" in document:
        return gate.of_version(script, publishing.version_numbered(script, document["number"]), user)
    return gate.of_text(script, text_in(document, "source"), known_language(text_in(document, "language")), user)


@api("POST", PUBLISH)
def publish(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Make a text the one that runs."""
    script, document = script_named(module, name), body_of(request)
    source, reason, language = (
        text_in(document, "source"),
        text_in(document, "reason", ""),
        known_language(text_in(document, "language")),
    )
    base = base_in(document, script)
    user = request.user
    assert user.is_authenticated
    confirmed, override = document.get("confirmed") is True, text_in(document, "override", "")
    publishing.publish(script, user, source, language, reason, base, confirmed=confirmed, override=override)
    return active_of(script_named(module, name))


@api("POST", PUBLISH)
def rollback(request: HttpRequest, module: str, name: str) -> dict[str, Any]:
    """Re-activate an old version; `base` is the number of the one that the page shows as live."""
    script, document = script_named(module, name), body_of(request)
    user = request.user
    assert user.is_authenticated
    number, reason, override = (
        document.get("number") or 0,
        text_in(document, "reason", ""),
        text_in(document, "override", ""),
    )
    base = base_in(document, script) if "base" in document else AnyBase
    publishing.rollback(script, user, number, reason, base=base, override=override)
    return active_of(script_named(module, name))


# -- parts -------------------------------------------------------------------------------------------------------------


def base_in(document: dict[str, Any], script: Script) -> ScriptVersion | None:
    """The version that the text was begun on. Raises Refusal."""
    number = document.get("base")
    return None if number is None else publishing.version_numbered(script, number)


def side_in(document: dict[str, Any], side: str, script: Script) -> str:
    """Raises Refusal."""
    given = document.get(side)
    return (
        publishing.version_numbered(script, given).editable_text if isinstance(given, int) else text_in(document, side)
    )
