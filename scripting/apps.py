"""The app's wiring."""

from django.apps import AppConfig


class ScriptingConfig(AppConfig):
    name = "scripting"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from scripting import checks  # noqa: F401 - registering is its purpose; models must be loaded first
        from scripting.git import checks as git_checks  # noqa: F401
        from scripting.registry import announce  # noqa: F401
        from scripting.storage import database_clock  # noqa: F401 - it measures with each new connection
        from scripting.workbench import checks as page_checks  # noqa: F401
        from scripting.workbench import sessions  # noqa: F401
        from scripting.workers import checks as worker_checks  # noqa: F401
