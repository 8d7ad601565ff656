"""Common to every page of the site: its policy, and pages for errors that need nothing else."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client
from django_rq import get_queue
from rq import Worker


def test_our_pages_allow_nothing_unsafe_and_nothing_from_elsewhere(client: Client) -> None:
    policy = client.get("/there/is/nothing")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.django_db
def test_the_admin_may_evaluate_and_nothing_more(client: Client) -> None:
    directives = client.get("/admin/login/")["Content-Security-Policy"].split("; ")
    assert [directive for directive in directives if "unsafe" in directive] == ["script-src 'self' 'unsafe-eval'"]


def test_an_unknown_address_is_answered_in_our_words(client: Client) -> None:
    response = client.get("/there/is/nothing")
    assert response.status_code == 404
    assert b"There is nothing at this address" in response.content


@pytest.mark.django_db
def test_who_is_refused_reads_as_whom(client: Client) -> None:
    client.force_login(User.objects.create_user("vera", is_staff=True))
    response = client.get("/django-rq/")
    assert response.status_code == 403
    assert b"You are logged in as <b>vera</b>" in response.content


@pytest.mark.django_db
def test_the_queues_without_their_redis_say_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for queue in settings.RQ_QUEUES.values():
        monkeypatch.setitem(queue, "URL", "redis://127.0.0.1:1/0")
    client.force_login(User.objects.create_superuser("root"))
    response = client.get("/django-rq/")
    assert response.status_code == 503
    assert b"Accepted events are kept" in response.content


@pytest.mark.django_db
def test_the_page_of_a_busy_worker_names_its_job(client: Client) -> None:
    index, queue = next((i, get_queue(name)) for i, name in enumerate(settings.RQ_QUEUES) if name == "scripting")
    job = queue.create_job("scripting.workers.drain_job.drain", args=("wargame", 7))
    job.save()
    worker = Worker([queue], connection=queue.connection, serializer=queue.serializer)
    worker.register_birth()
    worker.prepare_execution(job)
    client.force_login(User.objects.create_superuser("root"))
    response = client.get(f"/django-rq/workers/{index}/{worker.key}/")
    assert response.status_code == 200
    assert b"scripting.workers.drain_job.drain(&#x27;wargame&#x27;, 7)" in response.content


@pytest.mark.django_db
def test_an_empty_list_says_what_would_be_there(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    assert b"No script has failed" in client.get("/admin/scripting/errorgroup/").content
    searched = client.get("/admin/scripting/script/?q=nowhere").content
    assert b"Nothing matches" in searched


@pytest.mark.django_db
def test_the_side_bar_leads_to_battles_and_queues(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    index = client.get("/admin/").content.decode()
    for address in ("/admin/wargame/game/", "/admin/wargame/battlelogentry/", "/django-rq/"):
        assert f'href="{address}"' in index


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500", "503", "503_database"])
def test_an_error_page_loads_nothing_from_elsewhere(name: str) -> None:
    page = render_to_string(f"{name}.html")
    assert "://" not in page
    assert "<script" not in page
    assert name[:3] in page
