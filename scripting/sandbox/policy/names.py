"""Which names and attributes a script may write: one rule for the text at check and for dynamic names at run."""

from __future__ import annotations

from RestrictedPython.transformer import INSPECT_ATTRIBUTES

GENERATED = "$"
"""Prefix of generated names: the policy admits it, and no script can write it."""

OWN_MARK = GENERATED + "own"
"""An attribute of every class that a script makes, and of nothing else."""

REFUSED_BUILTINS: dict[str, str] = {
    "open": "scripts have no files; take the data from the context, or ask for a function of the module",
    "eval": "write the expression out, or look the choice up in a dict",
    "exec": "write the code out, or put it in a helper script and import it",
    "compile": "write the code out, or put it in a helper script and import it",
    "__import__": "use an import statement",
    "globals": "keep the values in a dict of your own",
    "locals": "keep the values in a dict of your own",
    "vars": "name the attributes, or keep the values in a dict",
    "dir": "name the attributes that you want",
    "id": "compare with `is`, or give your objects a name or number of their own",
    "hash": "use the value itself as the key of a dict",
    "input": "take the data from the context: get_context()",
    "breakpoint": "use log(text)",
    "help": "use log(text)",
    "exit": "let the script end by itself; inside a function use return",
    "quit": "let the script end by itself; inside a function use return",
    "memoryview": "use bytes or a list",
    "object": "leave the base class out: class Name:",
    "builtins": "the builtin functions are there without a prefix",
}
"""Builtin names that scripts go without, each with what to write instead."""

OPERATOR_METHODS = frozenset(
    [
        "__init__",
        "__post_init__",
        "__call__",
        "__str__",
        "__repr__",
        "__format__",
        "__bool__",
        "__len__",
        "__length_hint__",
        "__hash__",
        "__contains__",
        "__iter__",
        "__next__",
        "__reversed__",
        "__getitem__",
        "__setitem__",
        "__delitem__",
        "__missing__",
        "__enter__",
        "__exit__",
        "__eq__",
        "__ne__",
        "__lt__",
        "__le__",
        "__gt__",
        "__ge__",
        "__add__",
        "__sub__",
        "__mul__",
        "__matmul__",
        "__truediv__",
        "__floordiv__",
        "__mod__",
        "__divmod__",
        "__pow__",
        "__lshift__",
        "__rshift__",
        "__and__",
        "__or__",
        "__xor__",
        "__radd__",
        "__rsub__",
        "__rmul__",
        "__rmatmul__",
        "__rtruediv__",
        "__rfloordiv__",
        "__rmod__",
        "__rdivmod__",
        "__rpow__",
        "__rlshift__",
        "__rrshift__",
        "__rand__",
        "__ror__",
        "__rxor__",
        "__iadd__",
        "__isub__",
        "__imul__",
        "__imatmul__",
        "__itruediv__",
        "__ifloordiv__",
        "__imod__",
        "__ipow__",
        "__ilshift__",
        "__irshift__",
        "__iand__",
        "__ior__",
        "__ixor__",
        "__neg__",
        "__pos__",
        "__abs__",
        "__invert__",
        "__int__",
        "__float__",
        "__complex__",
        "__index__",
        "__round__",
        "__trunc__",
        "__floor__",
        "__ceil__",
    ]
)
"""Methods that a class may define: what operators, loops, `with` and conversions call."""

CLASS_DECLARATIONS = frozenset({"__slots__", "__match_args__"})
"""Names that a class body may assign a literal tuple of attribute names to."""

SUPER_METHODS = OPERATOR_METHODS - {"__hash__"}
"""Methods that may be called as super().__name__(…); the identity hash would show an address."""

METHOD_HINTS: dict[str, str] = {
    "__del__": "nothing runs when an object goes away; use a with statement or call a method yourself",
    "__new__": "use __init__, or a function that makes the object",
    "__getattr__": "use a dict or a property",
    "__getattribute__": "use a dict or a property",
    "__setattr__": "use a property",
    "__delattr__": "use a property",
    "__class__": "use isinstance(value, Class), or type(value)",
    "__dict__": "name the attributes, or keep the values in a dict",
    "__doc__": "write a comment",
    "__file__": "scripts have no file",
}

_READABLE = frozenset({"__name__"})
_PRIVATE_OF_LIBRARIES = frozenset({"_field_defaults"})


def is_dunder(name: str) -> bool:
    return len(name) > 4 and name.startswith("__") and name.endswith("__")


def attribute_problem(name: str, *, write: bool = False) -> tuple[str, str] | None:
    """Why `value.name` is refused, and what to write instead; None if it is admitted."""
    if is_dunder(name):
        if name in _READABLE and not write:
            return None
        return f'the attribute "{name}" is reserved', METHOD_HINTS.get(
            name, "use the operator or function that stands for it"
        )
    if name.startswith(GENERATED):
        return f'the attribute "{name}" is reserved', "use names of letters, digits and underscores"
    if name in INSPECT_ATTRIBUTES or name == "mro":
        return f'the attribute "{name}" looks into the interpreter', "scripts cannot inspect frames, code or classes"
    if name in _PRIVATE_OF_LIBRARIES or (len(name) > 2 and name.startswith("_") and name.endswith("_")):
        return f'the attribute "{name}" is reserved', "give it a name that does not begin and end with an underscore"
    return None


def name_problem(name: str) -> tuple[str, str] | None:
    """Why the variable `name` is refused, and what to write instead; None if it is admitted. Refused builtins are not
    refused here: a script may define such a name itself."""
    if is_dunder(name):
        return f'the name "{name}" is reserved', METHOD_HINTS.get(name, "choose a name without the double underscores")
    return None
