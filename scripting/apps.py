"""The app's wiring."""

from django.apps import AppConfig


class ScriptingConfig(AppConfig):
    name = "scripting"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from scripting import checks, signals  # noqa: F401 - registering is their purpose; models must be loaded first
