"""`publish_event`: put an event on the bus, as a module would."""

from __future__ import annotations

import time
from typing import Any

import redis
from django.core.management.base import CommandParser

from scripting.bus import publishing
from scripting.bus.publishing import Overloaded
from scripting.management.output import ScriptingCommand, about_redis, json_object_argument, seconds_argument
from scripting.models import Execution
from scripting.modules.topics import TopicError, topics
from scripting.subscriptions.subscribed import table


class Command(ScriptingCommand):
    """Exit code 0 means accepted: Redis has acknowledged the event."""

    help = "Publish an event; the scripts subscribed to its topic run on a worker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("topic", metavar="TOPIC")
        parser.add_argument("payload", type=json_object_argument, metavar="JSON", help="the payload, or @FILE")
        parser.add_argument("--key", default="", help="ordering key: one run per key at a time")
        parser.add_argument("--user", default="", help="on whose behalf")
        parser.add_argument(
            "--wait", type=seconds_argument, default=0, metavar="S", help="seconds to wait for the executions"
        )
        self.add_json(parser)

    def handle(self, *, topic: str, payload: dict[str, Any], as_json: bool, **options: Any) -> None:
        try:
            event_id = publishing.publish(topic, payload, key=options["key"], user_id=options["user"])
        except (TopicError, Overloaded) as error:
            self.fail(str(error))
        except redis.RedisError as error:
            self.fail(f"the event was not accepted: {about_redis(error)}")
        executions = self._executions(
            event_id, len(table.of(topic).of(topics.get(topic).validate(payload))), options["wait"]
        )
        if as_json:
            self.print_json(
                {
                    "event": event_id,
                    "topic": topic,
                    "executions": [
                        {"execution": str(e.pk), "script": str(e.script), "status": e.status} for e in executions
                    ],
                }
            )
            return
        self.say(event_id)
        for execution in executions:
            self.say(f"{execution.script}: {execution.status} (execution {execution.pk})")

    def _executions(self, event_id: str, expected: int, seconds: float) -> list[Execution]:
        """The executions of the event, waited for until every subscriber has one or the time is up."""
        deadline = time.monotonic() + seconds
        while True:
            found = list(Execution.objects.filter(event_id=event_id).select_related("script"))
            if len(found) >= expected or time.monotonic() >= deadline:
                return found
            time.sleep(0.05)
