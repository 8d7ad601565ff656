"""The frame that insight's pages share: the admin's look, and the permissions they ask for."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from scripting.insight import menu, replica

VIEW = "scripting.view_execution"
STOP = "scripting.cancel_execution"
LETTERS = "scripting.change_outboxevent"
"""To see dead letters and put them back: events on their way, which may hold what their topics call sensitive."""


def demand(request: HttpRequest, permission: str) -> None:
    """Raises PermissionDenied, naming what is missing."""
    if not request.user.has_perm(permission):
        raise PermissionDenied(f"This needs the permission {permission}.")


def admin_page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A page in the frame of the admin."""
    return render(request, template, {**frame_context(request), **context}, status=status)


def frame_context(request: HttpRequest) -> dict[str, Any]:
    """Template context of the frame around every page."""
    context = admin.site.each_context(request) | {"notes": menu.note_lines(request), "source": replica.source.get()}
    return context if "sidebar_navigation" in context else context | menu.themed(request)
