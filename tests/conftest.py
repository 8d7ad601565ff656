"""For every test: a real Redis of its own, emptied between tests, and a database file that child processes see."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from django.conf import settings
from pytest_django import DjangoDbBlocker

from scripting.bus import spread
from scripting.storage import redis_client as our_client
from tests.support import collector, common_parent, emptying, examples, idle_fixtures, migrated, passes, telling
from tests.support.browser import KeptBrowser, chromium_path, forget
from tests.support.postgres import server_url
from tests.support.redis import RedisServer

if TYPE_CHECKING:
    import execnet
    from playwright.sync_api import BrowserContext, Page
    from pytest_django.live_server_helper import LiveServer

examples.choose()


@pytest.fixture(scope="session", autouse=True)
def scratch() -> Path:
    """The data folder of this test process; its settings remove it at exit."""
    return Path(os.environ["GOBY_VAR"])


@pytest.fixture(scope="session", autouse=True)
def redis_server(scratch: Path) -> Iterator[RedisServer]:
    """The redis-server of this test process; settings.REDIS_URL names it."""
    server = RedisServer(scratch / "redis")
    assert server.url == settings.REDIS_URL
    yield server
    server.stop()


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings: None) -> bool:
    """Give this process its migrated database: pytest-django keeps the file, and copies PostgreSQL's template itself."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        migrated.copy_file(Path(database["TEST"]["NAME"]))
        return True
    database["TEST"]["TEMPLATE"] = migrated.database(server_url())
    return False


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The migrated database, emptied quickly after each test that committed."""
    with django_db_blocker.unblock():
        rows = emptying.kept_rows()
    with emptying.quickly(rows):
        yield


@pytest.fixture(autouse=True)
def empty_redis(redis_server: RedisServer) -> None:
    """Each test begins with an empty Redis, and with a running one, whatever the test before did to it."""
    if redis_server.process.poll() is not None:
        redis_server.start()
    client = redis_server.own_client
    if client.dbsize():
        client.flushall()
    spread.forget()
    our_client._silent_at = our_client._NEVER  # a Redis that a test had frozen answers again


@pytest.fixture
def redis_client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """A client of the test's Redis."""
    client = redis_server.client()
    yield client
    client.close()


_site_browser = KeptBrowser()


@pytest.fixture
def site_browser() -> BrowserContext:
    """The browser of tests that look at `live_server`: it has the site's files cached after the first of them."""
    return _site_browser.context()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """End that browser where the next test has no use for it: its event loop would be in the way of others."""
    yield
    if "site_browser" not in getattr(nextitem, "fixturenames", ()):
        _site_browser.close()


@pytest.fixture
def page(site_browser: BrowserContext, live_server: LiveServer) -> Iterator[Page]:
    """A tab as wide as a desk; at the end of the test its browser knows nothing of it."""
    yield site_browser.pages[0] if site_browser.pages else site_browser.new_page()
    forget(site_browser, live_server.url)


def pytest_configure(config: pytest.Config) -> None:
    """Begin what all processes of the run share; have one that only hands tests out tidy up as after Ctrl-C also where it is asked to end
    or its terminal is closed."""
    common_parent.start_for_the_run(config)
    if config.getoption("dist", "no") != "no":
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[execnet.XSpec]) -> None:
    """Have one process collect for all of xdist's."""
    collector.begin(config, specs)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Have a process of xdist say what counts, and no more."""
    telling.tell_less(session.config)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Thousands of tests and the packages that they load live to the end: no garbage collection looks at them, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of a pass what cannot come out differently there, begin with what takes longest, and set up no more than serves."""
    chosen = [item for item in items if passes.can_differ(item)]
    if len(chosen) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if not passes.can_differ(item)])
    items[:] = passes.longest_first(chosen)
    for item in items:
        idle_fixtures.leave_out(item)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Do not even load what this pass leaves out whole."""
    return passes.skips_file(collection_path) or None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> passes.ByStack | None:
    """Hand out whole files, those that share a stack together."""
    return passes.ByStack(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what could not be tried on this machine."""
    if chromium_path() is None:
        terminalreporter.write_line(
            "Chromium was not found: nothing was looked at in a browser. Install the package `chromium`, or set CHROMIUM."
        )
    engine = settings.DATABASES["default"]["ENGINE"].rsplit(".", 1)[-1]
    terminalreporter.write_line(f"database: {engine}")
