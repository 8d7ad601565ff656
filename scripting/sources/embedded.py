"""The default scripts that modules ship inside their packages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources

from scripting.modules.installed import modules
from scripting.modules.scriptable import ScriptableModule
from scripting.sources.folder import (
    is_noise,
    script_name_of,
)


@dataclass(frozen=True)
class Embedded:
    """A default script as a module's package ships it."""

    module: str
    name: str
    language: str
    content: bytes
    path: str


def embedded_defaults(module: ScriptableModule) -> Iterator[Embedded]:
    """The scripts of `<module.package>/scripts/`, by name (requirements 2.1, 2.2 and 2.4)."""
    folder = resources.files(module.package).joinpath("scripts")
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        named = script_name_of(entry.name)
        if named is not None and not is_noise(entry.name) and entry.is_file():
            yield Embedded(module.name, *named, entry.read_bytes(), str(entry))


def embedded_by_script(only: Iterable[ScriptableModule] | None = None) -> dict[tuple[str, str], Embedded]:
    """Every embedded default of the site, or of some modules, by (module, script)."""
    found: dict[tuple[str, str], Embedded] = {}
    for module in modules if only is None else only:
        for embedded in embedded_defaults(module):
            found.setdefault((embedded.module, embedded.name), embedded)
    return found
