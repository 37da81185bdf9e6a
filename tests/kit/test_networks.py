"""Which address a client counts for, and which one is the client's behind proxies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.networks import (
    client_behind,
    counted_as,
    noted_in_forwarded,
    noted_in_x_forwarded_for,
    read_networks,
)

TRUSTED = read_networks("10.0.0.0/8, 2001:db8:ffff::/48, 192.0.2.7")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_an_ipv6_household_counts_as_one_client(address: str, counted: str) -> None:
    assert counted_as(address) == counted


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.1", [], "203.0.113.1"),
        ("203.0.113.1", ["198.51.100.1"], "203.0.113.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66", "198.51.100.1", "192.0.2.7"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.2", "10.0.0.3"], "10.0.0.2"),
        ("10.0.0.1", [" 198.51.100.1:4711 "], "198.51.100.1"),
        ("10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("2001:db8:ffff::1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["198.51.100.1", "unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1", ""], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1", "_hidden", "10.0.0.2"], "10.0.0.2"),
        ("unix", ["198.51.100.1"], "unix"),
    ],
)
def test_what_proxies_note_is_believed_from_the_end_for_as_long_as_they_are_trusted(
    peer: str, forwarded: list[str], client: str
) -> None:
    assert client_behind(peer, forwarded, TRUSTED) == client


@pytest.mark.parametrize(
    ("value", "noted"),
    [
        ("for=192.0.2.1", ["192.0.2.1"]),
        ('For="[2001:db8::1]:4711"; proto=https', ["[2001:db8::1]:4711"]),
        ("for=192.0.2.1, by=10.0.0.1;for=10.0.0.2", ["192.0.2.1", "10.0.0.2"]),
        ("proto=https", [""]),
        ("for=unknown", ["unknown"]),
        ("", [""]),
    ],
)
def test_the_header_forwarded_is_read_as_its_specification_has_it(value: str, noted: list[str]) -> None:
    assert noted_in_forwarded(value) == noted


@given(st.text(), st.sampled_from([noted_in_forwarded, noted_in_x_forwarded_for]))
def test_whatever_stands_in_a_header_the_client_has_an_address(value: str, read: object) -> None:
    assert client_behind("10.0.0.1", read(value), TRUSTED)  # type: ignore[operator]


@given(st.lists(st.ip_addresses().map(str)))
def test_a_client_that_makes_up_addresses_does_not_hide_its_own(made_up: list[str]) -> None:
    assert client_behind("10.0.0.1", [*made_up, "198.51.100.1"], TRUSTED) == "198.51.100.1"


@pytest.mark.parametrize("text", ["10.0.0.0/33", "proxy.example.com", "10.0.0.1/8"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_networks(text)
