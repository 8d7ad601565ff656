"""Which imports a script may write: allowed packages with their listed names, and the helper scripts of its bundle."""

from __future__ import annotations

from collections.abc import Collection, Mapping

HELPER_MODULE = "shared"
_STDLIB_HINTS = {
    "os": "scripts have no files or processes; take the data from the context",
    "sys": "scripts cannot reach the interpreter",
    "time": "use now() or timestamp(): the clock of the run",
    "secrets": "use random: its seed is recorded with the run",
    "uuid": "use random to make a number of your own",
    "decimal": "use int or float; round(value, 2) rounds",
    "typing": "leave annotations out, or use list[int] and int | None",
    "dataclasses": "write a class with an __init__ method",
    "enum": "write a class with constants",
    "copy": "use list(values), dict(mapping) or a comprehension",
    "operator": "use a lambda",
}


class ImportRules:
    """What the import statements of one bundle may name."""

    def __init__(self, packages: Mapping[str, Collection[str]], helpers: Mapping[str, Collection[str] | None]) -> None:
        self.packages = packages
        """Allowed package to the names it offers."""
        self.helpers = helpers
        """Helper (without `shared/`) to the names it binds; None where they are not known."""

    def module_problem(self, module: str) -> tuple[str, str] | None:
        """Why `import module` is refused, and what to write instead."""
        root, _, rest = module.partition(".")
        if root == HELPER_MODULE:
            return None if not rest else self._helper_problem(rest)
        if module in self.packages:
            return None
        if root in self.packages:
            return f'"{module}" cannot be imported', f"import {root} and use what it offers"
        offered = ", ".join(sorted(self.packages)) or "none"
        return f'the package "{root[:60]}" may not be imported', _STDLIB_HINTS.get(root, f"packages offered: {offered}")

    def name_problem(self, module: str, name: str) -> tuple[str, str] | None:
        """Why `from module import name` is refused, and what to write instead."""
        if name == "*":
            return "star imports are not allowed", f"write from {module} import and the names that you use"
        if module == HELPER_MODULE:
            return self._helper_problem(name)
        problem = self.module_problem(module)
        if problem:
            return problem
        root, _, helper = module.partition(".")
        offered = self.helpers.get(helper) if root == HELPER_MODULE else self.packages[module]
        if offered is None or name in offered:
            return None
        return f'"{module}" does not offer "{name[:60]}"', f"it offers {some(offered)}"

    def _helper_problem(self, helper: str) -> tuple[str, str] | None:
        if helper in self.helpers:
            return None
        known = ", ".join(sorted(self.helpers)) or "none"
        return f'there is no helper script "{HELPER_MODULE}/{helper[:60]}"', f"helpers in this language: {known}"


def some(offered: Collection[str]) -> str:
    """Names to choose from, not too many."""
    listed = sorted(name for name in offered if not name.startswith("_"))
    return ", ".join(listed[:12]) + (", …" if len(listed) > 12 else "") if listed else "nothing"
