"""Methods whose first argument is surely an object of their class: they need no look at it before they set its attributes.

A method that is called for an object gets that object. To give it anything else, it must first be taken from its class as a plain function:
`Unit.hit(other, 3)`. So a text is looked at as a whole. Where each `.hit` in it is a call with fewer arguments than the method requires, its first one
included, the plain function would lack an argument, and not begin; what the call gives to an object's method is complete.

That holds where nothing but the text says which attribute is meant: no `getattr()`, no pattern with attributes, no other text, no package but
those below. (`random.Random.randint(Unit, rand, 4)` calls `Unit.randrange(rand, 5)`.) What the interpreter calls by itself are operators'
methods, and `keys()` and the like without an argument. In a class body, methods are names too: there, none may be read or made global.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from itertools import chain

from scripting.sandbox.policy.tree import of_kinds, walk

_FETCHING_NOTHING = frozenset({"__future__", "itertools", "math"})
"""Packages of C, which call operators' methods alone."""
_KINDS = frozenset({ast.Attribute, ast.Call, ast.ClassDef, ast.Import, ast.ImportFrom, ast.MatchClass, ast.Name})
_BY_A_NAME = "getattr"
_NEVER_FEW = 1 << 30


def bound_methods(tree: ast.Module, guarded: Collection[str]) -> set[ast.FunctionDef]:
    """Methods of the text's classes that are called for objects alone; `guarded` are attributes that are read through a guard."""
    most_arguments: dict[str, int] = {}
    called: set[int] = set()
    attributes: list[ast.Attribute] = []
    classes: list[ast.ClassDef] = []
    for node in of_kinds(tree, _KINDS):
        match node:
            case ast.Call(func=ast.Attribute(attr=name) as function):
                called.add(id(function))
                most_arguments[name] = max(most_arguments.get(name, 0), _arguments(node))
            case ast.Attribute():
                attributes.append(node)
            case ast.ClassDef():
                classes.append(node)
            case ast.Name(id=name) if name == _BY_A_NAME:
                return set()
            case ast.Import(names=names) if not all(alias.name in _FETCHING_NOTHING for alias in names):
                return set()
            case ast.ImportFrom(module=module) if module not in _FETCHING_NOTHING:
                return set()
            case ast.MatchClass(patterns=parts, kwd_attrs=names) if parts or names:
                return set()
    fetched = {node.attr for node in attributes if id(node) not in called}
    return {
        method
        for method in chain.from_iterable(map(_plain_methods, classes))
        if not (method.name.startswith("_") or method.name in fetched or method.name in guarded)
        and most_arguments.get(method.name, 0) < _required(method)
    }


def _arguments(call: ast.Call) -> int:
    """How many arguments the call gives; more than any method takes where that shows at run only."""
    if any(isinstance(argument, ast.Starred) for argument in call.args) or any(k.arg is None for k in call.keywords):
        return _NEVER_FEW
    return len(call.args) + len(call.keywords)


def _required(method: ast.FunctionDef) -> int:
    """How many arguments the method cannot go without, its first one included."""
    arguments = method.args
    return len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)


def _plain_methods(owner: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    """Methods without a decorator of a class whose body defines, assigns and does nothing else, and reads none of them by its name."""
    methods: list[ast.FunctionDef] = []
    read: set[str] = set()
    for statement in owner.body:
        match statement:
            case ast.FunctionDef(args=arguments, decorator_list=decorators, returns=returns):
                methods.append(statement)
                outside = [arguments, *decorators] if returns is None else [arguments, returns, *decorators]
            case ast.Assign() | ast.AnnAssign() | ast.Expr() | ast.Pass():
                outside = [statement]
            case _:
                return
        for part in outside:
            read |= {node.id for node in walk(part) if isinstance(node, ast.Name)}
    yield from (method for method in methods if not method.decorator_list and method.name not in read)
