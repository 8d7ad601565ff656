"""Scripts read as they run: how many queries that takes, and that what is read twice is read the same."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from scripting.models import Breaker, BundleHelper
from scripting.registry import compiled_code, lifecycle, publishing
from scripting.registry.active import registry
from scripting.registry.carried import opened, sealed
from scripting.registry.reading import load
from scripting.runtime import pool
from scripting.runtime.pool import get_pool
from scripting.supervisor.pool import PoolConfig, SandboxPool
from tests.support.arena import Arena, make_script

pytestmark = pytest.mark.django_db(transaction=True)

KEY = ("arena", "scorer")
DICE = "def roll(sides):\n    return sides\n"
SCORER = "from shared.dice import roll\nresult = {'points': roll(6)}\n"


def test_a_script_is_read_the_same_alone_and_among_all_and_with_texts_at_hand(arena: Arena) -> None:
    make_script(DICE, "dice", "shared")
    make_script("result = {'points': 1}", "other")
    first = load([KEY])
    assert first == {}
    make_script("result = {'points': 1}")
    before = load([KEY])
    script = make_script(SCORER)
    script.enabled, script.max_execution_time = False, 1.5
    script.save()
    opened = timezone.now()
    Breaker.objects.create(version=script.active_version, failures=5, opened_at=opened)
    found = load([KEY])[KEY]
    assert found == load()[KEY] == load([KEY, ("arena", "other")])[KEY] == load([KEY], before)[KEY]
    assert (found.enabled, found.limits.max_execution_time) == (False, 1.5)
    assert found.active.info.number == 2
    assert [helper.name for helper in found.active.bundle.helpers] == ["shared/dice"]
    assert [version.info.number for version in found.fallbacks] == [1]
    assert found.breaker is not None
    assert (found.breaker.failures, found.breaker.opened_at) == (5, opened)


def test_every_process_takes_a_new_version_with_a_single_query(
    arena: Arena, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_script("result = {'points': 1}")
    registry.take([KEY])
    for number in (2, 3):
        make_script(f"result = {{'points': {number}}}")
        with django_assert_num_queries(1):
            found = registry.take([KEY])[KEY]
        assert found.active.bundle.script.text == f"result = {{'points': {number}}}"
        assert found.fallbacks[0].bundle.script.text == f"result = {{'points': {number - 1}}}"


def test_a_text_at_hand_does_not_outlive_the_generation_that_it_was_read_in(arena: Arena) -> None:
    make_script("result = {'points': 1}")
    script = make_script("result = {'points': 2}")
    registry.take([KEY])
    old = script.versions.get(number=1)
    type(old).objects.filter(pk=old.pk).update(
        content=b"result = 0"
    )  # as where another database took the place of this one
    registry.forget()
    assert registry.take([KEY])[KEY].fallbacks[0].bundle.script.text == "result = 0"


def test_the_bundles_of_a_changed_helper_are_recorded_by_who_changed_it(arena: Arena) -> None:
    """Else every process would write the same rows at the same moment."""
    make_script(DICE, "dice", "shared")
    make_script(SCORER)
    helper = make_script(DICE.replace("return sides", "return 2 * sides"), "dice", "shared")
    recorded = set(BundleHelper.objects.filter(version=helper.active_version).values_list("bundle_digest", flat=True))
    assert recorded == {load([KEY])[KEY].active.bundle.digest}


def test_a_text_that_passed_its_check_is_not_compiled_again_when_it_is_published(arena: Arena) -> None:
    text = "result = {'points': 77}"
    make_script("result = {'points': 1}")
    assert publishing.check(*KEY, "python", text).ok
    before = get_pool().stats().forks
    make_script(text)
    assert get_pool().stats().forks == before


def test_a_text_is_checked_again_when_a_helper_that_it_imports_has_changed(arena: Arena) -> None:
    make_script(DICE, "dice", "shared")
    assert publishing.check(*KEY, "python", SCORER).ok
    make_script("def throw(sides):\n    return sides\n", "dice", "shared")
    assert not publishing.check(*KEY, "python", SCORER).ok


def test_a_check_that_found_an_error_is_made_again(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        before = get_pool().stats().forks
        assert not publishing.check(*KEY, "python", "result = (").ok
        assert get_pool().stats().forks > before
    monkeypatch.setattr(pool, "PASSED_SECONDS", 0.0)
    assert publishing.check(*KEY, "python", "result = 78").ok
    before = get_pool().stats().forks
    assert publishing.check(*KEY, "python", "result = 78").ok
    assert get_pool().stats().forks > before, "and one that passed too long ago"


def test_a_process_takes_a_version_from_its_notice_without_a_query(
    arena: Arena, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_script("result = {'points': 1}")
    registry.take([KEY])
    for number in (2, 3):
        before = registry._read[KEY]
        make_script(f"result = {{'points': {number}}}")
        (expected,) = load([KEY]).values()
        assert registry._scripts[KEY] == expected, "who published it has read it on the way"
        told, carried = sealed(KEY)
        registry._scripts[KEY] = registry._read[KEY] = before  # as in a process that has not published it
        with django_assert_num_queries(0):
            found = registry.adopt({KEY: opened(told)})
        assert found == {KEY: expected}
        assert (expected.active.info.number, carried.change) == (number, registry.mark())


def test_a_notice_that_comes_late_brings_no_older_version_back(arena: Arena) -> None:
    make_script("result = {'points': 1}")
    make_script("result = {'points': 2}")
    late = opened(sealed(KEY)[0])
    script = make_script("result = {'points': 3}")
    newest = registry.take([KEY])
    assert registry.adopt({KEY: late}) == newest
    lifecycle.disable(script, actor=None, reason="for a test")
    assert registry.adopt({KEY: late}) == {}, "what changed since the last look is read in the database"
    assert not registry.resolve(*KEY).enabled


def test_a_script_that_no_process_of_this_site_sealed_is_not_taken(arena: Arena, settings: Any) -> None:
    make_script("result = {'points': 1}")
    told, _ = sealed(KEY)
    assert opened(told).key == KEY
    assert opened("x" + told) is None
    settings.SECRET_KEY = "another site's"
    assert opened(told) is None


def test_a_script_that_cannot_be_sealed_is_read_by_each_process(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(key: tuple[str, str], read: object = ()) -> None:
        raise KeyError(key)

    make_script("result = {'points': 1}")
    monkeypatch.setattr("scripting.registry.carried.carried", gone)
    assert sealed(KEY) == ("", None)
    make_script("result = {'points': 2}")
    assert registry.resolve(*KEY).active.info.number == 2


def test_a_process_that_never_read_the_script_offers_what_it_compiled_as_a_command_does(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_script("result = {'points': 1}")
    registry.forget()
    make_script("result = {'points': 2}")
    (script,) = load([KEY]).values()
    with closing(SandboxPool(PoolConfig())) as other:
        monkeypatch.setattr(compiled_code, "get_pool", lambda: other)
        compiled_code.find(script)
        assert other.code_of(script.active.bundle, script.limits, compiled_code.functions_of(script))


@pytest.mark.slow
def test_what_one_process_compiled_serves_the_sandboxes_of_another_and_of_this_site_alone(
    arena: Arena, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_script("result = {'points': 1}")
    registry.take([KEY])
    make_script("result = {'points': 2}")
    (script,) = load([KEY]).values()
    bundle, functions = script.active.bundle, compiled_code.functions_of(script)
    other = SandboxPool(PoolConfig())
    monkeypatch.setattr(compiled_code, "get_pool", lambda: other)
    with closing(other):
        settings.SECRET_KEY, own = "another site's", settings.SECRET_KEY
        compiled_code.find(script)
        assert other.code_of(bundle, script.limits, functions) == ()
        settings.SECRET_KEY = own
        compiled_code.find(script)
        assert other.code_of(bundle, script.limits, functions)
        assert other.warm(bundle, script.limits, functions)
        (sandbox,) = other._all
        assert sandbox.most_runs == other.config.runs_per_sandbox, "it need not make room: it compiled nothing"
