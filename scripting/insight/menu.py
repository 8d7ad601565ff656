"""Menu entries of the engine and its style sheets: a site composes its menu of them; our pages have one where it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.templatetags.static import static

from scripting.insight.addresses import address_of
from scripting.modules.installed import modules
from scripting.registry import reviews

_waiting: WeakKeyDictionary[HttpRequest, int] = WeakKeyDictionary()


def palette(request: HttpRequest) -> str:
    """Our colours, over the theme's own."""
    return static("scripting/theme.css")


def stylesheet(request: HttpRequest) -> str:
    """Our part of the look."""
    return static("scripting/admin.css")


# -- entries -------------------------------------------------------------------------------------------------------------


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """A whole menu: where we are, scripts and what became of them, the people of the site."""
    app, model = get_user_model()._meta.label_lower.split(".")
    people = [
        of_model("Users", "person", f"{app}_{model}", f"{app}.view_{model}"),
        of_model("Groups", "group", "auth_group", "auth.view_group"),
    ]
    return [
        {"items": [overview(), *live_pages()]},
        *scripting_groups(request),
        {"title": "Site", "separator": True, "items": people},
    ]


def overview() -> dict[str, Any]:
    """The admin's first page; every other lies below its address."""
    return {**item("Overview", "dashboard", address_of("admin:index")), "active": _is_overview}


def live_pages(icon: str = "visibility") -> list[dict[str, Any]]:
    """The live page of each module that has one on this site."""
    pages = [module.live_page for module in modules if module.live_page]
    # Other pages may lie below its address, so it would seem to be the one that is open.
    return [{**item(page.title, icon, link), "active": _never} for page in pages if (link := address_of(page.view))]


def scripting_groups(request: HttpRequest | None = None) -> list[dict[str, Any]]:
    """Scripts and what became of them, by what one wants to do; each item only for who may see it.

    With a request, reviews that wait are counted.
    """
    waiting = request is not None and waiting_reviews(request)
    rules = [
        _page("Scripts", "edit_note", "workbench:scripts", "scripting.view_script"),
        _page("Tune", "tune", "workbench:tunable", "scripting.tune_script"),
        _page("Events", "hearing", "workbench:topics", "scripting.view_script"),
        _page("Schedules", "schedule", "workbench:schedules", "scripting.view_script"),
        {
            **_page("Reviews", "rate_review", "workbench:reviews", "scripting.view_script"),
            **({"badge": "scripting.insight.menu.reviews_badge"} if waiting else {}),
        },
        _page("Branch", "commit", "workbench:git", "scripting.view_script"),
    ]
    happened = [
        _page("Dashboard", "monitoring", "admin:scripting_execution_figures", "scripting.view_execution"),
        {
            **of_model("Executions", "play_circle", "scripting_execution", "scripting.view_execution"),
            "active": _on_executions,
        },
        of_model("Errors", "error", "scripting_errorgroup", "scripting.view_errorgroup"),
        of_model("Activations", "published_with_changes", "scripting_activation", "scripting.view_activation"),
        of_model("Versions", "difference", "scripting_scriptversion", "scripting.view_scriptversion"),
        _page("Receipts", "receipt_long", "admin:scripting_execution_receipts", "scripting.view_execution"),
    ]
    operation = [
        _page("Processes", "memory", "processes", "scripting.view_script"),
        of_model("Alerts", "notifications_active", "scripting_alert", "scripting.view_alert"),
        of_model("Alert rules", "rule", "scripting_alertrule", "scripting.view_alertrule"),
        of_model("Receivers", "send", "scripting_alertreceiver", "scripting.view_alertreceiver"),
        of_model("Messages", "outgoing_mail", "scripting_alertmessage", "scripting.view_alertmessage"),
        _page("Dead letters", "inbox", "admin:scripting_execution_letters", "scripting.change_outboxevent"),
    ]
    policy = [
        of_model("Limits and switches", "toggle_on", "scripting_script", "scripting.view_script"),
        of_model("Gate", "door_front", "scripting_gatepolicy", "scripting.view_gatepolicy"),
        of_model("API tokens", "key", "scripting_apitoken", "scripting.view_apitoken"),
    ]
    titled = (("Rules", rules), ("What happened", happened), ("Operation", operation), ("Policy", policy))
    return [{"title": title, "separator": True, "items": items} for title, items in titled]


def waiting_reviews(request: HttpRequest) -> int:
    """How many reviews this person may answer now: counted once a request, as the parts of a page ask one after the other."""
    count = _waiting.get(request)
    if count is None:
        count = _waiting[request] = reviews.count_waiting(request.user)
    return count


def reviews_badge(request: HttpRequest) -> str:
    """The count beside the entry."""
    return str(waiting_reviews(request))


def note_lines(request: HttpRequest) -> list[dict[str, str]]:
    """Messages about reviews that this person has not opened, newest first: words, and where each leads."""
    if not request.user.is_authenticated or not address_of("workbench:reviews"):
        return []
    return [
        {"words": f"{words}: {review}", "link": address_of("workbench:review", review.pk)}
        for words, review in reviews.unread(request.user)[:3]
    ]


def item(title: str, icon: str, link: Any) -> dict[str, Any]:
    """An entry of the menu that everybody sees."""
    return {"title": title, "icon": icon, "link": link}


def _page(title: str, icon: str, view: str, permission: str) -> dict[str, Any]:
    """An entry that leads to a page of ours."""
    return {**item(title, icon, address_of(view)), "permission": permitted(permission)}


def of_model(title: str, icon: str, model: str, permission: str) -> dict[str, Any]:
    """An entry that leads to the list of a model, such as `auth_user`."""
    link = address_of(f"admin:{model}_changelist")
    return {**item(title, icon, link), "permission": permitted(permission)}


def title_of(address: str, groups: Iterable[dict[str, Any]]) -> str:
    """The title of the entry that leads there, which is the page's too; empty without one."""
    entries = (entry for group in groups for entry in group["items"])
    return next((entry["title"] for entry in entries if str(entry["link"]) == address), "")


def permitted(*permissions: str) -> Callable[[HttpRequest], bool]:
    """Shows an entry to who has all of these."""
    return lambda request: bool(request.user.has_perms(permissions))


def _never(request: HttpRequest) -> bool:
    return False


def _is_overview(request: HttpRequest) -> bool:
    return request.path == address_of("admin:index")


def _on_executions(request: HttpRequest) -> bool:
    """Their list or the page of one; dashboard and dead letters lie below the same address and are items of their own."""
    at = address_of("admin:scripting_execution_changelist")
    return request.path.startswith(at) and not request.path.startswith(
        (f"{at}figures/", f"{at}dead-letters/", f"{at}receipts/")
    )


# -- our own menu --------------------------------------------------------------------------------------------------------


def themed(request: HttpRequest) -> dict[str, Any]:
    """Template context that the theme would give a page, for Django's own admin."""
    groups = navigation(request)
    for group in groups:
        group["items"] = [entry for entry in group["items"] if entry["link"]]
        for entry in group["items"]:
            entry["has_permission"] = entry["permission"](request) if "permission" in entry else True
            is_here = entry.get("active", _is_below(entry["link"]))
            entry["active"] = is_here(request)
            if "badge" in entry:
                entry["badge_callback"] = reviews_badge(request)
    return {
        "sidebar_navigation": [group for group in groups if any(entry["has_permission"] for entry in group["items"])],
        "styles": [palette(request), stylesheet(request)],
        "site_icon": static("scripting/icon.svg"),
    }


def _is_below(link: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.path.startswith(link)
