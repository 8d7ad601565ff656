"""The app's wiring."""

from django.apps import AppConfig


class WargameConfig(AppConfig):
    name = "wargame"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from scripting.modules.installed import modules
        from wargame.module import WargameModule

        modules.register(WargameModule())
