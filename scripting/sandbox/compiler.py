"""A bundle compiled: from source texts to code that has passed the bounds and the policy, or to the findings why not."""

from __future__ import annotations
import __future__

import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice

from scripting.sandbox.knobs import text as knob_text
from scripting.sandbox.languages.engine import LanguageEngine
from scripting.sandbox.languages.factory import EngineFactory
from scripting.sandbox.languages.table import LANGUAGES
from scripting.sandbox.library.packages import PACKAGES, offered_names
from scripting.sandbox.lint.finding import LanguageWarning
from scripting.sandbox.lint.surroundings import Surroundings
from scripting.sandbox.policy.bounds import MAX_TREE_DEPTH, check_tree
from scripting.sandbox.policy.helper_circles import circle
from scripting.sandbox.policy.helper_uses import lacking, offered_by
from scripting.sandbox.policy.imports import HELPER_MODULE, ImportRules
from scripting.sandbox.policy.refusal import Refusal
from scripting.sandbox.policy.transformer import ScriptPolicy, bound_names
from scripting.sandbox.policy.tree import complete_places
from scripting.sandbox.program import Program, Unit
from scripting.sandbox.protocol import ErrorType, Fault, Finding, Knob, KnobValue, Load, Text, cut
from scripting.sandbox.source_text import BYTE_ORDER_MARK, NotText, decode
from scripting.sandbox.tracer.plan import plan_of

MAX_FINDINGS = 100
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Directional embeddings, overrides and isolates (Boucher, Anderson: Trojan Source, USENIX Security 2023)."""
_BARE_RETURN = re.compile("\r(?!\n)")
"""Python and editors end a line there, other languages and tools do not: lines would be numbered in two ways."""
_VISIT_FRAMES = MAX_TREE_DEPTH * 6 + 1000


class Compiler:
    """Compiles one bundle; what it finds is in `findings`, in the order of script, then helpers."""

    def __init__(self, load: Load, engines: EngineFactory) -> None:
        self.load = load
        self.engines = engines
        self.findings: list[Finding] = []
        self.knobs: tuple[Knob, ...] = ()
        """Of the script, where warnings are asked for too."""
        self._units: list[Unit] = []

    def compile(self) -> Program | None:
        """The program; None if a finding is an error."""
        helpers = {self._short(text.name): self._parsed(text) for text in self.load.helpers}
        script = self._parsed(self.load.script)
        importable = helpers | ({self._short(script.name): script} if _is_helper(script) else {})
        self._refuse_circle(importable)
        rules = ImportRules(
            {name: offered_names(name) for name in PACKAGES if name.partition(".")[0] in self.load.packages},
            {name: offered_by(unit.tree) if unit.tree else None for name, unit in importable.items()},
            {self._short(name) for name in self.load.offered_helpers},
        )
        for unit in (script, *helpers.values()):
            if unit.tree is not None:
                self._warn(unit, self._around(unit, importable))
                self._compile_unit(unit, rules)
        if any(finding.severity == "error" for finding in self.findings):
            return None
        return Program(script, helpers, self.engines.engine(script.language), (script, *helpers.values()))

    def fault(self) -> Fault | None:
        """The first error, as the failure of a run."""
        for finding in self.findings:
            if finding.severity == "error":
                line = finding.line
                excerpt = next((u.excerpt(line) for u in self._units if u.name == finding.script), "")
                return Fault(finding.type, finding.message, finding.script, line, finding.column, excerpt, finding.hint)
        return None

    def _short(self, name: str) -> str:
        return name.removeprefix(HELPER_MODULE + "/")

    def _parsed(self, source: Text) -> Unit:
        shown = source.text.decode("utf-8", "replace").removeprefix(BYTE_ORDER_MARK)
        unit = Unit(source.name, source.language, shown)
        self._units.append(unit)
        try:
            self._check_source(unit, source.text)
            engine = self.engines.engine(source.language)
            written = self._with_values(unit, source, engine)
            engine.check_bounds(written, self.load.max_source_nesting)
            tree = engine.parse(written, source.name)
            check_tree(tree)
            unit.bound = bound_names(tree)
            unit.tree = tree
        except Refusal as refusal:
            self._add(unit, refusal)
        except KeyError:
            self._add(unit, Refusal("compilation", _unknown(source.language)))
        return unit

    def _with_values(self, unit: Unit, source: Text, engine: LanguageEngine) -> str:
        """The text with the values that are set for its knobs in the place of their defaults."""
        notation = engine.notation
        if notation is None or not (source.knobs or self.load.warns):
            return unit.text
        found, given = knob_text.find(unit.text, notation), dict(source.knobs)
        unit.knobs = found.with_values(given)
        if self.load.warns:
            self._tell_of_knobs(unit, found, given)
        return found.written(unit.text, given, notation.flags)

    def _tell_of_knobs(self, unit: Unit, found: knob_text.Found, given: Mapping[str, KnobValue]) -> None:
        """Problems with the knobs of a text, and values that are set and do not fit it."""
        for refusal in islice(found.problems, MAX_FINDINGS):
            self._add(unit, refusal)
        if unit.name != self.load.script.name:
            return
        self.knobs = unit.knobs
        for knob in unit.knobs:
            if knob.problem:
                set_value, default = _said(given[knob.name]), _said(knob.default)
                message = (
                    f"the value {set_value} that is set for {knob.name} {knob.problem}: the default {default} is taken"
                )
                place = (unit.name, knob.line, knob.column, knob.line, knob.end_column)
                self.findings.append(Finding("warning", ErrorType.COMPILATION, message, *place))
        for name in sorted(given.keys() - {knob.name for knob in unit.knobs}):
            message = f"the text has no knob {name}: the value {_said(given[name])} that is set for it is not taken"
            self.findings.append(Finding("warning", ErrorType.COMPILATION, message, unit.name))

    def _refuse_knobs_bound_again(self, unit: Unit, engine: LanguageEngine) -> None:
        """A knob is a constant: its name means nothing else anywhere in the text."""
        assert unit.tree is not None
        if not unit.knobs:
            return
        lines = {knob.name: knob.line for knob in unit.knobs}
        again = {place for place in engine.bindings(unit.tree) if lines.get(place[0], place[1]) != place[1]}
        for name, line, offset in sorted(again, key=lambda place: place[1:])[:MAX_FINDINGS]:
            column = unit.column(line, offset)
            message = f"{name} is a knob (line {lines[name]}), so it gets no other value"
            hint = "give this variable another name"
            end = None if column is None else column + len(name)
            self._add(unit, Refusal("compilation", message, line, column, end_line=line, end_column=end, hint=hint))

    def _refuse_circle(self, helpers: dict[str, Unit]) -> None:
        found = circle({name: unit.tree for name, unit in helpers.items()})
        if found is not None:
            names, line = found
            path = " → ".join(f"{HELPER_MODULE}/{name}" for name in (*names, names[0]))
            message = f"helpers import each other in a circle: {path}"
            hint = "move what they share into a helper that imports none of them"
            self._add(helpers[names[0]], Refusal("compilation", message, line, 1, hint=hint))

    def _check_source(self, unit: Unit, content: bytes) -> None:
        try:
            decode(content)
        except NotText as refused:
            raise Refusal("invalid_syntax", refused.message, refused.line, refused.column) from None
        if len(content) > self.load.max_source_bytes:
            message = f"the text takes more than {self.load.max_source_bytes} bytes"
            raise Refusal("compilation", message, hint="split it into helper scripts")
        if unit.text.count("\n") >= self.load.max_source_lines:
            message = f"the text has more than {self.load.max_source_lines} lines"
            raise Refusal("compilation", message, hint="split it into helper scripts")
        if unit.language != self.load.script.language:
            raise Refusal("compilation", f'the helper "{unit.name}" is in another language than the script')
        for position, problem in _unreadable(unit.text):
            line = unit.text.count("\n", 0, position) + 1
            column = position - unit.text.rfind("\n", 0, position)
            raise Refusal("invalid_syntax", problem, line, column)

    def _around(self, unit: Unit, helpers: Mapping[str, Unit]) -> Surroundings:
        return Surroundings(
            not _is_helper(unit),
            {function.name: function for function in self.load.functions},
            self.load.inputs,
            {name: helper.tree for name, helper in helpers.items() if helper.tree is not None and helper is not unit},
        )

    def _warn(self, unit: Unit, around: Surroundings) -> None:
        assert unit.tree is not None
        engine = self.engines.engine(unit.language)
        unit.draws = engine.draws(unit.tree)
        if not self.load.warns:
            engine.forget(unit.tree)
            return
        self._refuse_knobs_bound_again(unit, engine)
        with _deep_recursion():
            for notice in engine.warnings(unit.tree, around):
                self._warning(unit, notice)
        engine.forget(unit.tree)
        for number, text in enumerate(unit.text.split("\n"), 1) if _TURNING.search(unit.text) else ():
            found = _TURNING.search(text)
            if found and len(self.findings) < MAX_FINDINGS:
                message = "the line holds a character that turns the direction of text: it may not run as it reads"
                place = (unit.name, number, found.start() + 1, number, found.end() + 1)
                hint = f"remove the character U+{ord(found[0]):04X}"
                self.findings.append(Finding("warning", ErrorType.COMPILATION, message, *place, hint))

    def _warning(self, unit: Unit, notice: LanguageWarning) -> None:
        is_first = notice.is_error and all(finding.severity != "error" for finding in self.findings)
        if len(self.findings) < MAX_FINDINGS or is_first:
            line = notice.line
            column = unit.column(line, notice.column_offset)
            end = unit.column(line, notice.end_column_offset)
            place = (unit.name, line, column, line, end)
            severity = "error" if notice.is_error else "warning"
            self.findings.append(
                Finding(severity, ErrorType.COMPILATION, notice.message, *place, notice.hint, notice.certain)
            )

    def _compile_unit(self, unit: Unit, rules: ImportRules) -> None:
        assert unit.tree is not None
        if rules.helpers:
            self._check_uses(unit, rules)
        engine = self.engines.engine(unit.language)
        if self.load.traces:
            unit.plan = plan_of(unit.tree, engine.shown_name)
        policy = ScriptPolicy(rules, unit.bound | engine.foreign)
        try:
            with _deep_recursion(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = policy.visit(unit.tree)
                if policy.lacks_places or not engine.places_all:
                    complete_places(tree)
                if not policy.findings:
                    flags = __future__.annotations.compiler_flag if policy.future_annotations else 0
                    unit.settle(compile(tree, unit.name, "exec", flags=flags, dont_inherit=True))
        except SyntaxError as error:
            message, line = str(error.msg)[:300], unit.excerpt(error.lineno)
            hint = engine.explain_syntax(message, line, error.offset)
            self._add(unit, Refusal("invalid_syntax", message, error.lineno, error.offset, hint=hint))
        except (RecursionError, MemoryError):
            message = "the text is too deeply nested or too large to be compiled"
            self._add(
                unit, Refusal("compilation", message, hint="split it over several statements, functions or helpers")
            )
        except (ValueError, TypeError, OverflowError) as error:
            self._add(unit, Refusal("compilation", f"the text cannot be compiled: {str(error)[:200]}"))
        for found in sorted(policy.findings, key=lambda f: (f.line or 0, f.column_offset or 0))[:MAX_FINDINGS]:
            column = unit.column(found.line, found.column_offset)
            end = unit.column(found.end_line, found.end_column_offset)
            refusal = Refusal(
                found.kind, found.message, found.line, column, end_line=found.end_line, end_column=end, hint=found.hint
            )
            self._add(unit, refusal)
        unit.used = frozenset(policy.used_names)
        unit.suspends = policy.suspends
        unit.tree = None

    def _check_uses(self, unit: Unit, rules: ImportRules) -> None:
        assert unit.tree is not None
        for node, message, hint in islice(lacking(unit.tree, rules.helpers), MAX_FINDINGS):
            line, column = node.lineno, unit.column(node.lineno, node.col_offset)
            last, end = node.end_lineno, unit.column(node.end_lineno, node.end_col_offset)
            self._add(unit, Refusal("not_found", message, line, column, end_line=last, end_column=end, hint=hint))

    def _add(self, unit: Unit, refusal: Refusal) -> None:
        finding = Finding(
            "error",
            ErrorType(refusal.kind),
            _shown(refusal.message, 500),
            unit.name,
            refusal.line,
            refusal.column,
            refusal.end_line,
            refusal.end_column,
            _shown(refusal.hint, 500),
        )
        self.findings.append(finding)


def _is_helper(unit: Unit) -> bool:
    return unit.name.startswith(f"{HELPER_MODULE}/")


def _unreadable(text: str) -> Iterator[tuple[int, str]]:
    zero = text.find("\0")
    if zero >= 0:
        yield zero, "the text holds a NUL character"
    if bare := _BARE_RETURN.search(text):
        yield bare.start(), "a carriage return without a line feed: save the file with LF or CRLF line ends"


def _shown(text: str, length: int) -> str:
    return cut(text, length).encode("utf-8", "replace").decode()


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """A walk takes several Python frames for each level of a tree whose depth is already bounded."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _VISIT_FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _said(value: KnobValue) -> str:
    """A value as messages name it."""
    return str(value).lower() if isinstance(value, bool) else _shown(str(value), 60)


def _unknown(language: str) -> str:
    return f'the language "{language[:40]}" is not known: there is {", ".join(sorted(LANGUAGES))}'
