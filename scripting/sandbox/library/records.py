"""dataclasses and SimpleNamespace for scripts: records of their own, written to by nobody else."""

from __future__ import annotations

import dataclasses
from typing import Any

from scripting.sandbox.library.attributes import OPEN_CLASSES
from scripting.sandbox.library.classes import OWN_CLASSES, FrozenClass
from scripting.sandbox.library.violation import SecurityViolation
from scripting.sandbox.policy.names import attribute_problem, is_dunder


def dataclass(cls: Any = None, /, **options: Any) -> Any:
    """Give a class of your own __init__, __repr__ and __eq__ from its annotated fields."""
    if cls is None:
        return lambda given: dataclass(given, **options)
    if type(cls) not in OWN_CLASSES:
        raise SecurityViolation("@dataclass stands before a class of your own")
    # The library writes the names of the fields into text that it executes: they come from annotations in the class statement,
    # which the parser knows as names. It is looked at again, in case some way to other text is found.
    for name in vars(cls).get("__annotations__", ()):
        if not (type(name) is str and name.isidentifier() and not is_dunder(name)):
            raise SecurityViolation("the fields of a dataclass must be plain names")
    return dataclasses.dataclass(cls, **options)


class SimpleNamespace(metaclass=FrozenClass):
    """An object for attributes: SimpleNamespace(x=1, y=2).x"""

    def __init__(self, /, **attributes: Any) -> None:
        for name in attributes:
            problem = attribute_problem(name, write=True)
            if problem:
                raise SecurityViolation(problem[0])
        self.__dict__.update(attributes)

    def __repr__(self) -> str:
        return f"namespace({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SimpleNamespace):
            return self.__dict__ == other.__dict__
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]


type.__setattr__(SimpleNamespace, "__module__", "types")
OPEN_CLASSES.add(SimpleNamespace)

DATACLASSES: dict[str, Any] = {
    **{
        name: getattr(dataclasses, name)
        for name in "FrozenInstanceError InitVar KW_ONLY MISSING asdict astuple field fields is_dataclass replace".split()
    },
    "dataclass": dataclass,
}
DATACLASSES_ABSENT = {"make_dataclass": "write the class out"}
