"""Scripts switched off and on, pinned, retired and brought back, one or several: asked for with a reason, done by `upkeep`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from scripting.admin.forms import ReasonForm
from scripting.admin.links import url_of
from scripting.insight.display import badge
from scripting.models import Script
from scripting.registry import lifecycle

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


@dataclass(frozen=True)
class Switch:
    """One thing to do to a script as a whole."""

    name: str
    """As in addresses and names of actions."""
    label: str
    """On its button."""
    done: str
    """Said of the script afterwards; its entry in the history begins with it too."""
    means: str
    """The effect, told to the person who decides."""
    fits: Callable[[Script], bool]
    """Whether there is anything to do."""
    carry_out: Callable[..., None]
    """Raises ChangeRefused."""


SWITCHES = {
    switch.name: switch
    for switch in (
        Switch(
            "disable",
            "Disable",
            "disabled",
            "It is not run any longer: its events end as skipped and the module's built-in rule decides. Its versions and its file stay.",
            lambda script: script.enabled and script.retired_at is None,
            lifecycle.disable,
        ),
        Switch(
            "enable",
            "Enable",
            "enabled",
            "Its active version runs again, from the next event on.",
            lambda script: not script.enabled and script.retired_at is None,
            lifecycle.enable,
        ),
        Switch(
            "pin",
            "Pin",
            "pinned",
            "The active version stays when a release brings a new embedded default; the new one is stored and shown.",
            lambda script: not script.pinned and script.retired_at is None,
            lifecycle.pin,
        ),
        Switch(
            "unpin",
            "Unpin",
            "unpinned",
            "The next new embedded default is taken again. One that was passed over meanwhile is not: publish it.",
            lambda script: script.pinned and script.retired_at is None,
            lifecycle.unpin,
        ),
        Switch(
            "retire",
            "Retire",
            "retired",
            "It is not found any longer, its file is not taken, and lists leave it out. Its versions and executions stay, and it can be brought back.",
            lambda script: script.retired_at is None,
            lifecycle.retire,
        ),
        Switch(
            "bring_back",
            "Bring back",
            "brought back",
            "It is found again and runs on the version that was active when it was retired.",
            lambda script: script.retired_at is not None,
            lifecycle.bring_back,
        ),
    )
}


@dataclass(frozen=True)
class State:
    """One thing that sets a script apart from one that simply runs, for its page."""

    mark: SafeString
    means: str
    since: Any
    """The history record of the change, with who made it and why; None where it is not known."""

    @property
    def why(self) -> str:
        return (self.since.history_change_reason or "").partition(": ")[2] if self.since else ""


def states_of(script: Script) -> list[State]:
    """Reasons why a script does not run, or does not change."""
    found = []
    if script.retired_at is not None:
        means = "It is not found by what would run it, and its file is not taken."
        found.append(State(badge("retired", "danger"), means, _since(script, "retired")))
    if not script.enabled:
        means = "Its events end as skipped and the built-in rule decides."
        found.append(State(badge("disabled", "warning"), means, _since(script, "disabled")))
    if script.pinned:
        means = "The active version stays when a new embedded default ships."
        found.append(State(badge("pinned"), means, _since(script, "pinned")))
    return found


def _since(script: Script, done: str) -> Any:
    return script.history.filter(history_change_reason__startswith=f"{done}: ").order_by("-history_id").first()


def open_to(script: Script) -> list[Switch]:
    """Switches that apply to the script as it is now."""
    return [switch for switch in SWITCHES.values() if switch.fits(script)]


def switch_view(admin: ModelAdmin[Script], request: HttpRequest, script: Script, switch: Switch) -> HttpResponseBase:
    """GET asks for the reason; POST does it."""
    if not switch.fits(script):
        messages.info(
            request, f"{script} is {switch.done} already." if script.retired_at is None else _is_retired(script)
        )
        return redirect(url_of(script))
    return _ask(admin, request, [script], switch, "_confirmed" in request.POST, url_of(script))


def switch_selected(admin: ModelAdmin[Script], request: HttpRequest, chosen: Sequence[Script], switch: Switch) -> Any:
    """An action of the list: asks once for all that are selected. Those that there is nothing to do to are left out."""
    fitting = [script for script in chosen if switch.fits(script)]
    for script in chosen:
        if script not in fitting:
            messages.info(request, f"{script} is left out: it is {switch.done} already, or retired.")
    if not fitting:
        return None
    back = reverse("admin:scripting_script_changelist")
    return _ask(admin, request, fitting, switch, "_confirmed" in request.POST, back)


def _ask(
    admin: ModelAdmin[Script],
    request: HttpRequest,
    scripts: Sequence[Script],
    switch: Switch,
    confirmed: bool,
    back: str,
) -> HttpResponseBase:
    form = ReasonForm(request.POST if confirmed else None, longest=lifecycle.LONGEST_REASON)
    form.fields["reason"].widget.attrs["autofocus"] = True
    if confirmed and form.is_valid():
        refused = _carry_out(request, scripts, switch, form.cleaned_data["reason"])
        if not refused:
            return redirect(back)
        form.add_error(None, " ".join(refused))
    return _page(admin, request, scripts, switch, form, back)


def _carry_out(request: HttpRequest, scripts: Sequence[Script], switch: Switch, reason: str) -> list[str]:
    """Refused switches, with the reason."""
    refused = []
    for script in scripts:
        try:
            switch.carry_out(script, actor=request.user, reason=reason)
        except lifecycle.ChangeRefused as refusal:
            refused.append(f"{refusal}.")
        else:
            messages.success(request, f"{script} is {switch.done}.")
    return refused


def _page(
    admin: ModelAdmin[Script],
    request: HttpRequest,
    scripts: Sequence[Script],
    switch: Switch,
    form: ReasonForm,
    back: str,
) -> HttpResponse:
    context = {
        **admin.admin_site.each_context(request),
        "opts": Script._meta,
        "script": scripts[0] if len(scripts) == 1 else None,
        "chosen": scripts,
        "switch": switch,
        "form": form,
        "back": back,
        "action": request.POST.get("action", ""),
        "selected_name": ACTION_CHECKBOX_NAME,
        "title": f"{switch.label} {scripts[0] if len(scripts) == 1 else f'{len(scripts)} scripts'}",
    }
    request.current_app = admin.admin_site.name
    status = 422 if form.errors else 200
    return TemplateResponse(request, "admin/scripting/script/switch.html", context, status=status)


def _is_retired(script: Script) -> str:
    return f"{script} is retired: bring it back first."
