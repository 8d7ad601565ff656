"""The data model: scripts and versions in `script`, runs and events in `execution`."""

from scripting.models.execution import Attempt, Execution, OutboxEvent, Role
from scripting.models.ids import uuid7
from scripting.models.script import SHARED, Activation, BundleHelper, Draft, Script, ScriptVersion

__all__ = [
    "SHARED",
    "Activation",
    "Attempt",
    "BundleHelper",
    "Draft",
    "Execution",
    "OutboxEvent",
    "Role",
    "Script",
    "ScriptVersion",
    "uuid7",
]
