"""`sandbox_report`: which layers of the sandbox hold on this host, and what is missing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from scripting.management.output import ScriptingCommand
from scripting.supervisor.report import sandbox_report


class Command(ScriptingCommand):
    """Looks at a real sandbox; needs neither database nor Redis."""

    help = "Say which layers of the sandbox hold on this host, and what is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_json(parser)

    def handle(self, *, as_json: bool, **options: Any) -> None:
        layers = sandbox_report()
        if as_json:
            described = [{"name": x.name, "holds": x.holds, "detail": x.detail, "hint": x.hint} for x in layers]
            self.print_json({"ok": all(layer.holds for layer in layers), "layers": described})
            return
        for layer in layers:
            mark = self.style.SUCCESS("holds  ") if layer.holds else self.style.WARNING("MISSING")
            self.stdout.write(f"{mark}  {layer.name}")
            self.say(f"         {layer.detail}")
            if not layer.holds and layer.hint:
                self.say(f"         {layer.hint}")
