"""Schedules: made and changed here, each change with a reason; the next times are shown before anything is saved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from scripting import clock
from scripting.admin.base import CheckedAdmin
from scripting.admin.forms import NO_REASON
from scripting.insight.addresses import address_of
from scripting.insight.display import badge
from scripting.insight.times import moment
from scripting.models import SHARED, Schedule, Script
from scripting.modules.topics import topics
from scripting.schedules import keeping
from scripting.schedules.due import zone_named
from scripting.schedules.keeping import ScheduleRefused, cadence_of

PREVIEWED = 5
"""Times that a preview shows."""
VIEW, PUBLISH = "scripting.view_script", "scripting.publish_script"


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg] # at run time it takes none
    """The settings of a schedule, and the reason. Asked for a preview it is not saved, whatever it holds."""

    topic = forms.ChoiceField(label="Event", required=False, widget=UnfoldAdminSelectWidget)
    payload = forms.JSONField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text="What the event carries, or the script gets: an object.",
    )
    reason = forms.CharField(
        required=False,
        max_length=keeping.LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Why: shown in the history for good"}),
    )

    class Meta:
        model = Schedule
        fields = keeping.FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.preview: list[datetime] = []
        known = [("", "—"), *((topic.name, f"{topic.name}: {topic.description}") for topic in topics)]
        if "script" in self.fields:
            self.fields["topic"].choices = known  # type: ignore[attr-defined]
            script = self.fields["script"]
            script.queryset = Script.objects.in_use().exclude(module=SHARED).order_by("module", "name")  # type: ignore[attr-defined]

    @property
    def asks_for_preview(self) -> bool:
        return "_preview" in self.data

    def clean_payload(self) -> Any:
        return self.cleaned_data["payload"] or {}

    def clean_reason(self) -> str:
        reason = str(self.cleaned_data["reason"])
        if not reason.strip() and not self.asks_for_preview:
            raise ValidationError(NO_REASON)
        return reason

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc] # not in the stubs
        self.errors.pop(NON_FIELD_ERRORS, None)  # the database's constraints: `keeping.check` says the same in words
        if self.errors:
            return
        now = clock.now()
        self.instance.begins_at = self.instance.begins_at or now.replace(microsecond=0)
        try:
            keeping.check(self.instance)
        except ScheduleRefused as wrong:
            self.add_error(
                wrong.field if wrong.field in self.fields else None, f"{str(wrong)[:1].upper()}{str(wrong)[1:]}."
            )
            return
        if self.asks_for_preview:
            self.preview = cadence_of(self.instance).upcoming(now, PREVIEWED)

    def is_valid(self) -> bool:
        return super().is_valid() and not self.asks_for_preview


@admin.register(Schedule)
class ScheduleAdmin(CheckedAdmin):
    form = ScheduleForm
    list_display = ("name", "at_times", "in_zone", "does", "is_on", "next_time", "last_run")
    list_filter = ("enabled",)
    search_fields = ("name", "topic", "script__name")
    ordering = ("name",)
    sortable_by = ()
    actions = None
    readonly_fields = ("next_times", "kept_at", "told")
    warn_unsaved_form = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        return super().get_queryset(request).select_related("script")  # type: ignore[no-any-return]

    def has_view_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        return bool(request.user.has_perm(VIEW))

    def has_change_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        return bool(request.user.has_perm(VIEW) and request.user.has_perm(PUBLISH))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_change_permission(request))

    def has_delete_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        return False  # pausing does the same, and the history stays

    def get_fieldsets(self, request: HttpRequest, obj: Schedule | None = None) -> Any:
        reason = ("reason",) if self.has_change_permission(request, obj) else ()
        return (
            (None, {"fields": ("name",)}),
            ("When", {"fields": ("cron", "seconds", "zone", "next_times")}),
            ("What", {"fields": ("topic", "script", "payload", "key")}),
            ("Missed and overlapping times", {"fields": ("missed", "most", "overlap")}),
            ("Why", {"fields": (*reason, *(("kept_at", "told") if obj else ()))}),
        )

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        given = {name: form.cleaned_data[name] for name in keeping.FIELDS}
        reason, actor = form.cleaned_data["reason"], request.user
        assert actor.is_authenticated
        if change:
            keeping.change(obj.pk, actor=actor, reason=reason, **given)
        else:
            obj.pk = keeping.create(actor=actor, reason=reason, **given).pk

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        form = context["adminform"].form
        if preview := getattr(form, "preview", []):
            messages.info(
                request, format_html("Nothing is saved yet. It would be due {}", _listed(form.instance, preview))
            )
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[no-any-return]

    @admin.display(description="times")
    def at_times(self, schedule: Schedule) -> str:
        return schedule.times

    @admin.display(description="zone")
    def in_zone(self, schedule: Schedule) -> str:
        return schedule.zone if schedule.cron else "—"

    @admin.display(description="does")
    def does(self, schedule: Schedule) -> str:
        return f"publishes {schedule.topic}" if schedule.topic else f"runs {schedule.script}"

    @admin.display(description="state")
    def is_on(self, schedule: Schedule) -> SafeString:
        return badge("on", "success") if schedule.enabled else badge("paused", "warning")

    @admin.display(description="next")
    def next_time(self, schedule: Schedule) -> SafeString:
        return moment(schedule.next_due if schedule.enabled else None)

    @admin.display(description="last")
    def last_run(self, schedule: Schedule) -> SafeString:
        last = schedule.runs.first()
        return format_html("{} {}", moment(last.due_at), last.state) if last else SafeString("—")

    @admin.display(description="next times")
    def next_times(self, schedule: Schedule) -> SafeString:
        button = SafeString('<button type="submit" class="goby-button goby-plain" name="_preview" value="1" formnovalidate>Show the next five times</button>')  # fmt: skip
        if not schedule.pk:
            return button
        upcoming = cadence_of(schedule).upcoming(max(schedule.settled_until, clock.now()), PREVIEWED)
        return format_html("{}{}", _listed(schedule, upcoming), button)

    @admin.display(description="runs")
    def kept_at(self, schedule: Schedule) -> SafeString:
        where = address_of("workbench:schedule", schedule.pk)
        return format_html('<a href="{}">What ran, run now, pause</a>', where) if where else SafeString("—")

    @admin.display(description="history")
    def told(self, schedule: Schedule) -> SafeString:
        return format_html_join(
            "",
            "<div>{}: {} <q>{}</q></div>",
            (
                (moment(each.history_date), each.history_user or "by a command", each.history_change_reason)
                for each in schedule.history.select_related("history_user").order_by("-history_id")[:50]
            ),
        )


def _listed(schedule: Schedule, times: list[datetime]) -> SafeString:
    """Times by the schedule's clocks, each with the site's and, when it is pointed at, the reader's."""
    zone = zone_named(schedule.zone)
    local = (at.astimezone(zone) for at in times)
    return format_html(
        "<ol>{}</ol>",
        format_html_join(
            "",
            "<li><code>{} {}</code> ({})</li>",
            ((f"{at:%a} {at.replace(tzinfo=None)}", _offset(at), moment(at)) for at in local),
        ),
    )


def _offset(at: datetime) -> str:
    """`+02:00`, which tells the two hours of one name apart."""
    return at.isoformat()[-6:] if at.utcoffset() != timedelta() else "UTC"
