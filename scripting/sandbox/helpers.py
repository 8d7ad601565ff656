"""What import statements give at run: facades of packages, and helper scripts executed afresh in each run."""

from __future__ import annotations

import sys
from typing import Any

from scripting.sandbox.library.packages import PACKAGES, Package
from scripting.sandbox.policy.imports import HELPER_MODULE
from scripting.sandbox.program import Program

_KEPT = frozenset({"__builtins__", "__name__"})


class Helpers:
    """The imports of one sandbox. The check has already refused what may not be imported."""

    def __init__(self, program: Program, packages: set[str]) -> None:
        self.program = program
        self.packages = packages
        self.builtins: dict[str, Any] = {}
        self._done: dict[str, Package] = {}
        self._running: set[str] = set()

    def clear(self) -> None:
        """Forget the helpers of this run."""
        for facade in self._done.values():
            facade.__dict__.clear()
        self._done.clear()
        self._running.clear()

    def import_(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:  # noqa: A002
        """`__import__` of scripts."""
        if name in self.packages and name in PACKAGES:
            return PACKAGES[name]
        root, _, helper = name.partition(".")
        if root == HELPER_MODULE:
            if helper:
                facade = self._helper(helper)
                return facade if fromlist else Package(HELPER_MODULE, {helper: facade})
            return Package(HELPER_MODULE, {part: self._helper(part) for part in fromlist or self.program.helpers})
        if name in sys.modules:
            # The interpreter's own C code asks like this for what it needs (strftime for time) and takes it from sys.modules:
            # what is given here is thrown away. Scripts cannot get here, since the check knows every import statement.
            return None
        raise ImportError(f'the package "{name[:60]}" may not be imported')

    def _helper(self, name: str) -> Package:
        done = self._done.get(name)
        if done is not None:
            return done
        unit = self.program.helpers.get(name)
        if unit is None or unit.code is None:
            raise ImportError(f'there is no helper script "{HELPER_MODULE}/{name[:60]}"')
        if name in self._running:
            raise ImportError(f'the helper script "{HELPER_MODULE}/{name}" imports itself, by way of another')
        self._running.add(name)
        namespace: dict[str, Any] = {"__builtins__": self.builtins, "__name__": unit.name}
        exec(unit.code, namespace)  # noqa: S102 - passed the same policy as the script
        facade = Package(unit.name, {key: value for key, value in namespace.items() if key not in _KEPT})
        self._done[name] = facade
        return facade
