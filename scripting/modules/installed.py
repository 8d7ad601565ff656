"""The modules that this site has installed, and the limits and fallbacks that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scripting.modules.scriptable import ScriptableModule
from scripting.modules.topics import topics
from scripting.types import SecurityLimits


class ModuleRegistry:
    """The site's modules by name."""

    def __init__(self) -> None:
        self._modules: dict[str, ScriptableModule] = {}

    def register(self, module: ScriptableModule) -> None:
        if module.name in self._modules:
            raise ValueError(f"module {module.name} is registered twice")
        for topic in module.topics:
            topics.register(topic)
        for name in module.config.message_handlers:
            topics.get(name)
        self._modules[module.name] = module

    def get(self, name: str) -> ScriptableModule | None:
        return self._modules.get(name)

    def __iter__(self) -> Iterator[ScriptableModule]:
        return iter([self._modules[name] for name in sorted(self._modules)])

    def subscribers(self, topic: str) -> list[tuple[str, str]]:
        """(module, script) of every script that runs on `topic`."""
        return [(m.name, m.config.message_handlers[topic]) for m in self if topic in m.config.message_handlers]


modules = ModuleRegistry()


def limits_for(
    module: ScriptableModule | None, defaults: SecurityLimits, overrides: Mapping[str, Any]
) -> SecurityLimits:
    """The site's limits, the module's over them, the script's over those."""
    changes = {**(module.config.limits if module else {}), **overrides}
    return defaults.replace(**changes) if changes else defaults


def fallbacks_for(module: ScriptableModule | None, default: Sequence[str]) -> Sequence[str]:
    """What runs when a script's active version fails: the module's order, or the site's."""
    own = module.config.fallback if module else None
    return default if own is None else own
