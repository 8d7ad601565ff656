"""`manage.py play_wargame`: the director of the demo battle, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import CommandParser

from scripting.hot_reload.listener import listening
from scripting.management.output import ScriptingCommand
from scripting.processes import systemd
from wargame.director import Director, tick_seconds


class Command(ScriptingCommand):
    help = (
        "Direct the wargame: give orders, begin turns and battles. What comes of them, scripts decide in the workers."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="do one step and end")

    def handle(self, *args: Any, once: bool = False, **options: Any) -> None:
        director = Director()
        if once:
            self.say(f"{director.step()} events published")
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        self.say(f"directing the battle, an attack every {tick_seconds():g} s")
        with listening("director"):
            systemd.ready("directs the battle")
            director.run(stop)
            systemd.stopping()
