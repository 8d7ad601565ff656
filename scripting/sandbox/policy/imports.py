"""Which imports a script may write: allowed packages with their listed names, and the helper scripts of its bundle."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches

HELPER_MODULE = "shared"
_STDLIB_HINTS = {
    "array": "use a list",
    "asyncio": "write a plain function: host functions answer at once",
    "datetime": "use now() or timestamp(): the clock of the run",
    "inspect": "scripts cannot inspect frames, code or classes",
    "io": 'scripts have no files; put text together with a list and "".join(parts)',
    "logging": "use log(text)",
    "numpy": "use lists, math and statistics",
    "os": "scripts have no files or processes; take the data from the context",
    "pandas": "use lists, dicts and statistics",
    "pathlib": "scripts have no files; take the data from the context",
    "pickle": "use json",
    "requests": "scripts have no network; take the data from the context, or ask for a function of the module",
    "secrets": "use random: its seed is recorded with the run",
    "subprocess": "scripts have no files or processes; take the data from the context",
    "sys": "scripts cannot reach the interpreter",
    "threading": "write it one after another: a run is one thread",
    "urllib": "scripts have no network; take the data from the context, or ask for a function of the module",
    "zoneinfo": "the tables of time zones differ from machine to machine: use timezone(timedelta(hours=2)) of datetime",
}


class ImportRules:
    """Names that the import statements of one bundle may use."""

    def __init__(
        self,
        packages: Mapping[str, Collection[str]],
        helpers: Mapping[str, Collection[str] | None],
        known_helpers: Collection[str] = (),
    ) -> None:
        self.packages = packages
        """Allowed package to the names it offers."""
        self.helpers = helpers
        """Helper (without `shared/`) to the names it binds; None where they are not known."""
        self.known_helpers = known_helpers
        """All the helpers there are, for what is said of one that is not."""

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
        hint = _STDLIB_HINTS.get(root, f"packages offered: {offered}")
        return f'the package "{root[:60]}" may not be imported', hint

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
        known = sorted({*self.helpers, *self.known_helpers})
        near = get_close_matches(helper, known, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        listed = some(known) if known else "none"
        return f'there is no helper script "{HELPER_MODULE}/{helper[:60]}"', f"{hint}helpers in this language: {listed}"


def some(offered: Collection[str]) -> str:
    """Names to choose from, not too many."""
    listed = sorted(name for name in offered if not name.startswith("_"))
    return ", ".join(listed[:12]) + (", …" if len(listed) > 12 else "") if listed else "nothing"
