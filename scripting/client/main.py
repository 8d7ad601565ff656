"""`goby`: check a folder of rules, and bring it to a server and back, on a machine without a Django project or a database."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripting.client import beside, checking, folder, stubs, syncing, testing
from scripting.client.folder import FolderWrong
from scripting.client.formats import FORMATS, junit_of_cases
from scripting.client.server import SERVER, TOKEN, Server, ServerRefused
from scripting.client.syncing import BothChanged, Side
from scripting.sandbox.languages.table import language_for_suffix
from scripting.supervisor.asked_to_end import quietly, tidily
from scripting.supervisor.errors import SupervisorError
from scripting.texts.diff import unified
from scripting.texts.escaping import one_line, visible

FAILED, USAGE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0; 1 where rules are wrong or differ; 2 where the command cannot do its work."""
    options = _parser().parse_args(arguments)
    try:
        with quietly(), tidily():
            code: int = options.run(options)
        if options.run in (_check, _test, _diff, _push):
            _tell_left_out(options.dir)
    except (FolderWrong, ServerRefused, SupervisorError) as error:
        _complain(str(error))
        for found in _findings(error):
            _complain(found)
        return FAILED if isinstance(error, ServerRefused) and error.problem else USAGE
    except BrokenPipeError:  # who reads the output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return USAGE
    except OSError as error:
        _complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return USAGE
    return code


def _tell_left_out(directory: Path) -> None:
    if left := folder.left_out(directory):
        names = ", ".join(str(path) for path in left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
        _complain(f"left out: {names}: no links, and names of a to z, 0 to 9 and _ that begin with a letter")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="goby", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="check every script of a folder in sandboxes of this machine")
    check.add_argument("dir", type=Path, metavar="DIR")
    check.add_argument("--strict", action="store_true", help="warnings are errors")
    check.add_argument("--format", choices=FORMATS, default="text")
    check.set_defaults(run=_check)

    diff = commands.add_parser("diff", help="show how a folder differs from what is live")
    pull = commands.add_parser("pull", help="write what is live into a folder; merge what was changed on both sides")
    pull.add_argument("--force", action="store_true", help="take the server's text everywhere")
    push = commands.add_parser("push", help="make a folder's changes live, all in one release or none")
    push.add_argument("-m", "--message", required=True, help="why; shown beside each version for good")
    push.add_argument("--commit", default="", help="the commit that they come from")
    push.add_argument("--dry-run", action="store_true", help="let the server judge them and publish nothing")
    push.add_argument("--confirmed", action="store_true", help="publish texts although they will certainly fail")
    push.add_argument(
        "--ask-review", action="store_true", help="where nothing but an approval is lacking, ask for a review"
    )
    for each, run in ((diff, _diff), (pull, _pull), (push, _push)):
        each.add_argument("dir", type=Path, metavar="DIR")
        each.set_defaults(run=run)

    test = commands.add_parser(
        "test", help="let the server decide a folder's cases by the folder's scripts; nothing is stored"
    )
    test.add_argument("dir", type=Path, metavar="DIR")
    test.add_argument("--junit", type=Path, metavar="FILE", help="write the outcomes as JUnit XML too")
    test.set_defaults(run=_test)

    stub = commands.add_parser(
        "stubs", help="tell pyright and editors the names that Python scripts find, with their types"
    )
    stub.add_argument("dir", type=Path, metavar="DIR")
    stub.add_argument("--script", default="", metavar="MODULE/NAME", help="the inputs of this script alone")
    stub.add_argument("--offline", action="store_true", help="take what the last pull said")
    stub.set_defaults(run=_stubs)

    back = commands.add_parser("rollback", help="make a stored version live: an older one, or one that never was")
    back.add_argument("script", type=_label, metavar="MODULE/NAME")
    back.add_argument("version", type=int, metavar="VERSION")
    back.add_argument("-m", "--message", required=True, help="why; shown beside the version for good")
    back.set_defaults(run=_rollback)

    lsp = commands.add_parser("lsp", help="serve an editor: findings, completion and hover help (needs goby[lsp])")
    lsp.add_argument("dir", type=Path, metavar="DIR", nargs="?", help="default: each folder of rules that a pull made")
    lsp.set_defaults(run=_lsp)

    replay = commands.add_parser("replay", help="decide recorded executions again by a file, on the server")
    replay.add_argument("script", type=_label, metavar="MODULE/NAME")
    replay.add_argument("--source", type=Path, required=True, metavar="FILE")
    replay.add_argument("--last", type=int, default=200, metavar="N")
    replay.add_argument("--json", action="store_true", help="print the whole report")
    replay.set_defaults(run=_replay)
    for each in (diff, pull, push, test, replay, stub, back, lsp):
        each.add_argument("--server", metavar="URL", help=f"default: {SERVER} of the environment; the token is {TOKEN}")
    return parser


def _label(text: str) -> str:
    module, _, name = text.partition("/")
    if not (folder.NAME.fullmatch(module) and folder.NAME.fullmatch(name)):
        raise argparse.ArgumentTypeError(f"{text!r} names no script: write its module too, as in tavern/barkeeper")
    return text


def _check(options: argparse.Namespace) -> int:
    rules, namespaces = folder.some_rules_in(options.dir), folder.namespace_of(options.dir)
    checked = checking.check(rules, namespaces, strict=options.strict)
    if not namespaces:
        _complain(
            "functions and inputs of the modules are not known here, so errors alone are told: `goby pull` asks for them"
        )
    for line in FORMATS[options.format](checked):
        print(line)
    return FAILED if any(each.errors for each in checked) else 0


def _test(options: argparse.Namespace) -> int:
    cases, rules = folder.cases_in(options.dir), folder.rules_in(options.dir)
    tested = testing.test(cases, rules, Server.named(options.server))
    red = [(case, each) for case, each in zip(cases, tested, strict=True) if not each["passed"]]
    for case, each in red:
        print(f"{one_line(str(case.path))}: {one_line(each['message'], 1000)}")
    if options.junit is not None:
        options.junit.write_text(junit_of_cases(tested), encoding="utf-8")
    print(f"{len(tested)} cases, {len(red)} red")
    return FAILED if red else 0


def _diff(options: argparse.Namespace) -> int:
    server = Server.named(options.server)
    differing = [each for each in syncing.compare(options.dir, server) if each.side is not Side.NOBODY]
    for each in differing:
        print(f"{each.label}: {each.side.value}")
        if each.here is not None and each.live is not None:
            live = server.get(f"scripts/{each.label}/versions/{each.number}")["source"]
            _print_difference(live, each.here.text, f"live v{each.number}", each.here.path)
    others = [item for item in beside.items_of(options.dir, server) if item.difference]
    for item in others:
        print(f"{one_line(str(item.path))}: {item.difference}")
        if item.here and item.live:
            _print_difference(item.text, folder.text_of(item.path), "on the server", item.path)
    counts = [(len(differing), "scripts"), (len(others), "cases and sets of values of knobs")]
    print(", ".join(f"{number} {words}" for number, words in counts if number) + " differ" if differing or others else "nothing differs")  # fmt: skip
    return FAILED if differing or others else 0


def _print_difference(theirs: str, ours: str, theirs_name: str, path: Path) -> None:
    print(visible(unified(theirs, ours, theirs_name, str(path))))


def _pull(options: argparse.Namespace) -> int:
    options.dir.mkdir(parents=True, exist_ok=True)
    done = syncing.pull(options.dir, Server.named(options.server), force=options.force)
    for each in done:
        if each.what != "same":
            print(f"{one_line(str(each.path))}: {each.what}")
    others = beside.pull(options.dir, Server.named(options.server), force=options.force)
    for what, path in others:
        print(f"{one_line(str(path))}: {what}")
    whats = [each.what for each in done] + [what for what, _ in others]
    conflicts = "conflict" in whats
    if conflicts:
        _complain(
            "changed on both sides in the same lines: `goby diff` shows where; mend the file, then `goby pull` again, or --force"
        )
    print(f"{len(done)} scripts, {sum(each.what in ('written', 'merged') for each in done)} written")
    return FAILED if conflicts else 0


def _push(options: argparse.Namespace) -> int:
    try:
        answer = syncing.push(
            options.dir,
            Server.named(options.server),
            reason=options.message,
            commit=options.commit,
            dry_run=options.dry_run,
            confirmed=options.confirmed,
            ask=options.ask_review,
        )
    except BothChanged as both:
        _complain(str(both))
        return FAILED
    for each in answer["published"]:
        print(f"{each['script']}: v{each['version']} is live")
    for number, words in ((answer["cases"], "cases"), (answer["knobs"], "sets of values of knobs")):
        if number and not options.dry_run:
            print(f"{number} {words} went along")
    if options.dry_run:
        print("the server would take it; nothing is published")
    elif not (answer["published"] or answer["cases"] or answer["knobs"]):
        print("nothing to push: the server has these texts")
    return 0


def _stubs(options: argparse.Namespace) -> int:
    server = None if options.offline else Server.named(options.server)
    written = stubs.write(options.dir, server, options.script)
    print(f"{one_line(str(written[0]))}, and JSON Schemas of {len(written) - 1} topics beside it in {stubs.SCHEMAS}")
    return 0


def _rollback(options: argparse.Namespace) -> int:
    document = {"version": options.version, "reason": options.message}
    live = Server.named(options.server).post(f"scripts/{options.script}/rollback", document)
    print(f"{options.script}: v{live['version']} is live")
    return 0


def _lsp(options: argparse.Namespace) -> int:
    try:
        from scripting.client.lsp import server as language_server
    except ModuleNotFoundError as error:
        _complain(f"the package {error.name} is missing: pip install 'goby[lsp]'")
        return USAGE
    if options.dir is not None and not options.dir.is_dir():
        raise FolderWrong(f"{options.dir} is no folder: name one with files such as tavern/barkeeper.py in it")
    server = Server.named(options.server) if options.server or os.environ.get(SERVER) else None
    return language_server.serve(options.dir, server)


def _replay(options: argparse.Namespace) -> int:
    source = {"source": folder.text_of(options.source), "language": _language(options.source), "last": options.last}
    report = Server.named(options.server).post(f"scripts/{options.script}/replay", source)
    print(json.dumps(report, indent=2) if options.json else f"{options.script}: {report['sentence']}")
    return FAILED if report["failing"] or report["refused"] else 0


def _language(path: Path) -> str:
    found = language_for_suffix(path.suffix)
    if found is None:
        raise FolderWrong(f"{path} is no script: its suffix says no language")
    return found.name


def _findings(error: Any) -> list[str]:
    """Findings of the server's check, a line each."""
    found = getattr(error, "problem", {}).get("findings", {})
    texts = found.items() if isinstance(found, dict) else [("", found)]
    return [
        f"{label}{':' if label else ''}{each.get('line') or 1}: {each.get('severity')}: {each.get('message')}"
        for label, several in texts
        for each in several
    ]


def _complain(text: str) -> None:
    print(visible(text), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
