"""A new script from the browser: named here, and running once its first text is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from scripting.admin.forms import CreateForm
from scripting.admin.links import url_of
from scripting.conf import conf
from scripting.models import Script
from scripting.registry import lifecycle

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


def create_view(admin: ModelAdmin[Script], request: HttpRequest) -> HttpResponseBase:
    """GET asks; POST makes the script and goes on to the page that publishes its first text."""
    form = CreateForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        data = form.cleaned_data
        try:
            script = lifecycle.create(data["module"], data["name"], actor=request.user, reason=data["reason"])  # type: ignore[arg-type]
        except lifecycle.ChangeRefused as refusal:
            form.add_error("name", f"{refusal}.")
        else:
            messages.success(request, f"{script} created. Publish a version to use it.")
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
