"""The file of the demo logins: passwords made once at set-up and kept in var/demo-logins, readable by its owner alone."""

from __future__ import annotations

import secrets

from goby_site import paths

FILE_NAME = "demo-logins"
ROLES = ("designer", "admin", "viewer")


def logins_place() -> str:
    """Where they are kept, as a person in this clone would name it."""
    path = paths.var_dir() / FILE_NAME
    return str(path.relative_to(paths.BASE_DIR) if path.is_relative_to(paths.BASE_DIR) else path)


def demo_passwords() -> dict[str, str]:
    """The password of each role, made on the first call."""
    made = "\n".join(f"{role} {secrets.token_urlsafe(9)}" for role in ROLES)
    text = paths.secret_file(FILE_NAME, made)
    return dict(line.split() for line in text.splitlines())


def logins_text() -> str:
    """The demo logins for a person to read; a line saying that there are none while GOBY_DEMO is off."""
    from django.conf import settings

    if not settings.GOBY_DEMO:
        return "Demo logins are off (GOBY_DEMO)."
    rows = [f"    {role:<10} {password}" for role, password in demo_passwords().items()]
    return "\n".join(["Demo logins, which work from this machine alone:", *rows])
