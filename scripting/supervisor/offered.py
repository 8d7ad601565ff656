"""Ask the sandbox's own tables which names every script may use: for completion, hover help and stubs."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from typing import Any

DESCRIBE = (sys.executable, "-s", "-P", "-m", "scripting.sandbox.describe")
DESCRIBE_SECONDS = 30


@functools.cache
def offered() -> dict[str, Any]:
    """`builtins`, `functions`, `packages` and `languages`, from a process that loads those tables; asked once."""
    said = subprocess.run(
        DESCRIBE, env={"PYTHONHASHSEED": "0"}, capture_output=True, check=True, timeout=DESCRIBE_SECONDS
    )
    description: dict[str, Any] = json.loads(said.stdout)
    for entry in [*description["builtins"], *(one for listed in description["packages"].values() for one in listed)]:
        entry["signature"] = plain_signature(entry["signature"])
    return description


def plain_signature(text: str) -> str:
    """A signature without the quotes that postponed annotations are printed in."""
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)
