"""`simulate`: play whole plays of a module in memory, by the live scripts and by another text, and compare what came of them."""

from __future__ import annotations

import argparse
import time
from typing import Any

from django.core.management.base import CommandParser

from scripting.evidence import playing
from scripting.evidence.play_tally import MeasuresDiffer, PlayTally, document, sentence
from scripting.evidence.play_words import MeasureWords
from scripting.evidence.playing import NotSimulated
from scripting.evidence.replays import candidate_of
from scripting.management.output import ScriptingCommand, source_argument, whole_number
from scripting.models import SHARED, Script
from scripting.modules.installed import modules
from scripting.registry.publishing import check
from scripting.types import Bundle

DEFAULT, MOST = 200, 10_000
BRIEF = ("live", "draft", "difference", "low", "high")
"""Figures of a measure that the document has."""


def seed_argument(text: str) -> int:
    if not text.isdecimal() or len(text) > 15:
        raise argparse.ArgumentTypeError(f"write a whole number from 0, such as 1, not {text!r}")
    return int(text)


class Command(ScriptingCommand):
    """Exit code 1 where nothing could be played: the text fails its check, or the module offers no simulation."""

    help = (
        "Play so many plays of a module in memory, each with the live scripts and with the text of --source in their place, on the "
        "same seeds; nothing takes effect. Without --source live is played against itself, which differs in nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        nouns = sorted({f"--{slug(playing.noun_of(module.name, 2))}" for module in modules} - {"--plays"})
        parser.add_argument("module", metavar="MODULE")
        parser.add_argument("--script", metavar="NAME", help="the script of the module that --source is a text of")
        parser.add_argument(
            "--source", type=source_argument, metavar="FILE", help="the text to try; `-`: standard input"
        )
        parser.add_argument("--language", help="of --source; default: by the file's suffix")
        parser.add_argument(
            "--plays",
            *nouns,
            type=whole_number(1, MOST),
            default=DEFAULT,
            metavar="N",
            help=f"so many on each side ({DEFAULT})",
        )
        parser.add_argument("--seed", type=seed_argument, default=1, metavar="N", help="of the first one (1)")
        parser.add_argument("--stop-early", action="store_true", help="end as soon as a measure differs beyond doubt")
        self.add_json(parser)

    def handle(self, *, module: str, as_json: bool, plays: int, seed: int, stop_early: bool, **options: Any) -> None:
        self.require_module(module)
        if module == SHARED:
            self.misused(f"{SHARED} has helpers, and plays nothing: name the module that uses them")
        candidates = self._candidates(module, options)
        tally, started = PlayTally(), time.perf_counter()
        try:
            playing.module_of(module)
            pairs = playing.compare(module, playing.sides_with(module, candidates), range(seed, seed + plays), tally)
            for _ in pairs:
                if stop_early and tally.clear():
                    break
            pairs.close()
        except (NotSimulated, MeasuresDiffer) as error:
            self.fail(f"{module}: {error}")
        found = document(tally, seed=seed, asked=plays, seconds=time.perf_counter() - started)
        if as_json:
            self.print_json(brief(found, slug(playing.noun_of(module, 2))))
        else:
            self._tell(module, found)

    def _candidates(self, module: str, options: dict[str, Any]) -> dict[str, Bundle]:
        """The text of --source. Raises CommandError for one that does not pass its check."""
        name, source = options["script"], options["source"]
        if name is None and source is None:
            return {}
        if name is None or source is None:
            self.misused("give --script and --source together: which script of the module, and its text")
        script = Script.objects.in_use().named(module, name).first()
        if script is None:
            known = ", ".join(each.name for each in Script.objects.in_use().filter(module=module)) or "none"
            self.misused(f"there is no script {module}/{name} (scripts: {known})")
        language = source.language(options["language"])
        report = check(module, name, language, source.text)
        if not report.ok:
            first = next(finding for finding in report.diagnostics if finding.severity == "error")
            self.fail(f"it does not pass its check: line {first.line}: {first.message}")
        return {name: candidate_of(script, source.text, language)}

    def _tell(self, module: str, found: dict[str, Any]) -> None:
        noun = playing.noun_of(module, found["plays"])
        words = MeasureWords.of(module)
        self.say(f"{module}: {sentence(found, noun, words)} (in {found['seconds']:.1f} s)")
        self.say()
        rows = [
            (
                name,
                words.mean(name, each["live"]),
                words.mean(name, each["draft"]),
                words.change(name, each["difference"]),
                words.interval(name, each["low"], each["high"], unknown="too few plays to tell"),
            )
            for name, each in found["measures"].items()
        ]
        self.print_table(("measure", "live", "draft", "difference", "95 % interval, all together"), rows)
        for turn in found["turned"]:
            seed = turn["seeds"][0]
            self.say(f"{turn['plays']} end “{turn['draft']}” that ended “{turn['live']}”, such as that of seed {seed}")
        for side, failures in zip(("live", "draft"), found["failures"], strict=True):
            for failure in failures:
                self.say(f"{side}: {failure['decisions']} decisions failed: {failure['what']}")


def slug(noun: str) -> str:
    return noun.replace(" ", "_")


def brief(found: dict[str, Any], noun: str) -> dict[str, Any]:
    """The document of --json: {"matches": 200, "seconds": …, "measures": …}, the first name as the module calls its plays."""
    measures = {name: {part: each[part] for part in BRIEF} for name, each in found["measures"].items()}
    rest = {name: found[name] for name in ("seed", "outcomes", "turned", "same", "clear", "failures")}
    return {noun: found["plays"], "seconds": found["seconds"], "measures": measures, **rest}
