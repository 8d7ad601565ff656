"""`publish_script`: check a text, store it as a new version and activate it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandParser

from scripting.management.output import ScriptingCommand, compiler_line, script_argument, source_argument
from scripting.models import SHARED, Script
from scripting.modules import modules
from scripting.registry import AnyBase, PublishRefused, registry


class Command(ScriptingCommand):
    """Exit code 1 when the text does not pass its check; it is kept as a rejected version all the same."""

    help = "Publish a script from a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("script", type=script_argument, metavar="MODULE/NAME")
        parser.add_argument(
            "--source", type=source_argument, required=True, metavar="FILE", help="`-` reads the standard input"
        )
        parser.add_argument("-m", "--message", required=True, help="why; shown beside the version for good")
        parser.add_argument("--language", help="default: by the file's suffix")
        parser.add_argument("--base", type=int, metavar="N", help="refuse unless this version is active")
        parser.add_argument("--user", metavar="NAME", help="the author")
        self.add_json(parser)

    def handle(self, *, script: tuple[str, str], source: Any, message: str, as_json: bool, **options: Any) -> None:
        target = self._script(*script)
        try:
            activation = registry.publish(
                target,
                source.language(options["language"]),
                source.text,
                actor=author(self, options["user"]),
                reason=message,
                base=self._base(target, options["base"]),
            )
        except PublishRefused as refusal:
            lines = [compiler_line(source.path, diagnostic) for diagnostic in refusal.diagnostics]
            self.fail("\n".join([*lines, str(refusal)]))
        version = activation.version
        assert version is not None
        if as_json:
            self.print_json({"script": str(target), "version": version.number, "digest": version.sha256})
        else:
            self.say(f"{target} runs v{version.number} now ({version.sha256[:12]})")

    def _script(self, module: str, name: str) -> Script:
        if module != SHARED and modules.get(module) is None:
            self.misused(f"there is no module {module} (modules: {', '.join(m.name for m in modules) or 'none'})")
        return Script.objects.get_or_create(module=module, name=name)[0]

    def _base(self, script: Script, number: int | None) -> Any:
        if number is None:
            return AnyBase
        base = script.versions.filter(number=number).first()
        if base is None:
            self.misused(f"{script} has no version {number}")
        return base


def author(command: ScriptingCommand, name: str | None) -> Any:
    """The user of that name, or None when no name was given."""
    if name is None:
        return None
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        command.misused(f"there is no user {name}")
    return user
