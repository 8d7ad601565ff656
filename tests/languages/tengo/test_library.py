"""The modules of the library answer as the original's implementation does."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.languages.tengo.harness import tengo

_MODULES = "".join(f'{name} := import("{name}")\n' for name in "text math times json base64 enum fmt".split())


def value(expression: str) -> Any:
    ran = tengo(f"{_MODULES}result := {expression}")
    assert ran.fault is None, (expression, ran.fault)
    return ran.result


def message(expression: str) -> str:
    ran = tengo(f"{_MODULES}result := {expression}")
    assert ran.fault is not None, (expression, ran.result)
    return ran.fault.message


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("ab(?i)C", "xabc", "abc"),
        ("a(?i)b|c", "C", "C"),
        ("((?i)a|b)x", "BxX", "Bx"),
        ("((?i)a)x", "AX", None),
        ("(?i:a)B", "aB", "aB"),
        ("(?i)É", "é", "é"),
        ("(?U)a+", "aaa", "a"),
        ("(?U)a+?", "aaa", "aaa"),
        ("(?s)a.b", "a\nb", "a\nb"),
        ("a.b", "a\nb", None),
        ("(?m)^b$", "a\nb\nc", "b"),
        ("a$", "a\n", None),
        (r"\p{Lu}+", "abCDé", "CD"),
        (r"\pN", "a٣", "٣"),
        (r"[^\PL]+", "12é", "é"),
        ("[[:^alpha:]]+", "ab12", "12"),
        (r"\x{e9}", "café", "é"),
        (r"\Qa.b\E+", "a.bbb", "a.bbb"),
        (r"\w+", "é", None),
        (r"[\D]+", "12ab", "ab"),
        ("a{,2}", "a{,2}", "a{,2}"),
        (r"\101", "A", "A"),
        ("[]a]+", "]a", "]a"),
    ],
)
def test_patterns_are_read_as_go_reads_them(pattern: str, subject: str, expected: str | None) -> None:
    ran = tengo('result := import("text").re_find(pattern, subject)', {"pattern": pattern, "subject": subject})
    assert ran.fault is None, ran.fault
    assert (ran.result and ran.result[0][0]["text"]) == expected


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(", "missing closing ): `(`"),
        ("a)", "unexpected ): `a)`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a++", "invalid nested repetition operator: `++`"),
        ("a|*", "missing argument to repetition operator: `*`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{2,1}", "invalid repeat count: `{2,1}`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        (r"\1", r"invalid escape sequence: `\1`"),
        (r"\C", r"invalid escape sequence: `\C`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        (r"\p{Greek}", r"invalid character class range: `\p{Greek}`"),
        ("[a", "missing closing ]: `[a`"),
        ("\\", "trailing backslash at end of expression: ``"),
    ],
)
def test_a_pattern_that_go_refuses_is_refused_in_its_words(pattern: str, problem: str) -> None:
    ran = tengo('result := import("text").re_match(pattern, "")', {"pattern": pattern})
    assert ran.fault is not None
    assert ran.fault.message == f"error parsing regexp: {problem}"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('text.re_replace("x??", "-x-", "!")', "!-!x!-!"),
        ('text.re_replace("b*", "abc", "-")', "-a-c-"),
        ('string(base64.raw_decode("aGVsbG8"))', "hello"),
        ('string(base64.raw_url_decode("aGVsbG8"))', "hello"),
        ('base64.decode("aG Vs")', {"error": "illegal base64 data at input byte 2"}),
        ('text.parse_float("9223372036854775808", 32)', 9223372036854775808.0),
        ('text.format_float(1e6, "b", -1, 32)', "16000000p-4"),
        ('text.format_float(0.0, "b", -1, 64)', "0p-1074"),
        ('text.format_float(1e300, "f", -1, 32)', "+Inf"),
        ('text.unquote("``x``")', {"error": "invalid syntax"}),
        ('text.to_lower("İI")', "ii"),
        ('text.to_upper("\\xffß")', "\ufffdß"),
        ('format("%G", undefined)', "%!G(<undefined>=<undefined>)"),
        ("format(\"%-5t|\", 'c')", "%!t(c=c    )|"),
        ('format("%08b", false)', "%!b(false=000false)"),
        ('times.parse_duration("-9223372036854775808ns")', -(1 << 63)),
        ('times.time_format(times.unix(1700000000, 0), "Janet 2 Month")', "Janet 14 Month"),
        ('times.parse("Jan 2 15:04", "May   7 9:30")', "0000-05-07T09:30:00Z"),
        ("[type_name(enum.all), is_function(enum.map)]", ["compiled-function", True]),
    ],
)
def test_a_function_gives_what_the_original_gives(expression: str, expected: Any) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ('times.parse_duration("1")', 'time: missing unit in duration "1"'),
        ('times.parse_duration("1h-2m")', 'time: unknown unit "h-" in duration "1h-2m"'),
        ('times.parse_duration("")', 'time: invalid duration ""'),
        ("enum.find([1])", "wrong number of arguments: want=2, got=1"),
        ('text.parse_float("1e39", 32)', 'strconv.ParseFloat: parsing "1e39": value out of range'),
    ],
)
def test_a_function_fails_in_the_originals_words(expression: str, problem: str) -> None:
    assert message(expression) == problem


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("j0(1.0)", 0.7651976865579666),
        ("j0(123456.789)", -0.0015205971298614324),
        ("j1(100000.0)", 0.0018467575628825681),
        ("jn(5, 40.0)", 0.12257346597711778),
        ("jn(60, 35.0)", 2.4120888528943896e-10),
        ("y0(3.0)", 0.3768500100127904),
        ("y0(1.0)", 0.08825696421567697),
        ("y1(3.0)", 0.3246744247918),
        ("yn(2, 0.5)", -5.441370837174266),
    ],
)
def test_bessel_functions_are_right_to_twelve_digits(expression: str, expected: float) -> None:
    assert math.isclose(value(f"math.{expression}"), expected, rel_tol=1e-12)
