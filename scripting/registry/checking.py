"""Check a bundle in a sandbox as its module would run it, and name what a verdict rests on."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import sys
from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable

from scripting.modules.installed import limits_for, modules
from scripting.modules.runs import runs_of
from scripting.modules.scriptable import ScriptableModule
from scripting.runtime import pool
from scripting.runtime.host_calls import host_functions
from scripting.sandbox.languages.installed import GROUP
from scripting.subscriptions import subscribed
from scripting.supervisor.namespace import Namespace
from scripting.supervisor.pool import CheckReport
from scripting.types import Bundle


def check_bundle(module_name: str, bundle: Bundle) -> CheckReport:
    """Compile without running, with the functions and limits of the module and the inputs of the script. Raises SupervisorError."""
    module = modules.get(module_name)
    name = bundle.script.name.removeprefix(f"{module_name}/")
    runs = runs_of(module, name, subscribed.table.topics_of(module_name, name))
    return pool.check(bundle, limits_for(module_name), host_functions(module), runs)


def namespace_of(module: ScriptableModule) -> Namespace:
    """All that a check of the module's scripts knows beside their texts."""
    scripts = subscribed.table.scripts_of(module.name) | module.config.scripts()
    runs = {
        script: runs_of(module, script, subscribed.table.topics_of(module.name, script)) for script in sorted(scripts)
    }
    return Namespace(host_functions(module), runs, limits_for(module.name))


def rests_on(bundles: Iterable[tuple[str, Bundle]]) -> str:
    """sha256 (hex) over all that decides a verdict on bundles of (module, bundle): texts, functions, limits, and the checker itself."""
    hasher = hashlib.sha256(checker().encode())
    for module_name, bundle in sorted(bundles, key=lambda pair: (pair[0], pair[1].digest)):
        limits, functions = limits_for(module_name), host_functions(modules.get(module_name))
        hasher.update(f"{module_name} {bundle.digest} {limits!r} {functions!r}\n".encode())
    return hasher.hexdigest()


@functools.cache
def checker() -> str:
    """sha256 (hex) over interpreter, RestrictedPython, the code of our languages, policy and library, and packages with languages."""
    packages = {entry.dist for entry in importlib.metadata.entry_points(group=GROUP) if entry.dist is not None}
    versions = sorted(f"{package.name} {package.version}" for package in packages)
    ours = f"{sys.version} {importlib.metadata.version('RestrictedPython')}"
    hasher = hashlib.sha256(" ".join([ours, *versions]).encode())
    _add_folder(hasher, resources.files("scripting").joinpath("sandbox"))
    return hasher.hexdigest()


def _add_folder(hasher: hashlib._Hash, folder: Traversable) -> None:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            _add_folder(hasher, entry)
        elif entry.name.endswith(".py"):
            hasher.update(entry.name.encode() + b"\0" + entry.read_bytes())
