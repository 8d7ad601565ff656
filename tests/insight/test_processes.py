"""Who runs which version, as JSON, as a page, in the admin and as metrics."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from prometheus_client import CollectorRegistry, generate_latest

from scripting.hot_reload import fleet
from scripting.insight import prometheus
from scripting.insight.dashboard import now as snapshots
from scripting.models import Script
from scripting.processes import members, place
from scripting.processes.members import LoadedVersion, Membership
from scripting.registry.active import registry
from tests.support.arena import Arena, make_script
from tests.support.redis import RedisServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def crew(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> list[Membership]:
    """Two processes on v1 of arena/scorer and one that has loaded nothing; none is stale, however busy the machine."""
    monkeypatch.setattr(members, "STALE_SECONDS", 600.0)
    make_script("result = {'points': 1}")
    active = registry.resolve("arena", "scorer").active
    found = []
    for number, kind in enumerate(("web", "worker", "worker")):
        member = Membership(kind)
        member.name, member.started = f"host:{number}", 1000.0 + number
        member.beat()
        if number < 2:
            member.acknowledge({"arena/scorer": LoadedVersion(active.info.number, active.bundle.digest)})
        found.append(member)
    return found


@pytest.fixture
def reader() -> Client:
    user = User.objects.create_user("reader")
    user.user_permissions.add(Permission.objects.get(codename="view_script"))
    client = Client()
    client.force_login(user)
    return client


def test_processes_and_what_they_loaded_are_shown_as_json(crew: list[Membership], reader: Client) -> None:
    document = reader.get("/scripting/processes.json").json()
    assert [(p["name"], p["kind"], p["stale"]) for p in document["processes"]] == [
        ("host:0", "web", False),
        ("host:1", "worker", False),
        ("host:2", "worker", False),
    ]
    assert document["processes"][0]["host"] == place.host()
    assert document["processes"][0]["container"] == place.container()
    assert document["processes"][0]["loaded"]["arena/scorer"]["number"] == 1
    [script] = document["scripts"]
    assert script["summary"] == "2 of 3 on v1, 1 not yet"
    assert script["behind"] == ["host:2"]


def test_who_may_not_see_scripts_does_not_see_processes(crew: list[Membership]) -> None:
    assert Client().get("/scripting/processes.json").status_code == 302
    stranger = Client()
    stranger.force_login(User.objects.create_user("stranger"))
    assert stranger.get("/scripting/processes.json").status_code == 403
    assert stranger.get("/scripting/processes/").status_code == 403


def test_the_page_names_processes_and_versions(crew: list[Membership], reader: Client) -> None:
    text = reader.get("/scripting/processes/").content.decode()
    assert "2 of 3 on v1, 1 not yet" in text
    assert "host:2" in text


def test_the_scripts_page_in_the_admin_says_who_has_loaded_it(crew: list[Membership]) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    script = Script.objects.get(name="scorer")
    assert "2 of 3 on v1, 1 not yet" in client.get(f"/admin/scripting/script/{script.pk}/change/").content.decode()


def test_a_new_helper_version_makes_every_process_that_has_the_old_bundle_count_as_behind(
    crew: list[Membership],
) -> None:
    script = make_script("import shared\nresult = {'points': 1}  # cards")
    make_script("def draw():\n    return 7\n", "cards", "shared")
    assert str(fleet.loaded_by(script)) == "0 of 3 on v2, 3 not yet"


def test_a_version_is_counted_as_acknowledged_until_a_newer_one_is_active(crew: list[Membership]) -> None:
    script = make_script("result = {'points': 2}")
    loading = fleet.loaded_by(script)
    assert loading is not None
    assert str(loading) == "0 of 3 on v2, 3 not yet"
    crew[0].acknowledge({"arena/scorer": LoadedVersion(2, loading.digest)})
    assert [process.name for process in fleet.loaded_by(script).current] == ["host:0"]  # type: ignore[union-attr]
    crew[0].leave()
    assert len(members.everyone()) == 2


def test_metrics_count_processes_by_kind_and_scripts_by_how_far_they_have_come(crew: list[Membership]) -> None:
    metrics = CollectorRegistry()
    metrics.register(prometheus.ProcessCollector(snapshots.look))
    text = generate_latest(metrics).decode()
    assert 'goby_processes{kind="worker",state="live"} 2.0' in text
    assert 'goby_script_loaded{script="arena/scorer",state="current"} 2.0' in text
    assert 'goby_script_loaded{script="arena/scorer",state="behind"} 1.0' in text
    assert 'goby_script_active_version{script="arena/scorer"} 1.0' in text


def test_without_redis_the_pages_say_so(crew: list[Membership], reader: Client, redis_server: RedisServer) -> None:
    redis_server.kill()
    answer = reader.get("/scripting/processes.json")
    assert answer.status_code == 503
    assert reader.get("/scripting/processes/").status_code == 503
