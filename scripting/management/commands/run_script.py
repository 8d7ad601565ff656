"""`run_script`: run a script by name and record it, any text as a trial, or a recorded execution again."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from scripting.conf import LONGEST, MIB, MOST
from scripting.engine import get_engine
from scripting.execution.admission import TooManyExecutions
from scripting.execution.replay import NotReplayable, NotTried, replay
from scripting.management.output import (
    ScriptingCommand,
    SourceFile,
    describe,
    json_object_argument,
    script_argument,
    source_argument,
)
from scripting.modules.installed import limits_for, modules
from scripting.modules.masking import masks_of
from scripting.registry.active import registry
from scripting.registry.resolved import ScriptNotFound
from scripting.sandbox.protocol import decode_value
from scripting.texts.escaping import display
from scripting.types import ExecutionRequest, ScriptError, ScriptInput, ScriptOutput, SecurityLimits


class Command(ScriptingCommand):
    """Exit code 1 when the script failed, or when a replay differed."""

    help = "Run a script. By name it is recorded as an execution; --source runs any text as a trial, without effects."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("script", nargs="?", type=script_argument, metavar="MODULE/NAME")
        parser.add_argument(
            "--source", type=source_argument, metavar="FILE", help="a trial of a text; `-` reads the standard input"
        )
        parser.add_argument("--repeat", metavar="EXECUTION", help="run a recorded execution again and compare")
        parser.add_argument(
            "--decided", action="store_true", help="with --repeat: the attempt that decided, not the first one"
        )
        parser.add_argument("--language", help="of --source; default: by the file's suffix")
        parser.add_argument("--module", default="", metavar="M", help="whose functions --source may call")
        parser.add_argument(
            "--input", type=json_object_argument, default={}, metavar="JSON", help="context variables, or @FILE"
        )
        parser.add_argument("--timeout", type=float, metavar="S", help="seconds of wall clock")
        parser.add_argument("--memory", type=int, metavar="BYTES", help="above the idle sandbox")
        parser.add_argument("--seed", type=int, metavar="N", help="of rand() and random")
        parser.add_argument("--clock", type=int, metavar="US", help="what now() answers: microseconds since 1970 UTC")
        self.add_json(parser)

    def handle(self, *, as_json: bool, **options: Any) -> None:
        chosen = [name for name in ("script", "source", "repeat") if options[name] is not None]
        if len(chosen) != 1:
            self.misused("give one of MODULE/NAME, --source FILE and --repeat EXECUTION")
        if options["repeat"] is not None:
            return self._replay(options["repeat"], decided=options["decided"], as_json=as_json)
        given = self._input(options)
        source = options["source"]
        try:
            output = self._try_out(source, given, options) if source else self._run(options["script"], given, options)
        except TooManyExecutions as error:
            self.fail(str(error))
        if as_json:
            self.print_json(output_json(output))
        else:
            self._print(output)
        if output.error is not None:
            self.fail(describe(output.error))
        if not output.ok or output.status in {"failed", "cancelled", "abandoned"}:
            self.fail(f"the run ended {output.status}")
        return None

    def _input(self, options: dict[str, Any]) -> ScriptInput:
        seed, clock = options["seed"], options["clock"]
        if seed is not None and not 0 <= seed < 2**63:
            self.misused("--seed: a whole number from 0 to 2**63 - 1")
        if clock is not None and not 0 <= clock < 2**62:
            self.misused("--clock: microseconds since 1970 UTC")
        return ScriptInput(options["input"], seed, clock)

    def _limits(self, base: SecurityLimits, options: dict[str, Any]) -> SecurityLimits:
        changes = {"max_execution_time": options["timeout"], "max_memory_bytes": options["memory"]}
        if (options["timeout"] or 0) > LONGEST:
            self.misused(f"--timeout: seconds, {LONGEST:g} at the most")
        if (options["memory"] or 0) > MOST * MIB:
            self.misused(f"--memory: bytes, {MOST * MIB} at the most")
        try:
            return base.replace(**{name: value for name, value in changes.items() if value is not None})
        except ValueError as error:
            self.misused(str(error))

    def _run(self, script: tuple[str, str], given: ScriptInput, options: dict[str, Any]) -> ScriptOutput:
        limits = None
        if options["timeout"] is not None or options["memory"] is not None:
            with contextlib.suppress(ScriptNotFound):  # the engine says so as the script's error
                limits = self._limits(registry.resolve(*script).limits, options)
        return get_engine().execute(ExecutionRequest(*script, given, limits=limits))

    def _try_out(self, source: SourceFile, given: ScriptInput, options: dict[str, Any]) -> ScriptOutput:
        module = options["module"]
        if module and modules.get(module) is None:
            self.misused(f"there is no module {module} (modules: {', '.join(m.name for m in modules) or 'none'})")
        limits = self._limits(limits_for(module), options)
        language = source.language(options["language"])
        return get_engine().execute_source(
            source.text, language, input=given, limits=limits, module_name=module, name=Path(source.path).name
        )

    def _print(self, output: ScriptOutput) -> None:
        for line in output.logs:
            self.say(f"log: {line}")
        if output.log_truncated:
            self.say("log: … cut here")
        if output.ok:
            self.say(f"result: {display(output.result)}")
        for call in output.host_calls:
            if call.kind == "effect":
                self.say(f"effect: {call.name}{display(decode_value(call.arguments))}")
        cost = output.metrics
        if output.seed is None:
            return  # nothing ran
        self.say(
            f"{output.status} in {cost.wall_us / 1000:.2f} ms (compiled in {cost.compile_us / 1000:.2f} ms, CPU "
            f"{cost.cpu_us / 1000:.2f} ms, {cost.memory_bytes / 1024:.0f} KiB), seed {output.seed}, clock {output.clock_us}"
        )
        if output.version is not None and output.version.number:
            version = output.version
            self.say(f"version v{version.number} ({version.origin}, {version.language}, {version.digest[:12]})")
        if output.execution_id is not None:
            self.say(f"execution {output.execution_id}")

    # -- again -----------------------------------------------------------------------------------------------------

    def _replay(self, execution_id: str, *, decided: bool, as_json: bool) -> None:
        try:
            replayed = replay(execution_id, decided=decided)
        except NotTried as error:
            self.misused(f"{error}; --decided runs v{error.instead.number} again" if error.instead else str(error))
        except NotReplayable as error:
            self.misused(str(error))
        mask = masks_of(replayed.execution)[1]  # of what was recorded, anybody's
        result, failure = mask.value(replayed.attempt.value), replayed.attempt.outcome.error
        failure = failure and replace(failure, message=mask.text(failure.message))
        logs = [mask.text(line) for line in replayed.attempt.outcome.logs]
        if as_json:
            self.print_json(
                {
                    "ok": replayed.identical,
                    "execution": str(replayed.execution.pk),
                    "result": result,
                    "logs": logs,
                    "error": error_json(failure),
                    "compared": list(replayed.compared),
                    "differences": list(replayed.differences),
                    "remarks": list(replayed.remarks),
                }
            )
        else:
            self.say(f"{replayed.execution.script} v{replayed.version.number}, as in execution {replayed.execution.pk}")
            for line in logs:
                self.say(f"log: {line}")
            self.say(f"error: {failure}" if failure else f"result: {display(result)}")
            for remark in replayed.remarks:
                self.say(f"remark: {remark}")
        if not replayed.identical:
            self.fail("differs from what was recorded: " + "; ".join(replayed.differences))
        if not as_json:
            self.say(f"identical to what was recorded: {', '.join(replayed.compared)}")


def output_json(output: ScriptOutput) -> dict[str, Any]:
    """Describe the outcome of a run as JSON, with everything that a replay needs."""
    version, cost = output.version, output.metrics
    return {
        "ok": output.ok,
        "result": output.result,
        "logs": list(output.logs),
        "log_us": list(output.log_us),
        "error": error_json(output.error),
        "metrics": {
            "compile_us": cost.compile_us,
            "wall_us": cost.wall_us,
            "cpu_us": cost.cpu_us,
            "memory_bytes": cost.memory_bytes,
        },
        "version": version
        and {
            "number": version.number,
            "digest": version.digest,
            "origin": version.origin,
            "language": version.language,
        },
        "execution": output.execution_id,
        "status": output.status,
        "seed": output.seed,
        "clock_us": output.clock_us,
    }


def error_json(error: ScriptError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {
        "type": error.type.value,
        "message": error.message,
        "line": error.line,
        "column": error.column,
        "hint": error.hint,
    }
