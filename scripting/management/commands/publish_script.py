"""`publish_script`: check a text, store it as a new version and activate it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandParser

from scripting.management.output import (
    ScriptingCommand,
    compiler_line,
    in_order,
    script_argument,
    source_argument,
    version_argument,
)
from scripting.models import Script
from scripting.registry import lifecycle, publishing
from scripting.registry.publishing import AlreadyActive, AnyBase, PublishRefused, StaleBase
from scripting.texts.escaping import visible


class Command(ScriptingCommand):
    """Exit code 1 when the text does not pass its check; it is kept as a rejected version all the same. Warnings go to stderr."""

    help = "Publish a script from a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("script", type=script_argument, metavar="MODULE/NAME")
        parser.add_argument(
            "--source", type=source_argument, required=True, metavar="FILE", help="`-` reads the standard input"
        )
        parser.add_argument("-m", "--message", required=True, help="why; shown beside the version for good")
        parser.add_argument("--language", help="default: by the file's suffix")
        parser.add_argument("--base", type=version_argument, metavar="N", help="refuse unless this version is active")
        parser.add_argument("--user", metavar="NAME", help="the author")
        self.add_json(parser)

    def handle(self, *, script: tuple[str, str], source: Any, message: str, as_json: bool, **options: Any) -> None:
        if not message.strip():
            self.misused("say why: the message is shown beside the version for good")
        actor, language = author(self, options["user"]), source.language(options["language"])
        target = self._script(*script, actor, message)
        base = self._base(target, options["base"])
        try:
            activation = publishing.publish(target, language, source.text, actor=actor, reason=message, base=base)
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
        for warning in version.diagnostics:
            place = f"{source.path}:{warning['line'] or 1}:{warning['column'] or 1}"
            self.stderr.write(visible(f"{place}: {warning['severity']}: {warning['message']}"))
        self.tell_active(target, version, as_json=as_json)

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
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        command.misused(f"there is no user {name}")
    return user
