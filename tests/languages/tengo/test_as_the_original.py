"""Details in which the original's behaviour is its documentation: taken from its source, each with the value it gives."""

from __future__ import annotations

from typing import Any

import pytest

from tests.languages.tengo.harness import tengo

DECODED: dict[str, str] = {
    "[1,]": "invalid character ']' looking for beginning of value",
    "{a:1}": "invalid character 'a' looking for beginning of object key string",
    "tru": "invalid character ' ' in literal true (expecting 'e')",
    "trux": "invalid character 'x' in literal true (expecting 'e')",
    "nul]": "invalid character ']' in literal null (expecting 'l')",
    "[1 2]": "invalid character '2' after array element",
    '{"a" 1}': "invalid character '1' after object key",
    '{"a":1 "b"}': "invalid character '\"' after object key:value pair",
    '{"a":1,}': "invalid character '}' looking for beginning of object key string",
    r'"\x"': "invalid character 'x' in string escape code",
    r'"\u12g4"': "invalid character 'g' in \\u hexadecimal character escape",
    "1x": "invalid character 'x' after top-level value",
    "01": "invalid character '1' after top-level value",
    "-": "invalid character ' ' in numeric literal",
    "1.": "invalid character ' ' after decimal point in numeric literal",
    "1e+": "invalid character ' ' in exponent of numeric literal",
    "": "unexpected end of JSON input",
    "[1": "unexpected end of JSON input",
    '"a': "unexpected end of JSON input",
    '"a\nb"': "invalid character '\\n' in string literal",
    "NaN": "invalid character 'N' looking for beginning of value",
    "[1}": "invalid character '}' after array element",
    "'a'": "invalid character '\\'' looking for beginning of value",
    "[[[": "unexpected end of JSON input",
}


@pytest.mark.parametrize("text", DECODED)
@pytest.mark.parametrize("function", ["decode(text)", 'indent(text, "", " ")'])
def test_what_is_wrong_with_a_json_text_is_said_as_there(text: str, function: str) -> None:
    ran = tengo(f'json := import("json")\nresult := json.{function}', {"text": text})
    assert ran.fault is None
    assert ran.result == {"error": DECODED[text].replace("'\"'", "'\"'")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'"\ud83d"', "\ufffd"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\udc00x"', "\ufffdx"),
        (r'"\ud83d\u0041"', "\ufffdA"),
        (r'"\\ud83d"', r"\ud83d"),
        (r'{"\ud83d": ["\ude00"]}', {"\ufffd": ["\ufffd"]}),
    ],
)
def test_half_a_character_in_json_is_the_replacement_character(text: str, expected: Any) -> None:
    assert tengo('json := import("json")\nresult := json.decode(text)', {"text": text}).result == expected


def test_indented_json_keeps_the_blanks_at_its_end() -> None:
    text = 'json := import("json")\nresult := [string(json.indent(" {} ", "", " ")), string(json.indent("[1]\\n", "", ""))]'
    assert tengo(text).result == ["{} ", "[\n1\n]\n"]


COMPARED = "[a == b, a < b, a > b, a <= b, a >= b, a != b]"
LARGE, FLOAT = "9007199254740993", "9007199254740992.0"


@pytest.mark.parametrize(
    "text",
    [
        f"a := {LARGE}\nb := {FLOAT}\nresult := {COMPARED}",
        f"a := {FLOAT}\nb := {LARGE}\nresult := {COMPARED}",
        f"f := func(a, b) {{ return {COMPARED} }}\nresult := f({LARGE}, {FLOAT})",
        f"f := func(a) {{ b := {FLOAT}; return {COMPARED} }}\nresult := f({LARGE})",
        f"f := func(a) {{ b := 0.0; for i := 0; i < 1; i++ {{ b = {FLOAT} }}; return {COMPARED} }}\nresult := f({LARGE})",
        f"a := big\nb := {FLOAT}\nresult := {COMPARED}",
        f"a := [big][0]\nb := [{FLOAT}][0]\nresult := {COMPARED}",
    ],
)
def test_an_int_meets_a_float_as_a_float(text: str) -> None:
    assert tengo(text, {"big": int(LARGE)}).result == [True, False, False, True, True, False]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("1", "1.0", [True, False, False, True, True, False]),
        ("1", "1.5", [False, True, False, True, False, True]),
        ("9007199254740993", "9007199254740992", [False, False, True, False, True, True]),
        ("inf", "inf", [True, False, False, True, True, False]),
        ("5", "inf", [False, True, False, True, False, True]),
        ("nan", "nan", [False, False, False, False, False, True]),
    ],
)
def test_other_numbers_are_compared_as_ever(left: str, right: str, expected: list[bool]) -> None:
    values = {"inf": "math.inf(1)", "nan": "math.nan()"}
    first, second = values.get(left, left), values.get(right, right)
    opening = 'math := import("math")\n'
    for body in (
        f"a := {first}\nb := {second}\nresult := {COMPARED}",
        f"f := func(a, b) {{ return {COMPARED} }}\nresult := f({first}, {second})",
    ):
        assert tengo(opening + body).result == expected


@pytest.mark.parametrize("body", ["result := {}", "f := func(a, b) {{ return {} }}\nresult := f(a, b)"])
def test_numbers_inside_of_arrays_and_maps_are_compared_as_those_outside(body: str) -> None:
    compared = "[[a] == [b], {k: a} == {k: b}, [[a]] != [[b]], immutable([a]) == [b], [a, 1] == [b, 2]]"
    opening = f"a := {LARGE}\nb := {FLOAT}\n"
    assert tengo(opening + body.format(compared)).result == [True, True, False, True, False]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("zero * minus", "0"),
        ("(-zero) * minus", "-0"),
        ("minus * zero", "-0"),
        ("none * -2.5", "-0"),
        ("zero / minus", "0"),
        ("-zero + zero", "-0"),
        ("-zero - (-zero)", "-0"),
        ("zero * minus * 1", "0"),
        ("-(zero * minus)", "-0"),
    ],
)
def test_a_nought_keeps_its_sign_as_there(expression: str, expected: str) -> None:
    opening = "zero := 0.0\nminus := -1.5\nnone := 0\n"
    assert tengo(f"{opening}result := string({expression})").result == expected
    body = f"f := func(zero, minus, none) {{ return {expression} }}\nresult := string(f([0.0][0], [-1.5][0], [0][0]))"
    assert tengo(body).result == expected


def test_an_int_is_within_64_bits_before_it_meets_a_float() -> None:
    assert tengo("a := 4611686018427387904\nb := 2.0\nresult := (-3 * a) * b").result == 9223372036854775808.0


def test_bools_and_texts_are_no_numbers_still() -> None:
    text = 'f := func(a, b) { return a == b }\nresult := [f(true, 1), f(1, true), f(0.0, false), f("1", 1), f(undefined, 0)]'
    assert tengo(text).result == [False] * 5


def test_infinities_are_formatted_with_their_sign() -> None:
    text = """
fmt := import("fmt")
math := import("math")
up := math.inf(1)
result := [fmt.sprintf("%f|%6.1f|%-6.1f|%08.1f|%+f|% f", up, up, up, up, up, up), fmt.sprintf("%6.1f", math.inf(-1)),
    fmt.sprintf("%f|%+f|% f|%6.1f", math.nan(), math.nan(), math.nan(), math.nan()), fmt.sprintf("%g %f %e", -0.0, -0.0, -0.0)]
"""
    assert tengo(text).result == [
        "+Inf|  +Inf|+Inf  |    +Inf|+Inf| Inf",
        "  -Inf",
        "NaN|+NaN| NaN|   NaN",
        "-0 -0.000000 -0.000000e+00",
    ]


def test_the_cube_root_of_a_cube_is_whole() -> None:
    text = 'math := import("math")\nresult := []\nfor i := -50; i < 51; i++ { result = append(result, math.cbrt(i * i * i) == float(i)) }'
    assert tengo(text).result == [True] * 101


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("func(n) { return n == 0 ? 7 : f(n-1) }", 7),
        ("func(n) { return n == 0 || f(n-1) }", True),
        ("func(n) { return n > 0 && f(n-1) }", False),
        ("func(n) { if n == 0 { return 7 }; return n > 5 ? f(n-1) : n > 2 ? f(n-1) : f(n-1) }", 7),
        ("func(n) { if n > 0 { f(n-1) } }", None),
        ("func(n) { if n > 0 { if n > 0 { f(n-1) } } }", None),
        ("func(n) { if n == 0 { return 7 }; f(n-1) }", 7),
    ],
)
def test_a_call_of_itself_at_the_end_takes_no_frame(function: str, expected: Any) -> None:
    ran = tengo(f"f := {function}\nresult := f(20000)")
    assert ran.fault is None, ran.fault
    assert ran.result == expected


def test_what_stands_left_is_evaluated_once_and_before() -> None:
    text = """
seen := []
see := func(x) { seen = append(seen, x); return x }
f := func(n) { return see(n) == 0 || f(see(n - 1)) }
g := func(n, of) { return n > 0 && g(n - 1, of + n) }
result := [f(2), seen, g(3, 0)]
"""
    assert tengo(text).result == [True, [2, 1, 1, 0, 0], False]


def test_a_context_variable_that_is_defined_anew_is_pointed_out() -> None:
    (warning,) = tengo("timestamp := 5\nresult := timestamp").warnings
    assert (warning.line, warning.column) == (1, 1)
    assert "comes with the context" in warning.message
    assert tengo("f := func() { timestamp := 5; return timestamp }\nresult := f()").warnings == []


def test_a_name_that_nothing_defines_is_pointed_out_in_a_function_that_is_never_called() -> None:
    (warning,) = tengo("f := func() { return nothing }\nresult := 1").warnings
    assert "nothing" in warning.message
