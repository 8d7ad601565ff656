"""Which kinds of value an expression can have: what the lowering may leave to plain Python. Long because it is one walk over all nodes.

Kinds are joined over all assignments of a variable, whatever the order; a function that is only ever called takes the kinds of
its calls. Nothing here is needed for a script to be right, only for it to be quick.
"""

from __future__ import annotations

from scripting.sandbox.languages.tengo import nodes
from scripting.sandbox.languages.tengo.catalog import (
    ANY,
    ARRAY,
    BOOL,
    BUILTINS,
    CHAR,
    CONSTANTS,
    FLOAT,
    HOST_RESULTS,
    INT,
    MAP,
    MODULES,
    NUMBER,
    OTHER,
    SLICE,
    STRING,
    TIME,
    UNDEFINED,
)  # fmt: skip
from scripting.sandbox.languages.tengo.nodes import Symbol
from scripting.sandbox.languages.tengo.resolver import Meaning

_ROUNDS = 40
_COUNT_BOUND = 1 << 52
"""A counter steps by less than 2**20: no run is long enough for 2**32 steps."""
_MAX_STEP = 1 << 20
_LENGTH_BOUND = 1 << 40


class Kinds:
    """The kinds of a text's expressions, once `settle` has run."""

    def __init__(self, meaning: Meaning) -> None:
        self.meaning = meaning
        self._memo: dict[nodes.Expr, int] = {}
        """By the node itself: the lowering makes some for a moment, and an id would soon be another one's."""
        self._changed = False
        self._slices = False
        """A part of an array is taken."""
        self._writes = bool(meaning.is_helper or meaning.helpers or meaning.mentions_splice)
        """Something may write into an array that a slice shares: here, or in a text at the other end of an import."""
        self.slices_share = False
        """Whether a run could tell a slice that shares the storage of its array from a copy."""

    def settle(self) -> None:
        """Join until nothing changes any more; if that takes too long, know nothing."""
        for symbol in self.meaning.free.values():
            symbol.kinds = ANY
        for function in self.meaning.functions:
            if not is_known(function):
                for parameter in function.parameters:
                    assert parameter.symbol is not None
                    parameter.symbol.kinds = ANY
        for _ in range(_ROUNDS):
            self._changed = False
            self._memo.clear()
            self._statements(self.meaning.statements, None)
            if not self._changed:
                break
        else:
            self.know_nothing()
        self.slices_share |= self._slices and self._writes
        self._memo.clear()

    def know_nothing(self) -> None:
        """Take every variable and function for anything."""
        self.slices_share = True
        for symbol in self.meaning.free.values():
            symbol.kinds = ANY
        for symbol in self.meaning.locals:
            symbol.kinds = ANY
        for function in self.meaning.functions:
            function.returns = ANY
            for symbol in function.locals:
                symbol.kinds = ANY

    def _join(self, symbol: Symbol | None, kinds: int) -> None:
        if symbol is not None and kinds & ~symbol.kinds:
            symbol.kinds |= kinds
            self._changed = True

    # Statements

    def _statements(self, body: list[nodes.Stmt], function: nodes.Function | None) -> None:
        for statement in body:
            self._statement(statement, function)

    def _statement(self, statement: nodes.Stmt | None, function: nodes.Function | None) -> None:
        match statement:
            case nodes.Define(target=target, value=value):
                self._join(target.symbol, self.visit(value))
            case nodes.Assign(target=target, operator=operator, value=value):
                kinds = self.visit(value)
                if isinstance(target, nodes.Ident):
                    assert target.symbol is not None
                    if operator:
                        self._writes |= _may_write(operator, target.symbol.kinds)
                        kinds = _binary(operator, target.symbol.kinds, kinds)
                    self._join(target.symbol, kinds)
                else:
                    self.visit(target)
                    self._writes |= not _is_key(target)
            case nodes.ExprStmt(value=value):
                self.visit(value)
            case nodes.Export(value=value):
                if self.meaning.is_helper:  # elsewhere it is not looked at
                    self.visit(value)
            case nodes.If(init=init, condition=condition, body=block, orelse=orelse):
                self._statement(init, function)
                self.visit(condition)
                self._statements(block.body, function)
                self._statement(orelse, function)
            case nodes.For(init=init, condition=test, post=post, body=block):
                self._statement(init, function)
                if test is not None:
                    self.visit(test)
                self._statements(block.body, function)
                self._statement(post, function)
            case nodes.ForIn():
                self._for_in(statement, function)
            case nodes.Block(body=body):
                self._statements(body, function)
            case nodes.Return(value=result):
                kinds = self.visit(result) if result is not None else UNDEFINED
                if function is not None and kinds & ~function.returns:
                    function.returns |= kinds
                    self._changed = True

    def _for_in(self, statement: nodes.ForIn, function: nodes.Function | None) -> None:
        kinds = self.visit(statement.iterable)
        if statement.key is not None:
            key = INT if not kinds & (MAP | OTHER) else STRING if kinds == MAP else INT | STRING
            self._join(statement.key.symbol, key)
        if statement.value is not None:
            value = CHAR if kinds == STRING else INT if is_range(statement.iterable) else ANY
            self._join(statement.value.symbol, value)
        self._statements(statement.body.body, function)

    # Expressions

    def visit(self, node: nodes.Expr) -> int:
        """The kinds of the expression, and of all that is assigned inside it."""
        known = self._memo.get(node)
        if known is None:
            known = self._memo[node] = self._visit(node)
        return known

    def of(self, node: nodes.Expr) -> int:
        """The kinds of an expression, ANY where nothing is known."""
        kinds = self.visit(node) or ANY
        return kinds if self.slices_share or not kinds & SLICE else kinds & ~SLICE | ARRAY

    def _visit(self, node: nodes.Expr) -> int:
        match node:
            case nodes.Literal(value=value):
                return _KIND_OF[type(value)]
            case nodes.Ident():
                return self._ident(node)
            case nodes.Binary(operator="&&" | "||", left=left, right=right):
                return self.visit(left) | self.visit(right)
            case nodes.Binary(operator=operator, left=left, right=right):
                kinds = self.visit(left)
                self._writes |= _may_write(operator, kinds)
                return _binary(operator, kinds, self.visit(right))
            case nodes.Unary(operator=operator, operand=operand):
                kinds = self.visit(operand)
                return (
                    BOOL
                    if operator == "!"
                    else INT
                    if operator == "^"
                    else kinds
                    if operator == "+"
                    else kinds & NUMBER
                )
            case nodes.Conditional(condition=condition, first=first, second=second):
                self.visit(condition)
                return self.visit(first) | self.visit(second)
            case nodes.Call():
                return self._call(node)
            case nodes.ArrayLiteral(items=items):
                self._all(items)
                return ARRAY
            case nodes.MapLiteral(values=values):
                self._all(values)
                return MAP
            case nodes.Function():
                self._function(node)
                return OTHER
            case nodes.Selector(value=value):
                self.visit(value)
                return self._selected(node)
            case nodes.Index(value=value, index=index):
                self._all([value, index])
                return ANY
            case nodes.Slice(value=value, low=low, high=high):
                self._all([part for part in (low, high) if part is not None])
                kinds = self.visit(value)
                self._slices |= bool(kinds & (ARRAY | SLICE | OTHER))
                return kinds & (STRING | OTHER) | (SLICE if kinds & (ARRAY | SLICE | OTHER) else 0)
            case nodes.Immutable(value=value):
                kinds = self.visit(value)
                frozen = ARRAY | SLICE | MAP
                return kinds & ~frozen | (OTHER if kinds & (frozen | OTHER) else 0)
            case nodes.ErrorValue(value=value):
                self.visit(value)
        return CHAR if isinstance(node, nodes.CharLiteral) else OTHER if isinstance(node, nodes.ErrorValue) else ANY

    def _all(self, items: list[nodes.Expr]) -> None:
        for item in items:
            self.visit(item)

    def _ident(self, node: nodes.Ident) -> int:
        if node.symbol is None:
            self._writes |= node.name == "append"  # as a value: who knows what it is called with
            return OTHER
        return node.symbol.kinds

    def _function(self, node: nodes.Function) -> None:
        if node.is_variadic:
            self._join(node.parameters[-1].symbol, ARRAY)
        self._statements(node.body.body, node)
        if not always_returns(node.body.body) and not node.returns & UNDEFINED:
            node.returns |= UNDEFINED
            self._changed = True

    def _selected(self, node: nodes.Selector) -> int:
        value = node.value
        if node.name == "chunk":  # of enum
            self._slices = self._writes = True
        if isinstance(value, nodes.Ident) and value.symbol is not None and value.symbol.module:
            module = value.symbol.module
            return OTHER if node.name in MODULES[module] else CONSTANTS.get(module, {}).get(node.name, ANY)
        return ANY

    def _call(self, node: nodes.Call) -> int:
        arguments = [self.visit(argument) for argument in node.arguments]
        function = node.function
        if not isinstance(function, nodes.Ident) or function.symbol is not None:
            self.visit(function)
        if isinstance(function, nodes.Ident):
            if function.symbol is None:
                if function.name == "append":
                    self._writes |= not arguments or bool(arguments[0] & (SLICE | OTHER))
                return _builtin(function.name, arguments, spread=node.spread)
            if function.symbol.function is not None:
                return self._known_call(function.symbol.function, node, arguments)
            if function.symbol.is_free and not function.symbol.writes:
                return HOST_RESULTS.get(function.name, ANY)
        if isinstance(function, nodes.Selector) and isinstance(function.value, nodes.Ident):
            symbol = function.value.symbol
            if symbol is not None and symbol.module:
                return MODULES[symbol.module].get(function.name, ANY)
        return ANY

    def _known_call(self, function: nodes.Function, node: nodes.Call, arguments: list[int]) -> int:
        if is_known(function):
            matches = not node.spread and not function.is_variadic and len(arguments) == len(function.parameters)
            for index, parameter in enumerate(function.parameters):
                self._join(parameter.symbol, arguments[index] if matches else ANY)
        return function.returns

    # What is within bounds

    def bound(self, node: nodes.Expr) -> int | None:
        """An upper bound of the number's absolute value; None if unknown."""
        match node:
            case nodes.Literal(value=int() as value) if not isinstance(value, bool):
                return abs(value)
            case nodes.Ident(symbol=symbol) if symbol is not None and is_counter(symbol):
                return _COUNT_BOUND
            case nodes.Call(function=nodes.Ident(name="len", symbol=None)):
                return _LENGTH_BOUND
            case nodes.Binary(operator="+" | "-", left=left, right=right):
                first, second = self.bound(left), self.bound(right)
                return None if first is None or second is None else first + second
            case nodes.Binary(operator="*", left=left, right=right):
                first, second = self.bound(left), self.bound(right)
                return None if first is None or second is None else first * second
            case nodes.Unary(operator="-" | "+", operand=operand):
                return self.bound(operand)
            case nodes.Binary(operator="%" | "/", left=left):
                return self.bound(left)
        return None


def is_known(function: nodes.Function) -> bool:
    """Whether every call of the function is in sight: it has one name for good, which is only ever called."""
    symbol = function.symbol
    return symbol is not None and symbol.function is function and not symbol.used_as_value


def is_counter(symbol: Symbol) -> bool:
    """Whether the variable only starts from small literals and steps by small literals."""
    if symbol.opaque or symbol.is_parameter or symbol.is_free:
        return False
    return all(_is_small(value, 1 << 31) for value in symbol.values) and all(
        _is_small(step, _MAX_STEP) for step in symbol.steps
    )


def never_negative(symbol: Symbol) -> bool:
    """Whether a counter starts at nought or above and only grows."""
    return (
        is_counter(symbol)
        and symbol.only_grows
        and all(
            isinstance(node, nodes.Literal) and isinstance(node.value, int) and node.value >= 0
            for node in (*symbol.values, *symbol.steps)
        )
    )


def _is_small(node: nodes.Expr, bound: int) -> bool:
    if isinstance(node, nodes.Unary) and node.operator == "-":
        node = node.operand
    return isinstance(node, nodes.Literal) and type(node.value) is int and abs(node.value) < bound


def is_range(node: nodes.Expr) -> bool:
    return (
        isinstance(node, nodes.Call)
        and isinstance(node.function, nodes.Ident)
        and (node.function.symbol is None and node.function.name == "range")
    )


def always_returns(body: list[nodes.Stmt]) -> bool:
    """Whether the end of these statements is never reached."""
    for statement in body:
        match statement:
            case nodes.Return():
                return True
            case nodes.Block(body=inner):
                if always_returns(inner):
                    return True
            case nodes.If(body=block, orelse=orelse) if orelse is not None:
                other = orelse.body if isinstance(orelse, nodes.Block) else [orelse]
                if always_returns(block.body) and always_returns(other):
                    return True
    return False


_KIND_OF = {type(None): UNDEFINED, bool: BOOL, int: INT, float: FLOAT, str: STRING}


def _binary(operator: str, left: int, right: int) -> int:
    if operator in {"==", "!=", "<", "<=", ">", ">="}:
        return BOOL
    if not left or not right:
        return 0
    if operator in {"%", "&", "|", "^", "&^", "<<", ">>"}:
        return INT
    kinds = INT if left & INT and right & INT else 0
    if left & NUMBER and right & NUMBER and (left | right) & FLOAT:
        kinds |= FLOAT
    if operator in {"+", "-"}:
        kinds |= _sum_of_others(operator, left, right)
    return kinds


def _sum_of_others(operator: str, left: int, right: int) -> int:
    """Kinds that + and - give for operands other than numbers."""
    counted = INT | CHAR
    kinds = CHAR if (left | right) & CHAR and left & counted and right & counted else 0
    if left & TIME:
        kinds |= TIME if right & INT else 0
        kinds |= INT if operator == "-" and right & TIME else 0
    if operator == "+":
        kinds |= left & STRING | left & right & OTHER
        if left & _ARRAYS and right & _ARRAYS:
            kinds |= ARRAY | left & SLICE
        kinds |= ARRAY | SLICE if left & right & OTHER else 0
    return kinds


_ARRAYS = ARRAY | SLICE


def _may_write(operator: str, left: int) -> bool:
    """Whether `left + right` may fill the room behind a slice."""
    return operator == "+" and bool(left & (SLICE | OTHER))


def _is_key(target: nodes.Expr) -> bool:
    """Whether only a map can be assigned to by this."""
    match target:
        case nodes.Selector():
            return True
        case nodes.Index(index=nodes.Literal(value=str() as key)):
            return not key[-1:].isdigit()  # as an index of an array, "0" is 0
    return False


def _builtin(name: str, arguments: list[int], *, spread: bool) -> int:
    result = BUILTINS[name][1]
    if name == "append" and len(arguments) > 1:
        return result if not arguments[0] or arguments[0] & ~ARRAY else ARRAY
    if spread or not arguments:
        return result
    first = arguments[0]
    if not first:
        return 0
    rest = arguments[1] if len(arguments) > 1 else UNDEFINED
    match name:
        case "string":
            return STRING | (rest if first & UNDEFINED else 0)
        case "int":
            return INT | (0 if not first & ~(INT | FLOAT | BOOL) else rest)
        case "float":
            return FLOAT | (0 if not first & ~NUMBER else rest)
        case "copy":
            return first & ~(OTHER | SLICE) | (OTHER | ARRAY | MAP if first & OTHER else ARRAY if first & SLICE else 0)
        case "char":
            return CHAR | rest
        case "time":
            return TIME | rest
        case "bytes":
            return OTHER | rest
    return result
