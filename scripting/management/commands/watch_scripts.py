"""`watch_scripts`: take override files as they change, until stopped."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

from scripting.conf import conf
from scripting.hot_reload import watcher
from scripting.hot_reload.listener import listening
from scripting.management.output import ScriptingCommand
from scripting.processes import systemd
from scripting.sources.folder import FolderRefused, scripts_dir
from scripting.sources.steps import Step

logger = logging.getLogger("scripting.hot_reload.watcher")


class Command(ScriptingCommand):
    """Ends on SIGTERM or Ctrl-C with exit code 0. With HOT_RELOAD_SCRIPTS=false it waits and watches nothing."""

    help = "Watch the scripts folder and take changed files; one watcher per database is active, others stand by."

    def handle(self, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        if not conf.HOT_RELOAD_SCRIPTS:
            self.say("HOT_RELOAD_SCRIPTS is false: nothing is watched; sync_scripts takes changed files.")
            systemd.ready("watches nothing: HOT_RELOAD_SCRIPTS is false")
            while not stop.wait(systemd.ALIVE_SECONDS):
                systemd.alive()
            return
        self.say(f"Watching {scripts_dir()}")
        try:
            with listening("watcher"):
                systemd.ready(f"watches {scripts_dir()}")
                watcher.run(stop, self.report)
                systemd.stopping()
        except FolderRefused as error:
            self.fail(str(error))

    def report(self, step: Step) -> None:
        """Print what was taken; problems are in the site's log already."""
        if step.outcome not in {"kept", "rejected", "held", "waiting", "passed_over", "in_conflict"}:
            logger.info("%s: %s: %s", step.script, step.outcome, step.detail)
