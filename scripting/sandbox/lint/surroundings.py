"""The names that a script finds at run time, as far as a check knows them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from scripting.sandbox.policy.context_names import CONTEXT_NAMES
from scripting.sandbox.protocol import SCRIPT_FUNCTIONS, Function, Inputs, Shape


class Stored:
    """The keys that texts store into dicts: a field of a payload may be one of them."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.may_be_any = False
        """A key that only a run knows is stored into a dict that may be a payload's."""


@dataclass(frozen=True)
class Surroundings:
    """Of one text of a bundle."""

    is_script: bool
    functions: Mapping[str, Function] = field(default_factory=dict)
    """Of the module."""
    inputs: tuple[Inputs, ...] = ()
    """The kinds of run that the script gets; empty where they are not known."""
    helpers: Mapping[str, ast.Module] = field(default_factory=dict)
    """The helpers of the bundle, without `shared/`."""

    @cached_property
    def called(self) -> frozenset[str]:
        """Names of the functions that every run offers."""
        return frozenset(SCRIPT_FUNCTIONS) | self.functions.keys()

    @cached_property
    def context(self) -> frozenset[str]:
        """Context variables that some run brings."""
        if not self.is_script:
            return frozenset()
        if not self.inputs:
            return CONTEXT_NAMES
        return frozenset(name for one in self.inputs for name in one.variables)

    @property
    def known(self) -> frozenset[str]:
        """Names that a run brings: functions and context variables."""
        return self.called | self.context

    @property
    def knows_context(self) -> bool:
        """Whether no run brings any other context variable."""
        return bool(self.inputs) and self.is_script

    def lacking(self, name: str) -> list[str]:
        """The kinds of run that do not bring a context variable."""
        return [one.label for one in self.inputs if name not in one.variables]

    def shapes(self, name: str) -> tuple[Shape, ...]:
        """The possible shapes of a context variable; empty where unknown."""
        if not self.knows_context or name not in self.context:
            return ()
        found = [one.variables[name] for one in self.inputs if name in one.variables]
        return tuple(shape for shapes in found for shape in shapes) if all(found) else ()

    @cached_property
    def whole(self) -> tuple[Shape, ...]:
        """The shapes of get_context(); a variable that only other runs bring has no fields."""
        if not self.knows_context:
            return ()
        lacking = dict.fromkeys(self.context, (Shape(),))
        return tuple(Shape(one.label, {**lacking, **one.variables}, is_open=True) for one in self.inputs)

    def way_to(self, name: str) -> str:
        """How to write a field of the payload that is taken for a variable; empty if there is none of the name."""
        for one in self.inputs if self.is_script else ():
            for variable, shapes in one.variables.items():
                for keys in _ways(name, shapes, 3):
                    return variable + "".join(f'["{key}"]' for key in keys)
        return ""


def _ways(name: str, shapes: tuple[Shape, ...], depth: int) -> list[tuple[str, ...]]:
    fields = {key: inner for shape in shapes for key, inner in (shape.fields or {}).items()}
    if name in fields:
        return [(name,)]
    found = [(key, *way) for key, inner in fields.items() if depth > 1 for way in _ways(name, inner, depth - 1)]
    return sorted(found, key=len)[:1]
