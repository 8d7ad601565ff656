"""`list_topics`: every topic with its schema and the scripts that run on it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from scripting.management.output import ScriptingCommand
from scripting.modules.masking import mask_of_inputs
from scripting.modules.topics import topics
from scripting.subscriptions.subscribed import table


class Command(ScriptingCommand):
    """Reads what the modules registered, and which scripts people subscribed."""

    help = "List the topics that events are published on."

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_json(parser)

    def handle(self, *, as_json: bool, **options: Any) -> None:
        if as_json:
            self.print_json(
                {
                    "topics": [
                        {
                            "name": topic.name,
                            "description": topic.description,
                            "subscribers": _labels(topic.name),
                            "sensitive": sorted(topic.sensitive),
                            "example": mask_of_inputs(topic.name, topic.example).value(topic.example),
                            "schema": topic.json_schema(),
                        }
                        for topic in topics
                    ]
                }
            )
            return
        rows = [
            (
                topic.name,
                ", ".join(_labels(topic.name)) or "-",
                topic.description,
            )
            for topic in topics
        ]
        self.print_table(("topic", "runs", "description"), rows)


def _labels(topic: str) -> list[str]:
    """The scripts that run on it, those with a condition too."""
    return [each.label for each in table.of(topic).subscribers if each.enabled]
