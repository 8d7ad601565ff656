"""Links from one record of the admin to another."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from scripting.models import Execution, Script, ScriptVersion


def script_link(script: Script) -> SafeString:
    return format_html('<a class="goby-link" href="{}">{}</a>', url_of(script), script)


def version_link(version: ScriptVersion | None) -> SafeString:
    """`v3`; the script is named beside it."""
    if version is None:
        return SafeString("—")
    return format_html('<a class="goby-link" href="{}">v{}</a>', url_of(version), version.number)


def url_of(record: Script | ScriptVersion | Execution) -> str:
    """The admin page of a record."""
    return reverse(f"admin:scripting_{record._meta.model_name}_change", args=[record.pk])


def list_url(model: type[Any], **filters: object) -> str:
    """A list of the admin, filtered."""
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    url = reverse(f"admin:scripting_{model._meta.model_name}_changelist")
    return f"{url}?{query}" if query else url
