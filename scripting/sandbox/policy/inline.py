"""Guards without a call: what they answer most often is told in the text itself, and only what is left is asked of the guard.

Each keeps the value in a name that no script can write, and looks at the very object that was kept. The look runs no code of
the script, but where `__str__` gave a text of the script's own class: that was made of texts which guards had seen. The name is
never shared with another frame: the policy puts none of these into a comprehension or a class. What is kept lives on until the
next such guard of the frame, or the frame's end.
"""

from __future__ import annotations

import ast

from scripting.sandbox.policy.names import GENERATED

ADDRESS_MARK = " at 0x"
"""Stands in every text that shows a memory address."""

_KEPT = GENERATED + "kept"
_LOAD, _STORE, _IS_NOT, _IN = ast.Load(), ast.Store(), ast.IsNot(), ast.In()
_PLACE = ("lineno", "col_offset", "end_lineno", "end_col_offset")


class At:
    """Makes nodes at the place of another."""

    def __init__(self, node: ast.expr) -> None:
        self._place = {name: getattr(node, name) for name in _PLACE}

    def placed(self, node: ast.expr) -> ast.expr:
        node.__dict__.update(self._place)
        return node

    def name(self, name: str) -> ast.expr:
        return self.placed(ast.Name(name, _LOAD))

    def keep(self, value: ast.expr, name: str = _KEPT) -> ast.expr:
        target = ast.Name(name, _STORE)
        self.placed(target)
        return self.placed(ast.NamedExpr(target, value))

    def taken(self, name: str) -> ast.expr:
        """`(kept, kept := None)[0]`: what is kept, and is not any longer. It may be a generator, which ends once nobody has it."""
        both = ast.Tuple([self.name(name), self.keep(self.placed(ast.Constant(None)), name)], _LOAD)
        return self.placed(ast.Subscript(self.placed(both), self.placed(ast.Constant(0)), _LOAD))

    def call(self, function: str, argument: ast.expr) -> ast.expr:
        return self.placed(ast.Call(self.name(GENERATED + function), [argument], []))

    def choose(self, left: ast.expr, look: ast.cmpop, right: ast.expr, guarded: ast.expr, plain: ast.expr) -> ast.expr:
        """`guarded if left look right else plain`: in this order the commoner way is the shorter."""
        return self.placed(ast.IfExp(self.placed(ast.Compare(left, [look], [right])), guarded, plain))

    def scrubbed(self) -> ast.expr:
        """`(kept := $scrub(kept))`: a text that shows an address is kept no longer."""
        return self.keep(self.call("scrub", self.name(_KEPT)))

    def is_foreign(self, value: ast.expr) -> tuple[ast.expr, ast.cmpop, ast.expr]:
        """`$type($type(value)) is not $made`: its class is not plainly one of the script's own."""
        return self.call("type", self.call("type", value)), _IS_NOT, self.name(GENERATED + "made")


def shown(text: ast.expr) -> ast.expr:
    """An expression that gives text: `(kept := $scrub(kept)) if " at 0x" in (kept := text) else kept`"""
    at = At(text)
    return at.choose(at.placed(ast.Constant(ADDRESS_MARK)), _IN, at.keep(text), at.scrubbed(), at.name(_KEPT))


def remainder(value: ast.expr) -> ast.expr:
    """`a % b`, which may be formatted text: `(kept := $scrub(kept)) if $type(kept := a % b) is not $int else kept`"""
    at = At(value)
    kind, whole = at.call("type", at.keep(value)), at.name(GENERATED + "int")
    return at.choose(kind, _IS_NOT, whole, at.scrubbed(), at.name(_KEPT))


def written_to(target: ast.expr) -> ast.expr:
    """The target of an attribute that is set: `$write(kept) if $type($type(kept := target)) is not $made else kept`

    A variable is read again instead of kept.
    """
    at = At(target)
    name, value = (target.id, at.name(target.id)) if isinstance(target, ast.Name) else (_KEPT, at.keep(target))
    return at.choose(*at.is_foreign(value), at.call("write", at.name(name)), at.name(name))


def super_of_object(found: ast.Call, owner: str | None) -> ast.expr:
    """`super()`, from which `__init__` is to be called: `$super(super()) if $type($type(self)) is not $made else super()`

    `owner` is the method's first argument; where it is not known, or `super` has arguments, the guard is always asked.
    """
    at = At(found)
    guarded = at.call("super", found)
    if owner is None or found.args or found.keywords:
        return guarded
    return at.choose(*at.is_foreign(at.name(owner)), guarded, at.placed(ast.Call(at.name("super"), [], [])))
