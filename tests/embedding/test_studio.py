"""The engine in a project that is not ours: installed from its wheel, set up as docs/embedding.md says, used in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.embedding.studio import DOCS, Studio
from tests.support.browser import chromium
from tests.support.pages_of_docs import blocks_of, write_block
from tests.support.postgres import new_database
from tests.support.processes import free_port
from tests.support.redis import RedisServer
from tests.support.stack import wait_until

pytestmark = [pytest.mark.e2e]

EMAIL, PASSWORD = "ada@studio.example", "open sesame"
ORDER = '{"guest": "Ada", "drink": "cider", "age": 28}'
FIRST_USER = f"""
from django.contrib.auth import get_user_model
get_user_model().objects.create_superuser({EMAIL!r}, {PASSWORD!r})
"""
SLOW = 30_000
"""Milliseconds that a step may take on a busy machine."""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The studio's own, which no other test empties."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def studio(environment: Path, tmp_path_factory: pytest.TempPathFactory, redis: RedisServer) -> Iterator[Studio]:
    """The project, prepared by the commands of the page."""
    folder = tmp_path_factory.mktemp("studio")
    folder.chmod(0o755)
    with new_database() as database:
        made = Studio(folder / "project", environment, database_url=database, redis_url=redis.url)
        try:
            made.manage("makemigrations", "people", "tavern")
            commands = [
                line.removeprefix("$ python manage.py ")
                for block in blocks_of(DOCS / "embedding.md")
                for line in block.text.splitlines()
                if block.language == "console" and "manage.py" in line
            ]
            assert commands == ["migrate", "sync_scripts", "make_roles", "check"]
            for command in commands:
                made.manage(command)
            made.manage("shell", "-c", FIRST_USER)
            yield made
        finally:
            made.stop()


@pytest.fixture(scope="module")
def address(studio: Studio, redis: RedisServer) -> str:
    """The studio's site, served with one worker."""
    port = free_port()
    studio.start("web", "-m", "uvicorn", "studio.asgi:application", "--port", str(port))
    studio.start("worker", "manage.py", "run_worker")
    client = redis.client()
    wait_until(lambda: "startup complete" in studio.logs() and client.scard("rq:workers"), 120, "the studio serves")
    client.close()
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def problems() -> list[str]:
    """Errors and failed requests of the browser."""
    return []


@pytest.fixture(scope="module")
def ada(browser: Browser, address: str, problems: list[str]) -> BrowserContext:
    """The browser of someone who has logged in by e-mail; it has the site's files cached after the first test."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.set_default_timeout(SLOW)
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on(
        "response", lambda answer: problems.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
    )
    tab = context.new_page()
    tab.goto("/rules/scripts/")
    tab.fill("[name=username]", EMAIL)
    tab.fill("[name=password]", PASSWORD)
    tab.click("[type=submit]")
    tab.wait_for_url("**/rules/scripts/")
    return context


@pytest.fixture
def page(ada: BrowserContext, problems: list[str]) -> Iterator[Page]:
    """Her tab, at the list of scripts; nothing in it may go wrong."""
    [tab] = ada.pages
    tab.goto("/rules/scripts/")
    yield tab
    found = [problem for problem in problems if "favicon" not in problem]
    problems.clear()  # what this test met, no later one did
    assert found == []


def test_the_engine_is_that_of_the_wheel(studio: Studio) -> None:
    assert (
        studio.scripting
        == studio.python.parents[1] / "lib" / studio.scripting.parents[1].name / "site-packages" / "scripting"
    )


def test_a_designer_publishes_a_worker_runs_it_and_it_runs_again(studio: Studio, page: Page) -> None:
    page.click("text=barkeeper")
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("#connection")).to_have_attribute("data-state", "open", timeout=SLOW)
    page.evaluate(
        "const e = window.ace.edit('editor'); e.setValue(e.getValue().replace('\"cider\": 3', '\"cider\": 4'))"
    )
    page.click("#publish")
    page.fill("#publish-reason", "cider costs more")
    expect(page.locator("#publish-go")).to_be_enabled(timeout=SLOW)
    page.click("#publish-go")
    expect(page.locator("#going-title")).to_contain_text("Live on 2 of 2", timeout=SLOW)

    studio.manage("publish_event", "tavern.order", ORDER, "--key", "Ada")
    page.goto("/office/scripting/execution/")
    row = page.locator("#executions tbody tr", has_text="barkeeper")
    expect(row).to_contain_text("succeeded", timeout=SLOW)  # the list follows by itself
    expect(row).to_contain_text("v2")

    row.locator("a").first.click()
    page.get_by_role("button", name="Run again exactly").click()
    expect(page.locator("main")).to_contain_text('"price": 4', timeout=SLOW)

    page.goto("/office/scripting/execution/")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    exported = download.value.path().read_text()
    assert "tavern/barkeeper,2,event,tavern.order,Ada,succeeded" in exported

    page.goto("/office/scripting/script/")
    page.click("text=barkeeper")
    expect(page.locator("#content")).to_contain_text(f"publish by {EMAIL}")
    expect(page.locator("#content")).to_contain_text("PRICES = ")  # panels that the theme's templates would show


PLACES = """
    /office/ /office/scripting/scriptversion/ /office/scripting/scriptversion/1/change/ /office/scripting/activation/
    /office/scripting/errorgroup/ /office/scripting/execution/figures/ /office/scripting/execution/dead-letters/
    /office/scripting/script/1/history/ /office/scripting/script/1/publish/ /office/scripting/script/1/switch/disable/
    /office/scripting/script/add/ /rules/scripting/processes/ /rules/scripts/tavern/barkeeper/history/
""".split()


def test_each_page_stands_under_the_stock_admin(page: Page) -> None:
    answers = {path: page.goto(path) for path in PLACES}
    assert {path: answer and answer.status for path, answer in answers.items()} == dict.fromkeys(PLACES, 200)


def test_a_script_is_published_in_the_name_of_who_logs_in_by_e_mail(studio: Studio) -> None:
    script = studio.folder / "new.py"
    script.write_text('result = {"served": False, "price": 0, "message": "Closed."}\n')
    studio.manage("publish_script", "tavern/barkeeper", "--source", str(script), "-m", "closed", "--user", EMAIL)
    why = studio.manage(
        "publish_script", "tavern/barkeeper", "--source", str(script), "-m", "x", "--user", "x", fails=True
    )
    assert "there is no user whose email is x" in why


def test_the_examples_of_the_python_api_run_there(studio: Studio) -> None:
    for block in blocks_of(DOCS / "python-api.md"):
        if block.option:
            write_block(block, studio.folder)
    told = studio.manage(
        "shell",
        "-v0",
        "-c",
        "import run, trial, publish\n"
        "print(run.price_of('water'), trial.is_endless('while True: pass'), len(publish.round_for(['Ada', 'Bo'])))",
    )
    assert told.split()[-3:] == ["0", "True", "2"]


def test_no_migration_is_missing_where_users_are_not_djangos(studio: Studio) -> None:
    studio.manage("makemigrations", "--check", "--dry-run")


def test_an_error_is_resolved_by_who_logs_in_by_e_mail(studio: Studio, page: Page) -> None:
    script = studio.folder / "failing.py"
    script.write_text("result = 1 // (message['payload']['age'] - 28)\n")
    studio.manage("publish_script", "tavern/barkeeper", "--source", str(script), "-m", "fails")
    studio.manage("publish_event", "tavern.order", ORDER, "--key", "Ada")
    failed = page.locator("#result_list a", has_text="tavern/barkeeper")
    for _ in range(60):
        page.goto("/office/scripting/errorgroup/")
        if failed.count():
            break
        page.wait_for_timeout(1000)
    failed.first.click()
    page.fill("[name=note]", "fixed in the next version")
    page.get_by_role("button", name="Mark as resolved").click()
    expect(page.locator("#content")).to_contain_text(EMAIL)
