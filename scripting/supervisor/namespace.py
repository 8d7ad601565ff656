"""Functions, inputs and limits of a module, which a check knows beside the text: one document that travels as JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from scripting.sandbox.protocol import Inputs
from scripting.supervisor.interface import HostFunction
from scripting.types import SecurityLimits


class Namespace(msgspec.Struct, frozen=True):
    """The namespace of a module's scripts."""

    functions: tuple[HostFunction, ...] = ()
    runs: dict[str, tuple[Inputs, ...]] = {}
    """The inputs of each script, by its name."""
    limits: SecurityLimits = SecurityLimits()

    def as_json(self) -> Any:
        """As plain data that JSON holds."""
        return msgspec.to_builtins(self)

    @staticmethod
    def of_json(document: Any) -> Namespace:
        """The inverse. Raises msgspec.ValidationError for what is none."""
        return msgspec.convert(document, Namespace)
