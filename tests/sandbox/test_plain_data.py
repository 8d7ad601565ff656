"""Plain data: what is encoded comes back the same, and no bytes at all get past the scan that are not plain data in bounds."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, namedtuple
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripting.sandbox.plain_data import ValueProblem, check_value, decode_value, encode_value, scan_value

INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | INT64 | st.floats() | TEXT | st.binary()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=20), max_leaves=30
)
BOUNDS: dict[str, int] = {"max_bytes": 100_000, "max_depth": 20, "max_nodes": 5000}


def same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and a == b


@pytest.mark.slow
@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_a_plain_value_comes_back_the_same(value: Any) -> None:
    data = encode_value(value)
    assert same(decode_value(data, **BOUNDS), value)
    check_value(data, **BOUNDS)


@pytest.mark.slow
@given(
    st.binary(max_size=200)
    | st.builds(lambda a, b: a + b, st.sampled_from([b"\x81", b"\x82", b"\xdc\x00", b"\x9f"]), st.binary())
)
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_either_refused_or_plain_data(data: bytes) -> None:
    try:
        value = decode_value(data, **BOUNDS)
    except ValueProblem:
        with pytest.raises(ValueProblem):
            check_value(data, **BOUNDS)
        return
    check_value(data, **BOUNDS)
    encode_value(value)


@pytest.mark.slow
@given(VALUES, st.integers(0, 60))
@settings(max_examples=200, deadline=None)
def test_cut_bytes_are_refused(value: Any, cut: int) -> None:
    data = encode_value(value)
    if 0 < cut <= len(data):
        with pytest.raises(ValueProblem):
            decode_value(data[:-cut], **BOUNDS)
    with pytest.raises(ValueProblem):
        decode_value(data + b"\xc0", **BOUNDS)


@pytest.mark.parametrize(
    ("value", "path", "problem"),
    [
        ({"units": [1, 2, 3, {1}]}, 'value["units"][3]', "set"),
        ({1: 2}, "value", "keys must be strings"),
        ({"a": {"b": {2: 2}}}, 'value["a"]["b"]', "keys must be strings"),
        ({"a": 1, "b": {"c": {"d": {1}}}}, 'value["b"]["c"]["d"]', "set"),
        ({"a": {"b": {"c": 1 << 63}}}, 'value["a"]["b"]["c"]', "64 bits"),
        ({"a": 1 << 64}, 'value["a"]', "64 bits"),
        ({"a": -(1 << 63) - 1}, 'value["a"]', "64 bits"),
        ({"a": {"b": "\ud800"}}, 'value["a"]["b"]', "surrogate"),
        ([[1 << 63]], "value[0][0]", "64 bits"),
        (["\ud800"], "value[0]", "surrogate"),
        ({"\ud800": 1}, "value", "surrogate"),
        (object(), "value", "object"),
        ({"a": 1j}, 'value["a"]', "complex"),
        ([len], "value[0]", "builtin_function"),
    ],
)
def test_what_is_not_plain_data_is_named_by_its_path(value: Any, path: str, problem: str) -> None:
    with pytest.raises(ValueProblem) as caught:
        encode_value(value)
    assert caught.value.path == path
    assert problem in caught.value.problem


def test_a_cycle_is_refused() -> None:
    a_list: list[Any] = []
    a_list.append(a_list)
    a_dict: dict[str, Any] = {}
    a_dict["a"] = a_dict
    for value in (a_list, a_dict):
        with pytest.raises(ValueProblem, match="contains itself"):
            encode_value(value)


def nested(depth: int) -> Any:
    return {"a": nested(depth - 1)} if depth else 1


def test_small_values_are_held_to_their_bounds_too() -> None:
    for depth in range(1, 8):
        encode_value(nested(depth), max_depth=depth, max_nodes=2 * depth)
        with pytest.raises(ValueProblem, match=f"nested deeper than {depth}"):
            encode_value(nested(depth + 1), max_depth=depth)
        with pytest.raises(ValueProblem, match="holds more than"):
            encode_value(nested(depth), max_nodes=2 * depth - 1)
    many = {str(place): {str(item): item for item in range(9)} for place in range(9)}
    encode_value(many, max_nodes=180)
    with pytest.raises(ValueProblem, match="holds more than 179 values"):
        encode_value(many, max_nodes=179)
    with pytest.raises(ValueProblem, match="over the limit of 20"):
        encode_value({"a": {"b": "." * 18}}, max_bytes=20)


def test_the_collections_of_the_library_go_out_as_lists_and_dicts() -> None:
    point = namedtuple("point", "x y")
    value = [(1, 2), point(3, 4), Counter("aa"), defaultdict(list, a=[1])]
    assert decode_value(encode_value(value)) == [[1, 2], [3, 4], {"a": 2}, {"a": [1]}]


class Pretender(dict[str, Any]):
    def items(self) -> Any:
        return {}.items()


def test_a_subclass_that_shows_another_content_is_refused() -> None:
    with pytest.raises(ValueProblem, match="Pretender"):
        encode_value(Pretender(a={1}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xd4\x01\x00",
        b"\xc7\x01\x01\x00",
        b"\xcf" + b"\xff" * 8,
        b"\x81\x01\x02",
        b"\x81\xc4\x01a\x01",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\x91" * 21 + b"\xc0",
        b"\xa1\xff",
        b"\x81\xa1\xff\x01",
        b"\xc0\xc0",
        b"\xdc\xff\xff" + b"\xc0" * 0xFFFF,
    ],
)
def test_hostile_bytes_are_refused_before_anything_is_built(data: bytes) -> None:
    with pytest.raises(ValueProblem):
        decode_value(data, **BOUNDS)
    with pytest.raises(ValueProblem):
        check_value(data, **BOUNDS)


def test_the_scan_counts_depth_and_nodes_exactly() -> None:
    nested = msgspec.msgpack.encode([[[1]]])
    scan_value(nested, max_bytes=100, max_depth=3, max_nodes=4)
    with pytest.raises(ValueProblem, match="deeper"):
        scan_value(nested, max_bytes=100, max_depth=2, max_nodes=4)
    with pytest.raises(ValueProblem, match="more than 3"):
        scan_value(nested, max_bytes=100, max_depth=3, max_nodes=3)
    with pytest.raises(ValueProblem, match="bytes"):
        scan_value(nested, max_bytes=3, max_depth=3, max_nodes=4)
