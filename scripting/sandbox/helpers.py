"""Import statements at run time: facades of packages, and helper scripts executed afresh in each run."""

from __future__ import annotations

import sys
from collections.abc import Container
from typing import Any

from scripting.sandbox.library.facades import HelperFacade
from scripting.sandbox.library.packages import PACKAGES
from scripting.sandbox.policy.imports import HELPER_MODULE
from scripting.sandbox.program import Program


class Helpers:
    """The imports of one sandbox. The check has already refused what may not be imported."""

    def __init__(self, program: Program, packages: Container[str]) -> None:
        self.program = program
        self.packages = packages
        self.builtins: dict[str, Any] = {}
        self._done: dict[str, HelperFacade] = {}
        self._running: list[str] = []
        self._shared: HelperFacade | None = None

    def clear(self) -> None:
        """Forget the helpers of this run."""
        if not self._done:
            return
        for facade in self._done.values():
            facade.__dict__.clear()
        self._shared = None
        self._done.clear()

    def import_(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:  # noqa: A002
        """`__import__` of scripts."""
        root, _, rest = name.partition(".")
        if root in self.packages and name in PACKAGES:
            return PACKAGES[name if fromlist else root]
        if root == HELPER_MODULE:
            if rest:
                facade = self._helper(rest)
                return facade if fromlist else self._imported()
            for helper in fromlist or self.program.helpers:
                self._helper(helper)
            return self._imported()
        if name in sys.modules:
            # The interpreter's own C code asks like this for what it needs (strftime for time) and takes it from sys.modules:
            # what is given here is thrown away. Scripts cannot get here, since the check knows every import statement.
            return None
        raise ImportError(f'the package "{name[:60]}" may not be imported')

    def _imported(self) -> HelperFacade:
        """The value of the name `shared`: its attributes are the helpers imported so far."""
        if self._shared is None:
            self._shared = HelperFacade({"__name__": HELPER_MODULE})
        return self._shared

    def _helper(self, name: str) -> HelperFacade:
        """The helper as a module is: executed once in a run, its names as they are at the moment."""
        done = self._done.get(name)
        if done is not None:
            return done
        unit = self.program.helpers.get(name)
        if unit is None or unit.code is None:
            raise ImportError(f'there is no helper script "{HELPER_MODULE}/{name[:60]}"')
        if name in self._running:
            raise ImportError(f'the helper script "{HELPER_MODULE}/{name}" imports itself, by way of another')
        namespace: dict[str, Any] = {"__builtins__": self.builtins, "__name__": unit.name}
        self._running.append(name)
        try:
            exec(unit.code, namespace)  # noqa: S102 - passed the same policy as the script
        finally:
            self._running.remove(name)
        facade = self._done[name] = HelperFacade(namespace)
        self._imported().__dict__[name] = facade
        return facade
