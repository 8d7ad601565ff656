"""The login page's note on the demo logins."""

from __future__ import annotations

from django import template

from goby_site.accounts.demo import demo_allowed
from goby_site.accounts.demo_logins import logins_place

register = template.Library()


@register.simple_tag(takes_context=True)
def demo_hint(context: template.Context) -> str:
    """Where the passwords of the demo logins are kept; empty where they would not let this visitor in."""
    return logins_place() if demo_allowed(context["request"]) else ""
