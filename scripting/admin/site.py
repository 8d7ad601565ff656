"""The admin site's frame: our style sheet, and what a site's side bar may lead to. The site composes the side bar of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse, reverse_lazy

from scripting.modules.installed import modules


def stylesheet(request: HttpRequest) -> str:
    """Our part of the look."""
    return static("scripting/admin.css")


def overview() -> dict[str, Any]:
    """The admin's first page."""
    return item("Overview", "dashboard", reverse_lazy("admin:index"))


def live_pages(icon: str = "visibility") -> list[dict[str, Any]]:
    """The live page of each module that has one on this site."""
    found = []
    for page in (module.live_page for module in modules if module.live_page):
        try:
            link = reverse(page.view)
        except NoReverseMatch:
            continue
        # Other pages may lie below its address, so it would seem to be the one that is open.
        found.append({**item(page.title, icon, link), "active": _never})
    return found


def scripting_group() -> dict[str, Any]:
    """Scripts and what became of them; each item only for who may see it."""
    return {
        "title": "Scripting",
        "separator": True,
        "items": [
            item("Scripts", "edit_note", reverse_lazy("workbench:scripts")),
            of_model("Limits and switches", "tune", "scripting_script", "scripting.view_script"),
            of_model("Versions", "difference", "scripting_scriptversion", "scripting.view_scriptversion"),
            of_model("Activations", "published_with_changes", "scripting_activation", "scripting.view_activation"),
            {
                **item("Dashboard", "monitoring", reverse_lazy("admin:scripting_execution_figures")),
                "permission": permitted("scripting.view_execution"),
            },
            {
                **of_model("Executions", "play_circle", "scripting_execution", "scripting.view_execution"),
                "active": _on_executions,
            },
            of_model("Errors", "error", "scripting_errorgroup", "scripting.view_errorgroup"),
            {
                **item("Dead letters", "inbox", reverse_lazy("admin:scripting_execution_letters")),
                "permission": permitted("scripting.change_outboxevent"),
            },
        ],
    }


def item(title: str, icon: str, link: Any) -> dict[str, Any]:
    """An entry of the side bar that everybody sees."""
    return {"title": title, "icon": icon, "link": link}


def of_model(title: str, icon: str, model: str, permission: str) -> dict[str, Any]:
    """An entry that leads to the list of a model, such as `auth_user`."""
    link = reverse_lazy(f"admin:{model}_changelist")
    return {**item(title, icon, link), "permission": permitted(permission)}


def permitted(*permissions: str) -> Callable[[HttpRequest], bool]:
    """Shows an entry to who has all of these."""
    return lambda request: bool(request.user.has_perms(permissions))


def _never(request: HttpRequest) -> bool:
    return False


def _on_executions(request: HttpRequest) -> bool:
    """Their list or the page of one; dashboard and dead letters lie below the same address and are items of their own."""
    at = reverse("admin:scripting_execution_changelist")
    return request.path.startswith(at) and not request.path.startswith((f"{at}figures/", f"{at}dead-letters/"))
