"""Which variable a name is. A scope binds its names while it runs, so what a name is may depend on what ran before: this walks the
tree as it will run and finds where a variable has a value for certain, where it may have none, and where its type must hold.

Walked twice: a `set` of what has no value yet makes a variable where it stands, which later reads must know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripting.sandbox.languages.zygomys import nodes
from scripting.sandbox.languages.zygomys.catalog import BUILTINS, PREDEFINED
from scripting.sandbox.languages.zygomys.nodes import Assign, Function, Node, Read, Scope, Variable
from scripting.sandbox.policy.context_names import CONTEXT_NAMES

Definite = set[Variable]


class Bindings:
    """Ties the reads and assignments of one text to variables."""

    def __init__(self, top: Scope, body: list[Node]) -> None:
        self.top = top
        self.body = body
        self.final = False
        self.depth = 0
        """Loops and branches around the node at hand."""
        self.loops = 0
        self.entered: dict[Scope, int] = {}
        self.surely: set[Variable] = set()
        """Variables of the text's own scope that its main course binds."""
        self.has_result = False
        self.is_result_certain = False
        self.uses: list[tuple[Function, Variable]] = []
        self.free: dict[str, Read | Assign] = {}
        """The first use of each name that nothing here defines."""

    def settle(self) -> None:
        self._walk_text()
        self.final = True
        self._walk_text()
        self._capture()

    def _walk_text(self) -> None:
        definite: Definite = set()
        self.entered[self.top] = 0
        for node in self.body:
            self._walk(node, definite)
        result = self.top.variables.get("result")
        self.has_result = result is not None
        self.is_result_certain = result in definite
        if result is not None and not self.is_result_certain:
            result.is_checked = True

    # Names

    def _candidates(self, name: str, scope: Scope | None, definite: Definite) -> tuple[list[Variable], bool]:
        """The variables that the name may be, nearest first, and whether the last of them has a value for certain."""
        found = []
        while scope is not None:
            variable = scope.variables.get(name)
            if variable is not None:
                found.append(variable)
                if variable in definite:
                    return found, True
            scope = scope.outer
        return found, False

    def _read(self, node: Read, definite: Definite) -> None:
        if not self.final:
            return
        candidates, is_certain = self._candidates(node.name, node.scope, definite)
        node.candidates = candidates
        if not is_certain:
            is_own = node.name in BUILTINS or node.name in PREDEFINED
            last = candidates[-1] if candidates else None
            later = last is not None and last in self.surely and node.scope.function is not last.scope.function
            node.otherwise = "builtin" if is_own else "" if later else "context"
            if not candidates and not is_own and not node.may_be_key:
                self.free.setdefault(node.name, node)
        checked = candidates if node.otherwise else candidates[:-1]
        for variable in checked:
            if variable not in definite:
                variable.is_checked = True
        for variable in candidates:
            self._use(node.scope, variable)

    def _use(self, scope: Scope, variable: Variable) -> None:
        function = scope.function
        if function is not None and variable.scope.function is not function:
            variable.is_captured = True
            self.uses.append((function, variable))

    def _bind(self, node: Assign, definite: Definite) -> None:
        """Return the target of the assignment, once its value is computed."""
        if node.is_def:
            self._def(node, definite)
        else:
            self._set(node, definite)

    def _def(self, node: Assign, definite: Definite) -> None:
        variable = node.target
        assert variable is not None
        if self.final:
            function = variable.scope.function
            again = variable.binds > 1 or self.loops > self.entered.get(variable.scope, 0)
            again = again or (function is not None and function.repeats and variable.scope is function.scope)
            if again:
                node.checks_type = True
                variable.is_rebound = True
                if variable not in definite:
                    variable.is_checked = True
            self._use(node.scope, variable)
        definite.add(variable)
        if variable.scope is self.top and not self.depth and node.scope.function is None:
            self.surely.add(variable)

    def _set(self, node: Assign, definite: Definite) -> None:
        candidates, is_certain = self._candidates(node.name, node.scope, definite)
        if is_certain:
            target = candidates.pop()
        elif not candidates and node.name in CONTEXT_NAMES:
            target = self.top.variable(node.name)
            target.from_context = True
        elif candidates and candidates[0].scope is node.scope:
            target = candidates.pop(0) if len(candidates) == 1 else candidates[0]
        else:
            target = node.scope.variable(node.name)
        if not self.final:
            if not is_certain:
                target.binds += 1
                definite.add(target)
            return
        node.target, node.candidates = target, candidates
        for variable in (*candidates, target):
            if node.value not in variable.values:
                variable.values.append(node.value)
            self._use(node.scope, variable)
        for variable in candidates:
            variable.is_checked = True
        if target.scope is self.top and not is_certain and not candidates and node.scope.function is None:
            self.free.setdefault(node.name, node)
        if not candidates:
            definite.add(target)
            if target.scope is self.top and not self.depth and node.scope.function is None:
                self.surely.add(target)

    # Nodes, in the order in which they run

    def _walk(self, node: Node | None, definite: Definite) -> None:
        kind = type(node)
        if kind is nodes.Const:
            return
        walk = _WALKS.get(kind)
        if walk is not None:
            walk(self, node, definite)
        elif node is not None:
            self._walk_all(nodes.children(node), definite)

    def _assign(self, node: Assign, definite: Definite) -> None:
        value = node.value
        if isinstance(value, Function) and node.is_def and node.target is not None:
            self._function(value, definite | {node.target})
        else:
            self._walk(value, definite)
        self._bind(node, definite)

    def _multi_assign(self, node: nodes.MultiAssign, definite: Definite) -> None:
        self._walk(node.value, definite)
        for target in node.targets:
            self._bind(target, definite)

    def _colon(self, node: nodes.Colon, definite: Definite) -> None:
        self._walk(node.container, definite)
        self._walk(node.evaluated, set(definite))
        self._walk(node.default, definite)

    def _logic(self, node: nodes.Logic, definite: Definite) -> None:
        self._walk(node.parts[0], definite)
        self._branch(node.parts[1:], set(definite))

    def _expect(self, node: nodes.Expect, definite: Definite) -> None:
        self._walk(node.message, definite)
        self._branch([node.body], set(definite))

    def _delayed(self, node: nodes.Delayed, definite: Definite) -> None:
        self._walk(node.value, set(definite))

    def _package(self, node: nodes.PackageDecl, definite: Definite) -> None:
        self.entered[node.scope] = self.loops
        self._walk_all(node.body, definite)
        for variable in node.scope.variables.values():
            variable.is_captured = True

    def _walk_all(self, parts: Any, definite: Definite) -> None:
        for part in parts:
            self._walk(part, definite)

    def _branch(self, parts: Any, definite: Definite) -> None:
        self.depth += 1
        self._walk_all(parts, definite)
        self.depth -= 1

    def _cond(self, node: nodes.Cond, definite: Definite) -> None:
        ends: list[Definite] = []
        course = definite
        self.depth += 1
        for index, (test, value) in enumerate(node.branches):
            self.depth -= 1 if index == 0 else 0
            self._walk(test, course)
            self.depth += 1 if index == 0 else 0
            branch = set(course)
            self._walk(value, branch)
            ends.append(branch)
            course = set(course)
        self._walk(node.default, course)
        self.depth -= 1
        for end in ends:
            course &= end
        definite |= course

    def _inner(self, node: nodes.Inner, definite: Definite) -> None:
        self.entered[node.scope] = self.loops
        for variable, value in node.bindings:
            self._walk(value, definite)
            if node.is_sequential:
                definite.add(variable)
        definite.update(variable for variable, _ in node.bindings)
        self._walk_all(node.body, definite)

    def _for(self, node: nodes.For, definite: Definite) -> None:
        self.entered[node.scope] = self.loops
        self._walk(node.init, definite)
        self.loops += 1
        self._walk(node.test, definite)
        begun = set(definite)
        self._branch(node.body, set(begun))
        self._branch([node.step], begun)
        self.loops -= 1

    def _range(self, node: nodes.Range, definite: Definite) -> None:
        self._walk(node.source, definite)
        self.entered[node.scope] = self.loops
        turn = set(definite)
        self.loops += 1
        self.depth += 1
        for target in node.targets:
            if target.is_def and target.target is not None:
                self._use(target.scope, target.target)
                turn.add(target.target)
            else:
                self._bind(target, turn)
        self._walk_all(node.body, turn)
        self.depth -= 1
        self.loops -= 1

    def _function(self, node: Function, definite: Definite) -> None:
        outer = self.loops, self.depth
        self.loops, self.depth = 0, 1
        self.entered[node.scope] = 0
        inside = definite | set(node.parameters)
        if node.rest is not None:
            inside.add(node.rest)
        for kind in node.types:
            self._walk(kind, definite)
        self._walk_all(node.body, inside)
        self.loops, self.depth = outer

    def _evaluate(self, node: nodes.Evaluate, definite: Definite) -> None:
        self._walk_all(node.arguments, definite)
        if not self.final:
            return
        here = node.names.pop("$scope").scope
        scope: Scope | None = here
        while scope is not None:
            for name in scope.variables:
                if name not in node.names:
                    read = Read(node.start, node.end, name, here)
                    self._read(read, definite)
                    node.names[name] = read
            scope = scope.outer

    # Closures

    def _capture(self) -> None:
        """The boxes that each function takes along, and those around it."""
        for function, variable in self.uses:
            if not variable.is_boxed:
                continue
            inner: Function | None = function
            while inner is not None and inner is not variable.scope.function:
                if variable not in inner.captures:
                    inner.captures.append(variable)
                assert inner.scope.outer is not None
                inner = inner.scope.outer.function


_WALKS: dict[type, Callable[[Bindings, Any, Definite], None]] = {
    Read: Bindings._read,
    Assign: Bindings._assign,
    nodes.MultiAssign: Bindings._multi_assign,
    nodes.Colon: Bindings._colon,
    nodes.Logic: Bindings._logic,
    nodes.Cond: Bindings._cond,
    nodes.Inner: Bindings._inner,
    nodes.For: Bindings._for,
    nodes.Range: Bindings._range,
    nodes.Expect: Bindings._expect,
    nodes.Delayed: Bindings._delayed,
    nodes.Evaluate: Bindings._evaluate,
    nodes.PackageDecl: Bindings._package,
    Function: Bindings._function,
}
