"""`publish_script`: check texts, store them as new versions and activate them, several together or none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandParser

from scripting.evidence.gate import with_evidence
from scripting.management.output import (
    ScriptingCommand,
    SourceFile,
    compiler_line,
    file_argument,
    in_order,
    script_argument,
    source_argument,
    version_argument,
)
from scripting.models import Script, ScriptVersion
from scripting.registry import lifecycle, publishing, storing
from scripting.registry.moves import AlreadyActive, AnyBase, PublishRefused, StaleBase
from scripting.registry.publishing import Text, TogetherRefused
from scripting.sandbox import source_text
from scripting.sources.folder import ScriptFile, Unusable, scan
from scripting.texts.escaping import visible


@dataclass(frozen=True)
class Wanted:
    """A script that is to be published, and of which file, where the argument says so."""

    module: str
    name: str
    source: SourceFile | None = None

    @property
    def label(self) -> str:
        return f"{self.module}/{self.name}"


def publish_argument(text: str) -> Wanted:
    """The argument MODULE/NAME or MODULE/NAME=FILE."""
    script, given, path = text.partition("=")
    return Wanted(*script_argument(script), source_argument(path) if given else None)


class Command(ScriptingCommand):
    """Exit code 1 when a text does not pass its check; it is kept as a rejected version all the same. Warnings go to stderr.

    Several texts are judged beside each other and become active in one transaction, or none does.
    """

    help = (
        "Publish a script from a file: MODULE/NAME --source FILE. Or several together, all of them or none: "
        "MODULE/NAME=FILE …, or --folder DIR with files as in scripts/."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("scripts", nargs="*", type=publish_argument, metavar="MODULE/NAME[=FILE]")
        parser.add_argument("--source", type=source_argument, metavar="FILE", help="`-` reads the standard input")
        parser.add_argument(
            "--folder", type=file_argument, metavar="DIR", help="publish every file of DIR/<module>/ and DIR/shared/"
        )
        parser.add_argument("-m", "--message", required=True, help="why; shown beside the version for good")
        parser.add_argument("--language", help="default: by the file's suffix")
        parser.add_argument("--base", type=version_argument, metavar="N", help="refuse unless this version is active")
        parser.add_argument("--strict", action="store_true", help="publish nothing that will certainly fail")
        parser.add_argument("--user", metavar="NAME", help="the author, by the name that they log in with")
        self.add_override(parser)
        self.add_json(parser)

    def handle(self, *, scripts: list[Wanted], source: Any, message: str, as_json: bool, **options: Any) -> None:
        if not message.strip():
            self.misused("say why: the message is shown beside the version for good")
        actor = author(self, options["user"])
        options["at_gate"] = self.at_gate(options["override"])
        if source is None:
            wanted = self._wanted(scripts, options)
            self._publish_together(wanted, actor, message, options, as_json=as_json)
        elif len(scripts) == 1 and scripts[0].source is None and options["folder"] is None:
            self._publish(scripts[0], source, actor, message, options, as_json=as_json)
        else:
            self.misused("--source is for one script; write MODULE/NAME=FILE for each of several")

    def _wanted(self, scripts: list[Wanted], options: dict[str, Any]) -> list[Wanted]:
        """The scripts with their files, out of the arguments and the folder."""
        if options["base"] is not None:
            self.misused("--base is for one script with --source")
        if lacking := [script.label for script in scripts if script.source is None]:
            self.misused(f"of which file? Write --source FILE, or {lacking[0]}=FILE")
        wanted = scripts + (self._of_folder(options["folder"]) if options["folder"] else [])
        if not wanted:
            self.misused("name what to publish: MODULE/NAME --source FILE, MODULE/NAME=FILE …, or --folder DIR")
        doubled = [label for label, count in Counter(script.label for script in wanted).items() if count > 1]
        if doubled:
            self.misused(f"{doubled[0]} is named twice")
        return wanted

    def _of_folder(self, folder: Path) -> list[Wanted]:
        try:
            found = scan(folder.resolve())
        except OSError as error:
            self.misused(str(error))
        problems = [f"{file.path} {file.reason}" for file in found.files.values() if isinstance(file, Unusable)]
        problems += [f"{remark.path} {remark.reason}" for remark in found.remarks]
        if problems:
            self.fail("\n".join([*problems, "nothing is published"]))
        files = [file for file in found.files.values() if isinstance(file, ScriptFile)]
        return [
            Wanted(file.module, file.name, SourceFile(file.path, source_text.read_any(file.content))) for file in files
        ]

    def _publish_together(
        self, wanted: list[Wanted], actor: Any, message: str, options: dict[str, Any], *, as_json: bool
    ) -> None:
        for script in wanted:
            self.require_module(script.module)
        texts, paths = list[Text](), dict[str, str]()
        for script in wanted:
            assert script.source is not None
            target = self._script(script.module, script.name, actor, message)
            content = source_text.encode(script.source.text)
            texts.append(Text(target, script.source.language(options["language"]), content))
            paths[str(target)] = script.source.path
        before = {text.script.pk: text.script.active_version_id for text in texts}
        how: dict[str, Any] = {"confirmed": not options["strict"], "at_gate": options["at_gate"]}
        try:
            activations = with_evidence(
                lambda: publishing.publish_together(texts, actor=actor, reason=message, **how), user=str(actor or "")
            )
        except TogetherRefused as refusal:
            lines = [
                compiler_line(paths[label], diagnostic)
                for label, verdict in refusal.refused.items()
                for diagnostic in in_order(verdict.diagnostics)
            ]
            self.fail("\n".join([*lines, str(refusal)]))
        except PublishRefused as refusal:
            self.fail(f"nothing is published: {refusal}; every text is kept")
        self.tell_evidence(*activations)
        if as_json:
            self.print_json({"published": [_published(text.script, before[text.script.pk]) for text in texts]})
            return
        for text in texts:
            version = text.script.active_version
            assert version is not None
            self._warn(paths[str(text.script)], version)
            now = "is live already" if version.pk == before[text.script.pk] else f"runs v{version.number} now"
            self.say(f"{text.script}: {now} ({version.sha256[:12]})")
            self.tell_unheard(text.script)
            self.tell_of_file(text.script)

    def _publish(
        self, script: Wanted, source: SourceFile, actor: Any, message: str, options: dict[str, Any], *, as_json: bool
    ) -> None:
        language = source.language(options["language"])
        target = self._script(script.module, script.name, actor, message)
        base = self._base(target, options["base"])
        how: dict[str, Any] = {"confirmed": not options["strict"], "at_gate": options["at_gate"]}
        try:
            activation = with_evidence(
                lambda: publishing.publish(
                    target, language, source.text, actor=actor, reason=message, base=base, **how
                ),
                user=str(actor or ""),
            )
        except AlreadyActive as already:
            self.tell_active(target, already.version, already, as_json=as_json)
            return
        except StaleBase as stale:
            self.fail(f"{stale}; {_kept(stale)}")
        except PublishRefused as refusal:
            lines = [compiler_line(source.path, diagnostic) for diagnostic in in_order(refusal.diagnostics)]
            self.fail("\n".join([*lines, str(refusal)]))
        version = activation.version
        assert version is not None
        self._warn(source.path, version)
        self.tell_evidence(activation)
        self.tell_active(target, version, as_json=as_json)

    def _warn(self, path: str, version: ScriptVersion) -> None:
        for warning in in_order(map(storing.diagnostic_of, version.diagnostics)):
            self.stderr.write(visible(compiler_line(path, warning)))

    def _script(self, module: str, name: str, actor: Any, reason: str) -> Script:
        """The script; a new one is made, and it is said: its name may be a slip."""
        self.require_module(module)
        script = Script.objects.named(module, name).first()
        if script is None:
            script = lifecycle.create(module, name, actor=actor, reason=reason[: lifecycle.LONGEST_REASON])
            others = Script.objects.in_use().filter(module=module).exclude(pk=script.pk).values_list("name", flat=True)
            self.stderr.write(f"{script} is new (module {module} had: {', '.join(others) or 'none'})")
        elif script.retired_at is not None:
            self.fail(f"{script} is retired: bring it back in the admin, then publish")
        return script

    def _base(self, script: Script, number: int | None) -> Any:
        if number is None:
            return AnyBase
        base = script.versions.filter(number=number).first()
        if base is None:
            self.misused(f"{script} has no version {number}")
        return base


def _published(script: Script, before: int | None) -> dict[str, Any]:
    version = script.active_version
    assert version is not None
    found = {"script": str(script), "version": version.number, "digest": version.sha256}
    return {**found, "changed": version.pk != before}


def _kept(stale: StaleBase) -> str:
    """Tell where the text is kept, and what merging it would take."""
    kept = f"your text is kept as {stale.version}"
    if stale.merge is None:
        return kept
    if stale.merge.is_clean:
        return f"{kept}, and both changes fit into one text: the workbench makes it"
    conflicts = len(stale.merge.conflicts)
    return f"{kept}, and {conflicts} place{'s' if conflicts > 1 else ''} differ: the workbench shows them"


def author(command: ScriptingCommand, name: str | None) -> Any:
    """The user of that name, or None when no name was given."""
    if name is None:
        return None
    model = get_user_model()
    user = model._default_manager.filter(**{model.USERNAME_FIELD: name}).first()
    if user is None:
        command.misused(f"there is no user whose {model.USERNAME_FIELD} is {name}")
    return user
