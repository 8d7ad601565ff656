"""A report as JUnit XML, for servers that show tests: one case for each class of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from scripting.evidence.classes import Class

CASES = ("failing", "refused", "changed", "left", "not_replayable")
WRONG = ("failing", "refused")
"""Classes that fail where nobody set a limit."""


def of_report(name: str, document: Mapping[str, Any], exceeded: Mapping[str, str]) -> bytes:
    """The report in XML. The classes in `exceeded` (class → why) are failures, with their decisions."""
    suite = ET.Element(
        "testsuite", name=name, tests=str(len(CASES)), failures=str(len(exceeded)), time=str(document["seconds"])
    )
    for each in CASES:
        case = ET.SubElement(suite, "testcase", classname=name, name=each.replace("_", " "))
        if each in exceeded:
            failure = ET.SubElement(case, "failure", message=exceeded[each])
            failure.text = "\n".join(
                f"{change['execution']}: {change['before']} → {change['after']}"
                for change in document["changes"]
                if change["class"] == each
            )
    text: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return text


def wrong(document: Mapping[str, Any]) -> dict[str, str]:
    """The classes of which there should be none."""
    return {
        each: f"{document[each]} of {document['events']} are {Class(each).words}" for each in WRONG if document[each]
    }
