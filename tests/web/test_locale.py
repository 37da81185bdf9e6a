"""The language of an answer follows Accept-Language (RFC 9110, section 12.5.4; RFC 4647, section 3.4)."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.web.locale import MOST_CHARACTERS, MOST_RANGES, negotiate

OFFERED = ("en", "si", "da", "pt-BR", "zh-Hant")


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        # No wish, or none that is spoken.
        (None, "en"),
        ("", "en"),
        ("*", "en"),
        ("fr", "en"),
        ("fr, de;q=0.9", "en"),
        # RFC 9110, section 12.5.4.
        ("da, en-gb;q=0.8, en;q=0.7", "da"),
        ("en-gb;q=0.8, da;q=0.7", "en"),
        # RFC 4647, section 3.4: shortened from the end, a lone letter along with what followed it.
        ("si-LK", "si"),
        ("zh-Hant-CN-x-private1-private2", "zh-Hant"),
        ("zh-Hant-x-private", "zh-Hant"),
        ("zh", "en"),
        ("pt", "en"),
        ("pt-br", "pt-BR"),
        ("PT-BR-x-a", "pt-BR"),
        ("fr-FR, zh-Hant", "zh-Hant"),
        ("*, si", "si"),
        ("si, *", "si"),
        # A finer range comes first only by its weight.
        ("si-LK;q=0.2, da;q=0.3", "da"),
        # Weights.
        ("da;q=0.5, si;q=0.500", "da"),
        ("da;q=0.5, si;q=0.501", "si"),
        ("da;q=0.999, si;q=1.000", "si"),
        ("da ; Q=0.1 ,\tsi;q=0.2", "si"),
        ("da;q=1., si", "da"),
        # A weight of zero excludes, also from the default.
        ("si;q=0, da;q=0.1", "da"),
        ("si;q=0.000, si-LK", "en"),
        ("si-LK;q=0, si", "si"),
        ("en;q=0", "si"),
        ("en;q=0, *", "si"),
        ("en;q=0, si;q=0, *;q=0.5", "da"),
        ("zh;q=0, zh-Hant, si;q=0.1", "si"),
        ("*;q=0, si", "si"),
        ("*;q=0", "en"),
        ("en;q=0, si;q=0, da;q=0, pt;q=0, zh;q=0", "en"),
        # Malformed parts are passed over.
        (",,si,,", "si"),
        ("da;q=2, si;q=0.1", "si"),
        ("da;q=0.1234, si;q=0.1", "si"),
        ("da;q=-1, si;q=0.1", "si"),
        ("da;q=, si;q=0.1", "si"),
        ("da;level=1, si;q=0.1", "si"),
        ("da;q=1;q=1, si;q=0.1", "si"),
        ("da_DK, si;q=0.1", "si"),
        ("da-, -da, si;q=0.1", "si"),
        ("dänisch, si;q=0.1", "si"),
        ("englishlanguage, si;q=0.1", "si"),
        ("da\n, si;q=0.1", "si"),
        ("da;q=\u0661, si;q=0.1", "si"),
    ],
)
def test_negotiate(header: str | None, chosen: str) -> None:
    assert negotiate(header, OFFERED) == chosen


@pytest.mark.parametrize(
    ("ranges_before", "chosen"),
    [(MOST_RANGES - 1, "si"), (MOST_RANGES, "en"), (MOST_RANGES + 1, "en")],
)
def test_negotiate_reads_no_more_than_so_many_ranges(ranges_before: int, chosen: str) -> None:
    assert negotiate("fr," * ranges_before + "si", OFFERED) == chosen


@pytest.mark.parametrize(
    ("last", "spaces", "chosen"),
    [
        ("si", 0, "si"),
        ("si", 1, "en"),
        # What is cut in two is not read at all: half of these would be another language, or its refusal.
        ("si-LK", 1, "en"),
        ("en;q=0.9", 1, "en"),
        ("en;q=0.9", 3, "en"),
    ],
)
def test_negotiate_reads_no_more_than_so_many_characters(last: str, spaces: int, chosen: str) -> None:
    padding = " " * (MOST_CHARACTERS - len("fr,") - len(last) + spaces)

    assert negotiate(f"fr,{padding}{last}", OFFERED) == chosen
    assert negotiate(f"fr,{padding}{last},da", OFFERED) == chosen


def test_negotiate_cuts_a_single_range_that_is_too_long() -> None:
    assert negotiate("si" + "-a" * MOST_CHARACTERS, OFFERED) == "en"
    assert negotiate("si" + "-ab" * 300, OFFERED) == "si"


TAGS = st.from_regex(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8}){0,3}", fullmatch=True)
RANGES = st.one_of(st.sampled_from(["*", *OFFERED]), TAGS)
WEIGHTS = st.sampled_from(["", ";q=0", ";q=0.0", ";q=0.3", ";q=1", "; q=0.75", ";q=9", ";q"])
HEADERS = st.lists(st.tuples(RANGES, WEIGHTS).map("".join), max_size=MOST_RANGES + 5).map(", ".join)


@given(header=st.one_of(st.none(), st.text(), HEADERS), offered=st.lists(TAGS, min_size=1).map(tuple))
@example(header="en;q=0", offered=("en",))
def test_negotiate_always_gives_a_tag_that_is_offered(header: str | None, offered: tuple[str, ...]) -> None:
    assert negotiate(header, offered) in offered


@given(
    before=st.lists(st.sampled_from(["fr", "de;q=0", "*", "x;y", ""]), max_size=10),
    tag=st.sampled_from(OFFERED),
)
def test_negotiate_finds_the_only_tag_that_is_spoken(before: list[str], tag: str) -> None:
    assert negotiate(",".join([*before, f"{tag}-XX;q=0.001"]), OFFERED) == tag
