"""The clients that people use, `graphql-ws` and `graphql-sse`, against a running server."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.node import run_client, running_client
from tests.processes import Server, serving

COUNTED = [{"data": {"counted": number}} for number in (1, 2, 3)]
EMAIL = "skilled@example.com"
PROGRAM = "tests.streaming"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("clients"), program=PROGRAM) as server:
        yield server


@pytest.fixture(scope="module")
def token(server: Server) -> str:
    given = f'{{email: "{EMAIL}", password: "Demo-2026-shares"}}'
    log_in = f"mutation {{ permitLogIn(input: {given}) {{ tokens {{ accessToken }} }} }}"
    answer = httpx.post(f"{server.base_url}/graphql", json={"query": log_in}).json()
    token: str = answer["data"]["permitLogIn"]["tokens"]["accessToken"]
    return token


def address(server: Server, script: str) -> str:
    endpoint = f"{server.base_url}/graphql"
    return endpoint.replace("http:", "ws:") if script == "sockets.mjs" else endpoint


@pytest.mark.parametrize("script", ["sockets.mjs", "events.mjs"])
def test_a_client_asks_and_subscribes(server: Server, token: str, script: str) -> None:
    seen = run_client(script, "ask", address(server, script), token)

    assert seen == {
        "query": [{"data": {"__typename": "Query", "me": {"email": EMAIL}}}],
        "subscription": COUNTED,
        "refused": ["BAD_REQUEST"],
    }


def test_a_client_with_a_bad_token_is_not_let_in(server: Server, token: str) -> None:
    by_socket = run_client("sockets.mjs", "refused", address(server, "sockets.mjs"), f"{token}x")
    by_events = run_client("events.mjs", "refused", address(server, "events.mjs"), f"{token}x")

    assert by_socket == {"code": 4403, "reason": "UNAUTHENTICATED"}
    assert by_events == {"status": 401}


def test_a_client_connects_again_by_itself_when_its_token_has_ended(tmp_path: Path) -> None:
    with serving(tmp_path / "data", program=PROGRAM, access_token_seconds="2") as server:
        seen = run_client("sockets.mjs", "renewed", address(server, "sockets.mjs"))

    assert seen == [
        {"again": False},
        ["TOKEN_EXPIRED"],
        {"code": 4403, "reason": "TOKEN_EXPIRED"},
        {"again": True},
        {"countedForSkilled": 1},
    ]


def test_clients_go_on_by_themselves_after_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path / "data", program=PROGRAM) as first:
        port = first.base_url.rpartition(":")[2]
        with (
            running_client("sockets.mjs", "again", address(first, "sockets.mjs")) as sockets,
            running_client("events.mjs", "again", address(first, "events.mjs")) as events,
        ):
            heard = [_line(client) for client in (sockets, events)]
            status = first.terminate()
            with serving(tmp_path / "data", program=PROGRAM, port=port):
                heard += [_line(client) for client in (sockets, events)]

    assert heard == [
        {"listening": True, "retried": False, "code": None},
        {"listening": True, "retried": False},
        {"listening": True, "retried": True, "code": 1012},
        {"listening": True, "retried": True},
    ]
    # Neither waits for a stream that never ends by itself, nor leaves one behind.
    assert (status, first.stopped_within < 5, first.said.count("Traceback")) == (0, True, 0)


def _line(client: Any) -> Any:
    return json.loads(client.stdout.readline())


def test_a_message_that_is_too_large_closes_the_socket_in_order(server: Server) -> None:
    port = int(server.base_url.rpartition(":")[2])

    assert _closing_code(port, b"x" * 65_536) == 4400
    assert _closing_code(port, b"x" * 65_537) == 1009


def _closing_code(port: int, text: bytes) -> int:
    """What a socket is closed with after a text was sent, frame by frame as the bytes go over the wire."""
    key = b"dGhlIHNhbXBsZSBub25jZQ=="
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(
            b"GET /graphql HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
            b"Sec-WebSocket-Key: " + key + b"\r\n\r\n"
        )
        stream = wire.makefile("rb")
        while stream.readline() != b"\r\n":
            pass
        # RFC 6455, section 5.2: a whole text in one frame, masked with zeros.
        wire.sendall(b"\x81\xff" + len(text).to_bytes(8, "big") + b"\0\0\0\0" + text)
        opcode, length = stream.read(2)
        code = int.from_bytes(stream.read(length)[:2], "big")
    assert opcode == 0x88
    return code
