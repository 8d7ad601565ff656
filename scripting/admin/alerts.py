"""Alerts in the admin: what is wrong now, the rules that tell it, who is told, and the log of messages."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from scripting import clock
from scripting.admin.base import CheckedAdmin, ReadOnlyAdmin
from scripting.alerts import watching
from scripting.alerts.destination import Forbidden, parts_of
from scripting.insight.display import badge
from scripting.insight.times import moment
from scripting.models import Alert, AlertMessage, AlertReceiver, AlertRule
from scripting.modules.installed import modules

STATES = {"waiting": "warning", "delivered": "success", "given_up": "danger"}
Kind = AlertReceiver.Kind


class ReceiverForm(forms.ModelForm):  # type: ignore[type-arg] # at run time it takes none
    """A receiver; its secret is shown where it is new, and kept where the field stays empty."""

    class Meta:
        model = AlertReceiver
        fields = ("name", "kind", "address", "secret", "enabled", "quiet_from", "quiet_until", "zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "secret" in self.fields:
            self.fields["secret"].widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"})
            self.fields["secret"].show_hidden_initial = False  # what a callable default would have: it holds the secret
            self.fields["secret"].help_text = "Signs what a webhook gets. Empty: it stays as it is."

    def clean_secret(self) -> str:
        return self.cleaned_data["secret"] or (self.instance.secret if self.instance.pk else "")

    def clean_zone(self) -> str:
        zone: str = self.cleaned_data["zone"]
        try:
            ZoneInfo(zone)
        except (OSError, ValueError):
            raise ValidationError("There is no such time zone: write one such as Europe/Berlin.") from None
        return zone

    def clean(self) -> None:
        super().clean()
        address, kind = self.cleaned_data.get("address", ""), self.cleaned_data.get("kind")
        try:
            if kind == Kind.MAIL:
                for each in address.split(","):
                    validate_email(each.strip())
            elif address:
                parts_of(address)
        except (ValidationError, Forbidden) as wrong:
            self.add_error("address", str(wrong) if isinstance(wrong, Forbidden) else "Write e-mail addresses.")
        if (self.cleaned_data.get("quiet_from") is None) != (self.cleaned_data.get("quiet_until") is None):
            self.add_error("quiet_until", "Quiet hours have a beginning and an end.")


@admin.register(AlertReceiver)
class ReceiverAdmin(CheckedAdmin):
    form = ReceiverForm
    list_display = ("name", "kind", "enabled", "quiet", "last")
    actions = ("send_test",)
    change_form_template = "admin/scripting/alertreceiver/change_form.html"

    def save_model(self, request: HttpRequest, obj: AlertReceiver, form: Any, change: bool) -> None:
        obj._history_user = request.user
        super().save_model(request, obj, form, change)

    def response_change(self, request: HttpRequest, obj: AlertReceiver) -> HttpResponse:
        if "_test" not in request.POST:
            return super().response_change(request, obj)  # type: ignore[no-any-return]
        self.send_test(request, AlertReceiver.objects.filter(pk=obj.pk))
        return redirect(reverse("admin:scripting_alertreceiver_change", args=[obj.pk]))

    @admin.action(description="Send a test", permissions=["change"])
    def send_test(self, request: HttpRequest, chosen: QuerySet[AlertReceiver]) -> None:
        sent = watching.tell(chosen, AlertMessage.About.TEST, None, clock.now())
        messages.success(request, f"Tests are on their way: {len(sent)}. The log of messages says what came of them.")

    @admin.display(description="quiet hours")
    def quiet(self, receiver: AlertReceiver) -> str:
        if receiver.quiet_from is None or receiver.quiet_until is None:
            return "—"
        return f"{receiver.quiet_from:%H:%M} to {receiver.quiet_until:%H:%M}, {receiver.zone}"

    @admin.display(description="last message")
    def last(self, receiver: AlertReceiver) -> SafeString | str:
        message = receiver.messages.first()
        return "—" if message is None else badge(message.get_state_display(), STATES[message.state])


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A rule; modules are chosen, not typed."""

    module = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = AlertRule
        fields = ("name", "kind", "module", "script", "limit", "minutes", "least_runs", "receivers", "enabled")
        widgets = {"receivers": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "module" in self.fields:
            names = [module.name for module in modules]
            self.fields["module"].choices = [("", "every module"), *((name, name) for name in names)]  # type: ignore[attr-defined]


@admin.register(AlertRule)
class RuleAdmin(CheckedAdmin):
    form = RuleForm
    list_display = ("name", "kind", "of_what", "limit", "to", "enabled")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertRule]:
        return super().get_queryset(request).prefetch_related("receivers")  # type: ignore[no-any-return]

    def save_model(self, request: HttpRequest, obj: AlertRule, form: Any, change: bool) -> None:
        obj._history_user = request.user
        super().save_model(request, obj, form, change)

    @admin.display(description="of")
    def of_what(self, rule: AlertRule) -> str:
        return f"{rule.module or '*'}/{rule.script or '*'}"

    @admin.display(description="told to")
    def to(self, rule: AlertRule) -> str:
        return ", ".join(str(receiver) for receiver in rule.receivers.all()) or "nobody"


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ("words", "rule", "since", "until")
    list_select_related = ("rule",)
    fields = ("rule", "cause", "words", "since", "until")
    readonly_fields = ("since", "until")

    @admin.display(description="begun")
    def since(self, alert: Alert) -> str:
        return moment(alert.begun_at)

    @admin.display(description="over")
    def until(self, alert: Alert) -> SafeString | str:
        return badge("not yet", "danger") if alert.ended_at is None else moment(alert.ended_at)


@admin.register(AlertMessage)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("written", "receiver", "about", "told", "current", "attempts", "answer")
    list_select_related = ("receiver", "alert__rule")
    fields = ("written", "receiver", "about", "told", "current", "attempts", "answer", "next", "sent")
    readonly_fields = ("written", "told", "current", "next", "sent")

    @admin.display(description="written")
    def written(self, message: AlertMessage) -> str:
        return moment(message.created_at)

    @admin.display(description="alert")
    def told(self, message: AlertMessage) -> str:
        return str(message.alert or "—")

    @admin.display(description="state")
    def current(self, message: AlertMessage) -> SafeString:
        return badge(message.get_state_display(), STATES[message.state])

    @admin.display(description="next attempt")
    def next(self, message: AlertMessage) -> str:
        return moment(message.due_at) if message.state == AlertMessage.State.WAITING else "—"

    @admin.display(description="delivered")
    def sent(self, message: AlertMessage) -> str:
        return moment(message.delivered_at) if message.delivered_at else "—"
