"""System checks of the site's own settings: what `check --deploy` says before others reach it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 - Django's own name


@register(Tags.security, deploy=True)
def check_deployment(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W001 to W004: settings that are for one's own machine."""
    found = list[CheckMessage]()
    if settings.GOBY_DEMO:
        found.append(
            Warning(
                "GOBY_DEMO is on: there are demo logins, whose passwords lie in a file",
                hint="Leave GOBY_DEMO out, and make users of your own with createsuperuser.",
                id="goby_site.W001",
            )
        )
    if "*" in settings.ALLOWED_HOSTS:
        found.append(
            Warning(
                "ALLOWED_HOSTS has *: the site answers to any name that a client writes",
                hint="Name the hosts: ALLOWED_HOSTS=goby.example. Probes by address need none.",
                id="goby_site.W002",
            )
        )
    if not settings.GOBY_HTTPS:
        found.append(
            Warning(
                "GOBY_HTTPS is off: cookies travel without TLS, and browsers are not told to insist on it",
                hint="Put the site behind a proxy that speaks TLS, name that in GOBY_PROXIES, and leave GOBY_HTTPS out or set it to true.",
                id="goby_site.W003",
            )
        )
    if settings.WARGAME_PUBLIC:
        found.append(
            Warning(
                "WARGAME_PUBLIC is on: everybody who reaches the site watches the battle",
                hint="Leave WARGAME_PUBLIC out, unless that is meant.",
                id="goby_site.W004",
            )
        )
    return found
