"""A breadcrumb to a page of the menu has the menu's name for it."""

from __future__ import annotations

from typing import Any

from django import template

from goby_site.web.navigation import navigation
from scripting.insight import menu

register = template.Library()


@register.simple_tag(takes_context=True)
def menu_title(context: template.Context, part: dict[str, Any]) -> str:
    """The name of the entry that leads where this part of the breadcrumb does, or the part's own."""
    address = str(part.get("link", ""))
    return menu.title_of(address, navigation(context["request"])) or str(part["title"])
