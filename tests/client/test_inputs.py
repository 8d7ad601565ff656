"""Which part of its inputs an expression stands for, found in texts that need not be complete, in every language."""

from __future__ import annotations

import time

import pytest

from scripting.client.lsp.inputs import Finder, inputs_of
from scripting.sandbox.protocol import Inputs, Shape

PLAIN = (Shape(),)
GUEST = Shape("Guest", {"name": PLAIN, "age": PLAIN})
ORDER = Shape("Order", {"guest": (GUEST,), "drinks": (Shape(items=(Shape("Drink", {"kind": PLAIN}),)),), "tip": PLAIN})
RUNS = [Inputs("tavern.order", {"message": (Shape("message", {"payload": (ORDER,), "metadata": ()}),), "topic": PLAIN})]
INPUTS = inputs_of(RUNS, [])
WHOLE, OF_GUEST, OF_DRINK = {"guest", "drinks", "tip"}, {"name", "age"}, {"kind"}


def fields(language: str, text: str) -> set[str]:
    """The fields that are offered at `|`."""
    before, after = text.split("|")
    lines = (before + after).split("\n")
    row = before.count("\n")
    found = Finder(INPUTS, language, lines).before(row, len(before.split("\n")[-1]))
    return set(found.parts) if found else set()


@pytest.mark.parametrize(
    ("language", "text", "wanted"),
    [
        ("python", 'x = message["payload"]["|', WHOLE),
        ("python", "x = message.get('payload', {}).get('gu|", WHOLE),
        ("python", 'order = message["payload"]\nguest = order["guest"]\nx = guest["|"]', OF_GUEST),
        ("python", 'for drink in message["payload"]["drinks"]:\n    x = drink["|', OF_DRINK),
        ("python", 'x = message["payload"]["drinks"][0]["|', OF_DRINK),
        ("python", 'x = (message or {})["payload"]["|', WHOLE),
        ("python", 'x = get_context()["message"]["payload"]["|', WHOLE),
        ("python", 'def greet(guest):\n    return guest["|', OF_GUEST),
        ("python", 'order = fetch(message)\nx = order["|', set()),
        ("python", 'a = b\nb = a\nx = a["|', set()),
        ("python", 'x = message["payload"]["tip"]["|', set()),
        ("tengo", "x := message.payload.|", WHOLE),
        ("tengo", 'order := message["payload"]\nx := order.guest.|', OF_GUEST),
        ("tengo", "for _, drink in message.payload.drinks {\n  x := drink.|", OF_DRINK),
        ("zygomys", "(hget message.payload %|", WHOLE),
        ("zygomys", "(def order message.payload)\n(:| order)", WHOLE),
        ("zygomys", "(def guest (:guest message.payload))\n(hget guest |", set()),
        ("zygomys", '(def guest (:guest message.payload))\n(hget guest "|', OF_GUEST),
    ],
)
def test_an_expression_is_followed_to_its_part_of_the_inputs(language: str, text: str, wanted: set[str]) -> None:
    assert fields(language, text) == wanted


@pytest.mark.parametrize(
    "line", ["a{0} = a{1} or a{2}", "for a{0} in" + " " * 900, "a{0} = (" + "(" * 900, "a{0} = a" + '.get("a"' * 90]
)
@pytest.mark.parametrize("language", ["python", "tengo", "zygomys"])
def test_no_text_keeps_an_editor_waiting(language: str, line: str) -> None:
    text = "\n".join(line.format(n, n + 1, n - 1) for n in range(1, 250))
    began = time.process_time()
    for end in ('a125["|', "a125.|", '(hget a125 "|', "(" * 300 + '["|', 'a.get("b"' * 40 + '["|'):
        fields(language, f"{text}\n{end}")
    assert time.process_time() - began < 3
