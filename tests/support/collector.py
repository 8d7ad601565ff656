"""The process that xdist's test processes are forked from: it has imported and collected all tests, which each of them did for itself.

To start, to import and to collect takes five seconds of computing. The process that hands out the tests forks the collector before it
has any thread; the collector forks the test processes, each with settings, a data folder and captured output of its own. Linux alone;
elsewhere, and where the collector cannot collect, each test process starts by itself, and says why it cannot.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import shlex
import signal
import socket
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import execnet
import pytest
import xdist.remote
from _pytest.config import _prepareconfig
from _pytest.tmpdir import TempPathFactory
from django.conf import settings
from django.utils.log import configure_logging
from execnet.gateway_base import Channel, Popen2IO, WorkerGateway, get_execmodel
from pytest_django.plugin import blocking_manager_key

from goby_site.stack import forks
from tests.support import telling
from tests.support.migrated import shared_folder
from tests.support.settings_anew import read_settings_anew
from tests.support.template import Template, listen

STAND_IN = Path(__file__).with_name("stand_in.py")


def begin(config: pytest.Config, specs: list[execnet.XSpec]) -> None:
    """Fork the collector, and have xdist's test processes come from it; it ends with this process."""
    ours = [spec for spec in specs if spec.popen and not (spec.python or spec.chdir or spec.via)]
    if not forks.POSSIBLE or not ours or threading.active_count() > 1:
        return
    address, here = shared_folder() / "collector.socket", os.getpid()
    with listen(address) as listener, config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        collector = os.fork()
        if not collector:
            forks.become(lambda: collect(config, listener, here), "pytest: collector", here, signal.SIGTERM)
    config.add_cleanup(partial(end, collector))
    for spec in ours:
        spec.python = shlex.join([sys.executable, "-I", "-S", str(STAND_IN), str(address), sys.executable])


def end(collector: int) -> None:
    """End it; its test processes have ended."""
    os.kill(collector, signal.SIGTERM)
    os.waitpid(collector, 0)


def collect(controller: pytest.Config, listener: socket.socket, run: int) -> None:
    """In the collector: begin a session as one of xdist's test processes does, and fork these from it."""
    template = Template(listener, run, lambda _, files: collected.go_on(*files))
    atexit._clear()  # what was registered is for the process that hands out the tests to do
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    blocking = controller.stash[blocking_manager_key]
    while blocking.is_active:
        blocking.restore()
    config = _prepareconfig([*controller.invocation_params.args], None)
    told = {"workerid": "gw0", "workercount": 1, "testrunuid": "", "mainargv": sys.argv}
    collected = Collected(config, template)
    collected.take(told, None)
    with contextlib.suppress(pytest.UsageError):  # which each test process will tell
        config.hook.pytest_cmdline_main(config=config)


class Collected:
    """A plugin that has the session's tests run in forks."""

    def __init__(self, config: pytest.Config, template: Template) -> None:
        self._config = config
        self._template = template
        self._reports: list[pytest.CollectReport] = []
        self._warnings: list[dict[str, Any]] = []
        config.pluginmanager.register(self)

    def take(self, told: dict[str, Any], temporary: str | None) -> None:
        """Set up this process by what xdist says to a test process before all else."""
        os.environ["PYTEST_XDIST_TESTRUNUID"] = told["testrunuid"]
        os.environ["PYTEST_XDIST_WORKER"] = told["workerid"]
        os.environ["PYTEST_XDIST_WORKER_COUNT"] = str(told["workercount"])
        xdist.remote.setup_config(self._config, temporary)
        self._config.workerinput = told  # type: ignore[attr-defined]
        self._config.workeroutput = {}  # type: ignore[attr-defined]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep it for the test processes to tell."""
        self._reports.append(report)

    def pytest_warning_recorded(self, **recorded: Any) -> None:
        """Keep it too."""
        self._warnings.append(recorded)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In the collector: fork what is asked for, until the run is over."""
        if len(threads := threading.enumerate()) > 1:
            print(
                f"Each test process collects for itself: a file of tests starts a thread ({threads[1:]}).",
                file=sys.stderr,
            )
            return True
        self._session = session
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # test processes end with this one: at Ctrl-C they tidy up first
        self._template.serve()
        return True

    def go_on(self, incoming: int, outgoing: int) -> None:
        """In a test process just forked: the rest of the session, as xdist's own program has it."""
        config, session = self._config, self._session
        capture = config.pluginmanager.getplugin("capturemanager")
        capture.stop_global_capturing()
        capture.start_global_capturing()  # in files of its own
        read_settings_anew()
        configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)  # it has the output of before
        capture.suspend_global_capture()
        line = Line(incoming, outgoing)
        channel = line.channel()
        told, _, options, _ = channel.receive()
        self.take(told, options.get("basetemp"))
        config._tmp_path_factory = TempPathFactory.from_config(config, _ispytest=True)  # type: ignore[attr-defined]
        config.pluginmanager.unregister(self)
        teller = xdist.remote.interactor = xdist.remote.WorkerInteractor(config, channel)
        telling.tell_less(config)
        teller.pytest_sessionstart(session)
        for report in self._reports:
            teller.pytest_collectreport(report)
        for recorded in self._warnings:
            teller.pytest_warning_recorded(**recorded)
        teller.pytest_collection_finish(session)
        run(session)
        line.close()


def run(session: pytest.Session) -> None:
    """Run the tests of a session, and end it, as pytest does."""
    config = session.config
    try:
        config.hook.pytest_runtestloop(session=session)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED if session.testsfailed else pytest.ExitCode.OK
    except (KeyboardInterrupt, pytest.exit.Exception):
        session.exitstatus = pytest.ExitCode.INTERRUPTED
        config.hook.pytest_keyboard_interrupt(excinfo=pytest.ExceptionInfo.from_current())
    except BaseException:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        config.notify_exception(pytest.ExceptionInfo.from_current(), config.option)
    finally:
        config.hook.pytest_sessionfinish(session=session, exitstatus=session.exitstatus)
        config._ensure_unconfigure()


class Line(WorkerGateway):
    """A test process' line to xdist, served in a thread of its own: the main thread runs tests."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        pipes = Popen2IO(os.fdopen(outgoing, "wb"), os.fdopen(incoming, "rb"), get_execmodel("main_thread_only"))
        super().__init__(io=pipes, id="forked", _startcount=2)  # type: ignore[arg-type] # who is forked ends no other process
        self._begun = queue.SimpleQueue[Channel]()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self.serve, name="line to xdist", daemon=True)
        pipes.infile.readline()  # the program of a line's other end, which is here already
        pipes.write(b"1")
        self._thread.start()

    def executetask(self, item: Any) -> None:
        """Of the programs that xdist sends, the one that runs tests is here already."""
        channel, (_, file, *_) = item
        if file != xdist.remote.__file__:
            super().executetask(item)
            return
        self._begun.put(channel)
        self._is_over.wait()
        channel.close()

    def channel(self) -> Channel:
        """Wait for the channel by which xdist asks for tests and is told of them."""
        return self._begun.get()

    def close(self) -> None:
        """No more is told; wait until xdist has taken note."""
        self._is_over.set()
        self._thread.join()
