"""One-time codes: their form, and that a hash fits one purpose and one trader only."""

import pytest

from app.security import codes
from app.security.keys import WeakKey

PEPPER = b"a pepper of more than thirty-two bytes, for tests"


def stored_hash() -> bytes:
    return codes.hash_code("012345", purpose="CONFIRM_EMAIL", trader_id=7, pepper=PEPPER)


def test_code_has_six_digits() -> None:
    made = [codes.new_code() for _ in range(2000)]

    assert all(len(code) == 6 and code.isascii() and code.isdigit() for code in made)
    assert len(set(made)) > 1900
    assert {code[0] for code in made} == set("0123456789")


@pytest.mark.parametrize("typed", ["012345", " 012345\n", "012 345"])
def test_right_code_matches_however_it_is_spaced(typed: str) -> None:
    assert codes.matches(typed, stored_hash(), purpose="CONFIRM_EMAIL", trader_id=7, pepper=PEPPER)


@pytest.mark.parametrize(
    "typed", ["012346", "12345", "0123450", "", "0", "\uff1012345", "\ud800", "012345" * 1000]
)
def test_wrong_code_does_not_match(typed: str) -> None:
    assert not codes.matches(typed, stored_hash(), purpose="CONFIRM_EMAIL", trader_id=7, pepper=PEPPER)


def test_code_fits_its_own_purpose_trader_and_pepper_only() -> None:
    stored = stored_hash()

    assert not codes.matches("012345", stored, purpose="RESET_PASSWORD", trader_id=7, pepper=PEPPER)
    assert not codes.matches("012345", stored, purpose="CONFIRM_EMAIL", trader_id=8, pepper=PEPPER)
    assert not codes.matches("012345", stored, purpose="CONFIRM_EMAIL", trader_id=7, pepper=PEPPER[::-1])


def test_fields_do_not_run_into_one_another() -> None:
    one = codes.hash_code("1234", purpose="P", trader_id=56, pepper=PEPPER)
    other = codes.hash_code("61234", purpose="P", trader_id=5, pepper=PEPPER)

    assert one != other
    with pytest.raises(ValueError, match="NUL"):
        codes.hash_code("1234", purpose="P\x007", trader_id=5, pepper=PEPPER)


def test_damaged_stored_hash_does_not_match() -> None:
    for stored in (b"", stored_hash()[:-1], stored_hash() + b"\0"):
        assert not codes.matches("012345", stored, purpose="CONFIRM_EMAIL", trader_id=7, pepper=PEPPER)


def test_weak_pepper_is_refused() -> None:
    """RFC 2104 section 3: without a pepper six digits are found in a second."""
    with pytest.raises(WeakKey):
        codes.hash_code("012345", purpose="CONFIRM_EMAIL", trader_id=7, pepper=b"")


def test_token_id_is_stored_as_its_hash() -> None:
    one, other = codes.hash_token_id("j" * 43), codes.hash_token_id("k" * 43)

    assert (len(one), one == codes.hash_token_id("j" * 43), one == other) == (32, True, False)
    assert codes.hash_token_id("\ud800") != one
