"""The admin's pages of scripts, versions, activations, executions and errors. Registering them is the purpose of these imports."""

from django.apps import apps

if apps.is_installed("unfold") and apps.is_installed("simple_history"):  # else the system checks E011 and E013 tell
    from scripting.admin import (
        activations,
        alerts,
        errors,
        executions,
        gate_policies,
        schedules,
        scripts,
        subscriptions,
        tokens,
        versions,
    )

    __all__ = [
        "activations",
        "alerts",
        "errors",
        "executions",
        "gate_policies",
        "schedules",
        "scripts",
        "subscriptions",
        "tokens",
        "versions",
    ]
