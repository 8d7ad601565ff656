"""Findings of a check as people, CI servers and code scanning read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from scripting.client.checking import CheckedRule
from scripting.texts.escaping import one_line, visible
from scripting.types import Diagnostic

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(checked: Sequence[CheckedRule]) -> Iterator[str]:
    """`path:line:column: severity: message`, as compilers write it and editors read it."""
    for each in checked:
        for found in each.diagnostics:
            place = f"{one_line(str(each.rule.path))}:{found.line or 1}:{found.column or 1}"
            yield f"{place}: {found.severity}: {one_line(said(found), 1000)} [{found.type.value}]"
    wrong = sum(each.errors > 0 for each in checked)
    yield f"{len(checked)} checked, {wrong} with errors"


def as_json(checked: Sequence[CheckedRule]) -> Iterator[str]:
    """As `check_scripts --json` prints it."""
    files = [
        {
            "path": str(each.rule.path),
            "module": each.rule.module,
            "name": each.rule.name,
            "language": each.rule.language,
            "ok": not each.errors,
            "diagnostics": [_plain(found) for found in each.diagnostics],
        }
        for each in checked
    ]
    yield json.dumps({"ok": all(each["ok"] for each in files), "files": files}, indent=2)


def as_junit(checked: Sequence[CheckedRule]) -> Iterator[str]:
    """One test case for each file; one with errors is a failure."""
    failures = sum(each.errors > 0 for each in checked)
    suite = ET.Element("testsuite", name="goby check", tests=str(len(checked)), failures=str(failures))
    for each in checked:
        case = ET.SubElement(suite, "testcase", classname=each.rule.module, name=each.rule.name)
        errors = [found for found in each.diagnostics if found.severity == "error"]
        if errors:
            failure = ET.SubElement(case, "failure", message=visible(errors[0].message))
            failure.text = "\n".join(f"{each.rule.path}:{found.line or 1}: {visible(said(found))}" for found in errors)
    yield ET.tostring(suite, encoding="unicode", xml_declaration=True)


def as_sarif(checked: Sequence[CheckedRule]) -> Iterator[str]:
    """SARIF 2.1.0 (OASIS), as code scanning takes it."""
    kinds = sorted({found.type.value for each in checked for found in each.diagnostics})
    driver = {"name": "goby", "rules": [{"id": kind} for kind in kinds]}
    results = [_result(each, found) for each in checked for found in each.diagnostics]
    yield json.dumps(
        {"$schema": SARIF, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}, indent=2
    )


def as_github(checked: Sequence[CheckedRule]) -> Iterator[str]:
    """Workflow commands that GitHub turns into remarks on the lines."""
    for each in checked:
        for found in each.diagnostics:
            place = f"file={_escaped(str(each.rule.path), ':,')},line={found.line or 1},col={found.column or 1}"
            yield f"::{found.severity} {place},title={found.type.value}::{_escaped(said(found))}"


FORMATS: Mapping[str, Callable[[Sequence[CheckedRule]], Iterator[str]]] = {
    "text": as_text,
    "json": as_json,
    "junit": as_junit,
    "sarif": as_sarif,
    "github": as_github,
}


def junit_of_cases(tested: Sequence[Mapping[str, Any]]) -> str:
    """Outcomes of cases as the server tells them, one test case for each."""
    failures = sum(not each["passed"] for each in tested)
    suite = ET.Element("testsuite", name="goby test", tests=str(len(tested)), failures=str(failures))
    for each in tested:
        case = ET.SubElement(suite, "testcase", classname=each["script"].replace("/", "."), name=each["case"])
        if not each["passed"]:
            ET.SubElement(case, "failure", message=visible(each["message"]))
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def said(found: Diagnostic) -> str:
    words = f"will fail: {found.message}" if found.certain else found.message
    return f"{words} ({found.hint})" if found.hint else words


def _plain(found: Diagnostic) -> dict[str, object]:
    return {
        "severity": found.severity,
        "type": found.type.value,
        "message": found.message,
        "line": found.line,
        "column": found.column,
        "hint": found.hint,
        "certain": found.certain,
    }


def _result(each: CheckedRule, found: Diagnostic) -> dict[str, object]:
    region = {"startLine": found.line or 1, "startColumn": found.column or 1}
    if found.end_line and found.end_column:
        region |= {"endLine": found.end_line, "endColumn": found.end_column}
    return {
        "ruleId": found.type.value,
        "level": "error" if found.severity == "error" else "warning",
        "message": {"text": said(found)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": each.rule.path.as_posix()}, "region": region}}],
    }


def _escaped(text: str, more: str = "") -> str:
    """As workflow commands take it: a line break would end the command, `:` and `,` a property."""
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
