"""Tally: each line is `name + number`, `name + name` or `give name`. What the last `give` names is the outcome."""

from __future__ import annotations

import ast
import re
from typing import Any

from scripting.sandbox.languages.engine import LanguageEngine
from scripting.sandbox.policy.refusal import Refusal

_LINE = re.compile(r"(?:(?P<target>[a-z]+) \+ (?P<value>[a-z]+|[0-9]+)|give (?P<given>[a-z]+))\s*")


class TallyEngine(LanguageEngine):
    """Adds things up."""

    def parse(self, source: str, name: str) -> ast.Module:
        lines = []
        for number, line in enumerate(source.split("\n"), 1):
            match = _LINE.fullmatch(line)
            if match is None and line.strip():
                raise Refusal("invalid_syntax", "write name + number, or give name", number, 1)
            if match is None:
                lines.append("")
            elif match["given"]:
                lines.append(f"result = {match['given']}")
            else:
                lines.append(f"{match['target']} = {match['target']} + {match['value']}")
        return ast.parse("\n".join(lines))

    def check_bounds(self, source: str, max_nesting: int) -> None:
        """Nothing nests."""

    def described(self) -> dict[str, Any]:
        return {"builtins": [{"name": "give", "kind": "function", "signature": "give name", "doc": ""}], "packages": {}}
