"""The site as a Django app, so that its commands are found."""

from django.apps import AppConfig


class GobySiteConfig(AppConfig):
    name = "goby_site"
    label = "goby_site"
    verbose_name = "Goby"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from goby_site import checks  # noqa: F401 - registers them
