"""Pages of receipts, of what the retention has taken, and of decisions that are shared without a login."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from scripting import clock
from scripting.insight.receipts import shared_page
from scripting.models import Execution, RetentionMark, SharedDecision
from scripting.receipts import offline, roots, sharing
from scripting.receipts.sealing import seal
from tests.receipts.recorded import Rolls
from tests.receipts.test_roots import DAY, root_on


@pytest.fixture
def boss(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture(autouse=True)
def _file(settings: Any, tmp_path: Path) -> None:
    settings.SCRIPTING_RECEIPTS_DIR = tmp_path / "roots"


def page_of(boss: Client, execution: Any) -> str:
    response = boss.get(reverse("admin:scripting_execution_change", args=[execution]))
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.mark.slow
def test_an_executions_page_has_its_receipt_and_says_where_it_differs(rolls: Rolls, boss: Client) -> None:
    execution = rolls(1)[0]
    page = page_of(boss, execution.pk)
    assert "v1 decided, and it was the announced one" in page
    assert "chained; the day" in page
    bundle = boss.get(reverse("admin:scripting_execution_bundle", args=[execution.pk])).json()
    assert bundle["receipt"] in page
    assert offline.check(bundle)[0][0] == offline.HOLDS
    Execution.objects.update(worker="another")
    assert "What is stored of it is not what was committed" in page_of(boss, execution.pk)
    Execution.objects.update(worker=execution.worker)
    seal(clock.now())
    assert bundle["receipt"] in page_of(boss, execution.pk), "made later, it is the same"
    Execution.objects.update(worker="another")
    assert "What is stored is not what was recorded: where it came from" in page_of(boss, execution.pk)
    bundle = boss.get(reverse("admin:scripting_execution_bundle", args=[execution.pk])).json()
    assert offline.check(bundle)[0][0] == offline.HOLDS


def test_a_page_without_payload_says_since_when(rolls: Rolls, boss: Client, settings: Any) -> None:
    execution = rolls(1)[0]
    seal(clock.now())
    Execution.objects.update(inputs=b"", inputs_text="", result=None, result_text="", log=b"", host_calls=b"")
    assert "not by the retention" in page_of(boss, execution.pk)
    RetentionMark.objects.create(part="payloads", upto=execution.pk)
    assert "were removed before its age" in page_of(boss, execution.pk)
    settings.SCRIPTING_KEEP_PAYLOAD_DAYS = 0
    assert f"were removed about {execution.finished_at:%Y-%m-%d}, 0 days after it ran" in page_of(boss, execution.pk)


def test_the_page_of_a_deleted_execution_still_says_what_decided(rolls: Rolls, boss: Client) -> None:
    execution = rolls(1)[0]
    key = execution.pk
    with transaction.atomic():
        execution.delete()
        assert "The execution was deleted. What is stored of it is not what was committed" in page_of(boss, key)
        transaction.set_rollback(True)
    seal(clock.now())
    Execution.objects.filter(pk=key).delete()
    RetentionMark.objects.create(part="usual", upto=key)
    page = page_of(boss, key)
    for words in ("The execution was deleted", "chess_club/dice", "v1</a> decided", "the defaults of its text"):
        assert words in page
    assert "v1 decided, and it was the announced one" in page
    unknown = boss.get(reverse("admin:scripting_execution_change", args=["0193f6c2-0000-7000-8000-000000000000"]))
    assert unknown.status_code == 302, "nothing is known of it"


def test_the_receipts_page_lists_roots_and_what_the_file_lacks(rolls: Rolls, boss: Client) -> None:
    rolls(2)
    root = root_on(DAY)
    listed = boss.get(reverse("admin:scripting_execution_receipts")).content.decode()
    assert bytes(root.digest).hex() in listed
    assert "missing" not in listed
    roots.root_file().unlink()
    assert "missing" in boss.get(reverse("admin:scripting_execution_receipts")).content.decode()
    [line] = boss.get(reverse("admin:scripting_execution_roots")).content.splitlines()
    assert json.loads(line)["root"] == bytes(root.digest).hex()


def shared(boss: Client, execution: Execution, **fields: Any) -> str:
    """The path of a link."""
    address = reverse("admin:scripting_execution_share", args=[execution.pk])
    response = boss.post(address, {"reason": "complaint 7", "days": "30", **fields})
    assert response.status_code == 201
    return str(response.context["link"]).removeprefix("http://testserver")


def test_a_shared_decision_opens_without_a_login_and_shows_nothing_sensitive(rolls: Rolls, boss: Client) -> None:
    execution = rolls(1, secret="opensesame")[0]
    link = shared(boss, execution)
    visitor = Client()
    response = visitor.get(link)
    page = response.content.decode()
    assert response.status_code == 200
    for words in ("Repeated: identical.", "chess_club/dice v1", "was the announced one", str(execution.seed), "points"):
        assert words in page, words
    bundle = visitor.get(f"{link}bundle.json")
    for secret in ("opensesame", "complaint 7", "a test"):
        assert secret not in page
        assert secret not in bundle.content.decode()
    assert "does not show the texts" in page
    assert offline.FAILS not in [verdict for verdict, _ in offline.check(bundle.json())]
    verifier = b"".join(visitor.get(f"{link}offline.py").streaming_content)  # type: ignore[attr-defined]
    assert verifier == Path(offline.__file__).read_bytes()
    assert not visitor.cookies
    assert (response["Referrer-Policy"], response["X-Robots-Tag"].split(",")[0]) == ("no-referrer", "noindex")
    assert SharedDecision.objects.get().token_digest not in link


def test_the_text_is_shown_where_the_site_allows_it(rolls: Rolls, boss: Client, settings: Any) -> None:
    settings.SCRIPTING_SHARE_TEXT = True
    page = Client().get(shared(boss, rolls(1)[0])).content.decode()
    assert "log(&#x27;rolled&#x27;)" in page


def test_the_bundle_of_a_share_gets_its_root_once_that_is_made(rolls: Rolls, boss: Client) -> None:
    link = shared(boss, rolls(2)[0])
    assert "not made yet" in Client().get(link).content.decode()
    root = root_on(DAY)
    assert sharing.complete() == 1
    assert bytes(root.digest).hex() in Client().get(link).content.decode()
    verdicts = offline.check(Client().get(f"{link}bundle.json").json())
    assert [words for verdict, words in verdicts if verdict == offline.HOLDS and words.startswith("root")]


def test_an_ended_link_answers_410_and_an_unknown_one_404(rolls: Rolls, boss: Client, settings: Any) -> None:
    link = shared(boss, rolls(1)[0])
    assert Client().get("/decided/guess/").status_code == Client().get("/decided/guess/bundle.json").status_code == 404
    SharedDecision.objects.update(expires_at=datetime.now(UTC))
    assert [Client().get(link + end).status_code for end in ("", "bundle.json", "offline.py")] == [410] * 3
    SharedDecision.objects.update(expires_at=datetime.now(UTC) + timedelta(days=1))
    assert Client().get(link).status_code == 200
    boss.post(reverse("admin:scripting_execution_revoke", args=[SharedDecision.objects.get().pk]))
    assert Client().get(link).status_code == 410
    assert "revoked" in boss.get(reverse("admin:scripting_execution_shares")).content.decode()


def test_one_address_opens_so_many_links_in_a_minute(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setattr(shared_page, "PER_MINUTE", 2)
    codes = [Client().get("/decided/guess/", REMOTE_ADDR="192.0.2.77").status_code for _ in range(3)]
    assert codes == [404, 404, 429]


def test_sharing_takes_a_reason_and_the_permission(rolls: Rolls, boss: Client) -> None:
    execution = rolls(1)[0]
    address = reverse("admin:scripting_execution_share", args=[execution.pk])
    assert boss.post(address, {"reason": " ", "days": "3"}).status_code == 302
    assert boss.post(address, {"reason": "why", "days": "999"}).status_code == 302
    assert not SharedDecision.objects.exists()
    viewer = Client()
    viewer.force_login(User.objects.create_user("viewer", is_staff=True))
    assert viewer.post(address, {"reason": "why"}).status_code == 403
