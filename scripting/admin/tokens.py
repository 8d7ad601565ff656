"""Tokens of the HTTP API: who has which, made and revoked with a reason. A token's text is shown once, where it is made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from scripting import clock
from scripting.access import tokens
from scripting.access.tokens import LIFETIME, LONGEST, MOST_A_MINUTE, Wanted, WrongToken
from scripting.admin.base import ReadOnlyAdmin
from scripting.admin.forms import NO_REASON, ReasonForm
from scripting.insight.display import badge
from scripting.insight.times import moment
from scripting.models import Action, ApiToken

STATES = {"valid": "success", "expired": "warning", "revoked": "danger"}
LONGEST_REASON = 90


class TokenForm(forms.Form):
    """A token for the person who asks for it."""

    name = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget(),
        help_text="The machine that will use it: “ci of the rules”.",
    )
    actions = forms.MultipleChoiceField(
        label="What it may do",
        choices=[(each.value, each.label) for each in Action],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    scripts = forms.CharField(
        initial="*/*",
        widget=UnfoldAdminTextInputWidget(),
        help_text="Patterns of module/script with spaces between: tavern/* shared/*.",
    )
    networks = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Networks that it may come from: 10.0.0.0/8. Empty: anywhere.",
    )
    days = forms.IntegerField(
        label="Days", min_value=1, max_value=LONGEST.days, initial=LIFETIME.days, widget=UnfoldAdminTextInputWidget()
    )
    per_minute = forms.IntegerField(
        label="Requests in a minute",
        required=False,
        min_value=1,
        max_value=MOST_A_MINUTE,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Empty: what the site allows.",
    )
    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Why: kept with the token for good"}),
        error_messages={"required": NO_REASON},
    )

    def wanted(self, user: Any) -> Wanted:
        given = self.cleaned_data
        return Wanted(
            given["name"],
            user,
            given["actions"],
            given["scripts"].split(),
            given["networks"].split(),
            timedelta(days=given["days"]),
            given["per_minute"],
        )


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "name", "user", "current", "what", "for_scripts", "expires", "used")
    search_fields = ("name", "public_id")
    list_filter = ()
    fields = ("public_id", "name", "user", "current", "what", "for_scripts", "comes_from", "expires", "used", "told")
    readonly_fields = ("public_id", "current", "what", "for_scripts", "comes_from", "expires", "used", "told")
    change_form_template = "admin/scripting/apitoken/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        return super().get_queryset(request).select_related("user")  # type: ignore[no-any-return]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("scripting.add_apitoken"))

    def get_urls(self) -> list[URLPattern]:
        revoke = path("<int:token>/revoke/", self.admin_site.admin_view(self.revoke), name="scripting_apitoken_revoke")
        return [revoke, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """The form; POST makes the token and shows it, this once."""
        if not self.has_add_permission(request):
            raise PermissionDenied("Making tokens needs the permission scripting.add_apitoken.")
        form = TokenForm(request.POST if request.method == "POST" else None)
        made = None
        if form.is_valid():
            try:
                made = tokens.make(form.wanted(request.user), actor=request.user, reason=form.cleaned_data["reason"])
            except WrongToken as wrong:
                form.add_error(None, f"{wrong}.")
        context = {"form": form, "token": made[0] if made else None, "text": made[1] if made else ""}
        return self._page(request, "add.html", "API token" if made else "New API token", context, bool(form.errors))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        token = self.get_object(request, object_id)
        may = token is not None and token.revoked_at is None and request.user.has_perm("scripting.change_apitoken")
        address = reverse("admin:scripting_apitoken_revoke", args=[token.pk]) if may and token else ""
        return super().change_view(request, object_id, form_url, {"revoke": address, **(extra_context or {})})  # type: ignore[no-any-return]

    def revoke(self, request: HttpRequest, token: int) -> HttpResponseBase:
        """GET asks for the reason; POST revokes."""
        if not request.user.has_perm("scripting.change_apitoken"):
            raise PermissionDenied("Revoking tokens needs the permission scripting.change_apitoken.")
        found = ApiToken.objects.filter(pk=token).first()
        if found is None:
            raise Http404("There is no such token.")
        form = ReasonForm(request.POST if request.method == "POST" else None, longest=LONGEST_REASON)
        if form.is_valid():
            try:
                tokens.revoke(found, actor=request.user, reason=form.cleaned_data["reason"])
            except WrongToken as wrong:
                form.add_error(None, f"{wrong}.")
            else:
                messages.success(request, f"{found} is revoked.")
                return redirect("admin:scripting_apitoken_change", found.pk)
        return self._page(request, "revoke.html", f"Revoke {found}", {"form": form, "token": found}, bool(form.errors))

    def _page(
        self, request: HttpRequest, template: str, title: str, context: dict[str, Any], refused: bool
    ) -> TemplateResponse:
        request.current_app = self.admin_site.name
        more = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **context}
        response = TemplateResponse(
            request, f"admin/scripting/apitoken/{template}", more, status=422 if refused else 200
        )
        response["Cache-Control"] = "no-store"
        return response

    @admin.display(description="state")
    def current(self, token: ApiToken) -> SafeString:
        state = token.state(clock.now())
        return badge(state, STATES[state])

    @admin.display(description="may")
    def what(self, token: ApiToken) -> str:
        return ", ".join(token.actions)

    @admin.display(description="scripts")
    def for_scripts(self, token: ApiToken) -> str:
        return ", ".join(token.scripts)

    @admin.display(description="networks")
    def comes_from(self, token: ApiToken) -> str:
        return ", ".join(token.networks) or "anywhere"

    @admin.display(description="until")
    def expires(self, token: ApiToken) -> SafeString:
        return moment(token.expires_at)

    @admin.display(description="last used")
    def used(self, token: ApiToken) -> SafeString | str:
        return moment(token.last_used_at) if token.last_used_at else "never"

    @admin.display(description="history")
    def told(self, token: ApiToken) -> str:
        records = token.history.select_related("history_user").order_by("history_id")
        return "; ".join(f"{each.history_change_reason} ({each.history_user or 'by a command'})" for each in records)
