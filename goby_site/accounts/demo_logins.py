"""The file of the demo logins: passwords made once at set-up and kept in var/demo-logins, readable by its owner alone."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping

from goby_site import paths

FILE_NAME = "demo-logins"
SEEN_NAME = "demo-logins-seen"
ROLES = ("designer", "admin", "viewer", "tuner")


def logins_place() -> str:
    """Where they are kept, as a person in this clone would name it."""
    path = paths.var_dir() / FILE_NAME
    return str(path.relative_to(paths.BASE_DIR) if path.is_relative_to(paths.BASE_DIR) else path)


def demo_passwords() -> dict[str, str]:
    """The password of each role, made on the first call; a file of earlier times gets those that it lacks."""
    known = _read(paths.secret_file(FILE_NAME, _written({role: secrets.token_urlsafe(9) for role in ROLES})))
    if lacking := [role for role in ROLES if role not in known]:
        known |= {role: secrets.token_urlsafe(9) for role in lacking}
        (paths.var_dir() / FILE_NAME).unlink(missing_ok=True)
        known = _read(paths.secret_file(FILE_NAME, _written(known)))
    return known


def _read(text: str) -> dict[str, str]:
    return dict(line.split() for line in text.splitlines())


def _written(passwords: Mapping[str, str]) -> str:
    return "\n".join(f"{role} {password}" for role, password in passwords.items())


class Seen:
    """Remembers in var/demo-logins-seen, as digests, which stored hash is of which password.

    Each start asks that of every demo login; finding it out of the hash alone takes a quarter of a second.
    """

    def __init__(self) -> None:
        self._path = paths.var_dir() / SEEN_NAME
        self._digests = set(self._path.read_text(encoding="utf-8").split()) if self._path.exists() else set()

    def has(self, password: str, stored: str) -> bool:
        return self._digest(password, stored) in self._digests

    def keep(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Remember these and no others."""
        digests = {self._digest(password, stored) for password, stored in pairs}
        if digests != self._digests:
            self._path.unlink(missing_ok=True)
            paths.write_private(self._path, "\n".join(sorted(digests)))

    @staticmethod
    def _digest(password: str, stored: str) -> str:
        return hashlib.sha256(f"{password} {stored}".encode()).hexdigest()


def logins_text() -> str:
    """The demo logins for a person to read; a line saying that there are none while GOBY_DEMO is off."""
    from django.conf import settings

    if not settings.GOBY_DEMO:
        return "Demo logins are off (GOBY_DEMO)."
    rows = [f"    {role:<10} {password}" for role, password in demo_passwords().items()]
    return "\n".join(["Demo logins, which work from this machine alone:", *rows])
