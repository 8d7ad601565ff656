"""No message goes inside of a private network, however its address is written, unless the site allows that network."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from scripting.alerts.destination import Forbidden, admits, parts_of, resolve

INSIDE = (
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "255.255.255.255", "224.0.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1",
    "2001:0:7f00:1::", "2001:db8::1",
)  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused_in_every_spelling(address: str) -> None:
    assert not admits(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_is_admitted(address: str) -> None:
    assert admits(address)


def test_a_network_that_the_site_allows_is_admitted_and_no_other(settings: Settings) -> None:
    settings.SCRIPTING_ALERT_NETWORKS = "10.1.2.0/24, fd00::/8"
    assert admits("10.1.2.3")
    assert admits("::ffff:10.1.2.3")
    assert admits("fd00::1")
    assert not admits("10.1.3.3")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://localhost:6379/", "http://2130706433/", "http://0x7f.1/", "http://[::1]/", "http://[::ffff:7f00:1]/"]
)  # fmt: skip
def test_a_name_or_number_that_leads_inside_is_refused(url: str) -> None:
    with pytest.raises(Forbidden, match="inside of a private network"):
        resolve(url)


@pytest.mark.parametrize(
    "url",
    ["ftp://x.example/", "file:///etc/passwd", "//x.example", "http://", "http://a:b@x.example/", "http://x.example:99999/", "http://x.example/\r\nX: y", "http://x y/"],
)  # fmt: skip
def test_what_is_no_url_of_a_receiver_is_refused(url: str) -> None:
    with pytest.raises(Forbidden):
        parts_of(url)
