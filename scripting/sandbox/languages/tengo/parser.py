"""From tokens to the tree: recursive descent. Long because the grammar is: one method for each of its rules, in its order.

The first error ends it, with its position.
"""

from __future__ import annotations

from typing import NoReturn

from scripting.sandbox.languages.tengo import nodes
from scripting.sandbox.languages.tengo.literals import BadLiteral, parse_float, parse_int, unquote, unquote_char
from scripting.sandbox.languages.tengo.scanner import Places, Token, scan

_PRECEDENCE = {
    "||": 1, "&&": 2,
    "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3,
    "+": 4, "-": 4, "|": 4, "^": 4,
    "*": 5, "/": 5, "%": 5, "<<": 5, ">>": 5, "&": 5, "&^": 5,
}  # fmt: skip
_ASSIGNMENTS = frozenset(["+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "&^="])
_SIMPLE_STARTS = frozenset(
    "func error immutable name int float char string true false undefined import ( { [ + - * & ^ !".split()
)


def parse(source: str, tokens: list[Token] | None = None) -> tuple[list[nodes.Stmt], Places]:
    """The statements of a text, of which the tokens may be known. Raises Refusal."""
    places = Places(source)
    parser = Parser(tokens or scan(source, places), places)
    return parser.file(), places


class Parser:
    """One text's parser; `token` is the one that comes next."""

    def __init__(self, tokens: list[Token], places: Places) -> None:
        self.tokens = tokens
        self.places = places
        self.position = 0
        self.token = tokens[0]

    # Moving on

    def _next(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.position += 1
            self.token = self.tokens[self.position]
        return token

    @property
    def _last_end(self) -> int:
        return self.tokens[self.position - 1].end if self.position else 0

    def _expect(self, kind: str) -> Token:
        if self.token.kind != kind:
            self._expected(f"'{kind}'" if kind != "name" else "'IDENT'")
        return self._next()

    def _expected(self, what: str, token: Token | None = None) -> NoReturn:
        token = token or self.token
        self.places.refuse(
            f"expected {what}, found {token.shown}" if token.kind != "end" else f"expected {what}, found the end",
            token.start,
            token.end,
        )

    def _end_statement(self) -> None:
        if self.token.kind == ";":
            self._next()
        elif self.token.kind not in {")", "}"}:
            self._expected("';'")

    # Statements

    def file(self) -> list[nodes.Stmt]:
        statements = self._statements()
        if self.token.kind != "end":
            self._expected("statement")
        return statements

    def _statements(self) -> list[nodes.Stmt]:
        statements: list[nodes.Stmt] = []
        while self.token.kind not in {"}", "end"}:
            statement = self._statement()
            if statement is not None:
                statements.append(statement)
        return statements

    def _statement(self) -> nodes.Stmt | None:
        kind = self.token.kind
        if kind in _SIMPLE_STARTS:
            statement = self._simple_statement()
            self._end_statement()
            return statement
        match kind:
            case "return":
                return self._return()
            case "export":
                start = self._next().start
                value = self._expression()
                self._end_statement()
                return nodes.Export(start, value.end, value)
            case "if":
                return self._if()
            case "for":
                return self._for()
            case "break" | "continue":
                token = self._next()
                if self.token.kind == "name":
                    self._next()
                self._end_statement()
                return nodes.Branch(token.start, token.end, token.kind)
            case ";":
                self._next()
                return None
        self._expected("statement")

    def _return(self) -> nodes.Stmt:
        token = self._next()
        value = None if self.token.kind in {";", "}"} else self._expression()
        self._end_statement()
        return nodes.Return(token.start, value.end if value else token.end, value)

    def _block(self) -> nodes.Block:
        start = self._expect("{").start
        body = self._statements()
        end = self._expect("}").end
        return nodes.Block(start, end, body)

    def _if(self) -> nodes.Stmt:
        start = self._next().start
        if self.token.kind == "{":
            self.places.refuse("missing condition in if statement", self.token.start)
        if self.token.kind == ";":
            self.places.refuse("missing init in if statement", self.token.start)
        init: nodes.Stmt | None = None
        condition: nodes.Stmt = self._simple_statement()
        if self.token.kind == ";":
            self._next()
            init, condition = condition, self._simple_statement()
        elif self.token.kind != "{":
            self.places.refuse("missing condition in if statement", self.token.start)
        test = self._as_expression(condition, "boolean expression")
        body = self._block()
        orelse: nodes.Stmt | None = None
        if self.token.kind == "else":
            self._next()
            if self.token.kind == "if":
                orelse = self._if()
                return nodes.If(start, orelse.end, init, test, body, orelse)
            if self.token.kind != "{":
                self._expected("if or {")
            orelse = self._block()
        end = self._last_end
        self._end_statement()
        return nodes.If(start, end, init, test, body, orelse)

    def _for(self) -> nodes.Stmt:
        start = self._next().start
        init: nodes.Stmt | None = None
        condition: nodes.Stmt | None = None
        post: nodes.Stmt | None = None
        if self.token.kind != "{":
            if self.token.kind != ";":
                init = self._simple_statement(for_in=True)
            if isinstance(init, nodes.ForIn):
                init.start = start
                init.body = self._block()
                init.end = init.body.end
                self._end_statement()
                return init
            if self.token.kind == ";":
                self._next()
                if self.token.kind != ";":
                    condition = self._simple_statement()
                self._expect(";")
                if self.token.kind != "{":
                    post = self._simple_statement()
            else:
                init, condition = None, init
        body = self._block()
        self._end_statement()
        test = self._as_expression(condition, "condition expression") if condition else None
        return nodes.For(start, body.end, init, test, post, body)

    def _as_expression(self, statement: nodes.Stmt, wanted: str) -> nodes.Expr:
        if isinstance(statement, nodes.ExprStmt):
            return statement.value
        found = "assignment" if isinstance(statement, (nodes.Define, nodes.Assign)) else "simple statement"
        hint = "compare with ==" if found == "assignment" else ""
        self.places.refuse(f"expected {wanted}, found {found}", statement.start, statement.end, hint=hint)

    def _simple_statement(self, *, for_in: bool = False) -> nodes.Stmt:
        first = self._expression()
        more: list[nodes.Expr] = []
        while self.token.kind == ",":
            self._next()
            more.append(self._expression())
        kind = self.token.kind
        if kind in {"=", ":="}:
            return self._assignment(first, more)
        if kind == "in" and for_in:
            return self._for_in([first, *more])
        if more:
            self._expected("1 expression", Token("name", self.places.source[first.start : first.end][:60], first.start))
        if kind in _ASSIGNMENTS:
            self._next()
            value = self._expression()
            return nodes.Assign(first.start, value.end, first, kind[:-1], value)
        if kind in {"++", "--"}:
            token = self._next()
            one = nodes.Literal(token.start, token.end, 1)
            return nodes.Assign(first.start, token.end, first, kind[0], one)
        return nodes.ExprStmt(first.start, first.end, first)

    def _assignment(self, target: nodes.Expr, more: list[nodes.Expr]) -> nodes.Stmt:
        token = self._next()
        value = self._expression()
        if more or self.token.kind == ",":
            self._compile_error("tuple assignment not allowed", target, "write one assignment for each name")
        if token.kind == "=":
            return nodes.Assign(target.start, value.end, target, "", value)
        if isinstance(target, (nodes.Selector, nodes.Index)):
            self._compile_error("operator ':=' not allowed with selector", target, "write = instead of :=")
        if not isinstance(target, nodes.Ident):
            self._compile_error("only a name can be defined with ':='", target)
        return nodes.Define(target.start, value.end, target, value)

    def _compile_error(self, message: str, node: nodes.Node, hint: str = "") -> NoReturn:
        self.places.refuse(message, node.start, node.end, kind="compilation", hint=hint)

    def _for_in(self, names: list[nodes.Expr]) -> nodes.Stmt:
        self._next()
        iterable = self._expression()
        if len(names) > 2:
            self.places.refuse("expected at most a key and a value", names[2].start)
        for name in names:
            if not isinstance(name, nodes.Ident):
                self.places.refuse("expected identifier", name.start, name.end)
        value, key = names[-1], names[0] if len(names) == 2 else None
        assert isinstance(value, nodes.Ident)
        assert key is None or isinstance(key, nodes.Ident)
        if key is not None and key.name == "_":
            key = None
        body = nodes.Block(iterable.end, iterable.end, [])
        return nodes.ForIn(names[0].start, iterable.end, key, value if value.name != "_" else None, iterable, body)

    # Expressions

    def _expression(self) -> nodes.Expr:
        condition = self._binary(1)
        if self.token.kind != "?":
            return condition
        self._next()
        first = self._expression()
        self._expect(":")
        second = self._expression()
        return nodes.Conditional(condition.start, second.end, condition, first, second)

    def _binary(self, least: int) -> nodes.Expr:
        left = self._unary()
        while True:
            operator = self.token.kind
            precedence = _PRECEDENCE.get(operator, 0)
            if precedence < least:
                return left
            self._next()
            right = self._binary(precedence + 1)
            left = nodes.Binary(left.start, right.end, operator, left, right)

    def _unary(self) -> nodes.Expr:
        if self.token.kind in {"+", "-", "!", "^"}:
            token = self._next()
            operand = self._unary()
            return nodes.Unary(token.start, operand.end, token.kind, operand)
        return self._primary()

    def _primary(self) -> nodes.Expr:
        value = self._operand()
        while True:
            kind = self.token.kind
            if kind == ".":
                self._next()
                if self.token.kind != "name":
                    self._expected("selector")
                name = self._next()
                value = nodes.Selector(value.start, name.end, value, name.text)
            elif kind == "[":
                value = self._index_or_slice(value)
            elif kind == "(":
                value = self._call(value)
            else:
                return value

    def _index_or_slice(self, value: nodes.Expr) -> nodes.Expr:
        self._next()
        low = None if self.token.kind == ":" else self._expression()
        if self.token.kind == ":":
            self._next()
            high = None if self.token.kind == "]" else self._expression()
            end = self._expect("]").end
            return nodes.Slice(value.start, end, value, low, high)
        end = self._expect("]").end
        assert low is not None
        return nodes.Index(value.start, end, value, low)

    def _call(self, function: nodes.Expr) -> nodes.Expr:
        self._next()
        arguments: list[nodes.Expr] = []
        spread = False
        while self.token.kind not in {")", "end"} and not spread:
            arguments.append(self._expression())
            if self.token.kind == "...":
                self._next()
                spread = True
            if not self._comma(")", "call argument"):
                break
        end = self._expect(")").end
        return nodes.Call(function.start, end, function, arguments, spread)

    def _comma(self, closing: str, wanted: str) -> bool:
        """Whether another item follows; the last one may end its line, but not with a comma before the bracket."""
        if self.token.kind == ",":
            self._next()
            if self.token.kind == closing:
                self._expected(wanted)
            return True
        if self.token.kind == ";" and self.token.text == "\n":
            self._next()
        return False

    def _operand(self) -> nodes.Expr:
        token = self.token
        match token.kind:
            case "name":
                self._next()
                return nodes.Ident(token.start, token.end, token.text)
            case "int" | "float" | "char" | "string":
                return self._literal()
            case "true" | "false" | "undefined":
                self._next()
                value = {"true": True, "false": False, "undefined": None}[token.kind]
                return nodes.Literal(token.start, token.end, value)
            case "(":
                self._next()
                inner = self._expression()
                inner_end = self._expect(")").end
                inner.start, inner.end = token.start, inner_end
                return inner
            case "[":
                return self._array()
            case "{":
                return self._map()
            case "func":
                return self._function()
            case "import":
                return self._import()
            case "error" | "immutable":
                self._next()
                self._expect("(")
                value_node = self._expression()
                end = self._expect(")").end
                made = nodes.ErrorValue if token.kind == "error" else nodes.Immutable
                return made(token.start, end, value_node)
        self._expected("operand")

    def _literal(self) -> nodes.Expr:
        token = self._next()
        try:
            match token.kind:
                case "int":
                    return nodes.Literal(token.start, token.end, parse_int(token.text, 0))
                case "float":
                    return nodes.Literal(token.start, token.end, parse_float(token.text))
                case "char":
                    return nodes.CharLiteral(token.start, token.end, unquote_char(token.text))
            return nodes.Literal(token.start, token.end, unquote(token.text))
        except BadLiteral as problem:
            self.places.refuse(str(problem), token.start + problem.offset, token.end)
        except OverflowError:
            self.places.refuse("number out of range", token.start, token.end)
        except ValueError:
            self.places.refuse("invalid integer" if token.kind == "int" else "invalid float", token.start, token.end)

    def _array(self) -> nodes.Expr:
        start = self._next().start
        items: list[nodes.Expr] = []
        while self.token.kind not in {"]", "end"}:
            items.append(self._expression())
            if not self._comma("]", "array element"):
                break
        return nodes.ArrayLiteral(start, self._expect("]").end, items)

    def _map(self) -> nodes.Expr:
        start = self._next().start
        keys: list[str] = []
        values: list[nodes.Expr] = []
        while self.token.kind not in {"}", "end"}:
            if self.token.kind not in {"name", "string"}:
                self._expected("map key")
            key = self._literal() if self.token.kind == "string" else nodes.Literal(0, 0, self._next().text)
            assert isinstance(key, nodes.Literal)
            keys.append(str(key.value))
            self._expect(":")
            values.append(self._expression())
            if not self._comma("}", "map element"):
                break
        return nodes.MapLiteral(start, self._expect("}").end, keys, values)

    def _function(self) -> nodes.Expr:
        start = self._next().start
        self._expect("(")
        parameters: list[nodes.Ident] = []
        variadic = False
        if self.token.kind != ")":
            while True:
                if self.token.kind == "...":
                    self._next()
                    variadic = True
                name = self._expect("name")
                parameters.append(nodes.Ident(name.start, name.end, name.text))
                if variadic or self.token.kind != ",":
                    break
                self._next()
        self._expect(")")
        body = self._block()
        return nodes.Function(start, body.end, parameters, variadic, body)

    def _import(self) -> nodes.Expr:
        start = self._next().start
        self._expect("(")
        if self.token.kind != "string":
            self._expected("module name")
        name = self._literal()
        assert isinstance(name, nodes.Literal)
        return nodes.Import(start, self._expect(")").end, str(name.value))
