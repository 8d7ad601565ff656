"""Which scripts run on which topic, as it came to be: read here, changed on the topics' pages."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from scripting.admin.base import ReadOnlyAdmin
from scripting.insight.addresses import address_of
from scripting.insight.times import moment
from scripting.models import SubscriptionActivation


@admin.register(SubscriptionActivation)
class SubscriptionActivationAdmin(ReadOnlyAdmin):
    list_display = ("at", "of_topic", "runs", "actor", "reason")
    list_display_links = ("at",)
    search_fields = ("topic", "reason")
    fields = ("of_topic", "runs", "actor", "reason", "at")
    readonly_fields = ("of_topic", "runs", "at")

    def has_view_permission(self, request: HttpRequest, obj: SubscriptionActivation | None = None) -> bool:
        return bool(request.user.has_perm("scripting.view_script"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubscriptionActivation]:
        return super().get_queryset(request).select_related("chosen", "actor")  # type: ignore[no-any-return]

    @admin.display(description="when")
    def at(self, activation: SubscriptionActivation) -> SafeString:
        return moment(activation.created_at)

    @admin.display(description="topic")
    def of_topic(self, activation: SubscriptionActivation) -> SafeString:
        where = address_of("workbench:topic", activation.topic)
        return format_html('<a class="goby-link" href="{}">{}</a>', where, activation.topic)

    @admin.display(description="runs")
    def runs(self, activation: SubscriptionActivation) -> str:
        """The scripts in their order; those that are switched off in parentheses."""
        if activation.chosen is None:
            return "as the code says"
        entries = activation.chosen.entries
        labels = (f"{each['module']}/{each['script']}" for each in entries)
        said = (label if each["enabled"] else f"({label})" for label, each in zip(labels, entries, strict=True))
        return f"{activation.chosen.number}: {', '.join(said) or 'nobody'}"
