"""`make_roles`: the groups viewer, designer and admin, with the permissions that each takes."""

from __future__ import annotations

from typing import Any

from scripting.access import roles
from scripting.management.output import ScriptingCommand


class Command(ScriptingCommand):
    help = "Make the groups viewer, designer and admin, or give them what they lack. Takes nothing away."

    def handle(self, **_options: Any) -> None:
        try:
            given = roles.make_roles()
        except LookupError as problem:
            self.fail(str(problem))
        for role, count in given.items():
            self.stdout.write(f"{role}: {count} permission{'' if count == 1 else 's'} given")
