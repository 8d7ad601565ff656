"""The modules that this site has installed, and the limits and fallbacks that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from scripting.conf import conf
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

    def default_subscribers(self, topic: str) -> list[tuple[str, str]]:
        """(module, script) of every script that runs on `topic` as the code says; `subscriptions` knows what people changed."""
        return [(module.name, script) for module in self for script in module.config.handlers_of(topic)]

    def first_decides(self, topic: str, subscribers: Sequence[tuple[str, str]]) -> list[str]:
        """The modules with several of these subscribers of which the first that answers decides: none that is not installed."""
        names = [name for name, _ in subscribers]
        several = {name for name in names if names.count(name) > 1} if len(names) > 1 else ()
        found = map(self._modules.get, sorted(several))
        return [module.name for module in found if module is not None and topic in module.config.first_decides]


modules = ModuleRegistry()


def limits_for(module: str, **changes: Any) -> SecurityLimits:
    """The site's limits, the module's over them, `changes` (the script's, see `Script.limit_changes`) over those."""
    found, defaults = modules.get(module), conf.default_limits()
    changes = {**(found.config.limits if found else {}), **changes}
    return defaults.replace(**changes) if changes else defaults


def fallbacks_for(module: str) -> Sequence[str]:
    """Fallbacks of a script whose active version fails, in order: the module's, else the site's."""
    found = modules.get(module)
    own = found.config.fallback if found else None
    return conf.SCRIPTING_FALLBACK if own is None else own


def key_in_words(module: str, key: str) -> str:
    """An ordering key as people read it: `match 5`; empty for none."""
    found = modules.get(module)
    return f"{found.key_name if found else ScriptableModule.key_name} {key}" if key else ""
