"""`manage.py switch_rules LANGUAGE`: the wargame's rules in another language, as files that override the defaults."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from scripting.management.output import ScriptingCommand
from wargame import overrides


class Command(ScriptingCommand):
    help = (
        "Let the wargame be played on its rules in another language: put them into scripts/wargame/ as overrides, "
        "or take them away again (python). Files that somebody has changed are left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("language", choices=overrides.languages())

    def handle(self, *args: Any, language: str, **options: Any) -> None:
        try:
            steps = overrides.switch(language)
        except OSError as error:
            raise CommandError(str(error)) from error
        for step in steps:
            self.say(f"{step.outcome:8} scripts/{step.path}")
        kept = [step.path for step in steps if step.outcome == "kept"]
        if kept:
            self.say("kept as they are, since somebody has changed them: delete them to switch them too")
        self.say("a running watcher takes this up at once; without one run: manage.py sync_scripts")
