"""Registers the track in the worker processes of these tests."""

from django.apps import AppConfig


class TrackConfig(AppConfig):
    name = "tests.workers"
    label = "track"

    def ready(self) -> None:
        from scripting.modules.installed import modules
        from tests.workers.track import Track

        modules.register(Track())
