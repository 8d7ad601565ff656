"""`manage.py prepare`: bring the database, the scripts and the demo data up to date. `make run` calls it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from goby_site.paths import IS_CLONE


class Command(BaseCommand):
    help = "Migrates, takes in the scripts and, with GOBY_DEMO, makes the demo logins."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if not IS_CLONE:  # where `make run` has done it
            call_command("collectstatic", interactive=False, verbosity=0)
        self.stdout.write("Bringing the database up to date …")
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write("Taking in the scripts …")
        # A designer's slip in a file must not keep the site from starting.
        call_command("sync_scripts", allow_rejected=True)
        if settings.GOBY_DEMO:
            call_command("seed_demo")
