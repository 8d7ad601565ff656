"""Runs Zygomys texts as a sandbox does, in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.languages.tengo.harness import Ran, run


def zygomys(text: str, inputs: Mapping[str, Any] | None = None, **more: Any) -> Ran:
    """Compile and run a text in Zygomys."""
    return run("zygomys", text, inputs, **more)
