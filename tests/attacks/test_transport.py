"""Attacks by what carries an operation: its form, its size, its compression, its pace.

More of them, at the very limits, are in `tests/limits/test_transport.py`.
"""

import gzip
import json
import socket
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.attacks.conftest import SMALL_BYTES, Target, attacked
from tests.promises import errors_in
from tests.wires import PATIENCE_SECONDS, wire

DELETE = 'mutation { shareDelete(input: {id: "1"}) { outcome } }'
BODY = json.dumps({"query": DELETE})
JSON = {"Content-Type": "application/json"}
MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def target(folder: Path) -> Iterator[Target]:
    with attacked(folder / "data", request_seconds="1", unread_seconds="1") as target:
        yield target


def post(target: Target, content: Any, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(
        f"{target.server.base_url}/graphql",
        content=content,
        headers=target.headers | headers,
        timeout=PATIENCE_SECONDS,
    )


def assert_refused(response: httpx.Response, status: int) -> None:
    codes = [error["extensions"]["code"] for error in errors_in(response)]
    assert (response.status_code, codes, "data" in response.json()) == (status, ["BAD_REQUEST"], False)
    assert len(response.content) < SMALL_BYTES


# What a page of another origin can send without being asked (Fetch, section 2.2.2), and its like.
SIMPLE = {
    "a form": ("application/x-www-form-urlencoded", f"query={DELETE}"),
    "text/plain": ("text/plain", BODY),
    "text/plain in UTF-8": ("text/plain;charset=UTF-8", BODY),
    "multipart": (
        "multipart/form-data; boundary=x",
        f'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{BODY}\r\n'
        '--x\r\nContent-Disposition: form-data; name="map"\r\n\r\n{}\r\n--x--\r\n',
    ),
    "application/graphql": ("application/graphql", DELETE),
    "no media type": ("", BODY),
}


@pytest.mark.parametrize("kind", SIMPLE)
def test_a_form_or_text_plain_or_multipart_is_never_run(target: Target, kind: str) -> None:
    media_type, content = SIMPLE[kind]

    with target.unharmed():
        assert_refused(post(target, content, {"Content-Type": media_type}), 415)


@pytest.mark.parametrize(
    "accept", ["*/*", "text/html,*/*;q=0.1", "text/event-stream", "application/graphql-response+json"]
)
def test_a_mutation_by_get_is_never_run(target: Target, accept: str) -> None:
    with target.unharmed():
        response = httpx.get(
            f"{target.server.base_url}/graphql",
            params={"query": DELETE},
            headers=target.headers | {"Accept": accept},
        )

    assert_refused(response, 405)
    assert response.headers["Allow"] == "GET, POST"


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_body_of_12_mebibytes_is_refused_unread(target: Target, declared: bool) -> None:  # noqa: FBT001
    size = 12 * MEBIBYTE
    part = b" " * 65_536
    # An iterator is sent in chunks.
    content = b" " * size if declared else iter([part] * (size // len(part)))

    with target.unharmed(most_bytes=8 * MEBIBYTE):
        assert_refused(post(target, content, JSON), 413)


def test_what_claims_to_be_12_mebibytes_and_is_not_sent_is_given_up(target: Target) -> None:
    with target.unharmed(), wire(target.server) as connection:
        head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        connection.send(head + b"Content-Length: 12582912\r\nExpect: 100-continue\r\n\r\n")

        # First it is told to go on.
        assert connection.status() == 100
        assert connection.answer().status == 408
        assert connection.is_closed()


@cache
def bomb() -> bytes:
    """A body that is small enough to be read, and a thousand times as large once unpacked."""
    return gzip.compress(b'{"query": "{ __typename }"' + b" " * 32 * MEBIBYTE + b"}")


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "gzip, gzip", "identity, gzip", "deflate", "br"])
def test_a_gzip_bomb_is_never_unpacked(target: Target, encoding: str) -> None:
    with target.unharmed(most_bytes=8 * MEBIBYTE):
        assert_refused(post(target, bomb(), JSON | {"Content-Encoding": encoding}), 415)


@pytest.mark.parametrize("begun", [b"", b"POST /graphql HTTP/1.1\r\nX-Endless: "], ids=["nothing", "a header"])
def test_a_byte_a_second_of_a_head_is_cut(target: Target, begun: bytes) -> None:
    with target.unharmed(), wire(target.server) as connection:
        connection.send(begun)

        assert connection.answer_to_dripping().status in (400, 408)
        assert connection.is_closed()


def test_a_byte_a_second_of_a_body_is_cut(target: Target) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"

    with target.unharmed(), wire(target.server) as connection:
        connection.send(head + b'{"query": "')

        assert connection.answer_to_dripping().status == 408
        assert connection.is_closed()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system does not time what is unread")
def test_an_answer_that_is_read_a_byte_a_second_is_cut(target: Target) -> None:
    request = b"GET /schema.graphql HTTP/1.1\r\nHost: x\r\n\r\n"
    host, port = target.server.base_url.removeprefix("http://").split(":")

    with target.unharmed(), socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect((host, int(port)))
        # More than the systems of both sides keep for each other.
        connection.sendall(request * 300)
        gives_up = time.monotonic() + PATIENCE_SECONDS
        while _is_held(int(port), connection.getsockname()[1]):
            assert time.monotonic() < gives_up
            connection.recv(1)
            time.sleep(0.02)


def _is_held(port: int, client_port: int) -> bool:
    """Whether the server's side of a connection is still there."""
    ends = f":{port:04X} 0100007F:{client_port:04X} "
    return any(ends in line for line in Path("/proc/net/tcp").read_text().splitlines())


HEADS = {
    "one header of a mebibyte": b"POST /graphql HTTP/1.1\r\nX-Huge: " + b"x" * MEBIBYTE + b"\r\n\r\n",
    "ten thousand headers": b"POST /graphql HTTP/1.1\r\n" + b"X-Many: y\r\n" * 10_000 + b"\r\n",
    "an address of a mebibyte": b"GET /graphql?query=" + b"x" * MEBIBYTE + b" HTTP/1.1\r\n\r\n",
    "a header that does not end": b"POST /graphql HTTP/1.1\r\nX-Endless: " + b"x" * 65_536,
}


@pytest.mark.parametrize("kind", HEADS)
def test_huge_headers_are_answered_with_431(target: Target, kind: str) -> None:
    with target.unharmed(most_bytes=8 * MEBIBYTE), wire(target.server) as connection:
        connection.send_until_cut(HEADS[kind])
        answer = connection.answer()

        assert (answer.status, answer.codes) == (431, ["BAD_REQUEST"])


# Two readings of one request, by which another's would be smuggled past a proxy (RFC 9112, section 11.2).
TWO_LENGTHS = [
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\nContent-Length: 6\r\n",
    b"Content-Length: -5\r\n",
    b"Content-Length: 99999999999999999999999\r\n",
    b"Transfer-Encoding: chunked, identity\r\n",
]


@pytest.mark.parametrize("lengths", TWO_LENGTHS)
def test_a_request_of_two_lengths_is_refused_and_nothing_behind_it_is_read(target: Target, lengths: bytes) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    token = f"Authorization: Bearer {target.token}\r\n".encode()
    behind = head + token + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY.encode())

    with target.unharmed(), wire(target.server) as connection:
        connection.send(head + lengths + b"\r\n0\r\n\r\n" + behind)

        assert connection.answer().status == 400
        assert connection.is_closed()
