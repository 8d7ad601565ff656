"""Findings of a check in a Tengo text: unresolved names, calls that do not fit, fields that no payload has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from scripting.sandbox.languages.tengo import nodes
from scripting.sandbox.languages.tengo.catalog import BUILTINS, MODULES
from scripting.sandbox.languages.tengo.resolver import Meaning
from scripting.sandbox.lint import shapes
from scripting.sandbox.lint.finding import did_you_mean, nothing_defines
from scripting.sandbox.lint.shapes import NOTHING, UNKNOWN, Either, Expr, Facts, Field, Item, Known, Listed, Made, Use
from scripting.sandbox.lint.surroundings import Surroundings
from scripting.sandbox.policy.context_names import CONTEXT_NAMES


class TextWarning(NamedTuple):
    """A warning between two offsets of the text."""

    message: str
    start: int
    end: int
    hint: str = ""
    certain: bool = False
    is_error: bool = False


def text_warnings(meaning: Meaning, around: Surroundings) -> list[TextWarning]:
    """In the order of the text."""
    reader = _Reader(meaning, around)
    reader.statements(meaning.statements, sure=True)
    found = [*_unresolved(meaning, around), *_redefined(meaning, around), *reader.misfits]
    for lack in shapes.lacking(reader.facts) if around.knows_context else ():
        place = lack.use.place
        assert isinstance(place, nodes.Node)
        start = place.end - len(lack.use.name) if isinstance(place, nodes.Selector) else place.start
        found.append(TextWarning(lack.message, start, place.end, lack.hint, lack.is_certain))
    return sorted(found, key=lambda one: one.start)


def gives_commands(meaning: Meaning, around: Surroundings) -> bool:
    """Whether the text names a function that changes the game: it may mean to have no result."""
    return any(function.kind == "effect" and name in meaning.free for name, function in around.functions.items())


def _unresolved(meaning: Meaning, around: Surroundings) -> Iterator[TextWarning]:
    for name, use in meaning.first_use.items():
        symbol = meaning.free[name]
        is_known = name in around.known or (around.is_script and name in CONTEXT_NAMES)
        if is_known or (name == "result" and symbol.writes):
            continue
        hint = _meant(name, meaning, around)
        if around.knows_context:
            yield TextWarning(f"unresolved reference '{name[:60]}'", use.start, use.end, hint, is_error=True)
        else:
            yield TextWarning(nothing_defines(name, around), use.start, use.end, hint)


def _redefined(meaning: Meaning, around: Surroundings) -> Iterator[TextWarning]:
    """Context variables that the text defines anew, at its own level."""
    if not around.is_script:
        return
    hint = "choose another name, or write `=`"
    for define in meaning.statements:
        if not isinstance(define, nodes.Define) or define.target.name not in around.context:
            continue
        name, end = define.target.name, define.target.end
        if around.knows_context:
            message = f"'{name}' redeclared in this block: it comes with the context"
            yield TextWarning(message, define.start, end, hint, is_error=True)
        else:
            message = f"`{name}` comes with the context: `:=` hides it from the whole text"
            yield TextWarning(message, define.start, end, hint)


def _meant(name: str, meaning: Meaning, around: Surroundings) -> str:
    if name in MODULES:
        return f'write {name} := import("{name}") at the top'
    if way := around.way_to(name):
        return f"the payload has it: write {way}"
    return did_you_mean(name, {*BUILTINS, *around.known, *(symbol.name for symbol in meaning.locals)})


class _Reader:
    """Reads the tree once."""

    def __init__(self, meaning: Meaning, around: Surroundings) -> None:
        self.around = around
        self.facts = Facts()
        self.facts.stored.may_be_any = bool(meaning.helpers)  # a helper may store into what it is given
        self.misfits: list[TextWarning] = []
        for name, symbol in meaning.free.items():
            self.facts.bind(symbol, Known(around.shapes(name)))
        for function in meaning.functions:
            self.facts.bind(function, NOTHING)
            if not self._is_followed(function):
                for parameter in function.parameters:
                    self.facts.bind(parameter.symbol, UNKNOWN)
        self._functions: list[nodes.Function] = []

    def _is_followed(self, function: nodes.Function) -> bool:
        """Whether every call of it is known."""
        symbol = function.symbol
        return symbol is not None and symbol.function is function and not symbol.used_as_value

    # Statements

    def statements(self, body: list[nodes.Stmt], *, sure: bool) -> None:
        for statement in body:
            self._statement(statement, sure=sure)
            sure = sure and not isinstance(statement, (nodes.Return, nodes.If, nodes.For, nodes.ForIn, nodes.Block))

    def _statement(self, node: nodes.Stmt, *, sure: bool) -> None:
        match node:
            case nodes.ExprStmt(value=value) | nodes.Export(value=value):
                self.expression(value, sure=sure)
            case nodes.Define(target=target, value=value):
                self.facts.bind(target.symbol, self.expression(value, sure=sure))
            case nodes.Assign():
                self._assign(node, sure=sure)
            case nodes.If():
                if node.init is not None:
                    self._statement(node.init, sure=sure)
                self.expression(node.condition, sure=sure)
                self.statements(node.body.body, sure=False)
                if node.orelse is not None:
                    self._statement(node.orelse, sure=False)
            case nodes.For():
                for part in (node.init, node.post):
                    if part is not None:
                        self._statement(part, sure=False)
                if node.condition is not None:
                    self.expression(node.condition, sure=False)
                self.statements(node.body.body, sure=False)
            case nodes.ForIn():
                of = self.expression(node.iterable, sure=sure)
                if node.key is not None:
                    self.facts.bind(node.key.symbol, NOTHING)
                if node.value is not None:
                    self.facts.bind(node.value.symbol, Item(of))
                self.statements(node.body.body, sure=False)
            case nodes.Block(body=body):
                self.statements(body, sure=False)
            case nodes.Return(value=returned):
                given = NOTHING if returned is None else self.expression(returned, sure=sure)
                if self._functions:
                    self.facts.bind(self._functions[-1], given)

    def _assign(self, node: nodes.Assign, *, sure: bool) -> None:
        value = self.expression(node.value, sure=sure)
        match node.target:
            case nodes.Ident(symbol=symbol):
                self.facts.bind(symbol, value if node.operator == "" else UNKNOWN)
            case nodes.Selector(value=inner, name=name):
                self.expression(inner, sure=sure)
                self.facts.stored.names.add(name)
            case nodes.Index(value=inner, index=nodes.Literal(value=str() as name)):
                self.expression(inner, sure=sure)
                self.facts.stored.names.add(name)
            case nodes.Index(value=inner, index=index):
                self.expression(index, sure=sure)
                self.facts.stores.append(self.expression(inner, sure=sure))

    # Expressions

    def expression(self, node: nodes.Expr, *, sure: bool) -> Expr:
        match node:
            case nodes.Literal() | nodes.CharLiteral():
                return NOTHING
            case nodes.Ident():
                return self._name(node)
            case nodes.Binary(operator=operator, left=left, right=right):
                lazy = operator in {"||", "&&"}
                both = Either((self.expression(left, sure=sure), self.expression(right, sure=sure and not lazy)))
                return both if lazy else UNKNOWN if operator == "+" else NOTHING
            case nodes.Conditional():
                self.expression(node.condition, sure=sure)
                return Either((self.expression(node.first, sure=False), self.expression(node.second, sure=False)))
            case nodes.Selector(value=value, name=name):
                return self._field(self.expression(value, sure=sure), name, node)
            case nodes.Index(value=value, index=nodes.Literal(value=str() as name) as key):
                return self._field(self.expression(value, sure=sure), name, key)
            case nodes.Index(value=value, index=index):
                self.expression(index, sure=sure)
                return Item(self.expression(value, sure=sure))
            case nodes.Slice(value=value, low=low, high=high):
                for part in (low, high):
                    if part is not None:
                        self.expression(part, sure=sure)
                return self.expression(value, sure=sure)
            case nodes.MapLiteral(keys=keys, values=values):
                return Made(dict(zip(keys, [self.expression(value, sure=sure) for value in values], strict=True)))
            case nodes.ArrayLiteral(items=items):
                return Listed(Either(tuple(self.expression(item, sure=sure) for item in items)))
            case nodes.Immutable(value=value):
                return self.expression(value, sure=sure)
            case nodes.Unary(operand=value) | nodes.ErrorValue(value=value):
                self.expression(value, sure=sure)
                return NOTHING
            case nodes.Function(body=body):
                self._functions.append(node)
                self.statements(body.body, sure=False)
                self._functions.pop()
            case nodes.Call():
                return self._call(node, sure=sure)
        return UNKNOWN

    def _name(self, node: nodes.Ident) -> Expr:
        symbol = node.symbol
        if symbol is None:
            return UNKNOWN
        return shapes.Variable(symbol)

    def _field(self, value: Expr, name: str, place: nodes.Node) -> Expr:
        self.facts.uses.append(Use(value, name, place))
        return Field(value, name)

    def _call(self, node: nodes.Call, *, sure: bool) -> Expr:
        given = [self.expression(argument, sure=sure) for argument in node.arguments]
        called = node.function
        if not isinstance(called, nodes.Ident):
            self.expression(called, sure=sure)
            return UNKNOWN
        self._name(called)
        symbol = called.symbol
        if symbol is None or symbol.is_free:
            self._of_module(called.name, node, sure=sure)
            if called.name == "get_context":
                return Known(self.around.whole)
            if called.name == "delete" and len(given) == 2:
                self.facts.stores.append(given[0])
            return given[0] if called.name == "copy" and given else UNKNOWN
        function = symbol.function
        if function is None:
            return UNKNOWN
        names = [parameter.name for parameter in function.parameters]
        if not node.spread:
            self._count(called.name, names, len(names), node, sure=sure, is_variadic=function.is_variadic)
        if self._is_followed(function):
            for number, parameter in enumerate(function.parameters):
                is_rest = function.is_variadic and number == len(names) - 1
                unknown = node.spread or is_rest or number >= len(given)
                self.facts.bind(parameter.symbol, UNKNOWN if unknown else given[number])
        return shapes.Variable(function)

    def _of_module(self, name: str, node: nodes.Call, *, sure: bool) -> None:
        function = self.around.functions.get(name)
        listed = function.parameters if function is not None else None
        if listed is None or node.spread or any(one.kind != "POSITIONAL_OR_KEYWORD" for one in listed):
            return
        needed = sum(one.required for one in listed)
        names = [one.name for one in listed]
        self._count(name, names, needed, node, sure=sure)

    def _count(
        self, name: str, names: list[str], needed: int, node: nodes.Call, *, sure: bool, is_variadic: bool = False
    ) -> None:
        given = len(node.arguments)
        least = needed - is_variadic
        shown = f"{name}({', '.join(names)}{'...' if is_variadic else ''})"
        if given < least:
            missing = " and ".join(names[given:least])
            self.misfits.append(
                TextWarning(f"{name}() is called without {missing}", node.start, node.end, f"write {shown}", sure)
            )
        elif given > len(names) and not is_variadic:
            words = f"{name}() takes {len(names)}, and {given} {'is' if given == 1 else 'are'} given here"
            self.misfits.append(TextWarning(words, node.start, node.end, f"it is {shown}", sure))
