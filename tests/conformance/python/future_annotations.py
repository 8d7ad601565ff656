# expect: 3
from __future__ import annotations


def add(a: Undefined, b: list[Unit]) -> Thing:
    return a + b


result = add(1, 2)
