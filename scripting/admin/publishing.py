"""The forms that change what runs: publishing a text, rolling back, extracting. They ask the registry and decide nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from scripting.admin import merge_choice
from scripting.admin.forms import PublishForm, ReasonForm
from scripting.admin.links import url_of
from scripting.conf import conf
from scripting.evidence.gate import with_evidence
from scripting.insight.display import marked_line
from scripting.models import Activation, Script, ScriptVersion
from scripting.registry import gate, publishing, reach
from scripting.registry.gate import GateClosed, OverrideForbidden
from scripting.registry.moves import AlreadyActive, AtGate, PublishRefused, StaleBase, WillFail
from scripting.sandbox import source_text
from scripting.sources.beside import FileBeside, file_beside
from scripting.sources.folder import scripts_dir
from scripting.supervisor.errors import SupervisorError
from scripting.texts.escaping import visible
from scripting.types import Diagnostic

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


@dataclass(frozen=True)
class Finding:
    """A diagnostic with the line that it points at, for the page."""

    diagnostic: Diagnostic
    excerpt: str

    @property
    def message(self) -> str:
        return visible(self.diagnostic.message)

    @property
    def hint(self) -> str:
        return visible(self.diagnostic.hint)


def publish_view(admin: ModelAdmin[Script], request: HttpRequest, script: Script) -> HttpResponseBase:
    """GET shows the active text to edit; POST checks it, or publishes it."""
    if not conf.SCRIPTING_BROWSER_PUBLISH:
        messages.warning(
            request,
            "Publishing from the browser is switched off for this site; versions once live can be rolled back to.",
        )
        return redirect(url_of(script))
    version = script.active_version
    if request.method != "POST":
        initial = {
            "text": version.text if version else "",
            "language": version.language if version else script.language,
            "base": version.number if version else 0,
        }
        return _publish_page(admin, request, script, PublishForm(initial=initial))
    form = PublishForm(request.POST)
    if not form.is_valid():
        return _publish_page(admin, request, script, form)
    text, language = form.cleaned_data["text"], form.cleaned_data["language"]
    if "_settle" in request.POST:
        return _go_on(admin, request, script, form)
    if "_check" in request.POST:
        report = publishing.check(script.module, script.name, language, text)
        return _publish_page(admin, request, script, form, _findings(report.diagnostics, text), checked=True)
    return _publish(admin, request, script, form)


def _publish(admin: ModelAdmin[Script], request: HttpRequest, script: Script, form: PublishForm) -> HttpResponseBase:
    text, language = form.cleaned_data["text"], form.cleaned_data["language"]
    how: dict[str, Any] = {
        "actor": request.user,
        "reason": form.cleaned_data["reason"],
        "base": _base(script, form.cleaned_data["base"]),
        "confirmed": request.POST.get("_confirmed") == _mark(text),
        "at_gate": _at_gate(request),
    }
    try:
        activation = with_evidence(
            lambda: publishing.publish(script, language, text, **how), user=request.user.get_username()
        )
    except WillFail as failing:
        return _publish_page(admin, request, script, form, failing=_findings(failing.diagnostics, text))
    except AlreadyActive as already:
        messages.info(request, f"{script}: {already}.")
        return redirect(url_of(script))
    except StaleBase:
        script.refresh_from_db()
        return _stale_page(admin, request, script, form)
    except OverrideForbidden as forbidden:
        raise PermissionDenied(str(forbidden)) from None
    except GateClosed as closed:
        form.add_error(None, f"{closed}. The text is kept as {closed.version}.")
        return _publish_page(admin, request, script, form, closed=closed)
    except PublishRefused as refusal:
        form.add_error(None if refusal.diagnostics else "reason", str(refusal))
        return _publish_page(admin, request, script, form, _findings(refusal.diagnostics, text))
    except SupervisorError as error:
        form.add_error(None, f"The text could not be checked or replayed: {error}")
        return _publish_page(admin, request, script, form)
    messages.success(request, f"{activation.version} is live. {reach.unheard(script)}".strip())
    _tell_evidence(request, activation)
    _tell_of_file(request, script)
    return redirect(url_of(script))


def _at_gate(request: HttpRequest) -> AtGate:
    return AtGate(request.POST.get("_override", "").strip()[: gate.MAX_REASON], wants_advice=True)


def _tell_evidence(request: HttpRequest, activation: Activation) -> None:
    """The evidence that the change had when it went live."""
    for evidence in activation.evidence.select_related("script"):
        messages.info(request, f"{evidence.script}: {evidence.in_words}.")
    if activation.override:
        messages.warning(request, "The gate was overridden.")


def _mark(text: str) -> str:
    """Names the text whose failures were shown: another one is not confirmed with it."""
    return ScriptVersion.digest_of(source_text.encode(text))[:16]


def _file_beside(script: Script, version: ScriptVersion | None) -> FileBeside | None:
    """The script's file, if it holds another text than the version."""
    return None if version is None else file_beside(script, version.language, bytes(version.content))


def _tell_of_file(request: HttpRequest, script: Script) -> None:
    beside = _file_beside(script, script.active_version)
    if beside is not None:
        messages.warning(request, f"{beside}. Extract what runs now into it, to keep both the same.")


def _stale_page(
    admin: ModelAdmin[Script], request: HttpRequest, script: Script, form: PublishForm, problem: str = ""
) -> HttpResponse:
    """Nothing is published: the page shows both texts and asks which to go on with, or what of each."""
    text, language = form.cleaned_data["text"], form.cleaned_data["language"]
    found = merge_choice.stale(script, _base(script, form.cleaned_data["base"]), text, language)
    by = f" by {found.by}" if found.by else ""
    said = f"{found.active} became active{by} while you wrote, and your text is not published."
    form.add_error(None, problem or said)
    return _publish_page(admin, request, script, form, stale=found)


def _go_on(admin: ModelAdmin[Script], request: HttpRequest, script: Script, form: PublishForm) -> HttpResponse:
    """Go on with mine, theirs or both. What became live after the page was shown is shown first."""
    text, language = form.cleaned_data["text"], form.cleaned_data["language"]
    found = merge_choice.stale(script, _base(script, form.cleaned_data["base"]), text, language)
    if request.POST.get("_seen") != str(found.number):
        return _stale_page(admin, request, script, form)
    try:
        chosen, language, said = merge_choice.chosen_text(found, text, language, request.POST.dict())
    except ValueError:
        return _stale_page(admin, request, script, form, "Choose mine, theirs or both for every place first.")
    messages.info(request, said)
    again = request.POST.copy()
    for name, value in (("text", chosen), ("language", language), ("base", str(found.number))):
        again[name] = value
    return _publish_page(admin, request, script, PublishForm(again))


def _base(script: Script, number: int) -> ScriptVersion | None:
    return script.versions.filter(number=number).first() if number else None


def _findings(diagnostics: Any, text: str) -> list[Finding]:
    lines = text.split("\n")
    return [
        Finding(d, marked_line(lines[d.line - 1]) if d.line is not None and 0 < d.line <= len(lines) else "")
        for d in diagnostics
    ]


def _publish_page(
    admin: ModelAdmin[Script],
    request: HttpRequest,
    script: Script,
    form: PublishForm,
    findings: list[Finding] | None = None,
    *,
    checked: bool = False,
    stale: merge_choice.Stale | None = None,
    failing: list[Finding] | None = None,
    closed: GateClosed | None = None,
) -> HttpResponse:
    text = form["text"].value() or ""
    context = {
        "form": form,
        "stale": stale,
        "places": stale.merge.places(request.POST.dict()) if stale and stale.merge else [],
        "findings": findings or [],
        "failing": failing or [],
        "mark": _mark(form.cleaned_data["text"]) if failing else "",
        "checked": checked,
        "may_override": closed is not None and request.user.has_perm(gate.OVERRIDE),
        "override": request.POST.get("_override", ""),
        "hidden_characters": visible(text.replace("\r\n", "\n")) != text.replace("\r\n", "\n"),
        "title": f"Publish a new version of {script}",
        "file": _file_beside(script, script.active_version),
    }
    if failing:
        return _page(admin, request, script, "publish", context, 409)
    status = 200 if not form.errors and not findings else 422 if request.method == "POST" and form.errors else 200
    return _page(admin, request, script, "publish", context, status)


def rollback_view(admin: ModelAdmin[Script], request: HttpRequest, script: Script, number: int) -> HttpResponseBase:
    """GET asks for the reason; POST re-activates the version."""
    version = script.versions.filter(number=number).first()
    if version is None:
        raise Http404(f"{script} has no version {number}.")
    form, may_override = ReasonForm(request.POST or None), False
    if request.method == "POST" and form.is_valid():
        how: dict[str, Any] = {
            "actor": request.user,
            "reason": form.cleaned_data["reason"],
            "at_gate": _at_gate(request),
        }
        try:
            activation = with_evidence(
                lambda: publishing.rollback(script, number, **how), user=request.user.get_username()
            )
        except AlreadyActive as already:
            messages.info(request, f"{script}: {already}.")
            return redirect(url_of(script))
        except OverrideForbidden as forbidden:
            raise PermissionDenied(str(forbidden)) from None
        except PublishRefused as refusal:
            form.add_error(None, str(refusal))
            may_override = isinstance(refusal, GateClosed) and request.user.has_perm(gate.OVERRIDE)
        except SupervisorError as error:
            form.add_error(None, f"The version could not be checked or replayed: {error}")
        else:
            messages.success(request, f"{version} is live again.")
            _tell_evidence(request, activation)
            _tell_of_file(request, script)
            return redirect(url_of(script))
    is_default = version == script.default_version
    title = f"Revert {script} to its embedded default" if is_default else f"Roll {script} back to v{number}"
    return _page(
        admin,
        request,
        script,
        "rollback",
        {
            "form": form,
            "version": version,
            "title": title,
            "file": _file_beside(script, version),
            "may_override": may_override,
            "override": request.POST.get("_override", ""),
        },
    )


def confirm_extraction(admin: ModelAdmin[Script], request: HttpRequest, script: Script) -> HttpResponse:
    """Asks which text is to be written: the embedded default, or what runs now."""
    folder = scripts_dir() / script.module
    return _page(
        admin,
        request,
        script,
        "extract",
        {"folder": folder, "file": _file_beside(script, script.active_version), "title": f"Extract {script} to disk"},
    )


def _page(
    admin: ModelAdmin[Script],
    request: HttpRequest,
    script: Script,
    name: str,
    context: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    shared = {**admin.admin_site.each_context(request), "opts": Script._meta, "script": script}
    request.current_app = admin.admin_site.name
    return TemplateResponse(request, f"admin/scripting/script/{name}.html", {**shared, **context}, status=status)
