"""Cursors say places exactly; and whatever else is sent as one is refused, and does no harm."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from app.compiler.cursors import CursorInvalid, Ordering
from app.entities import Share
from app.settings import Settings
from tests.callers import Callers
from tests.compiler.operations import Operation
from tests.compiler.test_paging import PAGES, two_ways
from tests.factories import NOON, ManualClock, make_share

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=255)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(  # noqa: DTZ001 - given its zone below
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
)
SHARES = st.builds(
    lambda **values: Share(industry_id=1, created_at=NOON, **values),
    id=st.integers(1, 2**63 - 1),
    tag=TEXTS,
    price=st.decimals(0, 10**14, places=4),
    updated_at=MOMENTS,
)
ATTRIBUTES = ("tag", "price", "updated_at")
ORDERINGS = st.builds(
    lambda by, descends: Ordering(Share, (*by, ("id", descends))),
    st.lists(st.tuples(st.sampled_from(ATTRIBUTES), st.booleans()), max_size=3, unique_by=lambda each: each[0]),
    st.booleans(),
)


@given(SHARES, ORDERINGS)
def test_a_cursor_gives_back_what_it_was_made_of(share: Share, ordering: Ordering) -> None:
    cursor = ordering.write(share)

    assert ordering.read(cursor, "after") == tuple(getattr(share, attribute) for attribute, _ in ordering.by)


@given(SHARES, ORDERINGS, ORDERINGS)
def test_a_cursor_is_of_no_use_in_another_order(share: Share, ordering: Ordering, other: Ordering) -> None:
    cursor = ordering.write(share)

    if ordering.by != other.by:
        with pytest.raises(CursorInvalid):
            other.read(cursor, "after")


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=6,
)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-10, 10**14)
ORDERS: dict[str, list[dict[str, str]]] = {
    "Share+id": [],
    "Share-price+id": [{"field": "PRICE", "direction": "DESC"}],
    "Share+tag+id": [{"field": "TAG"}],
    "Share+updated_at-id": [{"field": "UPDATED_AT"}, {"field": "ID", "direction": "DESC"}],
}


def _encoded(said: bytes) -> str:
    return said.hex().upper()


def _as_json(said: Sequence[Any]) -> str:
    try:
        return _encoded(orjson.dumps(said))
    except orjson.JSONEncodeError:  # Integers of more than 64 bits, lone surrogates.
        return _encoded(repr(said).encode("utf-8", "surrogatepass"))


def _changed(cursor: str, place: int, with_: str) -> str:
    return cursor[: place % (len(cursor) + 1)] + with_ + cursor[(place + 1) % (len(cursor) + 1) :]


FORGED = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=60).map(_encoded),
    ANY_JSON.map(lambda said: _as_json([said])),
    st.tuples(st.sampled_from(list(ORDERS)), st.lists(ANY_JSON, max_size=3)).map(
        lambda said: _as_json([said[0], *said[1]])
    ),
    st.tuples(st.sampled_from(list(ORDERS)), st.lists(NUMBERS | TEXTS, min_size=1, max_size=2)).map(
        lambda said: _as_json([said[0], *said[1]])
    ),
    st.builds(
        _changed,
        st.sampled_from([_as_json(["Share-price+id", 10_000, 1]), _as_json(["Share+tag+id", "A", 1])]),
        st.integers(0, 60),
        st.text("AFaf09 G\x00", max_size=2),
    ),
)


@given(FORGED, st.sampled_from(list(ORDERS)))
def test_what_is_no_cursor_is_refused_and_what_is_one_can_be_compared_with(forged: str, name: str) -> None:
    by = tuple((part[1:], part[0] == "-") for part in _parts(name))
    kinds = {"id": int, "price": Decimal, "tag": str, "updated_at": datetime}

    try:
        values = Ordering(Share, by).read(forged, "after")
    except CursorInvalid:
        return
    assert [type(value) for value in values] == [kinds[attribute] for attribute, _ in by]


def _parts(name: str) -> list[str]:
    parts = name.removeprefix("Share").replace("+", " +").replace("-", " -").split()
    assert Ordering(Share, tuple((part[1:], part[0] == "-") for part in parts)).name == name
    return parts


def test_forged_cursors_are_refused_or_are_places_and_never_fail(settings: Settings, clock: ManualClock) -> None:
    with asyncio.Runner() as runner:
        opened = two_ways(settings, clock)
        both, _ = runner.run(opened.__aenter__())
        token = Callers(both.services, clock).skilled
        answered = refused = 0

        async def fill() -> None:
            async with both.services.database.unit_of_work() as session:
                for number in range(3):
                    await make_share(session, price=Decimal(number), now=NOON + timedelta(milliseconds=number))

        runner.run(fill())

        @examples(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
        @given(FORGED, st.sampled_from(list(ORDERS.values())), st.sampled_from(["after", "before"]))
        def is_harmless(forged: str, by: list[dict[str, str]], argument: str) -> None:
            nonlocal answered, refused
            asked = Operation(PAGES[None], {"by": by, argument: forged})
            compiled, executed, was_compiled = runner.run(both.ask(asked, token))

            assert compiled.body == executed.body
            assert (compiled.status, was_compiled) == (200, not compiled.errors)
            # NUL is no text for any argument.
            assert compiled.codes in ([], ["CURSOR_EXPIRED"], ["INVALID_INPUT"] if "\x00" in forged else [])
            answered, refused = answered + was_compiled, refused + (not was_compiled)

        is_harmless()
        runner.run(opened.__aexit__(None, None, None))

    assert answered > 0
    assert refused > 0
