"""Keys are read in the one form that the API writes; whatever else a client sends finds no row."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.kit.tables import NO_ROW, key

LARGEST = 2**63 - 1


@given(st.integers(1, LARGEST))
@example(1)
@example(LARGEST)
def test_a_key_is_read_as_it_is_written(number: int) -> None:
    assert key(str(number)) == number


@given(st.integers().filter(lambda number: not 1 <= number <= LARGEST))
@example(0)
@example(-1)
@example(LARGEST + 1)
@example(10**5000)
def test_a_number_that_is_no_key_has_no_row(number: int) -> None:
    assert key(f"{number:#x}" if number > 10**4000 else str(number)) == NO_ROW


@given(
    st.one_of(
        st.text(),
        # Every kind of digit there is, signs, spaces, separators and exponents: what int() would read.
        st.text(st.one_of(st.characters(categories=["Nd", "No", "Nl"]), st.sampled_from("+-_ .,eE\n\t\0"))),
    )
)
@example("")
@example("01")
@example("+1")
@example(" 1")
@example("1\n")
@example("1_000")
@example("1.0")
@example("1e3")
@example("٣")
@example("²")
@example("1" * 5000)
@example("1\0")
def test_text_in_any_other_form_has_no_row(text: str) -> None:
    canonical = text in {str(number) for number in digits_of(text)}

    assert (key(text) == NO_ROW) is not canonical


def digits_of(text: str) -> list[int]:
    """The key that the text may be, if it is made of ASCII digits and short enough to be one."""
    digits = 0 < len(text) <= 19 and set(text) <= set("0123456789")
    return [int(text)] if digits and 1 <= int(text) <= LARGEST else []


@pytest.mark.parametrize("text", ["1", "42", "9223372036854775807"])
def test_keys_are_not_merely_no_row(text: str) -> None:
    assert str(key(text)) == text
