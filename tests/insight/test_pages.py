"""The dashboard and the pages of errors, by what they say; who may see, stop and export."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from scripting.bus.streams import Stream, append
from scripting.engine import get_engine
from scripting.execution import running as live
from scripting.insight.dashboard import now as snapshots
from scripting.insight.dashboard.ranges import RANGES
from scripting.insight.display import milliseconds
from scripting.insight.executions import export
from scripting.metrics import error_groups
from scripting.models import Activation, ErrorGroup, Execution, Resolution, Script
from scripting.registry.active import registry
from scripting.types import ExecutionRequest, ScriptInput
from scripting.workers.heartbeat import Liveness
from tests.insight.runs import publish, run, write
from tests.support.game import Game
from tests.support.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

FIGURES = "admin:scripting_execution_figures"
LIST = "admin:scripting_execution_changelist"


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("eve", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_7_2_the_dashboard_tells_runs_failures_and_times_per_script(game: Game, boss: Client) -> None:
    version = publish(game, "result = 1\n")
    script = game.script("dice")
    now = datetime.now(UTC)
    write(script, 90, end=now - timedelta(milliseconds=5), every=timedelta(0))
    failing = {"error_type": "timeout", "error_line": 1, "error_version_id": version.pk, "error_message": "too slow"}
    write(script, 10, end=now, every=timedelta(0), status="failed", wall_us=9000, **failing)
    error_groups.fold()
    board = boss.get(reverse(FIGURES), {"range": "15m"}).context["board"]
    [line] = board.scripts
    assert (line.figures.runs, line.failures, line.percent, line.new_errors) == (100, 10, 10.0, 1)
    walls = sorted([*range(100, 190), *[9000] * 10])
    for told, exact in ((line.p50, walls[49]), (line.p95, walls[94]), (line.p99, walls[98])):
        assert abs(told - exact) <= 0.02 * exact
    assert board.most_failing is line
    assert sum(figures.runs for _, figures in board.series) == 100
    page = boss.get(reverse(FIGURES), {"range": "15m"}).content.decode()
    assert "10.0 %" in page
    assert "1 since v1" in page


def test_publishes_are_marked_on_the_time_axis_with_who_and_what(game: Game, boss: Client) -> None:
    publish(game, "result = 1\n")
    publish(game, "result = 2\n")
    write(game.script("dice"), 1)
    page = boss.get(reverse(FIGURES), {"range": "1h"})
    assert len(page.context["board"].publishes) == Activation.objects.count() == 2
    assert "chess_club/dice v2, " in page.content.decode()


@pytest.mark.slow
@pytest.mark.parametrize("name", [each.name for each in RANGES])
def test_every_range_comes_from_the_rollups_alone(game: Game, boss: Client, name: str) -> None:
    publish(game, "result = 1\n")
    script = game.script("dice")
    for days in (0, 5, 20, 80):
        write(script, 3, end=datetime.now(UTC) - timedelta(days=days, seconds=1))
    from scripting.metrics import folding

    while folding.fold():
        pass
    with CaptureQueriesContext(connection) as asked:
        response = boss.get(reverse(FIGURES), {"range": name})
    assert not [q["sql"] for q in asked.captured_queries if 'FROM "scripting_execution"' in q["sql"]]
    expected = {"7d": 6, "30d": 9, "90d": 12}.get(name, 3)
    assert response.context["board"].total.runs == expected


@pytest.mark.any_database
def test_the_figures_of_a_script_chosen_are_its_own(game: Game, boss: Client) -> None:
    publish(game, "result = 1\n")
    game.ship("other")
    from scripting.sources import sync

    sync.sync()
    write(game.script("dice"), 3)
    write(game.script("other"), 4)
    board = boss.get(reverse(FIGURES), {"range": "15m", "script": game.script("other").pk}).context["board"]
    assert board.total.runs == sum(figures.runs for _, figures in board.series) == 4
    assert len(board.scripts) == 2, "the table goes on to show them all"
    assert boss.get(reverse(FIGURES), {"script": "x"}).status_code == 404


@pytest.mark.slow
def test_what_is_worth_a_look_is_named_with_its_figure_and_a_script_chosen_with_its_place(
    game: Game, boss: Client
) -> None:
    version = publish(game, "result = 1\n")
    for name in ("other", "third"):
        game.ship(name)
    from scripting.sources import sync

    sync.sync()
    write(game.script("dice"), 3, wall_us=9_000)
    write(game.script("other"), 3)
    failing = {"error_type": "timeout", "error_version_id": version.pk, "error_message": "too slow"}
    write(game.script("other"), 1, status="failed", **failing)

    def look(**query: object) -> str:
        page = boss.get(reverse(FIGURES), {"range": "15m", **query}).content.decode()
        [card] = re.findall(r'goby-card"><span>(?:Worth a look|Among all scripts).*?</div>', page, re.DOTALL)
        return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", card.removeprefix('goby-card">'))).replace(" ,", ",").strip()

    slowest = milliseconds(round(boss.get(reverse(FIGURES)).context["board"].slowest.p99))
    assert look() == f"Worth a look slowest dice, p99 {slowest} most failing other, 25.0 %"
    assert look(script=game.script("dice").pk) == "Among all scripts 1 of 2 by p99, slowest first it did not fail"
    assert look(script=game.script("other").pk) == (
        "Among all scripts 2 of 2 by p99, slowest first 1 of 2 by failure rate, highest first"
    )
    assert look(script=game.script("third").pk) == "Among all scripts it did not run"


def test_the_dashboard_warns_while_no_worker_lives_or_events_wait_for_long(
    game: Game, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, stream = reverse("admin:scripting_execution_now"), Stream("chess_club", 0)
    append([(stream, b"an entry")])
    alone = boss.get(address).content.decode()
    assert "No worker is alive" in alone
    assert "manage.py run_worker" in alone
    assert "no worker yet" in alone, "that its drain is queued helps it nothing"
    worker = Liveness("one")
    worker.beat()
    calm = boss.get(address).content.decode()
    assert "No worker is alive" not in calm
    assert "workers do not keep up" not in calm
    monkeypatch.setattr(snapshots, "LATE_SECONDS", 0)
    assert "workers do not keep up" in boss.get(address).content.decode()


def test_an_error_in_the_list_has_its_whole_text_where_it_is_pointed_at(game: Game, boss: Client) -> None:
    version = publish(game, "result = 1\n")
    message = f"{'too slow, ' * 60}to its end"
    write(
        game.script("dice"),
        1,
        status="failed",
        error_type="timeout",
        error_version_id=version.pk,
        error_message=message,
    )
    assert f'title="{message}"' in boss.get(reverse(LIST)).content.decode()


def test_pages_take_their_permissions(game: Game) -> None:
    publish(game, "result = 1\n")
    client = staff("view_execution")
    assert client.get(reverse(FIGURES)).status_code == 200
    assert client.get(reverse(LIST)).status_code == 200
    assert client.post(reverse("admin:scripting_execution_export", args=["csv"])).status_code == 403
    assert client.post(reverse("admin:scripting_execution_stop", args=["x"])).status_code == 403
    [execution] = write(game.script("dice"), 1)
    assert client.post(reverse("admin:scripting_execution_again", args=[execution])).status_code == 403
    User.objects.all().delete()
    client = staff("view_script")
    for name in (FIGURES, LIST, "admin:scripting_execution_rows", "admin:scripting_execution_now"):
        assert client.get(reverse(name)).status_code == 403, name


@pytest.mark.slow
@pytest.mark.any_database
def test_a_running_execution_is_shown_and_stopped_after_a_question(game: Game, boss: Client) -> None:
    publish(game, "while True: pass\n")
    Script.objects.update(max_execution_time=300)  # however long a busy machine takes for the question
    registry.forget()
    made: list[str] = []

    def execute() -> None:
        try:
            request = ExecutionRequest("chess_club", "dice", ScriptInput({}), trigger="manual")
            made.append(str(get_engine().execute(request).status))
        finally:
            connection.close()

    thread = threading.Thread(target=execute)
    thread.start()
    try:
        [line] = wait_until(live.running_everywhere, 60)
        assert "chess_club/dice" in boss.get(reverse("admin:scripting_execution_now")).content.decode()
        address = reverse("admin:scripting_execution_stop", args=[line.id])
        question = boss.get(address)
        assert "Stop <b>chess_club/dice</b>" in question.content.decode()
        assert boss.post(address).status_code == 302
    finally:
        for running in live.running_everywhere():
            live.ask_to_cancel(running.id)  # whatever went wrong, it does not run on
        thread.join(60)
    assert made == ["cancelled"]
    assert LogEntry.objects.get().change_message == f"stopped execution {line.id} of chess_club/dice"
    page = boss.get(reverse("admin:scripting_execution_change", args=[line.id])).content.decode()
    assert "it was stopped by boss while" in page
    wait_until(lambda: not live.running_everywhere(), 60)
    assert "over already" in boss.get(address, follow=True).content.decode()


def test_new_rows_are_sent_only_when_there_are_any(game: Game, boss: Client) -> None:
    publish(game, "result = 1\n")
    write(game.script("dice"), 3)
    address = reverse("admin:scripting_execution_rows")
    first = boss.get(address)
    assert boss.get(address, headers={"if-none-match": first["ETag"]}).status_code == 304
    write(game.script("dice"), 1, end=datetime.now(UTC) + timedelta(seconds=9))
    again = boss.get(address, headers={"if-none-match": first["ETag"]})
    assert again.status_code == 200
    assert again.content.count(b"<tr data-key") == 4


def exported(client: Client, form: str, **query: object) -> str:
    address = reverse("admin:scripting_execution_export", args=[form])
    response = client.post(address + "?" + "&".join(f"{name}={value}" for name, value in query.items()))
    assert response.status_code == 200
    return b"".join(response).decode()  # type: ignore[arg-type]


@pytest.mark.any_database
def test_an_export_holds_every_page_and_is_kept_on_record(
    game: Game, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(game, "result = 1\n")
    monkeypatch.setattr(export, "BATCH", 4)
    written = write(game.script("dice"), 11)
    write(game.script("dice"), 2, status="cancelled")
    lines = list(csv.DictReader(io.StringIO(exported(boss, "csv", status="succeeded"))))
    assert [line["id"] for line in lines] == [str(key) for key in written[::-1]]
    assert lines[0]["script"] == "chess_club/dice"
    objects = [json.loads(line) for line in exported(boss, "json", status="cancelled").splitlines()]
    assert len(objects) == 2
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == [
        "exported executions as csv: status=succeeded",
        "exported executions as json: status=cancelled",
    ]


def test_an_export_that_was_cut_says_so_at_its_end_and_what_to_do_and_the_page_says_it_before(
    game: Game, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(game, "result = 1\n")
    written = write(game.script("dice"), 7)[::-1]
    assert "exports the newest 1\u202f000\u202f000 matches" in boss.get(reverse(LIST)).content.decode()
    monkeypatch.setattr(export, "EXPORT_MOST", 5)
    monkeypatch.setattr(export, "BATCH", 2)
    *lines, last = csv.reader(io.StringIO(exported(boss, "csv")))
    assert [line[0] for line in lines[1:]] == [str(key) for key in written[:5]]
    until = f"{Execution.objects.get(pk=written[4]).started_at:%F %T} (UTC)"
    assert last == [f"Cut: an export holds 5 executions. For older ones export again until {until}."]
    *_, note = exported(boss, "json").splitlines()
    assert json.loads(note) == {"note": last[0]}
    monkeypatch.setattr(export, "EXPORT_MOST", 7)
    assert "Cut" not in exported(boss, "csv"), "nothing is missing"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "＝"])
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(game: Game, boss: Client, begin: str) -> None:
    publish(game, "result = 1\n")
    write(game.script("dice"), 1, user=f"{begin}cmd|' /C calc'!A0", key=f"{begin}1")
    [line] = csv.DictReader(io.StringIO(exported(boss, "csv")))
    assert line["user"].startswith("'")
    assert line["key"].startswith("'")


def test_an_export_hides_what_a_topic_calls_sensitive(game: Game, boss: Client) -> None:
    from scripting.sandbox.protocol import encode_value

    publish(game, "result = 1\n")
    inputs = encode_value({"message": {"payload": {"sides": 6, "secret": "hunter2"}}})
    write(game.script("dice"), 1, inputs=inputs, result=encode_value({"secret": "hunter2"}))
    for form in ("csv", "json"):
        text = exported(boss, form)
        assert "hunter2" not in text
        assert "sides" in text


@pytest.mark.slow
@pytest.mark.any_database
def test_an_error_is_marked_as_resolved_with_a_note_from_the_page_of_its_execution(game: Game, boss: Client) -> None:
    output = run(game, "result = 1 / 0\n")
    error_groups.fold()
    group = ErrorGroup.objects.get()
    page = reverse("admin:scripting_execution_change", args=[output.execution_id])
    address = reverse("admin:scripting_errorgroup_change", args=[group.pk])
    assert address in boss.get(page).content.decode()
    assert boss.post(address, {"note": "", "next": page}).headers["Location"] == page
    assert not Resolution.objects.exists()
    boss.post(address, {"note": "mended in v2", "resolved": "yes", "next": "https://elsewhere.example/"})
    boss.post(address, {"note": "no, it was not", "resolved": "no"})
    assert [r.note for r in Resolution.objects.order_by("pk")] == ["mended in v2", "no, it was not"]
    assert "mended in v2" in boss.get(address).content.decode()
    assert boss.get(reverse("admin:scripting_errorgroup_changelist"), {"state": "open", "new": "1"}).status_code == 200
    client = staff("view_errorgroup", "view_execution")
    assert client.post(address, {"note": "x"}).status_code == 403


def test_an_execution_is_run_again_exactly_and_the_page_says_whether_it_differs(game: Game, boss: Client) -> None:
    output = run(game, "log('a line')\nresult = [rand(), score(), side]\n", side="red")
    count = Execution.objects.count()
    page = boss.post(reverse("admin:scripting_execution_again", args=[output.execution_id])).content.decode()
    assert "Same error, result" in page
    assert "a line" in page
    assert "values-data" not in page
    valued = boss.post(reverse("admin:scripting_execution_again", args=[output.execution_id]), {"values": "1"})
    assert "values-data" in valued.content.decode()
    assert Execution.objects.count() == count
    [odd] = write(game.script("dice"), 1, seed=None)
    response = boss.post(reverse("admin:scripting_execution_again", args=[odd]))
    assert response.status_code == 409
    assert "no script ran" in response.content.decode()


def test_lines_of_the_log_are_shown_and_exported_with_their_times_and_those_of_older_releases_without(
    game: Game, boss: Client
) -> None:
    from scripting.sandbox.protocol import encode_value

    output = run(game, "log('first')\nfor n in range(50000): pass\nlog('second')\nresult = 1\n")
    first, second = output.log_us
    assert 0 < first < second <= output.metrics.wall_us
    page = boss.get(reverse("admin:scripting_execution_change", args=[output.execution_id])).content.decode()
    assert f"+{milliseconds(first)}</span><span>first</span>" in page
    assert f"+{milliseconds(second)}</span><span>second</span>" in page
    exported_log = json.loads(exported(boss, "json"))["log"]
    assert exported_log == [{"us": first, "text": "first"}, {"us": second, "text": "second"}]
    assert "log" not in next(csv.reader(io.StringIO(exported(boss, "csv"))))

    [old] = write(game.script("dice"), 1, user="ada", log=encode_value(["of old"]))
    page = boss.get(reverse("admin:scripting_execution_change", args=[old])).content.decode()
    assert "<span></span><span>of old</span>" in page.replace(' class="goby-quiet"', "")
    assert json.loads(exported(boss, "json", user="ada"))["log"] == [{"us": None, "text": "of old"}]


def test_what_a_failed_attempt_wrote_is_shown_beside_what_its_stand_in_did(game: Game, boss: Client) -> None:
    publish(game, "log('all is well')\nresult = 1\n")
    output = run(game, "log('about to fail')\nresult = 1 / 0\n", trigger="endpoint")
    assert (output.status, output.logs) == ("fell_back", ["all is well"])
    story = boss.get(reverse("admin:scripting_execution_change", args=[output.execution_id])).context["story"]
    assert [line.text for line in story.log] == ["all is well"]
    failed, decided = story.tries
    assert [line.text for line in failed.log] == ["about to fail"]
    assert failed.log[0].us > 0
    assert decided.log == [], "it is shown above"


def test_what_an_execution_led_to_is_shown_as_a_tree_from_its_first_cause(game: Game, boss: Client) -> None:
    publish(game, "result = 1\n")
    script = game.script("dice")
    now = datetime.now(UTC)
    [first] = write(script, 1, end=now)
    [second] = write(script, 1, end=now + timedelta(seconds=1), cause=first)
    [third] = write(script, 1, end=now + timedelta(seconds=2), cause=second)
    [beside] = write(script, 1, end=now + timedelta(seconds=3), cause=first)
    page = boss.get(reverse("admin:scripting_execution_change", args=[second]))
    [root] = page.context["story"].tree
    assert root.execution.pk == first
    assert [branch.execution.pk for branch in root.branches] == [second, beside]
    assert [branch.execution.pk for branch in root.branches[0].branches] == [third]
    assert boss.get(reverse("admin:scripting_execution_change", args=[write(script, 1)[0]])).context["story"].tree == []


@pytest.mark.any_database
def test_a_step_of_the_tree_tells_its_version_and_its_result(game: Game, boss: Client) -> None:
    version = publish(game, "result = 1\n")
    [first] = write(game.script("dice"), 1, result_text='{"score": 3}')
    [second] = write(
        game.script("dice"), 1, cause=first, result_text='{"score": 4}', status="fell_back", error_message="no luck"
    )
    text = boss.get(reverse("admin:scripting_execution_change", args=[second])).content.decode()
    tree = text[text.index('class="goby-tree"') :]
    steps = [re.sub(r"<[^>]+>|\s+", " ", step) for step in tree.split("<li")[1:3]]
    for step, score in zip(steps, (3, 4), strict=True):
        assert f"v{version.number}" in step
        assert f"{{&quot;score&quot;: {score}}}" in step
    assert "no luck" in steps[1]


def test_the_list_shows_the_beginning_of_each_result_as_it_is_kept(game: Game, boss: Client) -> None:
    publish(game, "result = 1\n")
    write(game.script("dice"), 1, result_text='{"roll": 6, "who": "<b>"}')
    write(game.script("dice"), 1, result_text="x" * 5000)
    text = boss.get(reverse(LIST)).content.decode()
    shown = re.findall(r'<code class="goby-result">(.*?)</code>', text)
    assert shown == ["x" * 120 + "…", "{&quot;roll&quot;: 6, &quot;who&quot;: &quot;&lt;b&gt;&quot;}"]
    with CaptureQueriesContext(connection) as few:
        boss.get(reverse(LIST))
    write(game.script("dice"), 20, result_text="7")
    with CaptureQueriesContext(connection) as many:
        boss.get(reverse(LIST))
    assert len(few) == len(many)
