"""`rollback_script`: make an old version the one that runs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from scripting.evidence.gate import with_evidence
from scripting.management.commands.publish_script import author
from scripting.management.output import ScriptingCommand, script_argument, version_argument
from scripting.models import Script
from scripting.registry import publishing
from scripting.registry.moves import AlreadyActive, PublishRefused


class Command(ScriptingCommand):
    """Exit code 1 when the old version would not run."""

    help = "Re-activate an old version of a script, without a copy."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("script", type=script_argument, metavar="MODULE/NAME")
        parser.add_argument("version", type=version_argument, metavar="VERSION")
        parser.add_argument("-m", "--message", required=True, help="why; shown beside the activation for good")
        parser.add_argument("--user", metavar="NAME", help="who rolls back")
        self.add_override(parser)
        self.add_json(parser)

    def handle(self, *, script: tuple[str, str], version: int, message: str, as_json: bool, **options: Any) -> None:
        target = Script.objects.in_use().named(*script).first()
        if target is None:
            known = ", ".join(map(str, Script.objects.in_use())) or "none"
            self.misused(f"there is no script {'/'.join(script)} (scripts: {known})")
        if not message.strip():
            self.misused("say why: the message is shown beside the activation for good")
        actor, at_gate = author(self, options["user"]), self.at_gate(options["override"])
        try:
            activation = with_evidence(
                lambda: publishing.rollback(target, version, actor=actor, reason=message, at_gate=at_gate),
                user=str(actor or ""),
            )
        except AlreadyActive as already:
            self.tell_active(target, already.version, already, as_json=as_json)
        except PublishRefused as refusal:
            self.fail(str(refusal))
        else:
            self.tell_evidence(activation)
            self.tell_active(target, activation.version, as_json=as_json)
