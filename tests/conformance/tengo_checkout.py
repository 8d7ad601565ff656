"""Runs the literal cases of a Tengo checkout's own tests. Long because it is a whole tool: reader of Go literals, runner, report.

    python -m tests.conformance.tengo_checkout CHECKOUT [--failed] [--json]

CHECKOUT is a copy of the Tengo repository; nothing of it is kept. A case is literal if its text, its modules and what it expects
stand in the test as literals. Each `expectRun` counts once and must also hold as a module, as there.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripting.sandbox.languages.tengo.literals import unquote, unquote_char
from tests.languages.tengo.harness import Ran, tengo

_TOKEN = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/
    |(?P<string>"(?:[^"\\]|\\.)*"|`[^`]*`)|(?P<char>'(?:[^'\\]|\\.)+')
    |(?P<number>0x[0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    |(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(?P<sign>[\[\](){},:;&^.+*/!=<>|%-])""",
    re.VERBOSE | re.DOTALL,
)
_START = re.compile(
    r"\b(expectRun|expectError|expectErrorIs|expectErrorAs|testEnumModule|testEquality|testAllocsLimit)\(t,|\bmodule\(t,"
)
_JSON_START = re.compile(r"\b(testJSONEncodeDecode|testDecodeError)\(t,")


class NotLiteral(Exception):
    """The test computes this in Go; the message says what."""


class Char(str):
    """A character that is expected or handed over."""


class Undefined:
    pass


@dataclass
class Immutable:
    value: Any


@dataclass
class ErrorValue:
    value: Any


@dataclass
class Options:
    """The options of an `Opts()` chain."""

    modules: dict[str, str] = field(default_factory=dict)
    once: bool = False


@dataclass
class Tally:
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    out_of_scope: Counter[str] = field(default_factory=Counter)


class Go:
    """Evaluates the literal expressions of Go that the tests are written in."""

    def __init__(self, text: str, position: int) -> None:
        self.source = text
        self.names = self._names(text, position)
        self.tokens = self._scan(text, position)
        self.kind, self.text = next(self.tokens)

    @staticmethod
    def _scan(text: str, position: int) -> Iterator[tuple[str, str]]:
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise NotLiteral("a sign that is not read here")
            position = match.end()
            if match.lastgroup:
                yield match.lastgroup, match[match.lastgroup]
        yield "end", ""

    @staticmethod
    def _names(text: str, position: int) -> dict[str, int]:
        """The variables of the test that are set once, each with the place of its value: not those of loops."""
        start = text.rfind("\nfunc ", 0, position)
        end = text.find("\n}\n", position)
        places: dict[str, int] = {}
        for match in re.compile(r"\n\t(\w+) :?= ").finditer(text, start, end):
            places[match[1]] = -1 if match[1] in places or match.end() > position else match.end()
        return {name: place for name, place in places.items() if place > 0}

    def _known(self, name: str) -> Any:
        """The value of a variable of the test."""
        if name not in self.names:
            raise NotLiteral("a value computed in Go")
        return Go(self.source, self.names[name]).value()

    def next(self) -> str:
        text = self.text
        self.kind, self.text = next(self.tokens, ("end", ""))
        return text

    def take(self, sign: str) -> bool:
        if self.kind == "sign" and self.text == sign:
            self.next()
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            raise NotLiteral(f"{self.text[:30]!r} in a call")

    def arguments(self) -> list[Any]:
        """Arguments up to the closing bracket."""
        found: list[Any] = []
        while not self.take(")"):
            found.append(self.value())
            if not self.take(","):
                self.expect(")")
                break
        return found

    def value(self) -> Any:
        value = self._operand()
        while self.kind == "sign" and self.text == "+" and type(value) in {str, int}:
            self.next()
            other = self._operand()
            if type(other) is not type(value):
                raise NotLiteral("a computed text")
            value += other
        if self.kind == "sign" and self.text not in {",", ")", "}", ":", "."}:
            raise NotLiteral("a computed value")
        return value

    def _operand(self) -> Any:
        if self.kind == "string":
            return unquote(self.next())
        if self.kind == "char":
            return Char(chr(unquote_char(self.next())))
        if self.kind == "number":
            text = self.next()
            return float(text) if re.search(r"[.eE]", text) and not text.startswith("0x") else int(text, 0)
        if self.take("-"):
            return -self._operand()
        if self.take("^"):
            return ~self._operand()
        if self.take("&"):
            if self.next() == "tengo.Array" and self.next() + self.next() + self.next() == "{Value:":
                self.expect("[")
                self.expect("]")
                if self.next() == "tengo.Object":
                    items = self._items()
                    self.expect("}")
                    return items
            raise NotLiteral("an object made in Go")
        if self.kind == "sign" and self.text == "[":
            return self._slice()
        if self.kind == "name":
            return self._name()
        raise NotLiteral(f"{self.text[:30]!r}")

    def _slice(self) -> Any:
        self.expect("[")
        self.expect("]")
        kind = self.next()
        if kind != "byte":
            raise NotLiteral(f"[]{kind}")
        if self.take("("):
            (text,) = self.arguments()
            return text.encode("utf-8", "surrogateescape")
        return bytes(ord(item) if isinstance(item, str) else item for item in self._items())

    def _items(self) -> list[Any]:
        self.expect("{")
        found: list[Any] = []
        while not self.take("}"):
            found.append(self.value())
            if not self.take(","):
                self.expect("}")
                break
        return found

    def _entries(self) -> dict[str, Any]:
        self.expect("{")
        found: dict[str, Any] = {}
        while not self.take("}"):
            key = self.value()
            self.expect(":")
            found[key] = self.value()
            if not self.take(","):
                self.expect("}")
                break
        return found

    def _name(self) -> Any:
        name = self.next()
        match name:
            case "nil":
                return None
            case "true" | "false":
                return name == "true"
            case "tengo.UndefinedValue":
                return Undefined()
            case "ARR":
                return self._items()
            case "IARR":
                return Immutable(self._items())
            case "MAP":
                return self._entries()
            case "IMAP":
                return Immutable(self._entries())
            case "rune" | "byte" | "int64" | "float64" | "int":
                self.expect("(")
                (value,) = self.arguments()
                return Char(chr(value)) if name in {"rune", "byte"} else value
            case "errorObject":
                self.expect("(")
                return ErrorValue(self.arguments()[0])
            case "Opts":
                self.expect("(")
                self.expect(")")
                return self._options()
            case "m.Module" if "m" in self.names:
                return self._options("Module")
            case "make" | "fmt.Sprintf" | "len":
                return self._call(name)
            case "base64Std" | "base64URL" | "base64RawStd" | "base64RawURL":
                return {
                    "base64Std": "Bqx2Gx1q+p2xoA==",
                    "base64URL": "Bqx2Gx1q-p2xoA==",
                    "base64RawStd": "Bqx2Gx1q+p2xoA",
                }.get(name, "Bqx2Gx1q-p2xoA")
            case "base64Bytes1" | "hexBytes1":
                return bytes.fromhex("06AC761B1D6AFA9DB1A0")
            case "hex1":
                return "06ac761b1d6afa9db1a0"
            case "time.RFC3339":
                return "2006-01-02T15:04:05Z07:00"
        known = {"ErrWrongNumArguments": "wrong number of arguments", "ErrIndexOutOfBounds": "index out of bounds"}
        error = re.fullmatch(r"tengo\.(\w+)\.Error", name)
        if error and error[1] in known:
            self.expect("(")
            self.arguments()
            return known[error[1]]
        return self._known(name)

    def _call(self, name: str) -> Any:
        """make([]byte, length), fmt.Sprintf("%s[%d]", …), len(text)"""
        if name != "make":
            self.expect("(")
            first, *values = self.arguments()
            return len(first) if name == "len" else re.sub(r"%[sd]", lambda _: str(values.pop(0)), first)
        if self.next() + self.next() + self.next() + self.next() + self.next() != "([]byte,":
            raise NotLiteral("a value computed in Go")
        length = self.value()
        self.expect(")")
        return bytes(length)

    def _options(self, method: str = "") -> Options:
        options = Options()
        while method or self.take("."):
            method = method or self.next()
            self.expect("(")
            if method == "Module" and self.kind == "string":
                name = self.next()
                self.expect(",")
                if self.text.startswith("stdlib."):  # the module of the library by its own name
                    while not (self.kind == "sign" and self.text == ")"):
                        self.next()
                else:
                    options.modules[unquote(name)] = self._module()
                self.take(",")
                self.expect(")")
            elif method == "Stdlib":
                self.expect(")")
            elif method == "Skip2ndPass":
                self.expect(")")
                options.once = True
            elif method == "MaxAllocs":
                raise NotLiteral("a limit on allocations: the memory limit holds here")
            else:
                raise NotLiteral("an object made in Go")
            method = ""
        return options

    def _module(self) -> str:
        if self.kind != "string":
            raise NotLiteral("a module made in Go")
        source = self.value()
        assert isinstance(source, str)
        return source


# Expected values against what a run gave


def _plain(expected: Any) -> Any:
    """The value as it is once it has left the script."""
    match expected:
        case Immutable(value=value):
            return _plain(value)
        case ErrorValue(value=value):
            return {"error": _plain(value)}
        case Undefined():
            return None
        case Char():
            return str(expected)
        case list():
            return [_plain(item) for item in expected]
        case dict():
            return {key: _plain(item) for key, item in expected.items()}
    return expected


def _type_name(expected: Any) -> str:
    if isinstance(expected, Immutable):
        return "immutable-array" if isinstance(expected.value, list) else "immutable-map"
    for kind, name in (
        (Char, "char"), (ErrorValue, "error"), (Undefined, "undefined"), (bool, "bool"), (int, "int"), (float, "float"),
        (str, "string"), (bytes, "bytes"), (list, "array"), (dict, "map"),
    ):  # fmt: skip
        if isinstance(expected, kind):
            return name
    return "undefined"


def _same(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    return bool(left == right)


def _zero(expected: Any) -> Any:
    """Where `out` starts: the zero of what it ends as, as the test's own helper has it."""
    plain = _plain(expected)
    return type(plain)() if plain is not None and not isinstance(expected, (Char, ErrorValue)) else None


def _with_shared(source: str, modules: dict[str, str]) -> str:
    """Modules of a test are helper scripts here."""
    for name in [*modules, "__code__"]:
        source = source.replace(f'import("{name}")', f'import("shared/{name}")')
    return source


def _expect_run(source: str, options: Options, expected: Any) -> str:
    """Empty, or why it failed."""
    modules = {name: _with_shared(text, options.modules) for name, text in options.modules.items()}
    text = _with_shared(source, options.modules)
    zero = _zero(expected)
    ran = tengo(f"{text}\nresult := [out, type_name(out)]", {"out": zero}, helpers=modules)
    problem = _difference(ran, [_plain(expected), _type_name(expected)])
    if problem or options.once:
        return problem
    modules["code"] = f"out := undefined; {text}; export out"
    ran = tengo('out := import("shared/code")\nresult := [out, type_name(out)]', {"out": zero}, helpers=modules)
    if isinstance(expected, (list, dict)):
        expected = Immutable(expected)
    problem = _difference(ran, [_plain(expected), _type_name(expected)])
    return f"as a module: {problem}" if problem else ""


def _difference(ran: Ran, expected: list[Any]) -> str:
    if ran.fault is not None:
        return f"{ran.fault.message} at {ran.fault.line}:{ran.fault.column}"
    return "" if _same(ran.result, expected) else f"gave {ran.result!r}, expected {expected!r}"


def _expect_error(source: str, options: Options, expected: str) -> str:
    modules = {name: _with_shared(text, options.modules) for name, text in options.modules.items()}
    ran = tengo(_with_shared(source, options.modules), {"out": None}, helpers=modules)
    if ran.fault is None:
        return f"gave {ran.result!r}, expected an error: {expected}"
    message, *places = expected.split("\n\tat ")
    wanted = re.sub(r"^(Runtime Error|Compile Error)?:? ?", "", message.strip())
    if wanted not in ran.fault.message and not _said_otherwise(wanted, ran.fault.message):
        return f"said {ran.fault.message!r}, expected {wanted!r}"
    if places:
        script, line, column = places[0].split(":")
        here = "test/script" if script == "test" else f"shared/{script}"
        if (ran.fault.script, ran.fault.line, ran.fault.column) != (here, int(line), int(column)):
            return f"at {ran.fault.script}:{ran.fault.line}:{ran.fault.column}, expected {places[0]}"
    return ""


_OTHER_WORDS = (
    ("module '", "there is no helper script"),
    ("cyclic module import", "imports itself, by way of another"),
)
"""Where our messages are those of helper scripts in every language."""


def _said_otherwise(wanted: str, message: str) -> bool:
    return any(theirs in wanted and ours in message for theirs, ours in _OTHER_WORDS)


# Calls of a module's functions


def _as_tengo(value: Any, inputs: dict[str, Any]) -> str:
    """The value as an expression; what has no literal comes with the context."""
    match value:
        case Immutable(value=inner):
            return f"immutable({_as_tengo(inner, inputs)})"
        case Char():
            return f"char({ord(value)})"
        case Undefined():
            return "undefined"
        case list():
            return "[" + ", ".join([_as_tengo(item, inputs) for item in value]) + "]"
        case dict():
            return (
                "{" + ", ".join([f"{json.dumps(key)}: {_as_tengo(item, inputs)}" for key, item in value.items()]) + "}"
            )
    name = f"v{len(inputs)}"
    inputs[name] = value
    return name


def _module_call(go: Go) -> tuple[str, dict[str, Any], Go]:
    inputs: dict[str, Any] = {}
    module = go.value()
    go.take(",")
    go.expect(")")
    expression = f'import("{module}")'
    while go.take("."):
        method = go.next()
        go.expect("(")
        if method != "call":
            return f"{method}|{expression}", inputs, go
        name, *arguments = go.arguments()
        expression += f".{name}({', '.join(_as_tengo(argument, inputs) for argument in arguments)})"
    raise NotLiteral("a result that Go looks at")


def _call_case(go: Go) -> str:
    call, inputs, go = _module_call(go)
    method, _, expression = call.partition("|")
    if method == "expectError":
        ran = tengo(f"result := [{expression}]", inputs)
        return "" if ran.fault else f"gave {ran.result!r}, expected an error"
    if method != "expect":
        raise NotLiteral("a result that Go looks at")
    expected = go.value()
    ran = tengo(f"out := {expression}\nresult := [out, type_name(out)]", inputs)
    return _difference(ran, [_plain(expected), _type_name(expected)])


def _json_case(kind: str, value: Any) -> str:
    inputs: dict[str, Any] = {}
    if kind == "testDecodeError":
        ran = tengo('result := is_error(import("json").decode(text))', {"text": value})
        return "" if ran.fault is None and ran.result is True else f"{value!r}: {ran.result!r} {ran.fault}"
    expression = _as_tengo(value if value is not None else Undefined(), inputs)
    ran = tengo(f'json := import("json"); v := {expression}\nresult := [json.decode(json.encode(v)) == v]', inputs)
    return _difference(ran, [True])


def _cases(text: str, file: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """Each case of a test file: where it is, and what runs it."""
    starts = _JSON_START if file.endswith("json/json_test.go") else _START
    for match in starts.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if text[text.rfind("\n", 0, match.start()) + 1 : match.start()].lstrip().startswith(("//", "func ")):
            continue
        kind = match[1] or "module"
        yield f"{file}:{line} {kind}", lambda match=match, kind=kind: _run(kind, text, match.end())  # type: ignore[misc]


def _run(kind: str, text: str, position: int) -> str:
    go = Go(text, position)
    if _expects_a_limit(text, position):
        raise NotLiteral("a limit that the test sets in Go")
    if kind == "module":
        return _call_case(go)
    if kind in {"expectErrorIs", "expectErrorAs"}:
        raise NotLiteral("an error made in Go")
    if kind == "testAllocsLimit":
        raise NotLiteral("a limit on allocations: the memory limit holds here")
    arguments = go.arguments()
    if kind in {"testJSONEncodeDecode", "testDecodeError"}:
        return _json_case(kind, arguments[0])
    if kind == "testEnumModule":
        return _expect_run(f'enum := import("enum"); {arguments[0]}', Options(), arguments[1])
    if kind == "testEquality":
        left, right, equal = arguments
        for source, expected in (
            (f"{left} == {right}", equal),
            (f"{right} == {left}", equal),
            (f"{left} != {right}", not equal),
        ):
            problem = _expect_run(f"out = {source}", Options(), expected)
            if problem:
                return problem
        return ""
    source, options, expected = arguments
    options = options or Options()
    if kind == "expectRun":
        return _expect_run(source, options, expected)
    if "size limit" in expected:
        raise NotLiteral("a limit that the test sets in Go")
    if source.strip().startswith("return "):
        raise NotLiteral("return in the main text: here it gives the outcome")
    return _expect_error(source, options, expected)


def _expects_a_limit(text: str, position: int) -> bool:
    """Whether the case ends in expectError() in a function that lowers a limit of the Go machine."""
    function = text[text.rfind("\nfunc ", 0, position) : text.find("\n}\n", position)]
    statement = text[
        position : min(
            end
            for end in (text.find("\n\tmodule(", position), text.find("\n\n", position), text.find("\n}", position))
            if end > 0
        )
    ]
    return "expectError()" in statement and re.search(r"\n\ttengo\.Max\w+Len = \d", function) is not None


def run_checkout(checkout: Path, *, only: str = "") -> Tally:
    """Run every literal case of vm_test.go and the tests of stdlib."""
    tally = Tally()
    files = [
        checkout / "vm_test.go",
        *sorted((checkout / "stdlib").glob("*_test.go")),
        checkout / "stdlib/json/json_test.go",
    ]
    for path in files:
        name = str(path.relative_to(checkout))
        if name.endswith(("os_test.go", "func_typedefs_test.go")):
            reason = "os is refused here" if "os_test" in name else "Go's own API"
            tally.out_of_scope[reason] += len(re.findall(r"\bmodule\(t,|require\.\w+\(t,", path.read_text()))
            continue
        for place, run in _cases(path.read_text(encoding="utf-8"), name):
            if only and only not in place:
                continue
            try:
                problem = run()
            except NotLiteral as reason:
                tally.out_of_scope[str(reason) if len(str(reason)) > 12 else "a value computed in Go"] += 1
                continue
            except Exception as crash:  # a crash of ours is a failure too
                problem = f"crashed: {crash!r}"
            if problem:
                tally.failed.append(f"{place}: {problem}")
            else:
                tally.passed += 1
    return tally


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--failed", action="store_true", help="list the cases that failed")
    parser.add_argument("--only", default="", help="cases whose place has this in it")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    tally = run_checkout(options.checkout, only=options.only)
    in_scope = tally.passed + len(tally.failed)
    share = tally.passed / in_scope if in_scope else 0.0
    if options.json:
        print(
            json.dumps(
                {"passed": tally.passed, "failed": tally.failed, "out_of_scope": tally.out_of_scope, "share": share}
            )
        )
        return 0 if share >= 0.98 else 1
    print(f"{tally.passed} passed, {len(tally.failed)} failed of {in_scope} in scope: {share:.2%}")
    for reason, count in tally.out_of_scope.most_common():
        print(f"  {count} out of scope: {reason}")
    if options.failed:
        print(*tally.failed, sep="\n")
    return 0 if share >= 0.98 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
