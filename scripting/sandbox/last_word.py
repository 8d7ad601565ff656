"""The last word of a run that is about to be ended: where it was and what it had logged, told by a signal's handler."""

from __future__ import annotations

import os
import signal
import sys
import types

from scripting.sandbox.program import Unit
from scripting.sandbox.protocol import LAST_WORD_SIGNAL, Connection, State
from scripting.sandbox.runner import Runner
from scripting.sandbox.wire import Wire


class LastWord:
    """Listens for the supervisor's signal from the light parent on: the lockdown lets nobody change handlers any more.

    The supervisor asks once and then kills, whatever the answer. Nothing is said outside of a run, nor in the middle of a frame;
    nor by a script at the very limit of its recursion, where the handler cannot be entered.
    """

    def __init__(self) -> None:
        self._wire: Wire | None = None
        self._units: dict[str, Unit] = {}
        self._late = False
        """Asked while a host call was being written."""
        signal.signal(LAST_WORD_SIGNAL, self._asked)

    def speak_for(self, runner: Runner, connection: Connection, wire: Wire) -> None:
        """From now on it is this runner's runs that are told of."""
        self._runner, self._connection, self._wire = runner, connection, wire
        for unit in runner.program.units:
            self._units[unit.name] = unit

    def answer_if_late(self) -> None:
        """A host call has been written: the word that had to wait for it comes now."""
        if self._late:
            self._asked(LAST_WORD_SIGNAL, sys._getframe())

    def _asked(self, _: int, frame: types.FrameType | None) -> None:
        """The handler. It runs on top of the script, which must not catch what fails here."""
        try:
            if not self._speak(frame):
                return
        except BaseException:  # noqa: BLE001, S110 - too deep or too little memory for a word: end without
            pass
        os._exit(0)

    def _speak(self, frame: types.FrameType | None) -> bool:
        """Answer the run that goes on, as its end; whether there was one and its answer had not begun."""
        if self._wire is None or self._connection.state not in {State.RUNNING, State.CALLING}:
            return False
        unit: Unit | None = None
        while frame is not None:
            if frame.f_code is Wire.write.__code__:
                self._late = True
                return False
            unit = self._units.get(frame.f_code.co_filename)
            if unit is not None:
                break
            frame = frame.f_back
        self._connection.state = State.RUNNING  # a host call's answer is not waited for
        self._wire.write(self._connection.send(self._runner.stopped(unit, frame)))
        return True
