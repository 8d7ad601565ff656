"""`manage.py run_worker`: takes events from the streams and runs their scripts until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from scripting.checks import ENGINE
from scripting.git import waking
from scripting.processes.init import leave_process_1
from scripting.processes.startup import SWITCH_SECONDS_OF_WORKERS, prepare_to_serve
from scripting.workers.evidence_worker import EvidenceWorker
from scripting.workers.worker import ScriptWorker


class Command(BaseCommand):
    requires_system_checks = (ENGINE,)
    help = "Run the scripts that are subscribed to published events. Ends warmly on SIGTERM and SIGINT."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="", help="shown in executions and in RQ's dashboard; made if left out")
        parser.add_argument("--burst", action="store_true", help="end when nothing waits")
        parser.add_argument(
            "--evidence",
            action="store_true",
            help="take long replays and what a gate asks for instead of events; one such process is enough",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        connections.close_all()
        leave_process_1()
        of_rq = logging.getLogger("rq.worker")
        if of_rq.level != logging.WARNING:  # setting it anew would clear what each logger of the process remembers
            of_rq.setLevel(logging.WARNING)  # our own lines say what matters
        worker = new_worker(options["name"], evidence=options["evidence"])
        prepare_to_serve(SWITCH_SECONDS_OF_WORKERS)
        worker.work(burst=options["burst"])


def new_worker(name: str, *, evidence: bool) -> ScriptWorker:
    """The worker of a process that is about to serve."""
    return EvidenceWorker(name, [waking.look_when_due]) if evidence else ScriptWorker(name)
