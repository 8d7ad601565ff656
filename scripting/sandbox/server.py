"""The sandbox process once it is locked down: load one bundle, then run it whenever asked, until the socket ends."""

from __future__ import annotations

import re
from gc import collect, disable, enable, freeze
from time import monotonic_ns
from typing import Any

from scripting.sandbox.compiler import Compiler
from scripting.sandbox.handed_on import program_of, told
from scripting.sandbox.kernel.resources import Resources
from scripting.sandbox.languages.factory import EngineFactory
from scripting.sandbox.last_word import LastWord
from scripting.sandbox.library.violation import OwnError
from scripting.sandbox.meter import Meter
from scripting.sandbox.plain_data import ValueProblem, decode_trusted, encode_value
from scripting.sandbox.program import Program
from scripting.sandbox.protocol import Answer, Call, Connection, Fault, Load, Loaded, Ready
from scripting.sandbox.runner import Runner
from scripting.sandbox.traced_runner import TracedRunner
from scripting.sandbox.wire import Wire


class SupervisorGone(BaseException):
    """The socket has ended; nothing that a script catches."""


class HostCallRefused(OwnError):
    """A function of the module refused the call; the message says why."""


class Server:
    """One sandbox's side of the conversation."""

    def __init__(
        self, wire: Wire, engines: EngineFactory, resources: Resources, meter: Meter, last_word: LastWord
    ) -> None:
        self.wire = wire
        self.engines = engines
        self.resources = resources
        self.meter = meter
        self.last_word = last_word
        self.connection = Connection(sandbox_end=True)
        self.calls_left = 0
        self.max_calls = 0

    def serve(self, ready: Ready) -> None:
        """Say what holds, load, and run until the supervisor is gone."""
        self._send(ready)
        message = self._receive()
        if not isinstance(message, Load):
            return
        disable()  # nothing of the script runs before the end of this, and trees hold no circles
        program = self._load(message)
        if program is None:
            self._receive()  # nothing to run: wait for the end
            return
        make = TracedRunner if message.traces else Runner
        runner = make(program, message, self.meter, self._call)
        self.max_calls = message.max_host_calls
        self.last_word.speak_for(runner, self.connection, self.wire)
        if not message.compiled:
            collect()  # what the compiler left
        freeze()
        enable()
        self.resources.limit_memory(message.memory_bytes)
        self.resources.limit_cpu(message.cpu_seconds)
        self.meter.mark_idle()
        self._send(self._loaded)
        while True:
            self._step(runner)

    def _step(self, runner: Runner) -> None:
        connection, wire = self.connection, self.wire
        body = wire.read()
        if body is None:
            raise SupervisorGone
        self.calls_left = self.max_calls
        wire.write(connection.send(runner.run(connection.receive(body))))
        if not runner.log.is_untouched:
            runner.log.restart()  # the run is answered: the next one is never told with this one's

    def _load(self, message: Load) -> Program | None:
        started = monotonic_ns()
        if message.compiled:
            made = program_of(message, self.engines)
            self._loaded = Loaded((monotonic_ns() - started) // 1000, (), None)
            return made
        compiler = Compiler(message, self.engines)
        program = compiler.compile()
        fault: Fault | None = compiler.fault()
        taken = (monotonic_ns() - started) // 1000
        code = told(program) if program is not None and message.tells_code else ()
        self._loaded = Loaded(taken, tuple(compiler.findings), fault, compiler.knobs, code)
        if program is None:
            self._send(self._loaded)
        return program

    def _call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Perform a host function: the script waits for the answer."""
        if self.calls_left <= 0:
            raise HostCallRefused(f"more than {self.max_calls} calls of host functions in one run")
        self.calls_left -= 1
        try:
            arguments = encode_value([list(args), kwargs], name=name, max_bytes=1 << 20, max_depth=40, max_nodes=50_000)
        except ValueProblem as problem:
            raise TypeError(_argument(name, problem)) from None
        self._send(Call(name, arguments))
        self.last_word.answer_if_late()
        message = self._receive()
        assert isinstance(message, Answer)
        if message.answer is None:
            raise HostCallRefused(message.error)
        return decode_trusted(message.answer)

    def _send(self, message: Any) -> None:
        self.wire.write(self.connection.send(message))

    def _receive(self) -> Any:
        body = self.wire.read()
        if body is None:
            raise SupervisorGone
        return self.connection.receive(body)


def _argument(function: str, problem: ValueProblem) -> str:
    """Say which argument is wrong, by number or name: they travel as `[[positional …], {keyword: …}]`."""
    path = problem.path.removeprefix(function)
    found = re.match(r'\[(?:0\]\[(\d+)|1\]\["((?:[^"\\]|\\.)*)")\]', path)
    if found is None:
        return f"{function}(): the arguments together: {problem.problem}"
    which = f"argument {int(found[1]) + 1}" if found[1] else f'the argument "{found[2]}"'
    rest = path[found.end() :]
    return f"{function}(): {which}{f', at {rest},' if rest else ''} {problem.problem}"
