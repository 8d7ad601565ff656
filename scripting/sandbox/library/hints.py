"""typing for scripts: names to write annotations with. They mean nothing at run, and nothing evaluates them.

The library's own keep text as code to evaluate (`List["…"]`), and lead to the classes behind them.
"""

from __future__ import annotations

import collections
import collections.abc
from typing import Any

from scripting.sandbox.library.classes import FrozenClass

_CLASSES: dict[str, Any] = {
    "Callable": collections.abc.Callable,
    "Collection": collections.abc.Collection,
    "Container": collections.abc.Container,
    "Counter": collections.Counter,
    "DefaultDict": collections.defaultdict,
    "Deque": collections.deque,
    "Dict": dict,
    "FrozenSet": frozenset,
    "Generator": collections.abc.Generator,
    "Hashable": collections.abc.Hashable,
    "Iterable": collections.abc.Iterable,
    "Iterator": collections.abc.Iterator,
    "List": list,
    "Mapping": collections.abc.Mapping,
    "MutableMapping": collections.abc.MutableMapping,
    "MutableSequence": collections.abc.MutableSequence,
    "MutableSet": collections.abc.MutableSet,
    "OrderedDict": collections.OrderedDict,
    "Reversible": collections.abc.Reversible,
    "Sequence": collections.abc.Sequence,
    "Set": set,
    "Sized": collections.abc.Sized,
    "Tuple": tuple,
    "Type": type,
}
_MARKS = """
    AbstractSet Any AnyStr ClassVar Concatenate Final Generic Literal LiteralString Never NoReturn Optional ParamSpec Protocol
    Required NotRequired Self SupportsAbs SupportsFloat SupportsIndex SupportsInt SupportsRound TypeAlias TypeGuard Union Unpack
    Annotated
"""


class Hint(metaclass=FrozenClass):
    """One name of typing: it takes brackets and `|`, and a class may name it as a base."""

    __slots__ = ("_kind", "_name")
    _kind: Any
    _name: str

    def __init__(self, name: str, kind: Any = None) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_kind", kind)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("what typing offers is shared and cannot be changed")

    def __getitem__(self, item: object) -> Hint:
        return self

    def __or__(self, other: object) -> Hint:
        return self

    __ror__ = __or__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._kind is None or self._kind is type:
            raise TypeError(f"{self._name} stands in annotations only")
        return self._kind(*args, **kwargs)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return () if self._kind is None else (self._kind,)

    def __instancecheck__(self, instance: object) -> bool:
        if self._kind is None:
            raise TypeError(f"{self._name} stands in annotations only: name the class that you look for")
        return isinstance(instance, self._kind)

    def __repr__(self) -> str:
        return f"typing.{self._name}"


def cast(typ: Any, val: Any) -> Any:
    """The value as it is: a note for readers."""
    return val


def new_type(name: str, tp: Any) -> Any:
    """typing.NewType: a function that gives its value."""

    def made(value: Any, /) -> Any:
        return value

    return made


def type_variable(name: str, *constraints: Any, **options: Any) -> Hint:
    """typing.TypeVar: a name for annotations."""
    return Hint(str.__str__(name))


def final(value: Any) -> Any:
    """The class or method as it is: a note for readers."""
    return value


def override(value: Any) -> Any:
    """The method as it is: a note for readers."""
    return value


MEMBERS: dict[str, Any] = {
    **{name: Hint(name, kind) for name, kind in _CLASSES.items()},
    **{name: Hint(name) for name in _MARKS.split()},
    "NewType": new_type,
    "TYPE_CHECKING": False,
    "TypeVar": type_variable,
    "cast": cast,
    "final": final,
    "override": override,
}
ABSENT = {
    "NamedTuple": "write a class with @dataclass, or use collections.namedtuple",
    "TypedDict": "write dict[str, int] in the annotation",
    "get_type_hints": "annotations are notes for readers here",
}
