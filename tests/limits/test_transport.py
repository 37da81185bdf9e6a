"""What comes over a connection before it is a request: how large its head may be, and how long it may take."""

import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.processes import Server, serving
from tests.wires import wire

QUERY = b'{"query": "{ service { version } }"}'
REQUEST = b"POST /graphql HTTP/1.1\r\nHost: shares.test\r\nContent-Type: application/json\r\n"
WHOLE = REQUEST + b"Content-Length: %d\r\n\r\n%b" % (len(QUERY), QUERY)
HANDSHAKE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
HEAD_BYTES = 4_096


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp("transport"), request_seconds="0.5", max_head_bytes=str(HEAD_BYTES)
    ) as server:
        yield server
        assert server.terminate() == 0
        assert "Traceback" not in server.said


def padded(size: int) -> bytes:
    """A whole request whose head has so many bytes as the limit counts them."""
    names = len("/graphql") + sum(len(line) + 2 for line in WHOLE.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:])
    padding = size - names - len("x-padding") - 4
    return WHOLE.replace(b"\r\n\r\n", b"\r\nX-Padding: %b\r\n\r\n" % (b"x" * padding), 1)


def test_a_head_of_the_largest_size_is_taken_and_one_byte_more_is_not(server: Server) -> None:
    with wire(server) as connection:
        connection.send(padded(HEAD_BYTES))
        taken = connection.answer()
        connection.send(padded(HEAD_BYTES + 1))
        refused = connection.answer()

        assert (taken.status, refused.status, refused.codes) == (200, 431, ["BAD_REQUEST"])
        assert f"{HEAD_BYTES:,}" in refused.body["errors"][0]["message"]
        assert connection.is_closed()


def test_a_head_that_is_too_large_is_refused_in_the_language_that_it_asks_for(server: Server) -> None:
    with wire(server) as connection:
        connection.send(padded(HEAD_BYTES + 1).replace(b"\r\n", b"\r\nAccept-Language: si\r\n", 1))
        refused = connection.answer()

        assert (refused.status, refused.headers["content-language"]) == (431, "si")
        assert refused.body["errors"][0]["message"].startswith("ඉල්ලීම තේරුම් ගත නොහැකි විය: ")


@pytest.mark.parametrize("endless", [b"GET /" + b"x" * 20_000, REQUEST + b"X-Endless: " + b"x" * 20_000])
def test_a_head_without_end_is_refused_before_it_ends(server: Server, endless: bytes) -> None:
    with wire(server) as connection:
        connection.send(endless)

        assert connection.answer().status == 431
        assert connection.is_closed()


def test_many_headers_are_too_large_together(server: Server) -> None:
    many = b"".join(b"X-%d: y\r\n" % number for number in range(2_000))

    with wire(server) as connection:
        connection.send(REQUEST + many + b"\r\n")

        assert connection.answer().status == 431


def test_a_large_body_beside_a_small_head_is_no_large_head(server: Server) -> None:
    body = json.dumps({"query": "{ service { version } }", "variables": {"x": "x" * 20_000}}).encode()

    with wire(server) as connection:
        connection.send(REQUEST + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

        assert connection.answer().status == 200


def test_requests_in_one_packet_are_answered_each_in_turn(server: Server) -> None:
    with wire(server) as connection:
        connection.send(WHOLE * 40)

        assert [connection.answer().status for _ in range(40)] == [200] * 40


def test_many_small_requests_in_a_row_are_no_large_head(server: Server) -> None:
    number = 10 * HEAD_BYTES // len(WHOLE)

    with wire(server) as connection:
        # A packet ends where it will, also in the middle of a head.
        connection.send(WHOLE * (number - 1) + REQUEST)
        answers = [connection.answer().status for _ in range(number - 1)]
        connection.send(WHOLE.removeprefix(REQUEST))
        answers.append(connection.answer().status)

    assert answers == [200] * number


def test_a_head_behind_another_request_is_held_to_its_size_too(server: Server) -> None:
    with wire(server) as connection:
        connection.send(WHOLE + padded(HEAD_BYTES + 1))

        # Said at once, and so before the answer that is still to come.
        assert connection.answer().status == 431
        assert connection.is_closed()


def test_what_is_answered_at_once_keeps_its_turn(server: Server) -> None:
    body = b'{"query": "{ __typename }"}'
    at_once = REQUEST + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)

    with wire(server) as connection:
        connection.send(at_once)
        connection.answer()
        connection.send((at_once + at_once + WHOLE) * 20)
        answers = [connection.answer().body["data"] for _ in range(60)]

    assert [list(data) for data in answers] == [["__typename"], ["__typename"], ["service"]] * 20


@pytest.mark.parametrize("parts", [2, 5])
def test_a_request_that_comes_in_parts_is_answered_like_one_that_comes_at_once(server: Server, parts: int) -> None:
    body = b'{"query": "{ __typename }"}'
    whole = REQUEST + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    size = len(whole) // parts + 1

    with wire(server) as connection:
        connection.send(whole)
        expected = connection.answer()
        for start in range(0, len(whole), size):
            connection.send(whole[start : start + size])
            time.sleep(0.05)
        answer = connection.answer()

    assert (answer.status, answer.body) == (200, expected.body)
    assert answer.headers.keys() == expected.headers.keys()


@pytest.mark.parametrize("garbage", [b"\0\xff\x16\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"{}\r\n\r\n"])
def test_what_is_no_http_is_told_so_in_json(server: Server, garbage: bytes) -> None:
    with wire(server) as connection:
        connection.send(garbage)
        answer = connection.answer()

        assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
        assert connection.is_closed()


NO_REQUESTS = {
    "garbage": (400, b"\x00\r\n\r\n"),
    "a head that does not end": (408, REQUEST),
    "a head that is too large": (431, REQUEST + b"X: %b\r\n\r\n" % (b"x" * HEAD_BYTES)),
    "a handshake that is none": (400, b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
}


@pytest.mark.parametrize(("status", "sent"), NO_REQUESTS.values(), ids=NO_REQUESTS)
def test_what_never_becomes_a_request_is_answered_with_the_headers_of_every_answer(
    server: Server, status: int, sent: bytes
) -> None:
    with wire(server) as connection:
        connection.send(WHOLE)
        whole = connection.answer()
    with wire(server) as connection:
        connection.send(sent)
        refused = connection.answer()

    of_its_own = {"date", "content-length", "content-language", "connection", "x-ms-request-id", "x-ms-error-code"}
    assert (refused.status, refused.headers["x-ms-error-code"]) == (status, "BAD_REQUEST")
    assert refused.headers.keys() == whole.headers.keys() | of_its_own
    told = [name for name in whole.headers if name not in {*of_its_own, "server-timing"}]
    assert {name: refused.headers[name] for name in told} == {name: whole.headers[name] for name in told}


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/graphiql/x", 404), ("/v9/graphql", 400)])
def test_a_handshake_that_leads_nowhere_is_answered_and_is_no_failure(
    server: Server, path: str, status: int
) -> None:
    with wire(server) as connection:
        connection.send(f"GET {path} HTTP/1.1\r\nHost: shares.test\r\n".encode() + HANDSHAKE)
        answer = connection.answer()

        assert (answer.status, answer.codes) == (status, [answer.headers["x-ms-error-code"]])
        assert connection.is_closed()
    assert " ERROR " not in server.said


@pytest.mark.parametrize("version", [b"12", b"14", b"", b"13\r\nSec-WebSocket-Version: 8"])
def test_a_handshake_of_another_version_is_told_the_one_that_is_spoken_in_the_language_that_is_wished_for(
    server: Server, version: bytes
) -> None:
    with wire(server) as connection:
        handshake = HANDSHAKE.replace(b"Version: 13", b"Version: %b\r\nAccept-Language: si" % version)
        connection.send(b"GET /graphql HTTP/1.1\r\nHost: shares.test\r\n" + handshake)
        answer = connection.answer()

        assert (answer.status, answer.codes, answer.headers["content-language"]) == (426, ["BAD_REQUEST"], "si")
        assert (answer.headers["sec-websocket-version"], answer.headers["upgrade"]) == ("13", "websocket")
        assert connection.is_closed()


def test_a_request_that_is_none_has_its_line_in_the_log_and_no_warning_besides(server: Server) -> None:
    with wire(server) as connection:
        connection.send(b"\x00\r\n\r\n")
        answer = connection.answer()

    lines = [line for line in server.said.splitlines() if "WARNING" in line]
    assert (answer.status, lines) == (400, [])


def test_who_connects_and_says_nothing_is_hung_up_on(server: Server) -> None:
    with wire(server) as connection:
        assert connection.is_closed()


def test_a_head_that_does_not_end_is_given_up(server: Server) -> None:
    with wire(server) as connection:
        connection.send(REQUEST)
        answer = connection.answer()

        assert (answer.status, answer.codes) == (408, ["BAD_REQUEST"])
        assert connection.is_closed()


@pytest.mark.parametrize("begun", [b"", b'{"query": "{ servi'])
def test_a_body_that_does_not_end_is_given_up_in_the_language_that_is_wished_for(
    server: Server, begun: bytes
) -> None:
    with wire(server) as connection:
        connection.send(REQUEST + b"Accept-Language: si\r\nContent-Length: 100\r\n\r\n" + begun)
        answer = connection.answer()

        assert (answer.status, answer.codes) == (408, ["BAD_REQUEST"])
        assert answer.headers["content-language"] == "si"
        assert answer.headers["connection"] == "close"
        assert connection.is_closed()


def test_who_sends_a_byte_now_and_then_gets_no_more_time(server: Server) -> None:
    with wire(server) as connection:
        connection.send(REQUEST + b"Content-Length: 100000\r\n\r\n")

        assert connection.answer_to_dripping().status == 408


def test_what_is_refused_before_its_end_is_not_read_on_for_ever(server: Server) -> None:
    with wire(server) as connection:
        connection.send(REQUEST + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b" " * 65_536 + b"\r\n")
        for _ in range(5):
            connection.send(b"10000\r\n" + b" " * 65_536 + b"\r\n")

        assert connection.answer().status == 413
        assert connection.is_closed()


def test_a_connection_that_is_kept_serves_on(server: Server) -> None:
    with wire(server) as connection:
        statuses = []
        for _ in range(3):
            connection.send(WHOLE)
            statuses.append(connection.answer().status)
            time.sleep(0.3)

        assert statuses == [200] * 3


def test_a_websocket_is_not_timed_as_a_request_is(server: Server) -> None:
    from websockets.sync.client import connect

    url = server.base_url.replace("http", "ws") + "/graphql"
    with connect(url, subprotocols=["graphql-transport-ws"]) as client:  # type: ignore[list-item]
        client.send('{"type": "connection_init"}')
        assert json.loads(client.recv())["type"] == "connection_ack"
        time.sleep(1.0)
        client.send('{"type": "ping"}')
        assert json.loads(client.recv())["type"] == "pong"


def test_others_are_served_while_many_say_nothing(server: Server) -> None:
    host, _, port = server.base_url.removeprefix("http://").partition(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(200)]
    for connection in silent:
        connection.sendall(REQUEST)

    with wire(server) as speaking:
        speaking.send(WHOLE)
        assert speaking.answer().status == 200

    for connection in silent:
        connection.close()
