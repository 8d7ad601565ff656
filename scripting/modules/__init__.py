"""Names for an app that brings a game module to import. They are stable."""

from scripting.modules.calls import (
    ArgumentsRefused,
    CallContext,
    CallRefused,
    EffectRefused,
    Outcome,
    OutOfDate,
    WorkAhead,
)
from scripting.modules.installed import ModuleRegistry, modules
from scripting.modules.scriptable import (
    ExposedFunction,
    ModulePage,
    ModuleSchedule,
    ModuleScriptConfig,
    ScriptableModule,
    exposed,
)
from scripting.modules.simulation import Decide, Reads
from scripting.modules.topics import Topic, TopicError, topics

__all__ = [
    "ArgumentsRefused",
    "CallContext",
    "CallRefused",
    "Decide",
    "EffectRefused",
    "ExposedFunction",
    "ModulePage",
    "ModuleRegistry",
    "ModuleSchedule",
    "ModuleScriptConfig",
    "OutOfDate",
    "Outcome",
    "Reads",
    "ScriptableModule",
    "Topic",
    "TopicError",
    "WorkAhead",
    "exposed",
    "modules",
    "topics",
]
