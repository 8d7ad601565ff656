"""Knobs of a text, in every language alike: what is one, what is wrong with one, and values in the place of defaults."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from scripting.sandbox.compiler import Compiler
from scripting.sandbox.languages.factory import EngineFactory
from scripting.sandbox.protocol import DEFAULT_PACKAGES, Load, Text, decode_value, encode_value
from scripting.supervisor.pool import RunRequest, SandboxPool
from scripting.types import Bundle, KnobValue, SecurityLimits, Source

LANGUAGES = ("python", "tengo", "zygomys")
RESULT = {
    "python": 'result = {"chance": chance, "points": points, "on": on, "mode": mode, "title": title}',
    "tengo": "result := {chance: chance, points: points, on: on, mode: mode, title: title}",
    "zygomys": "(hash chance: chance points: points on: on mode: mode title: title)",
}
MARK = {"python": "#", "tengo": "//", "zygomys": "//"}
_ENGINES = EngineFactory()


def constant(language: str, name: str, value: str, comment: str = "") -> str:
    """A line with a constant, as the language has it."""
    if language == "python":
        value = {"true": "True", "false": "False"}.get(value, value)
    line = {
        "python": f"{name} = {value}",
        "tengo": f"{name} := {value}",
        "zygomys": f"(def {name} {value})",
    }[language]
    return f"{line}  {MARK[language]} {comment}" if comment else line


def text_of(language: str, *extra: str) -> str:
    lines = [
        constant(language, "chance", "0.10", "knob 0..1 step 0.01: one hit in ten"),
        constant(language, "points", "4", "knob -5..10: points"),
        constant(language, "on", "true", "knob: whether it happens"),
        constant(language, "mode", '"easy"', "knob choices easy, hard: how hard"),
        constant(language, "title", '"none"', "knob: what it is called"),
        *extra,
        RESULT[language],
    ]
    return "\n".join(lines)


def checked(language: str, text: str, values: Mapping[str, KnobValue] | None = None) -> Compiler:
    load = Load(
        Text("arena/scorer", language, text.encode(), tuple(sorted((values or {}).items()))), (), (), DEFAULT_PACKAGES,
        32 << 20, 5, 256 << 10, 20_000, 60, 1 << 20, 40, 100_000, 1000, 1 << 20, 1000,
    )  # fmt: skip
    compiler = Compiler(load, _ENGINES)
    compiler.compile()
    return compiler


def told(compiler: Compiler) -> list[tuple[str, int | None, int | None, str]]:
    return [(found.severity, found.line, found.column, found.message) for found in compiler.findings]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_constant_with_a_knobs_comment_is_a_knob(language: str) -> None:
    compiler = checked(language, text_of(language))
    assert told(compiler) == []
    assert [(k.name, k.kind, k.default, k.low, k.high, k.step, k.choices, k.label, k.line) for k in compiler.knobs] == [
        ("chance", "decimal", 0.1, 0.0, 1.0, 0.01, (), "one hit in ten", 1),
        ("points", "whole", 4, -5, 10, None, (), "points", 2),
        ("on", "flag", True, None, None, None, (), "whether it happens", 3),
        ("mode", "choice", "easy", None, None, None, ("easy", "hard"), "how hard", 4),
        ("title", "text", "none", None, None, None, (), "what it is called", 5),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("value", "comment", "message"),
    [
        ("2.0", "knob 0..1: label", "the default of the knob late is not between 0 and 1"),
        ("0.005", "knob 0..1 step 0.01: label", "the default of the knob late is not on the steps of 0.01 from 0"),
        ('"no"', "knob choices easy, hard: label", "the default of the knob late is none of easy, hard"),
        ("points", "knob 0..1: label", "the default of the knob late is not a plain value"),
        ("4", "knob: label", "a knob that is a number says its bounds: write knob 0..1 step 0.01: what it does"),
        (
            "true",
            "knob 0..1: label",
            "a knob that is on or off has neither bounds nor choices: write knob: what it does",
        ),
        ("4", "knob 0..1", "a knob says after a colon what it does"),
        ("4", "knob 5..1: label", "the bounds 5..1 leave nothing to choose"),
        ("4", "knob 0..9 step 10: label", "the step 10 does not fit between 0 and 9"),
        (
            "4",
            "knob 0..9.5: label",
            "the default is a whole number and the bounds are not: write it with a decimal point",
        ),
    ],
)
def test_what_is_wrong_with_a_knob_is_said_at_its_line(language: str, value: str, comment: str, message: str) -> None:
    found = told(checked(language, text_of(language, constant(language, "late", value, comment))))
    assert [(severity, line, said) for severity, line, _, said in found] == [("error", 6, message)]


AGAIN = {
    "python": ("points += 1", "def f(points):\n    return 1", "for points in [1]:\n    pass"),
    "tengo": ("points += 1", "f := func(points) { return 1 }", "for points in [1] { }"),
    "zygomys": ("(set points 5)", "(defn f [points] 1)", "(let [points 3] 1)"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_knob_that_is_bound_again_anywhere_is_refused_there(language: str, which: int) -> None:
    found = told(checked(language, text_of(language, AGAIN[language][which])))
    said = [(severity, line, message) for severity, line, _, message in found if severity == "error"]
    assert said == [("error", 6, "points is a knob (line 2), so it gets no other value")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_knobs_of_one_name_are_refused_at_the_second(language: str) -> None:
    again = constant(language, "chance", "0.5", "knob 0..1: again")
    found = told(checked(language, text_of(language, again)))
    assert ("error", 6, "there is a knob chance on line 1 already") in [(s, line, m) for s, line, _, m in found]


@pytest.mark.parametrize("language", LANGUAGES)
def test_prose_about_a_knob_is_no_knob(language: str) -> None:
    inner = {
        "python": 'story = """\nlate = 1  # knob 0..2: in a text\n"""',
        "tengo": "story := `\nlate := 1  // knob 0..2: in a text\n`",
        "zygomys": "(def story `\n(def late 1)  // knob 0..2: in a text\n`)",
    }[language]
    compiler = checked(language, text_of(language, f"{MARK[language]} knobs stand above", inner))
    assert [knob.name for knob in compiler.knobs] == ["chance", "points", "on", "mode", "title"]
    assert [message for severity, _, _, message in told(compiler) if severity == "error"] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_value_that_does_not_fit_the_text_is_named_and_the_default_is_taken(language: str) -> None:
    compiler = checked(language, text_of(language), {"chance": 1.5, "gone": 3, "points": 7})
    assert [knob.value for knob in compiler.knobs][:2] == [0.1, 7]
    assert [(severity, line, message) for severity, line, _, message in told(compiler)] == [
        ("warning", 1, "the value 1.5 that is set for chance is not between 0 and 1: the default 0.1 is taken"),
        ("warning", None, "the text has no knob gone: the value 3 that is set for it is not taken"),
    ]


VALUES: dict[str, KnobValue] = {"chance": 0.25, "points": -5, "on": False, "mode": "hard", "title": 'say "yes" \\ no'}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_run_has_the_values_that_are_set_and_a_bundle_without_any_keeps_its_digest(
    language: str, pool: SandboxPool
) -> None:
    plain = Bundle(Source("arena/scorer", language, text_of(language)))
    tuned = Bundle(Source("arena/scorer", language, text_of(language), tuple(sorted(VALUES.items()))))
    assert plain.digest != tuned.digest
    defaults = {"chance": 0.1, "points": 4, "on": True, "mode": "easy", "title": "none"}
    assert decided(pool, plain) == defaults
    assert decided(pool, tuned) == VALUES
    report = pool.check(tuned, SecurityLimits())
    assert {knob.name: (knob.default, knob.value) for knob in report.knobs} == {
        name: (defaults[name], value) for name, value in VALUES.items()
    }


def test_the_digest_of_a_bundle_without_values_is_that_of_the_last_release() -> None:
    bundle = Bundle(Source("arena/scorer", "python", "result = 1"), (Source("shared/dice", "python", "SIDES = 6"),))
    assert bundle.digest == "ae6a5331f7fee0011feaf03d811024ce5c14b13b26410a9c4d903bdaaa7ecf98"


def decided(pool: SandboxPool, bundle: Bundle) -> object:
    outcome = pool.run(bundle, RunRequest(encode_value({}), 1, 0), SecurityLimits())
    assert outcome.error is None, outcome.error
    return decode_value(outcome.result or b"")
