"""Random Tengo programs that always end: for tests that hold for every program."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b", "s", "m", "xs", "t")
_OPERATORS = ("+", "-", "*", "/", "%", "&", "|", "^", "&^", "<<", ">>", "==", "!=", "<", "<=", ">", ">=", "&&", "||")
_BUILTINS = (
    "len",
    "string",
    "int",
    "float",
    "bool",
    "type_name",
    "copy",
    "is_int",
    "is_undefined",
    "is_string",
    "char",
)

_atoms = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.integers(-3, 9).map(str),
    st.sampled_from(["9223372036854775807", "1073741823", "4611686018427387904", "0", "1", "2"]),
    st.sampled_from(["0.0", "1.5", "2.0", "-0.5", "1e300"]),
    st.sampled_from(
        ['""', '"ab"', '"é"', "'c'", "true", "false", "undefined", "[]", "{}", "[1, 2]", '{k: 1, "j": true}']
    ),
    st.sampled_from(
        [
            "m.k",
            "m.none",
            "m.k.j",
            "xs[0]",
            "xs[1]",
            "xs[a]",
            "m[s]",
            "s[0]",
            "xs[0:1]",
            "s[1:]",
            "len(xs)",
            'error("no")',
        ]
    ),
    st.sampled_from(["f(a, 1)", "f(2, b)", "g(a)", "g(m.k)", "fac(5)", "immutable(xs)", "append(xs, a)", "time(3)"]),
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(_OPERATORS), inner).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        st.tuples(inner, st.sampled_from(_OPERATORS), inner).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} ? {parts[1]} : {parts[2]})"),
        st.tuples(st.sampled_from("-!^+"), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(st.sampled_from(_BUILTINS), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(inner, st.sampled_from(["k", "none"])).map(lambda parts: f"({parts[0]}).{parts[1]}"),
        st.tuples(inner, inner).map(lambda parts: f"[{parts[0]}, {parts[1]}]"),
    )


_numbers = st.recursive(
    st.sampled_from(
        [
            "a",
            "a",
            "m.k",
            "xs[0]",
            "xs[1]",
            "n",
            "f(a, 1)",
            "g(a)",
            "fac(5)",
            "len(xs)",
            "2",
            "0",
            "1.5",
            "-0.0",
            "-3",
            "7",
            "1073741823",
            "4611686018427387904",
        ]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "+", "-", "*", "/", "%"]), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        st.tuples(inner, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), inner, inner, inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]} ? {parts[3]} : {parts[4]})"
        ),
        inner.map(lambda part: f"-({part})"),
    ),
    max_leaves=6,
)
# Ints at the ends of 64 bits beside floats that show whether one of them had wrapped when they met.
_edge = st.sampled_from(["e.i", "e.i", "e.j", "e.k", "e.k", "9223372036854775807", "2", "2.5", "-1e-10", "f(e.i, 1)"])
_edges = st.tuples(
    st.sampled_from(
        ["({0} {4} {1}) {5} {2}", "{0} {4} ({1} {5} {2})", "({0} {4} {1}) {5} ({2} {6} {3})", "{0} {4} (-{1} {5} {2})"]
    ),
    *[_edge] * 4,
    *[st.sampled_from("+-*")] * 3,
).map(lambda parts: f"({parts[0].format(*parts[1:])})")
_anything = st.recursive(_atoms, _grown, max_leaves=6)
expressions = st.one_of(_numbers, _numbers, _numbers, _edges, _anything)
_iterables = st.one_of(
    st.sampled_from(["xs", "m", "s", "range(0, 3)", "range(3, a)", "[a, b]", "undefined"]), _anything
)
_targets = st.sampled_from(["a", "b", "s", "t", "m.k", "m.n", "xs[0]", "xs[a]", "m[s]"])


def _indented(lines: str) -> str:
    return "\n".join("    " + line for line in lines.split("\n"))


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    block = st.lists(inner, min_size=1, max_size=3).map("\n".join).map(_indented)
    return st.one_of(
        st.tuples(expressions, block, block).map(
            lambda parts: f"if {parts[0]} {{\n{parts[1]}\n}} else {{\n{parts[2]}\n}}"
        ),
        st.tuples(st.integers(0, 3), block).map(lambda parts: f"for i := 0; i < {parts[0]}; i++ {{\n{parts[1]}\n}}"),
        st.tuples(block).map(
            lambda parts: f"for i := 3; i >= 0; i -= 2 {{\n{parts[0]}\n    if i == 1 {{ continue }}\n}}"
        ),
        st.tuples(_iterables, block).map(lambda parts: f"for k, v in {parts[0]} {{\n    t = [k, v]\n{parts[1]}\n}}"),
        st.tuples(_iterables, block).map(lambda parts: f"for v in {parts[0]} {{\n    t = v\n{parts[1]}\n}}"),
        block.map(lambda body: f"func() {{\n{body}\n}}()"),
    )


# What an item calls assigns the variable that the item is appended to.
_appending = st.sampled_from(
    [
        "h := func(k) { if k > 0 { xs = append(xs, h(k - 1)) }; return k }\nxs = append(xs, h(2))",
        "h := func() { t = xs; xs = [a]; return 1 }\nxs = append(xs, h())",
        "h := func() { xs = append(xs, a); return n }\nxs = append(xs, h())\nt = xs\nxs = append(xs, h() + 1)",
    ]
).map(lambda body: f"func() {{\n{_indented(body)}\n}}()")
_simple = st.one_of(
    _appending,
    st.tuples(_targets, st.sampled_from(["=", "=", "+=", "-=", "*=", "/=", "%="]), expressions).map(" ".join),
    st.tuples(_targets, expressions).map(" = ".join),
    st.sampled_from(["a++", "b--", "m.k++", "xs = append(xs, a)", "delete(m, s)", "splice(xs, 0, 1, a)", "n++"]),
    st.sampled_from(["xs = xs[0:2]", "t = xs[1:]", "xs = append(xs[:1], b)", "part := xs[1:]; part[0] = a"]),
)
# Parts of one record, read again and again while it changes in between: by name, by another name, in a function.
_part_reads = st.sampled_from(
    [
        "a += m.k * 2 + m.n",
        "b = m.k - m.n",
        "n = m.n / 2.0 + m.k",
        "t = m.k > m.n",
        "t = [m.k * m.n, m.k > xs[0]]",
        "if m.k > b { b = m.k }",
        "if m.k <= 1 { t = m }",
        "if m.n < 0 || m.k >= 1 { t = n }",
        "if !(m.k > 0 && m.n > 0) { a = m.n + 1 }",
        "if m.k > 0 && m.n < 7 {\n    a = m.k + m.n\n} else if m.n >= m.k {\n    a = m.n * m.n\n} else {\n    a = m.k - 1\n}",
        "b = is_map(m) && m.k > 1 ? m.k + 1 : m.n - 1",
    ]
)
_part_changes = st.sampled_from(
    [
        "m.k = m.n + 1",
        "m.n = true",
        "m.k -= 2",
        "m.n = 2.5",
        "delete(m, s)",
        "m = given.map",
        "m = [{k: 5, n: 0}, {k: 0}, {k: true, n: 9}][n % 3]",
        "func() { m.k = 8; m.n = false }()",
        "n = func() { m = {k: 3, n: 1}; return m.k }() + m.n",
        "other := m; other.n = 4",
    ]
)
_records = st.lists(st.one_of(_part_reads, _part_reads, _part_changes), min_size=2, max_size=6).map(
    lambda lines: "for turn := 0; turn < 2; turn++ {\n" + _indented("\n".join(lines)) + "\n}"
)
# A function that only ever sees ints, so that its conditions tell in which range they lie; and what it does with them there.
_limits = st.sampled_from(
    ["0", "1", "2", "-1", "-2", "7", "9223372036854775806", "-9223372036854775807", "len(xs)", "n"]
)
_comparisons = st.one_of(
    st.tuples(st.just("k"), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), _limits).map(" ".join),
    st.tuples(_limits, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.just("k")).map(" ".join),
)
_conditions = st.recursive(
    _comparisons,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda part: f"!({part})"),
    ),
    max_leaves=3,
)
_of_an_int = st.one_of(
    st.sampled_from(["k + 1", "k - 1", "k - 2", "-k", "k * 2", "k * k", "3 - k", "k - 1 - k * 2", "k + len(xs)"]),
    st.sampled_from(["k / 2", "k % 3", "xs[k]", "s[k - 1]", "k > 0 ? k - 1 : k + 1"]),
    st.sampled_from(["k < 3 && k + 9223372036854775804 > 0", "k <= 0 || k - 9 < 0"]),
)
_reached = st.one_of(
    st.tuples(_conditions, _of_an_int, _of_an_int).map(
        lambda parts: f"if {parts[0]} {{ return {parts[1]} }}\n    return {parts[2]}"
    ),
    st.tuples(_conditions, _of_an_int, _of_an_int).map(
        lambda parts: f"if {parts[0]} {{ seen = {parts[1]} }} else {{ return {parts[2]} }}\n    return [seen, k - 1]"
    ),
    st.tuples(_conditions, _of_an_int, _conditions, _of_an_int).map(
        lambda parts: f"for {parts[0]} {{ seen = {parts[1]}; if {parts[2]} {{ break }}; return k + 1 }}\n    return {parts[3]}"
    ),
    st.tuples(_conditions, _of_an_int, _of_an_int).map(
        lambda parts: f"return {parts[0]} ? {parts[1]} : {parts[2]}"
    ),
)  # fmt: skip
_in_ranges = _reached.map(
    lambda body: (
        f"t = func() {{\n    seen := 0\n    r := func(k) {{\n    {body}\n    }}\n"
        "    return [r(0), r(1), r(-1), r(2), r(5), r(9223372036854775807), r(-9223372036854775807 - 1), r(n)]\n}()"
    )
)
_at_edges = st.tuples(_edges, _edges, _edges).map(lambda parts: f"t = [{', '.join(parts)}]")
# Branches that leave a turn, or do next to nothing, beside others that do more.
_part_tests = st.sampled_from(
    [
        "m.k > 0",
        "m.k > 0 && v != 2",
        "!(m.n < 3)",
        "v == 1 || m.k >= m.n",
        "m.n == 1",
        "v > 0",
        "is_int(m.k) && m.k > 1",
    ]
)
_short = st.sampled_from(["continue", "break", "n++", "t = v", "b = 1; continue", "n++; break", "n -= 2", ""])
_longer = st.one_of(st.sampled_from(["a += m.k", "m.k -= 1", "m.n = v", "t = [v, m.k]", "m = given.map"]), _short)
_turn = st.recursive(
    st.tuples(_part_tests, _longer, _longer),
    lambda inner: st.tuples(_part_tests, inner, st.one_of(_longer, inner)),
    max_leaves=3,
)


def _branching(parts: Any) -> str:
    if isinstance(parts, str):
        return parts
    test, body, orelse = map(_branching, parts)
    tail = f" else {{\n{_indented(orelse)}\n}}" if orelse else ""
    return f"if {test} {{\n{_indented(body)}\n}}{tail}"


_turns = st.tuples(
    st.sampled_from(["for v in [3, 1, 0, 2]", "for v := 0; v < 3; v++", "for v := 3; v >= 0; v -= 2"]),
    st.sampled_from(["", "a++", "m.k++"]),
    _turn.map(_branching),
    st.sampled_from(["", "", "b = v", "if m.k > 5 { break }"]),
).map(lambda parts: parts[0] + " {\n" + _indented("\n".join(filter(None, parts[1:]))) + "\n}")
statements = st.one_of(st.recursive(_simple, _nested, max_leaves=6), _records, _in_ranges, _at_edges, _turns)

_PROLOGUE = """
a := {a}
b := {b}
s := {s}
m := {m}
e := {e}
xs := [1, 2.5, "x", true]
t := undefined
n := 0
f := func(x, y) {{ return x + y }}
g := func(x) {{ if x > 2 {{ return x - 1 }}; return x * 2 }}
fac := func(k) {{ if k < 2 {{ return 1 }}; return k * fac(k - 1) }}
"""
_EPILOGUE = (
    "\nresult := [string(a), string(b), string(s), string(m), string(xs), string(t), n, type_name(a), type_name(t)]"
)


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A program over a few variables of various kinds; some of them come with the context."""
    prologue = _PROLOGUE.format(
        a=draw(st.sampled_from(["1", "0", "given.one", "9223372036854775807", "2.5", "-1"])),
        b=draw(st.sampled_from(["2", "given.flag", "given.one", '"7"', "undefined", "0.5"])),
        s=draw(st.sampled_from(['"k"', '""', "given.name", "'c'"])),
        e=draw(
            st.sampled_from(
                [
                    "{i: 9223372036854775807, j: 1, k: 2.5}",
                    "{i: -9223372036854775807 - 1, j: 9223372036854775806, k: -0.5}",
                    "{i: 4611686018427387904, j: 4294967296, k: 9223372036854775808.0}",
                    "{i: 5, j: -1, k: 1e-10}",
                ]
            )
        ),
        m=draw(
            st.sampled_from(
                [
                    "{k: 1}",
                    "{k: 2.5}",
                    "{k: 3, n: 2}",
                    "{k: true, n: -1}",
                    "{}",
                    "given.map",
                    "immutable({k: 2})",
                    "undefined",
                ]
            )
        ),
    )
    return prologue + "\n".join(draw(st.lists(statements, min_size=1, max_size=5))) + _EPILOGUE


INPUTS = {"given": {"one": 1, "flag": True, "name": "k", "map": {"k": 3, "none": None}}}
