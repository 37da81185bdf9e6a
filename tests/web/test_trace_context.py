"""The headers of W3C Trace Context, read by the letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.exchange import Exchange
from app.web.trace_context import Caller, read_traceparent, read_tracestate

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEX = "0123456789abcdef"


def digits(many: int) -> st.SearchStrategy[str]:
    return st.text(HEX, min_size=many, max_size=many).filter(lambda text: set(text) != {"0"})


@given(digits(32), digits(16), st.integers(0, 255))
def test_a_caller_is_read(trace_id: str, span_id: str, flags: int) -> None:
    assert read_traceparent(f"00-{trace_id}-{span_id}-{flags:02x}".encode()) == Caller(trace_id, span_id, flags)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        TRACE,
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01 ",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00_{TRACE}_{SPAN}_01",
        f"01-{TRACE}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN.upper()}-01",
        f"00-{TRACE}-{SPAN}-0A",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f"00-{TRACE}-{SPAN}0-01",
        f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01",
    ],
)
def test_what_has_another_form_is_no_caller(value: str) -> None:
    assert read_traceparent(value.encode()) is None


def test_two_callers_are_none() -> None:
    header = (b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())

    one, two, three = (Exchange({"headers": [header] * times}) for times in (1, 2, 3))

    assert one.trace_id == TRACE
    assert [(each.caller, each.trace_id) for each in (two, three)] == [(None, None)] * 2


def test_the_state_of_each_system_is_read_in_its_order() -> None:
    read = read_tracestate([b"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", b" , 0a@b=x y!, z/*-_9=~"])

    assert read == [("rojo", "00f067aa0ba902b7"), ("congo", "t61rcWkgMzE"), ("0a@b", "x y!"), ("z/*-_9", "~")]


@pytest.mark.parametrize(
    "value",
    [
        "a",
        "a=",
        "=b",
        "A=b",
        "0a=b",
        "a=b=c",
        "a b=c",
        "a@0=b",
        "a@b@c=d",
        "a=\x7f",
        "a=\xe9",
        "a=b,a=c",
        "a=" + "b" * 257,
        "a" * 257 + "=b",
        ",".join(f"k{number}=v" for number in range(33)),
    ],
)
def test_a_state_of_another_form_is_none_at_all(value: str) -> None:
    assert read_tracestate([b"good=1", value.encode("latin-1")]) == ()


def test_as_many_systems_as_may_be_are_read() -> None:
    assert len(read_tracestate([",".join(f"k{number}=v" for number in range(32)).encode()])) == 32
    assert len(read_tracestate([f"{'a' * 256}={'b' * 256}".encode()])) == 1
