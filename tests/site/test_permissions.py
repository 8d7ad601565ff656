"""Who may do what at every address of the site: a table that the URL resolver is held against, so that no new address goes without.

An address that is missing here fails the first test: decide who may use it, write its line, and see the second one agree.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.http.response import HttpResponseBase
from django.test import Client
from pytest_django import Settings

from scripting.access import tokens
from scripting.engine import get_engine
from scripting.models import Alert, AlertMessage, AlertReceiver, AlertRule, Script
from scripting.registry import publishing, reviews
from scripting.registry.publishing import Text
from scripting.schedules import keeping
from scripting.subscriptions import sets
from scripting.subscriptions.subscribed import Subscriber
from scripting.types import ExecutionRequest, ScriptInput
from tests.support import passes
from tests.support.addresses import address, routes

ROLES = {"v": "viewer", "d": "designer", "A": "admin"}
"""Letter to demo login; `a` is whoever has none."""
STAFF, WRITERS, ADMIN, NOBODY, ALL = "vdA", "dA", "A", "", "avdA"
SAFE = (STAFF, None)
"""Who gets past the door by GET and by POST; None where the method is none of the address (405)."""
ANY = (STAFF, STAFF)
QUEUES = (ADMIN, ADMIN)
API = "api/v1/"
WRITES = (WRITERS, WRITERS)
POSTED = (None, WRITERS)

Access = tuple[str | None, str | None]


def model(
    name: str, shown: str = STAFF, changed: str = NOBODY, *, added: str = NOBODY, deleted: str = NOBODY
) -> dict[str, Access]:
    """The addresses that Django's admin makes for a model."""
    one = f"admin/{name}/<path:object_id>"
    return {
        f"admin/{name}/": (shown, shown),
        f"admin/{name}/add/": (added, added),
        f"{one}/": (STAFF, STAFF),  # leads to the next
        f"{one}/change/": (shown, changed),
        f"{one}/history/": (shown, shown),
        f"{one}/delete/": (deleted, deleted),
    }


SCRIPT = "scripts/<script_name:module>/<script_name:name>/"
EXECUTIONS = "admin/scripting/execution/"
SCRIPTS = "admin/scripting/script/"
TABLE: dict[str, Access] = {
    "healthz": (ALL, None),
    "readyz": (ALL, None),
    "metrics": (NOBODY, None),  # whom a token or a network opens it to
    # Django's admin
    "admin/": ANY,
    "admin/search/": ANY,
    "admin/login/": (ALL, ALL),
    "admin/password_change/": ANY,
    "admin/password_change/done/": SAFE,
    "admin/autocomplete/": (NOBODY, None),
    "admin/jsi18n/": SAFE,
    "admin/r/<path:content_type_id>/<path:object_id>/": (ALL, ALL),  # nothing is there, for anybody
    "^admin/r/": (ALL, ALL),
    "admin/^(?P<app_label>scripting|wargame|auth)/$": ANY,
    "admin/(?P<url>.*)$": ANY,
    **model("scripting/activation"),
    **model("scripting/errorgroup"),
    **model("scripting/gatepolicy", changed=ADMIN, added=ADMIN),
    **model("scripting/apitoken", ADMIN, added=ADMIN),
    **model("scripting/alert"),
    **model("scripting/alertrule", changed=ADMIN, added=ADMIN, deleted=ADMIN),
    **model("scripting/alertreceiver", ADMIN, ADMIN, added=ADMIN, deleted=ADMIN),
    **model("scripting/alertmessage", ADMIN),
    "admin/scripting/apitoken/<int:token>/revoke/": (ADMIN, ADMIN),
    **model("scripting/subscriptionactivation"),
    **model("scripting/schedule", changed=WRITERS, added=WRITERS),
    **model("scripting/scriptversion"),
    **model("scripting/execution"),
    EXECUTIONS: SAFE,
    **model("wargame/game"),
    **model("wargame/battlelogentry"),
    **model("auth/user", ADMIN, ADMIN, added=ADMIN, deleted=ADMIN),
    **model("auth/group", ADMIN, ADMIN, added=ADMIN, deleted=ADMIN),
    "admin/auth/user/record/": QUEUES,
    "admin/auth/user/<id>/password/": QUEUES,
    # Scripts in the admin
    **model("scripting/script", changed=WRITERS, added=WRITERS),
    f"{SCRIPTS}<int:script_id>/rollback/<int:number>/": WRITES,
    f"{SCRIPTS}<int:script_id>/switch/<slug:name>/": WRITES,
    f"{SCRIPTS}^([^/]+)/history/([^/]+)/$": (STAFF, NOBODY),
    f"{SCRIPTS}<path:object_id>/workbench/": ANY,
    f"{SCRIPTS}<path:object_id>/publish/": WRITES,
    f"{SCRIPTS}<path:object_id>/revert/": WRITES,
    f"{SCRIPTS}<path:object_id>/extract/": WRITES,
    # Executions
    f"{EXECUTIONS}figures/": SAFE,
    f"{EXECUTIONS}figures/now/": SAFE,
    f"{EXECUTIONS}rows/": SAFE,
    f"{EXECUTIONS}stop/<str:execution>/": (ADMIN, ADMIN),
    f"{EXECUTIONS}again/<uuid:execution>/": POSTED,
    f"{EXECUTIONS}export/<str:form>/": (None, ADMIN),
    f"{EXECUTIONS}receipts/": SAFE,
    f"{EXECUTIONS}receipts/roots.jsonl": SAFE,
    f"{EXECUTIONS}receipts/offline.py": SAFE,
    f"{EXECUTIONS}bundle/<uuid:execution>/": SAFE,
    f"{EXECUTIONS}share/<uuid:execution>/": (None, ADMIN),
    f"{EXECUTIONS}shares/": (ADMIN, None),
    f"{EXECUTIONS}shares/<uuid:share>/revoke/": (None, ADMIN),
    # whoever has the link, which nobody guesses: all that opens without a login
    "decided/<str:token>/": (ALL, None),
    "decided/<str:token>/bundle.json": (ALL, None),
    "decided/<str:token>/offline.py": (ALL, None),
    f"{EXECUTIONS}dead-letters/": (ADMIN, None),
    f"{EXECUTIONS}dead-letters/<str:key>/": (ADMIN, None),
    f"{EXECUTIONS}dead-letters/<str:key>/put-back/": (ADMIN, ADMIN),
    f"{EXECUTIONS}dead-letters/<str:key>/delete/": (ADMIN, ADMIN),
    # The workbench
    "scripts/": SAFE,
    "scripts/new/": WRITES,
    "scripts/git/": SAFE,
    "scripts/git/decide": POSTED,
    "scripts/git/look": POSTED,
    "scripts/git/webhook": (None, NOBODY),  # whoever knows its secret
    "scripts/schedules/": SAFE,
    "scripts/schedules/<int:schedule_id>/": SAFE,
    "scripts/schedules/<int:schedule_id>/pause": POSTED,
    "scripts/schedules/<int:schedule_id>/resume": POSTED,
    "scripts/schedules/<int:schedule_id>/run": POSTED,
    "scripts/topics/": SAFE,
    "scripts/topics/<str:topic>/": SAFE,
    "scripts/topics/<str:topic>/rule": POSTED,
    "scripts/topics/<str:topic>/subscribe": POSTED,
    "scripts/topics/<str:topic>/rollback": POSTED,
    SCRIPT: (STAFF, STAFF),
    f"{SCRIPT}history/": SAFE,
    "scripts/reviews/": SAFE,
    "scripts/reviews/<int:review>/": (STAFF, WRITERS),
    f"{SCRIPT}api/review": POSTED,
    f"{SCRIPT}api/tune/review": POSTED,
    f"{SCRIPT}replay/": WRITES,
    f"{SCRIPT}replay/<uuid:report_id>/": (WRITERS, None),
    f"{SCRIPT}replay/<uuid:report_id>/cancel/": POSTED,
    f"{SCRIPT}replay/<uuid:report_id>/<uuid:execution_id>/": (WRITERS, None),
    f"{SCRIPT}plays/": WRITES,
    f"{SCRIPT}plays/<uuid:report_id>/": (WRITERS, None),
    f"{SCRIPT}plays/<uuid:report_id>/cancel/": POSTED,
    f"{SCRIPT}plays/<uuid:report_id>/go-on/": POSTED,
    f"{SCRIPT}plays/<uuid:report_id>/<int:seed>/": (WRITERS, None),
    "scripts/tune/": (WRITERS, None),
    f"{SCRIPT}tune/": (WRITERS, None),
    f"{SCRIPT}api/tune/replay": POSTED,
    f"{SCRIPT}api/tune/curves": (WRITERS, None),
    f"{SCRIPT}api/tune/publish": POSTED,
    f"{SCRIPT}api/tune/drop": POSTED,
    f"{SCRIPT}api/tune/rollback": POSTED,
    f"{SCRIPT}api/tune/plan": POSTED,
    f"{SCRIPT}api/tune/cancel": POSTED,
    f"{SCRIPT}api/replay": POSTED,
    f"{SCRIPT}api/cases": POSTED,
    f"{SCRIPT}api/cases/keep": POSTED,
    f"{SCRIPT}api/cases/change": POSTED,
    f"{SCRIPT}api/cases/remove": POSTED,
    f"{SCRIPT}api/cases/of/<script_name:case>": (WRITERS, None),
    f"{SCRIPT}api/check": POSTED,
    f"{SCRIPT}api/trial": POSTED,
    f"{SCRIPT}api/sample": POSTED,
    f"{SCRIPT}api/compare_trials": POSTED,
    f"{SCRIPT}api/cancel": POSTED,
    f"{SCRIPT}api/names": SAFE,
    f"{SCRIPT}api/events": SAFE,
    f"{SCRIPT}api/executions/<str:execution_id>": SAFE,
    f"{SCRIPT}api/draft": (None, None),
    f"{SCRIPT}api/discard": POSTED,
    f"{SCRIPT}api/merge": (None, STAFF),
    f"{SCRIPT}api/active": SAFE,
    f"{SCRIPT}api/live": SAFE,
    f"{SCRIPT}api/versions/<int:number>": SAFE,
    f"{SCRIPT}api/compare": (None, STAFF),
    f"{SCRIPT}api/file": (None, STAFF),
    f"{SCRIPT}api/gate": POSTED,
    f"{SCRIPT}api/publish": POSTED,
    f"{SCRIPT}api/rollback": POSTED,
    API: (ALL, ALL),  # and all that is no address below it: a problem that says so
    "ws/scripts/": (ALL, None),  # says to everybody that it takes WebSockets
    "ws/scripts/<path:rest>": (ALL, None),
    "scripting/processes/": SAFE,
    "scripting/processes.json": SAFE,
    # The game
    "": (ALL, None),
    "debug/hit": (ALL, WRITERS),
    "wargame/debug/hit": (ALL, WRITERS),
    "wargame/": SAFE,
    "wargame/state/": SAFE,
    "wargame/<int:game>/": SAFE,
    "wargame/<int:game>/state/": SAFE,
    "wargame/log/": SAFE,
    "wargame/<int:game>/at/<int:sequence>/": SAFE,
    "wargame/<int:game>/log/": SAFE,
    "wargame/<int:game>/log/<int:sequence>/": SAFE,
}
PUT = {f"{SCRIPT}api/draft": WRITERS}
LOGOUT = "admin/logout/"
"""Ends the session it is asked with: whoever has none is sent away, the others leave."""
HISTORIES = {f"admin/auth/{name}/^([^/]+)/history/([^/]+)/$": ANY for name in ("user", "group")}
"""They lead to the page of the history, which asks for the permission."""


def access_of(route: str) -> Access | None:
    """The table's answer; the queues' dashboard is another's, and for role admin alone whatever it offers."""
    if route.startswith("django-rq/"):
        return QUEUES
    if route.startswith(API) and route != API:
        return NOBODY, NOBODY  # no login opens it; tests/api has a table of what tokens open
    return (TABLE | HISTORIES).get(route)


def test_every_address_has_its_line_in_the_table() -> None:
    assert {route for route in set(routes()) - {LOGOUT} if access_of(route) is None} == set()


def passed(response: HttpResponseBase) -> bool | None:
    """Whether the answer came from behind the door; None where the method is none of the address."""
    if response.status_code == 405:
        return None
    to_login = response.status_code == 302 and "/login/" in response["Location"]
    return response.status_code not in {401, 403} and not to_login


@pytest.fixture
def values(settings: Settings, tmp_path: Path, transactional_db: None) -> Iterator[dict[str, str]]:
    """The objects that the addresses name, all of them there."""
    settings.GOBY_DEMO, settings.WARGAME_PUBLIC, settings.SCRIPTING_SCRIPTS_DIR = True, False, tmp_path / "scripts"
    settings.SCRIPTING_METRICS_NETWORKS = ""
    call_command("seed_demo")
    call_command("sync_scripts")
    script = Script.objects.get(module="wargame", name="damage_calculator")
    request = ExecutionRequest("wargame", script.name, ScriptInput({}), trigger="manual")
    execution = str(get_engine().execute(request).execution_id)
    keeper = User.objects.get(username="admin")
    [asked] = publishing.moves_for([Text(script, "python", b"result = 7\n")], actor=keeper, reason="for a test")
    review = reviews.ask([asked], actor=keeper, reason="for a test")
    receiver = AlertReceiver.objects.create(name="chat", address="https://chat.example/")
    rule = AlertRule.objects.create(name="breakers", kind="breaker")
    now = datetime.now(UTC)
    alert = Alert.objects.create(rule=rule, cause="x", words="x", begun_at=now, seen_at=now)
    told = AlertMessage.objects.create(receiver=receiver, alert=alert, about="begun", due_at=now)
    token, _ = tokens.make(tokens.Wanted("ci", keeper, ("read",)), actor=keeper, reason="for a test")
    subscribed = sets.publish(
        "wargame.unit.destroyed", [Subscriber("wargame", script.name)], actor=keeper, reason="for a test"
    )
    schedule = keeping.create(actor=keeper, reason="for a test", name="daily", cron="0 9 * * *", script=script)
    logging.disable(logging.CRITICAL)  # hundreds of refusals, each a warning
    yield {
        "module": "wargame", "name": script.name, "script": str(script.pk), "script_id": str(script.pk), "execution": execution,
        "execution_id": execution, "scriptversion": str(script.active_version_id), "queue_index": "0", "form": "csv",
        "user": str(User.objects.get(username="viewer").pk), "group": str(Group.objects.get(name="viewer").pk),
        "topic": "wargame.unit.destroyed", "schedule": str(schedule.pk), "schedule_id": str(schedule.pk), "subscriptionactivation": str(subscribed.pk),
        "rest": "wargame/x/", "case": "every_hit_does_something", "review": str(review.pk), "alert": str(alert.pk), "alertrule": str(rule.pk), "alertreceiver": str(receiver.pk), "alertmessage": str(told.pk), "apitoken": str(token.pk), "token": str(token.pk), "report_id": execution, "scheduler_index": "0", "connection_index": "0", "key": "1-1",
        "content_type_id": str(ContentType.objects.get_for_model(Script).pk),
    }  # fmt: skip
    logging.disable(logging.NOTSET)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["get", pytest.param("post", marks=pytest.mark.once), "put"])
def test_every_address_lets_in_whom_the_table_says(values: dict[str, str], method: str) -> None:
    clients = {"a": Client(raise_request_exception=False)}
    for letter, role in ROLES.items():
        clients[letter] = Client(raise_request_exception=False)
        clients[letter].force_login(User.objects.get(username=role))
    newer = passes.is_newer_python()  # there each address is opened once: who is let in was seen
    wrong = []
    for route in PUT if method == "put" else sorted(set(routes()) - {LOGOUT}):
        gets, posts = access_of(route) or (None, None)
        allowed = {"get": gets, "post": posts, "put": PUT.get(route)}[method]
        where = address(route, values | ({"name": "disable"} if "/switch/" in route else {}))
        for letter, client in clients.items():
            if newer and letter != (allowed or "a")[-1]:
                continue
            response = getattr(client, method)(where)
            got, wanted = passed(response), None if allowed is None else letter in allowed
            closed = not got and (not wanted or route.startswith("django-rq/"))  # 405 or 403, either is a closed door
            as_wanted = got is wanted or closed
            if not as_wanted or (response.status_code >= 500 and route != "readyz"):
                wrong.append(f"{where} as {letter}: {response.status_code}, wanted in: {wanted}")
    assert wrong == []
