"""`publish_event`: put an event on the bus, as a module would."""

from __future__ import annotations

import time
from typing import Any

import redis
from django.core.management.base import CommandParser
from django.db import Error

from scripting.bus import publishing
from scripting.bus.publishing import NotAcknowledged, Overloaded
from scripting.management.output import ScriptingCommand, json_object_argument, seconds_argument
from scripting.management.stores import about_database, about_redis
from scripting.models import Execution
from scripting.modules.topics import TopicError, topics
from scripting.subscriptions.subscribed import table
from scripting.texts.escaping import visible


class Command(ScriptingCommand):
    """Exit code 0 means accepted: Redis has acknowledged the event."""

    help = "Publish an event; the scripts subscribed to its topic run on a worker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("topic", metavar="TOPIC")
        parser.add_argument("payload", type=json_object_argument, metavar="JSON", help="the payload, or @FILE")
        parser.add_argument("--key", default="", help="ordering key: one run per key at a time")
        parser.add_argument("--user", default="", help="on whose behalf")
        parser.add_argument(
            "--id", metavar="ID", help="its id: published again under it, it takes effect once; default: a new one"
        )
        parser.add_argument(
            "--wait", type=seconds_argument, default=0, metavar="S", help="seconds to wait for the executions"
        )
        self.add_json(parser)

    def handle(self, *, topic: str, payload: dict[str, Any], as_json: bool, **options: Any) -> None:
        event_id = self._publish(topic, payload, options)
        if not as_json:
            self.say(event_id)
        executions = self._known(event_id, topic, payload, options["wait"])
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
        for execution in executions:
            self.say(f"{execution.script}: {execution.status} (execution {execution.pk})")

    def _publish(self, topic: str, payload: dict[str, Any], options: dict[str, Any]) -> str:
        event_id = options["id"]
        try:
            return publishing.publish(topic, payload, key=options["key"], user_id=options["user"], event_id=event_id)
        except (TopicError, Overloaded) as error:
            self.fail(str(error))
        except NotAcknowledged as unknown:
            self.fail(
                f"Redis did not acknowledge in {unknown.seconds:g} s, so whether the event was accepted is not known. "
                f"Publish it again with `--id {unknown.events[0]}`: then it takes effect once"
            )
        except redis.RedisError as error:
            self.fail(f"the event was not accepted: {about_redis(error)}")
        except Error as error:
            if told := about_database(error):
                self.fail(f"the event was not accepted: {told}")
            raise

    def _known(self, event_id: str, topic: str, payload: dict[str, Any], seconds: float) -> list[Execution]:
        """The executions of an event that was accepted. Where they cannot be read, the message says so: the event is sent all the same."""
        try:
            expected = len(table.of(topic).of(topics.get(topic).validate(payload)))
            return self._executions(event_id, expected, seconds)
        except Error as error:
            if told := about_database(error):
                self.stderr.write(visible(f"the event was accepted; what has run of it is not known: {told}"))
                return []
            raise
        except KeyboardInterrupt:
            self.stderr.write("the event was accepted; its executions were waited for no longer")
            return []

    def _executions(self, event_id: str, expected: int, seconds: float) -> list[Execution]:
        """The executions of the event, waited for until every subscriber has one or the time is up."""
        deadline = time.monotonic() + seconds
        while True:
            found = list(Execution.objects.filter(event_id=event_id).select_related("script"))
            if len(found) >= expected or time.monotonic() >= deadline:
                return found
            time.sleep(0.05)
