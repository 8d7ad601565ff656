"""Policies of the gate: what a change must show before it goes live, of the whole site, a module or a script."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from scripting.admin.base import CheckedAdmin
from scripting.admin.forms import NO_REASON
from scripting.insight.display import badge
from scripting.insight.times import moment
from scripting.models import SHARED, GatePolicy, Script
from scripting.modules.installed import modules
from scripting.registry import lifecycle
from scripting.registry.gate_policies import Approval, Mode, set_policy

LIMITS = ("max_failing", "max_refused", "max_left", "max_changed", "max_red")
REVIEW = ("approval", "alone")
PLAYS = ("play_limits", "plays")
FIELDS = ("mode", "last", *LIMITS, *PLAYS, *REVIEW)
MODES = {
    Mode.FOLLOW: "Follow: as the module's policy says, or the site's",
    Mode.OFF: "Off: nothing is asked",
    Mode.ADVISE: "Advise: show what replay and cases find, keep it, and stop nothing",
    Mode.REQUIRE: "Require: nothing goes live that exceeds the limits below, unless somebody may override and says why",
}
APPROVALS = {
    Approval.NONE: "Nobody's",
    Approval.ABOVE: "Of what has more effect than below, as the replay measures it",
    Approval.ALWAYS: "Of every change",
}
SITE = "*"
"""The whole site among what a policy may be for: an empty choice would be refused as missing."""
COLOURS = {Mode.REQUIRE: "success", Mode.ADVISE: "info", Mode.OFF: "warning"}


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg] # at run time it takes none
    """A policy, and why it is made or changed."""

    scope = forms.ChoiceField(label="For", widget=UnfoldAdminSelectWidget, help_text="The narrowest policy counts.")
    mode = forms.ChoiceField(choices=list(MODES.items()), widget=UnfoldAdminSelectWidget, initial=Mode.ADVISE)
    approval = forms.ChoiceField(choices=list(APPROVALS.items()), widget=UnfoldAdminSelectWidget, initial=Approval.NONE)
    reason = forms.CharField(
        max_length=lifecycle.LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Why: shown in the history for good"}),
        error_messages={"required": NO_REASON},
    )

    class Meta:
        model = GatePolicy
        fields = FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "scope" in self.fields:
            self.fields["scope"].choices = _scopes()  # type: ignore[attr-defined]

    def clean(self) -> None:
        super().clean()
        scope = self.cleaned_data.get("scope")
        if scope is None or self.errors:
            return
        module, _, name = ("" if scope == SITE else scope).partition("/")
        self.instance.module, self.instance.name = module, name
        if GatePolicy.objects.filter(module=module, name=name).exists():
            self.add_error("scope", "It has a policy already: change that one.")


def _scopes() -> list[tuple[str, str]]:
    """Everything that a policy may be for, and has none yet."""
    taken = set(GatePolicy.objects.values_list("module", "name"))
    scripts = Script.objects.in_use().exclude(module=SHARED).order_by("module", "name")
    everything = [
        ("", ""),
        *((module.name, "") for module in modules),
        *scripts.values_list("module", "name"),
    ]
    free = [scope for scope in everything if scope not in taken]
    return [("/".join(filter(None, scope)) or SITE, GatePolicy(module=scope[0], name=scope[1]).scope) for scope in free]


@admin.register(GatePolicy)
class GatePolicyAdmin(CheckedAdmin):
    form = PolicyForm
    list_display = ("of_what", "says", "limits", "latest")
    list_display_links = ("of_what",)
    ordering = ("module", "name")
    sortable_by = ()
    actions = None
    readonly_fields = ("of_what", "told")
    warn_unsaved_form = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_change_permission(request))

    def has_delete_permission(self, request: HttpRequest, obj: GatePolicy | None = None) -> bool:
        return False  # `follow` does the same, and the history stays

    def get_fieldsets(self, request: HttpRequest, obj: GatePolicy | None = None) -> Any:
        may = self.has_change_permission(request, obj)
        scope, reason = ("of_what",) if obj else ("scope",), ("reason",) if may else ()
        told = ("told",) if obj else ()
        return (
            (None, {"fields": (*scope, "mode")}),
            ("It passes with at most", {"fields": LIMITS}),
            ("Approval of somebody else", {"fields": REVIEW}),
            ("Of", {"fields": ("last",)}),
            ("Whole plays, where the module simulates them", {"fields": PLAYS}),
            ("Why", {"fields": (*reason, *told)}),
        )

    def get_form(self, request: HttpRequest, obj: GatePolicy | None = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change, **kwargs)
        if obj is not None:
            made.base_fields.pop("scope", None)
        return made

    def save_model(self, request: HttpRequest, obj: GatePolicy, form: Any, change: bool) -> None:
        assert request.user.is_authenticated
        given = {name: form.cleaned_data[name] for name in FIELDS}
        saved = set_policy(obj.module, obj.name, actor=request.user, reason=form.cleaned_data["reason"], **given)
        obj.pk = saved.pk

    @admin.display(description="for")
    def of_what(self, policy: GatePolicy) -> str:
        return policy.scope

    @admin.display(description="mode")
    def says(self, policy: GatePolicy) -> SafeString:
        return badge(policy.get_mode_display(), COLOURS.get(Mode(policy.mode), ""))

    @admin.display(description="passes with")
    def limits(self, policy: GatePolicy) -> str:
        if policy.mode == Mode.FOLLOW:
            return "—"
        limits = "" if policy.mode == Mode.OFF else policy.in_words
        return "; ".join(filter(None, (limits, policy.approval_in_words))) or "—"

    @admin.display(description="last change")
    def latest(self, policy: GatePolicy) -> SafeString:
        return _told([policy.history.select_related("history_user").latest()])

    @admin.display(description="history")
    def told(self, policy: GatePolicy) -> SafeString:
        return _told(policy.history.select_related("history_user").order_by("-history_id")[:50])


def _told(records: Any) -> SafeString:
    return format_html_join(
        "",
        "<div>{}: {}, {} <q>{}</q></div>",
        (
            (moment(each.history_date), each.get_mode_display(), each.history_user or "by a command", each.history_change_reason)
            for each in records
        ),
    )  # fmt: skip
