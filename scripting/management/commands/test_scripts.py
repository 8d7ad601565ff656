"""`test_scripts`: decide cases, and say which of their expectations do not hold."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from django.core.management.base import CommandParser

from scripting.evidence.case_runs import CaseOutcome, as_json
from scripting.evidence.cases import run_cases
from scripting.evidence.folder_cases import TestedCase, decide_cases, reds
from scripting.evidence.replays import live_bundle
from scripting.management.output import ScriptingCommand, script_argument
from scripting.models import Script
from scripting.modules.installed import modules
from scripting.registry.resolved import ScriptNotFound
from scripting.sources.file_checks import NothingToCheck, relative
from scripting.texts.escaping import one_line, visible


class Command(ScriptingCommand):
    """Exit code 1 when a case is red. With paths alone no database is used."""

    help = (
        "Run cases: of every live script; of MODULE or MODULE/NAME, by what is live; or of a folder or a file, by the scripts "
        "beside them, without a database. Nothing takes effect."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "paths", nargs="*", metavar="PATH", help="a folder of rules, a case's file, MODULE, or MODULE/NAME"
        )
        parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML too")
        self.add_json(parser)

    def handle(self, *, as_json: bool, paths: list[str], junit: Path | None, **options: Any) -> None:
        tested = [each for path in paths for each in self._of(path)] if paths else list(of_database(None, None))
        red = reds(tested)
        if as_json:
            self.print_json({"ok": not red, "red": len(red), "cases": [described(each) for each in tested]})
        else:
            for each in red:
                self.say(f"{place_of(each)}: {each.outcome.message}")
            self.say(f"{len(tested)} case{'' if len(tested) == 1 else 's'}, {len(red)} red")
        if junit is not None:
            self.write_also("--junit", junit, junit_of(tested))
        if red:
            self.fail(f"{len(red)} of {len(tested)} cases are red")

    def _of(self, path: str) -> list[TestedCase]:
        """A module's name is the module, though a folder be called so (write `./tavern`); else a path that exists is a path."""
        if modules.get(path) is None and Path(path).exists():
            try:
                return decide_cases(Path(path))
            except NothingToCheck as error:
                self.misused(str(error))
        module, _, name = path.partition("/")
        if modules.get(module) is None and "/" not in path:
            self.misused(
                f"there is no folder or module {path} (modules: {', '.join(m.name for m in modules) or 'none'})"
            )
        found = Script.objects.in_use().filter(module=module)
        if name:
            try:
                script_argument(path)
            except argparse.ArgumentTypeError as error:
                self.misused(f"there is no file {one_line(path, 200)}; {error}")
            found = found.filter(name=name)
        if not found.exists():
            self.misused(
                f"there is no script {path} (scripts: {', '.join(map(str, Script.objects.in_use())) or 'none'})"
            )
        return list(of_database(module, name or None))


def of_database(module: str | None, name: str | None) -> Iterator[TestedCase]:
    """The cases of the live scripts, or of some of them."""
    scripts = Script.objects.in_use().filter(cases__removed_at=None, cases__isnull=False).distinct()
    if module is not None:
        scripts = scripts.filter(module=module)
    if name is not None:
        scripts = scripts.filter(name=name)
    for script in scripts:
        try:
            outcomes = run_cases(script, live_bundle(script))
        except ScriptNotFound:
            outcomes = [CaseOutcome(case.name, False, "nothing of its script is live") for case in script.cases.kept()]
        yield from (TestedCase(str(script), outcome) for outcome in outcomes)


def place_of(tested: TestedCase) -> str:
    return relative(tested.path) if tested.path else f"{tested.script}/{tested.outcome.name}"


def described(tested: TestedCase) -> dict[str, Any]:
    return {"script": tested.script, "path": tested.path or None, **as_json(tested.outcome)}


def junit_of(tested: Sequence[TestedCase]) -> bytes:
    red = reds(tested)
    suite = ET.Element("testsuite", name="test_scripts", tests=str(len(tested)), failures=str(len(red)))
    for each in tested:
        seconds = f"{each.outcome.wall_us / 1_000_000:.6f}"
        case = ET.SubElement(
            suite, "testcase", classname=each.script.replace("/", "."), name=each.outcome.name, time=seconds
        )
        if not each.outcome.passed:
            ET.SubElement(case, "failure", message=visible(each.outcome.message)).text = place_of(each)
    document: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return document
