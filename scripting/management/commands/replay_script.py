"""`replay_script`: decide recorded executions again by another text, and report what it would change."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from scripting.evidence import corpus as corpora
from scripting.evidence import junit
from scripting.evidence.corpus import Selection
from scripting.evidence.replays import candidate_of, live_bundle, replay
from scripting.management.output import (
    ScriptingCommand,
    moment_argument,
    script_argument,
    source_argument,
    version_argument,
    whole_number,
)
from scripting.models import Script
from scripting.modules.installed import limits_for, modules
from scripting.registry.resolved import ScriptNotFound
from scripting.runtime.host_calls import host_functions
from scripting.runtime.pool import check
from scripting.types import Bundle

FAILING = junit.CASES
"""Classes that --fail-on may name."""
SHOWN = 10
"""Rows of each list on a terminal; --json has all."""


def thresholds_argument(text: str) -> dict[str, tuple[float, bool]]:
    """`failing,refused,changed:5%` → class → (how many are allowed, whether that is a share in percent)."""
    found: dict[str, tuple[float, bool]] = {}
    for part in text.split(","):
        match = re.fullmatch(r"(\w+)(?::(\d+(?:\.\d+)?)(%?))?", part.strip())
        if match is None or match[1] not in FAILING:
            raise argparse.ArgumentTypeError(
                f"write classes such as failing,refused,changed:5%, of {', '.join(FAILING)}, not {part.strip()!r}"
            )
        found[match[1]] = float(match[2] or 0), bool(match[3])
    return found


class Command(ScriptingCommand):
    """Exit code 1 when more decisions than --fail-on allows fail, are refused or change."""

    help = (
        "Decide recorded executions again by another text of the script, and report what it would change. Nothing is carried "
        "out. Without --source and --version the live version is replayed against its own record."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's own --version gives way to ours."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("script", type=script_argument, metavar="MODULE/NAME")
        parser.add_argument(
            "--source", type=source_argument, metavar="FILE", help="the text to try; `-`: standard input"
        )
        parser.add_argument("--language", help="of --source; default: by the file's suffix")
        parser.add_argument("--version", dest="number", type=version_argument, metavar="N", help="the version to try")
        parser.add_argument(
            "--last", type=whole_number(1, corpora.MOST), metavar="N", help=f"the newest N executions ({corpora.LAST})"
        )
        parser.add_argument("--since", type=moment_argument, metavar="T", help="executions from then on")
        parser.add_argument("--until", type=moment_argument, metavar="T", help="executions before then")
        parser.add_argument("--topic", default="", help="executions on this topic")
        parser.add_argument("--status", default="", help="executions that ended so: succeeded, fell_back, failed, …")
        parser.add_argument("--key", default="", help="executions of this ordering key")
        parser.add_argument(
            "--fail-on",
            type=thresholds_argument,
            default={},
            metavar="WHAT",
            help="exit 1 where more than allowed are failing, refused or changed: failing,refused,changed:5%%",
        )
        parser.add_argument("--junit", type=Path, metavar="FILE", help="write the classes as JUnit XML too")
        self.add_json(parser)

    def handle(self, *, script: tuple[str, str], as_json: bool, **options: Any) -> None:
        target = Script.objects.in_use().named(*script).first()
        if target is None:
            known = ", ".join(map(str, Script.objects.in_use())) or "none"
            self.misused(f"there is no script {'/'.join(script)} (scripts: {known})")
        candidate = self._candidate(target, options)
        selection = Selection(
            options["last"],
            options["since"],
            options["until"],
            options["topic"],
            options["status"],
            options["key"],
        )
        corpus = corpora.resolve(target, selection)
        if not corpus.ids:
            self.fail(f"no recorded execution of {target} fits: run it first, or ask for another time, topic or status")
        if corpus.found > len(corpus.ids) and not as_json:
            self.say(
                f"a sample of {len(corpus.ids)} of {corpus.found} executions, all failures and rare outcomes first"
            )
        try:
            found = replay(corpus, candidate)
        except ScriptNotFound as error:
            self.fail(str(error))
        exceeded = over(found, options["fail_on"])
        if as_json:
            self.print_json(found)
        else:
            self._tell(target, found)
        if options["junit"] is not None:
            self.write_also("--junit", options["junit"], junit.of_report(f"replay of {target}", found, exceeded))
        if exceeded:
            self.fail("; ".join(exceeded.values()))

    def _candidate(self, script: Script, options: dict[str, Any]) -> Bundle:
        """Raises CommandError for a text that does not pass its check."""
        source, number = options["source"], options["number"]
        if source is not None and number is not None:
            self.misused("give one of --source and --version")
        if source is not None:
            bundle = candidate_of(script, source.text, source.language(options["language"]))
        elif number is not None:
            version = script.versions.filter(number=number).first()
            if version is None:
                self.misused(f"{script} has no v{number}")
            bundle = candidate_of(script, version.text, version.language)
        else:
            try:
                return live_bundle(script)
            except ScriptNotFound as error:
                self.fail(str(error))
        module = modules.get(script.module)
        report = check(bundle, limits_for(script.module, **script.limit_changes()), host_functions(module))
        if not report.ok:
            first = next(finding for finding in report.diagnostics if finding.severity == "error")
            self.fail(f"it does not pass its check: line {first.line}: {first.message}")
        return bundle

    def _tell(self, script: Script, document: dict[str, Any]) -> None:
        self.say(f"{script}: {document['sentence']} (in {document['seconds']:.1f} s)")
        rows = [
            (name, f"{each['before']:.4g}", f"{each['after']:.4g}", f"{each['difference']:+.4g}", f"{each['low']:+.4g} to {each['high']:+.4g}")
            for name, each in document["fields"].items()
        ]  # fmt: skip
        if rows:
            self.say()
            self.print_table(("field", "before", "after", "difference", "95 % interval"), rows)
        if document["where"]:
            self.say()
            where = [
                (
                    " and ".join(f"{field} = {value}" for field, value in row["fields"].items()),
                    f"{row['changed']} of {row['events']}",
                    "" if row["difference"] is None else f"{row['difference']:+.4g}",
                )
                for row in document["where"][:SHOWN]
            ]
            self.print_table(("where", "changed", document["measure"] or "difference"), where)
        for failure in document["failures"][:SHOWN]:
            self.say(f"{failure['events']} would fail at {failure['where']}: {failure['message']}")
        for reason in document["reasons"][:SHOWN]:
            self.say(f"{reason['events']}: {reason['reason']}")


def over(document: dict[str, Any], allowed: dict[str, tuple[float, bool]]) -> dict[str, str]:
    """The classes of which there are more than allowed, each in words."""
    found = {}
    for name, (most, is_share) in allowed.items():
        count = document[name]
        limit = most / 100 * document["events"] if is_share else most
        if count > limit:
            words = f"{count} of {document['events']} are {name.replace('_', ' ')}"
            found[name] = f"{words}; allowed: {most:g}{'%' if is_share else ''}"
    return found
