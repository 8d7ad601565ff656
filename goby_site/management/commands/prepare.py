"""`manage.py prepare`: bring the database, the scripts and the demo data up to date. `make run` calls it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Tags, run_checks
from django.core.management import call_command
from django.core.management.base import CommandParser
from django.db import connection

from goby_site import paths
from goby_site.migrating import migrate_whole
from goby_site.once import one_prepares
from goby_site.paths import IS_CLONE
from goby_site.waiting import reach
from scripting.management.output import ScriptingCommand


class Command(ScriptingCommand):
    requires_system_checks = "__all__"
    help = "Migrates, makes the roles, takes in the scripts and, with GOBY_DEMO, makes the demo logins. One process at a time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--wait", action="store_true", help="wait for a database that cannot be reached yet")

    def handle(self, *_args: Any, wait: bool = False, **_options: Any) -> None:
        if not IS_CLONE:  # where `make run` has done it
            call_command("collectstatic", interactive=False, verbosity=0)
        reach(connection, self.stderr.write, wait=wait)
        with one_prepares(lambda: self.stdout.write("Another process prepares this site: waiting for it …")):
            self.prepare()

    def prepare(self) -> None:
        """All that a site has once, whichever host prepares it."""
        self.stdout.write("Bringing the database up to date …")
        if connection.vendor == "sqlite":  # whose other files take the mode of this one
            paths.make_private(Path(str(connection.settings_dict["NAME"])))
        migrate_whole()
        for message in run_checks(tags=[Tags.database], databases=["default"]):
            self.stderr.write(self.style.WARNING(str(message)))
        call_command("make_roles", stdout=io.StringIO())
        self.stdout.write("Taking in the scripts …")
        # A designer's slip in a file must not keep the site from starting.
        call_command("sync_scripts", allow_rejected=True)
        if settings.GOBY_DEMO:
            call_command("seed_demo")
