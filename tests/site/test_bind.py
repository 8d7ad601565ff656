"""The address that the stack serves."""

from __future__ import annotations

import pytest

from goby_site.stack.starting import CannotStart, place, read_host


@pytest.mark.parametrize(
    ("given", "host", "nearby"),
    [
        ("", "127.0.0.1", "127.0.0.1:8000"),
        ("0.0.0.0", "0.0.0.0", "127.0.0.1:8000"),
        ("::", "::", "[::1]:8000"),
        ("10.1.2.3", "10.1.2.3", "10.1.2.3:8000"),
    ],
)
def test_the_stack_serves_the_address_that_is_set_and_looks_for_itself_nearby(
    given: str, host: str, nearby: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOBY_BIND", given)
    assert read_host() == host
    assert place(read_host(), 8000) == nearby


def test_a_name_is_refused_with_what_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOBY_BIND", "everywhere")
    with pytest.raises(CannotStart, match=r"GOBY_BIND is 'everywhere': write an address"):
        read_host()
