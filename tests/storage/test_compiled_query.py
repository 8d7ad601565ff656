"""Queries that are compiled once find what the ORM finds, with other parameters each time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F, Value
from pytest_django import DjangoAssertNumQueries

from scripting.models import Script, ScriptVersion
from scripting.storage.compiled_query import Lookup, Objects, Parameter, Prepared

pytestmark = pytest.mark.django_db

_versions = Objects(
    lambda: (
        ScriptVersion.objects.filter(script__name=Parameter("name"))
        .select_related("author", "script__active_version")
        .defer("source")
        .annotate(next=F("number") + Value(1))
        .order_by("number")
    )
)


def columns(found: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(found).items() if name != "_state"}


def test_objects_are_those_of_the_orm_with_what_belongs_to_them(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    ada = User.objects.create_user("ada")
    for name, author in (("dice", ada), ("coin", None)):
        script = Script.objects.create(module="chess_club", name=name)
        for number in (1, 2):
            version = ScriptVersion.objects.create(
                script=script, number=number, language="python", content=b"x", source="x", sha256=f"{number}",
                author=author, accepted=True, diagnostics=[{"line": number}],
            )  # fmt: skip
        script.active_version = version
        script.save()
    for name in ("dice", "coin", "dice", "nothing"):
        with django_assert_num_queries(1):
            found = _versions.found("default", name=name)
            authors = [str(one.author) for one in found]
            active = [one.script.active_version.number for one in found if one.script.active_version]
        assert authors == ([] if name == "nothing" else ["ada" if name == "dice" else "None"] * 2)
        assert active == ([] if name == "nothing" else [2, 2])
        usual = ScriptVersion.objects.filter(script__name=name).defer("source").annotate(next=F("number") + Value(1))
        assert [columns(one) for one in found] == [columns(one) for one in usual.order_by("number")]
        assert [one._state.db for one in found] == ["default"] * len(found)
        assert {"source"} == set().union(*(one.get_deferred_fields() for one in found)) or not found


def test_rows_share_moments_and_nothing_that_can_be_changed() -> None:
    script = Script.objects.create(module="chess_club", name="dice")
    for number in (1, 2, 3):
        ScriptVersion.objects.create(
            script=script, number=number, language="python", content=b"x", source="x", sha256=f"{number}",
            accepted=True, diagnostics=[{"line": 1}],
        )  # fmt: skip
    ScriptVersion.objects.update(created_at=datetime(2026, 3, 1, 12, 30, 5, 17, UTC))
    asked = ScriptVersion.objects.order_by("number").values_list("created_at", "diagnostics", "author_id")
    found = Prepared(lambda: asked.all()).rows("default")
    assert found == list(asked)
    found[0][1].append("changed")
    assert found[1][1] == found[2][1] == [{"line": 1}]


@pytest.mark.parametrize("count", [0, 1, 3, 64, 129])
def test_a_lookup_finds_the_rows_of_all_texts_and_of_no_other(count: int) -> None:
    Script.objects.bulk_create(Script(module="chess_club", name=f"s{number}") for number in range(140))
    by_name = Lookup(lambda: Script.objects.order_by().values_list("name"), "name")
    asked = {f"s{number}" for number in range(count)}
    assert sorted(name for (name,) in by_name.rows("default", asked | {"nobody"})) == sorted(asked)
    assert sorted(by_name.rows("default", asked)) == sorted((name,) for name in asked)


def test_a_lookup_is_compiled_for_few_sizes_since_that_costs_more_than_to_ask() -> None:
    asked: list[int] = []

    def every() -> Any:
        asked.append(1)
        return Script.objects.order_by().values_list("name")

    by_name = Lookup(every, "name")
    for count in range(1, 129):
        by_name.rows("default", [f"s{number}" for number in range(count)])
    assert len(asked) <= 8
