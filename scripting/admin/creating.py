"""A new script from the browser: named here, and running once its first text is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from scripting.admin.links import url_of
from scripting.admin.publishing import ReasonForm
from scripting.conf import conf
from scripting.models import SHARED, Script
from scripting.modules.scriptable import modules
from scripting.registry import lifecycle

if TYPE_CHECKING:
    from scripting.admin.scripts import ScriptAdmin


class CreateForm(ReasonForm):
    """Where the script belongs, what it is called, and what it is for."""

    module = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    name = forms.CharField(
        max_length=64,
        widget=UnfoldAdminTextInputWidget(
            attrs={"spellcheck": "false", "autocapitalize": "off", "placeholder": "a-z, 0-9 and _, a letter first"}
        ),
        error_messages={"required": "Name the script."},
    )
    field_order = ("module", "name", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, longest=lifecycle.LONGEST_REASON, **kwargs)
        names = [module.name for module in modules]
        choices = [(name, name) for name in names] + [(SHARED, f"{SHARED} (helpers that scripts import)")]
        self.fields["module"].choices = choices  # type: ignore[attr-defined]


def create_view(admin: ScriptAdmin, request: HttpRequest) -> HttpResponseBase:
    """GET asks; POST makes the script and goes on to the page that publishes its first text."""
    form = CreateForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        data = form.cleaned_data
        try:
            script = lifecycle.create(data["module"], data["name"], actor=request.user, reason=data["reason"])  # type: ignore[arg-type]
        except lifecycle.ChangeRefused as refusal:
            form.add_error("name", f"{refusal}.")
        else:
            messages.success(request, f"{script} is there. It runs once a text is published.")
            if not conf.SCRIPTING_BROWSER_PUBLISH:
                return redirect(url_of(script))
            return redirect(reverse("admin:scripting_script_publish", args=[script.pk]))
    context = {
        **admin.admin_site.each_context(request),
        "opts": Script._meta,
        "form": form,
        "title": "Create a script",
    }
    request.current_app = admin.admin_site.name
    return TemplateResponse(request, "admin/scripting/script/create.html", context, status=422 if form.errors else 200)
