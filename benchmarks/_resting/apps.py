"""The app and its module."""

from __future__ import annotations

import time

import msgspec
from django.apps import AppConfig

from scripting.modules.calls import CallContext
from scripting.modules.scriptable import ModuleScriptConfig, ScriptableModule, exposed
from scripting.modules.topics import Topic

REST_SECONDS = 0.05


class Rest(msgspec.Struct):
    """Nothing is to be known of it."""


class Resting(ScriptableModule):
    """Its script asks for a rest, as one that waits for a service would."""

    name = "resting"
    package = "benchmarks._resting"
    config = ModuleScriptConfig(message_handlers={"resting.rest": "rester"})
    topics = (Topic("resting.rest", Rest, "Somebody is tired."),)

    @exposed(kind="pure")
    def rest(self, call: CallContext) -> None:
        """Return after a while."""
        time.sleep(REST_SECONDS)


class RestingConfig(AppConfig):
    name = "benchmarks._resting"
    label = "resting"

    def ready(self) -> None:
        from scripting.modules.installed import modules

        modules.register(Resting())
