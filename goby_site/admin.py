"""Users and groups in the theme of the admin, with the record of every change of what they may do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as StockGroupAdmin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from goby_site.accounts import permission_history
from scripting.admin.base import HistoryAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


class RecordedAdmin(HistoryAdmin):
    """Shows in words what each record changed; what was so once is not brought back by a button."""

    object_history_list_template = "goby_site/access_history.html"

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A form filled in with an old record has no use here: the list tells what each one changed."""
        return redirect(f"admin:auth_{self.opts.model_name}_history", object_id)

    def set_history_delta_changes(
        self, request: HttpRequest, historical_records: Iterable[Any], foreign_keys_are_objs: bool = True
    ) -> None:
        records = list(historical_records)
        for record, lines in zip(records, permission_history.lines_of(records), strict=True):
            record.lines = lines


@admin.register(User)
class UserAdmin(StockUserAdmin, RecordedAdmin):  # type: ignore[type-arg, misc] # in this order: the theme has empty `add_fieldsets`
    change_form_template = "admin/scripting/change_form.html"
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm

    def get_urls(self) -> list[URLPattern]:
        record = path("record/", self.admin_site.admin_view(self.record), name="auth_user_record")
        return [record, *super().get_urls()]

    def record(self, request: HttpRequest) -> HttpResponse:
        """Who changed whose permissions when, of all users and groups."""
        if not request.user.has_perms(["auth.view_user", "auth.view_group"]):
            raise PermissionDenied(
                "The record of permissions needs the permissions auth.view_user and auth.view_group."
            )
        context = {
            **self.admin_site.each_context(request),
            "title": "Record of permissions",
            "changes": permission_history.latest(),
        }
        return TemplateResponse(request, "goby_site/access_record.html", context)


@admin.register(Group)
class GroupAdmin(StockGroupAdmin, RecordedAdmin):  # type: ignore[misc]
    pass
