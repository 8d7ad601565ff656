"""Conditions: what they mean, and that each mistake is told at its place."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripting.modules.topics import Topic
from scripting.subscriptions.conditions import ConditionError, condition_of

pytestmark = pytest.mark.once


class Guest(msgspec.Struct):
    name: str = ""
    age: int = 0
    regular: bool = False


class Order(msgspec.Struct):
    drink: str
    price: float
    guest: Guest | None = None
    extras: list[str] = []
    notes: dict[str, Any] = {}
    table: int | None = None


ORDER = Topic("tavern.order", Order, "Somebody orders.")


def holds(text: str, **payload: Any) -> bool:
    return condition_of(text, ORDER).holds(ORDER.validate({"drink": "ale", "price": 3.5, **payload}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('drink == "ale"', True),
        ("drink == 'stout'", False),
        ("price > 3 and price <= 3.5", True),
        ('drink == "stout" or price >= 3', True),
        ('not (drink == "ale")', False),
        ('not drink == "stout" and not price < 1', True),
        ('drink in ["stout", "ale"]', True),
        ("table in [1, 2]", True),
        ("guest.regular", True),
        ("not guest.regular", False),
        ('guest.age >= 18 and guest.name != ""', True),
        ("guest != null", True),
        ("table == 2", True),
        ("notes.mood == null", True),
        ('drink == "ale" or drink == "x" and price > 100', True),
        ("true", True),
    ],
)
def test_a_condition_means_what_it_says(text: str, expected: bool) -> None:
    assert holds(text, guest={"name": "Ann", "age": 30, "regular": True}, table=2) is expected


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("guest.age >= 18", {}),
        ("guest.age < 18", {}),
        ("table > 1", {}),
        ("guest.regular", {}),
        ("table == 1", {"table": None}),
        ("notes.deep.er == 1", {"notes": {"deep": 3}}),
        ("notes.flag == 1", {"notes": {"flag": True}}),
    ],
)
def test_what_is_not_there_fulfils_nothing(text: str, payload: dict[str, Any]) -> None:
    assert holds(text, **payload) is False


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ('drnk == "ale"', 0, "there is no field drnk (there are: drink, extras, guest, notes, price, table)"),
        ("guest.agee > 3", 6, "there is no field agee in guest (there are: age, name, regular)"),
        ("drink.size == 1", 6, "drink has no fields"),
        ("price == 'much'", 6, "price is a number, 'much' is a text: they are never equal"),
        ("guest.regular > true", 14, "guest.regular is true or false, which has no order"),
        ("drink", 0, "drink is a text: compare it with something"),
        ('drink = "ale"', 6, "write == to compare"),
        ('drink == "ale" price > 3', 15, "'price' is too much"),
        ("drink ==", 8, "something is missing at the end"),
        ("(price > 3", 10, ") is missing"),
        ("drink in [name]", 10, "a list holds texts and numbers only"),
        ("price > 3; import os", 9, "';' has no meaning here"),
        ("__class__ == 1", 0, "there is no field __class__"),
        ("", 0, "write a comparison"),
        ("not " * 30 + "true", 80, "nested too deeply"),
        ("(" * 30 + "true" + ")" * 30, 20, "nested too deeply"),
        ("price > 1 or " * 60 + "true", 500, "500 characters"),
    ],
)
def test_a_mistake_is_told_at_its_place(text: str, at: int, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        condition_of(text, ORDER)
    assert caught.value.at == at
    assert message in str(caught.value)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("abdeiknpr.=<>!()[],\" 0123456789'\\"), max_size=60))
def test_any_text_is_a_condition_or_a_mistake_within_it(text: str) -> None:
    with contextlib.suppress(ConditionError):
        assert condition_of(text, ORDER).holds(ORDER.validate({"drink": "ale", "price": 1})) in (True, False)
