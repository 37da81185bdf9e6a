"""Attacks by sockets: pages of other origins, silence, floods, and what is no message.

Each ends with a code from which a client knows what it has done: never with 1006, which is none, nor with 1011,
which blames the server. More of them, one message at a time, are in `tests/web/test_sockets.py`.
"""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.conftest import Target, attacked
from tests.wires import (
    ABNORMAL,
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    SocketWire,
    frame,
    message,
    socket_wire,
    unopened_socket,
)

MEBIBYTE = 2**20
INIT = message(type="connection_init")
BURST = 150
QUIET = "subscription { quiet }"


@pytest.fixture(scope="module")
def target(folder: Path) -> Iterator[Target]:
    settings = {
        "socket_init_seconds": "1",
        "socket_ping_seconds": "1",
        "socket_message_burst": str(BURST),
        "socket_messages_per_second": "1",
    }
    with attacked(folder / "data", program="tests.streaming", **settings) as target:
        yield target


def open_sources(target: Target) -> int:
    """How many subscriptions the server has going."""
    with socket_wire(target.server) as opened:
        opened.begin()
        opened.send(message(type="subscribe", id="1", payload={"query": "subscription { open }"}))
        heard = opened.hear()
        number: int = heard["payload"]["data"]["open"]
        return number


def eventually_open_sources(target: Target, expected: int) -> bool:
    """Wait until the server has noticed who is gone."""
    return any(open_sources(target) == expected for _ in range(200))


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://127.0.0.1:1"])
def test_a_socket_of_a_foreign_origin_is_refused(target: Target, origin: str) -> None:
    with target.unharmed(), unopened_socket(target.server) as socket:
        assert socket.shake_hands({"Origin": origin}) == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Version": "12"}, 426),
        ({"Sec-WebSocket-Protocol": "x" * 9_000}, 431),
        ({f"X-Many-{number}": "x" for number in range(150)}, 431),
        ({"X-Huge": "x" * 20_000}, 431),
    ],
)
def test_a_handshake_that_is_none_is_refused(target: Target, headers: dict[str, str], status: int) -> None:
    with target.unharmed(), unopened_socket(target.server) as socket:
        assert socket.shake_hands(headers) == status
        assert socket.closed_with() == ABNORMAL


def test_a_socket_that_is_never_initialised_is_closed(target: Target) -> None:
    with target.unharmed(), socket_wire(target.server) as socket:
        assert socket.closed_with() == 4408


def test_a_socket_that_only_pings_and_is_never_initialised_is_closed(target: Target) -> None:
    with target.unharmed(), socket_wire(target.server) as socket:
        socket.send((message(type="ping") + frame(PING)) * 20)

        assert socket.closed_with() == 4408


def test_more_sockets_than_an_address_may_have_are_refused(target: Target) -> None:
    with target.unharmed(), ExitStack() as opened:
        sockets = [opened.enter_context(unopened_socket(target.server)) for _ in range(120)]
        statuses = [socket.shake_hands({}) for socket in sockets]

    assert statuses == [101] * 100 + [429] * 20


FLOODS = {
    "messages": message(type="ping"),
    "pongs of the protocol": message(type="pong"),
    "frames": frame(PING),
    "full frames": frame(PING, b"x" * 125),
    "pong frames": frame(PONG, b"x"),
    "both in turn": message(type="ping") + frame(PING),
}


def test_as_many_messages_are_taken_as_may_come_at_once_and_no_more(target: Target) -> None:
    with target.unharmed(), socket_wire(target.server) as socket:
        socket.begin()
        socket.send(message(type="ping") * (BURST - 1))
        answers = [socket.hear() for _ in range(BURST - 1)]
        socket.send(message(type="ping") * 10)

        assert answers == [{"type": "pong"}] * (BURST - 1)
        assert socket.closed_with() == 4429


@pytest.mark.parametrize("kind", FLOODS)
def test_20_000_pings_close_the_socket(target: Target, kind: str) -> None:
    with target.unharmed(most_bytes=8 * MEBIBYTE), socket_wire(target.server) as socket:
        socket.send(INIT)
        socket.send(FLOODS[kind] * 20_000)

        assert socket.closed_with() == 4429


def test_20_000_pings_whose_answers_are_never_read_take_no_memory(target: Target) -> None:
    with target.unharmed(most_bytes=8 * MEBIBYTE), socket_wire(target.server) as socket:
        socket.begin()
        # The systems of both sides keep some for each other, so that twenty times as many are sent.
        for _ in range(20):
            socket.send(frame(PING, b"x" * 125) * 20_000)


def test_a_message_in_20_000_empty_parts_closes_the_socket(target: Target) -> None:
    with target.unharmed(most_bytes=8 * MEBIBYTE), socket_wire(target.server) as socket:
        socket.begin()
        socket.send(frame(TEXT, b"{", is_last=False) + frame(CONTINUATION, is_last=False) * 20_000)

        assert socket.closed_with() == 4429


def test_a_client_that_answers_no_ping_is_closed_by_a_code_after_which_it_comes_again(target: Target) -> None:
    with target.unharmed(), socket_wire(target.server) as socket:
        socket.begin()
        pings = 0
        while (received := socket.receive())[0] == PING:
            pings += 1

    assert (pings, received) == (1, (CLOSE, b"\x11\x38Ping not answered"))


def test_a_client_that_answers_pings_stays(target: Target) -> None:
    with target.unharmed(), socket_wire(target.server) as socket:
        socket.begin()
        for _ in range(3):
            kind, payload = socket.receive()
            assert kind == PING
            socket.send(frame(PONG, payload))
        socket.send(message(type="ping"))

        assert socket.hear() == {"type": "pong"}


def test_2_000_subscriptions_close_the_socket_and_end(target: Target) -> None:
    many = [message(type="subscribe", id=str(number), payload={"query": QUIET}) for number in range(2_000)]

    with target.unharmed(), socket_wire(target.server) as socket:
        socket.begin()
        socket.send(b"".join(many))
        assert socket.closed_with() == 4429

    assert eventually_open_sources(target, 0)


def test_of_2_000_subscriptions_over_many_sockets_each_socket_has_twenty(target: Target) -> None:
    with target.unharmed(most_bytes=64 * MEBIBYTE):
        with ExitStack() as opened:
            codes = [
                codes_of_subscriptions(opened.enter_context(socket_wire(target.server)), 100) for _ in range(20)
            ]
            going = open_sources(target)
        assert eventually_open_sources(target, 0)

    assert codes == [[None] * 20 + ["BAD_REQUEST"] * 80] * 20
    assert going == 20 * 20


def codes_of_subscriptions(socket: SocketWire, number: int) -> list[str | None]:
    """Begin subscriptions, and give the code that each was refused with."""
    socket.begin()
    for each in range(number):
        socket.send(message(type="subscribe", id=str(each), payload={"query": QUIET}))
    told = {heard["id"]: heard for heard in (socket.hear() for _ in range(number))}
    return [code_of(told[str(each)]) for each in range(number)]


def code_of(heard: dict[str, Any]) -> str | None:
    return None if heard["type"] == "next" else heard["payload"][0]["extensions"]["code"]


@pytest.mark.parametrize("kind", [TEXT, BINARY])
def test_8_mebibytes_in_a_message_close_the_socket(target: Target, kind: int) -> None:
    with target.unharmed(most_bytes=8 * MEBIBYTE), socket_wire(target.server) as socket:
        socket.begin()
        socket.send(frame(kind, b" " * 8 * MEBIBYTE))

        assert socket.closed_with() == 1009


def test_8_mebibytes_in_parts_close_the_socket(target: Target) -> None:
    with target.unharmed(most_bytes=8 * MEBIBYTE), socket_wire(target.server) as socket:
        socket.begin()
        part = b" " * 60_000
        socket.send(frame(TEXT, part, is_last=False) + frame(CONTINUATION, part, is_last=False) * 140)

        assert socket.closed_with() == 1009


# RFC 6455, sections 5.1, 5.2, 5.5 and 7.4; messages that are none are in `tests/web/test_sockets.py`.
GARBAGE: dict[str, tuple[bytes, int]] = {
    "no UTF-8": (frame(TEXT, b"\xff\xfe"), 1007),
    "no UTF-8 in parts": (frame(TEXT, b"\xe0", is_last=False) + frame(CONTINUATION, b"\xff"), 1007),
    "ones": (b"\xff" * 1_000, 1002),
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n", 1002),
    "a frame without a mask": (b"\x81\x05hello", 1002),
    "a frame of no kind": (frame(3), 1002),
    "a ping that is too long": (frame(PING, b"x" * 126), 1002),
    "a ping in parts": (frame(PING, b"x", is_last=False), 1002),
    "a part of nothing": (frame(CONTINUATION, b"x"), 1002),
    "a message within another": (frame(TEXT, b"{", is_last=False) + frame(TEXT, b"{}"), 1002),
    "a close of one byte": (frame(CLOSE, b"x"), 1002),
    "a close with a code that nobody may send": (frame(CLOSE, b"\x03\xed"), 1002),
    "binary": (frame(BINARY, b"{}"), 4400),
    "no JSON": (frame(TEXT, b"{"), 4400),
    "60,000 brackets": (frame(TEXT, b"[" * 60_000), 4400),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_closes_the_socket(target: Target, kind: str) -> None:
    garbage, code = GARBAGE[kind]

    with target.unharmed(), socket_wire(target.server) as socket:
        socket.begin()
        socket.send(garbage)

        assert socket.closed_with() == code


def test_random_bytes_close_the_socket_with_a_code(target: Target) -> None:
    bytes_of = random.Random(1)  # noqa: S311 - the same garbage each time
    codes = set()

    with target.unharmed():
        for _ in range(100):
            with socket_wire(target.server) as socket:
                socket.begin()
                socket.send(bytes_of.randbytes(200) + frame(CLOSE, b"\x03\xe8"))
                codes.add(socket.closed_with())

    assert codes <= {1000, 1002, 1007, 1009, 4400, 4408}


def test_a_client_that_breaks_off_in_the_middle_is_no_failure(target: Target) -> None:
    begun = INIT + message(type="subscribe", id="1", payload={"query": QUIET})

    with target.unharmed():
        for end in range(1, len(begun), 5):
            with socket_wire(target.server) as socket:
                socket.send(begun[:end])

    assert eventually_open_sources(target, 0)
