"""What is taken for a device's word about itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.client import UNKNOWN, Client

NAMES = ("x-device-signature", "x-software-version", "x-hardware-version")


def read(*values: str | None) -> Client:
    return Client.read(dict(zip(NAMES, values, strict=True)).get)


@pytest.mark.parametrize("version", ["1", "2.4.1+build.7", "iPhone15,2", "SM-G991B/DS", "Pixel 8 (Pro)", "1" * 64])
def test_versions_as_people_write_them(version: str) -> None:
    assert read("a phone", version, version) == Client(device="a phone", software=version, hardware=version)


@pytest.mark.parametrize(
    "version", [None, "", " 1", "1" * 65, "1\n", "<b>", "1'--", '"', "{}", "\x001", "1\u0967", "%0a", "$(id)"]
)
def test_anything_else_is_as_if_it_were_not_there(version: str | None) -> None:
    assert read(None, version, version) == UNKNOWN


@pytest.mark.parametrize(
    ("signature", "is_taken"), [("x" * 255, True), ("x" * 256, False), ("a\tb", False), ("é", False), ("", False)]
)
def test_signatures(signature: str, is_taken: bool) -> None:  # noqa: FBT001 - a column of the table
    assert read(signature, None, None).device == (signature if is_taken else None)


@given(st.text())
def test_what_is_taken_is_short_and_plain(text: str) -> None:
    client = read(text, text, text)

    for taken, longest in ((client.device, 255), (client.software, 64), (client.hardware, 64)):
        assert taken is None or (taken == text and len(text) <= longest and text.isascii() and text.isprintable())
