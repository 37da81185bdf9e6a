"""How a server ends: what is under way is answered, for as long as a setting says, and no longer."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from app.database import Database
from app.main import load_phrases
from tests.processes import Server, serving
from tests.wires import PATIENCE_SECONDS, SocketWire, Wire, message, socket_wire, wire

pytestmark = pytest.mark.anyio

# A log-in that fails takes as long as the setting says, whoever it is.
SLOW = 'mutation { permitLogIn(input: {email: "a@example.com", password: "Wrong-horse-9"}) { errors { code } } }'
SLOW_ANSWER = {"data": {"permitLogIn": {"errors": [{"code": "LOGIN_FAILED"}]}}}
UPDATE = 'mutation { shareUpdate(input: {id: "1", price: "99"}) { outcome } }'
QUICK = '{"query": "{ service { version } }"}'
GIVEN_UP = {locale: load_phrases().say(locale, "unavailable-server-ends") for locale in ("en", "si")}
SEVERAL = {"workers": "2", "accept_revocation_delay": "true"}
PROCESSES = pytest.mark.parametrize("processes", [{}, SEVERAL], ids=["one process", "two processes"])


def log_in(server: Server) -> str:
    """The access token of a manager."""
    document = (
        'mutation { permitLogIn(input: {email: "manager@example.com", password: "Demo-2026-shares"}) '
        "{ tokens { accessToken } } }"
    )
    answer = httpx.post(f"{server.base_url}/graphql", json={"query": document}, timeout=PATIENCE_SECONDS)
    token: str = answer.json()["data"]["permitLogIn"]["tokens"]["accessToken"]
    return token


@contextmanager
def under_way(server: Server, operation: str, *headers: str) -> Iterator[Wire]:
    """Send an operation, and go on as soon as the server is about it."""
    body = json.dumps({"query": operation})
    lines = ["POST /graphql HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
    with wire(server) as connection:
        head = "\r\n".join([*lines, "Expect: 100-continue", f"Content-Length: {len(body)}", "", ""])
        connection.send(head.encode())
        # It says so when it wants the body.
        assert connection.status() == 100
        connection.send(body.encode())
        yield connection


def refuses_connections(server: Server) -> bool:
    """Wait until nobody listens any more."""
    gives_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < gives_up:
        try:
            with wire(server):
                time.sleep(0.02)
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            # It was in the line of a server that has just ceased to listen.
            continue
    return False


def has_ended_in_peace(server: Server) -> bool:
    """Wait for the end, and say whether it was no failure."""
    status = server.process.wait(PATIENCE_SECONDS)
    assert "Traceback" not in server.said, server.said
    return status == 0


@pytest.mark.parametrize(
    ("asked_by", "processes"),
    [(signal.SIGTERM, {}), (signal.SIGTERM, SEVERAL), (signal.SIGINT, {})],
    ids=["one process", "two processes", "from the keyboard"],
)
def test_a_slow_request_is_answered_while_new_connections_are_refused(
    tmp_path: Path, processes: dict[str, str], asked_by: signal.Signals
) -> None:
    with (
        serving(tmp_path / "data", even_answer_milliseconds="2000", **processes) as server,
        under_way(server, SLOW) as connection,
    ):
        server.process.send_signal(asked_by)
        is_refused = refuses_connections(server)
        answer = connection.answer()

        assert is_refused
        assert (answer.status, answer.body, answer.headers["connection"]) == (200, SLOW_ANSWER, "close")
        assert connection.is_closed()
        assert has_ended_in_peace(server)


@pytest.mark.parametrize(
    ("language", "processes"), [("en", {}), ("si", SEVERAL)], ids=["one process", "two processes"]
)
def test_what_takes_longer_than_the_limit_is_given_up_with_an_answer(
    tmp_path: Path, processes: dict[str, str], language: str
) -> None:
    with (
        serving(tmp_path / "data", even_answer_milliseconds="5000", shutdown_seconds="1", **processes) as server,
        under_way(server, SLOW, f"Accept-Language: {language}") as connection,
    ):
        server.process.send_signal(signal.SIGTERM)
        answer = connection.answer()

        assert (answer.status, answer.headers["content-language"]) == (503, language)
        assert answer.body == {"errors": [{"message": GIVEN_UP[language], "extensions": {"code": "UNAVAILABLE"}}]}
        assert int(answer.headers["retry-after"]) > 0
        assert connection.is_closed()
        assert has_ended_in_peace(server)


PRICES = "SELECT price, version FROM share WHERE id = 1"
LOCKS = {"sqlite": "UPDATE share SET id = id", "postgresql": "SELECT id FROM share FOR UPDATE"}


async def test_a_write_that_waits_for_a_lock_is_given_up_and_never_done(
    tmp_path: Path, database_url: str, database: Database
) -> None:
    with serving(tmp_path / "data", database_url=database_url, shutdown_seconds="1") as server:
        token = log_in(server)
        before = await database.fetch(text(PRICES))
        # It could not wait elsewhere than here, for the transaction has to be undone.
        with suppress(ZeroDivisionError):
            async with database.unit_of_work() as session:
                await (await session.connection()).exec_driver_sql(LOCKS[database.dialect_name])
                with under_way(server, UPDATE, f"Authorization: Bearer {token}") as connection:
                    server.process.send_signal(signal.SIGTERM)
                    status = connection.status_or_end()
                    assert has_ended_in_peace(server)
                raise ZeroDivisionError

    assert status == 503
    assert await database.fetch(text(PRICES)) == before


@PROCESSES
def test_connections_that_wait_for_nothing_do_not_hold_it_up(tmp_path: Path, processes: dict[str, str]) -> None:
    head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
    request = f"{head}\r\nContent-Length: {len(QUICK)}\r\n\r\n{QUICK}"
    with serving(tmp_path / "data", shutdown_seconds="60", **processes) as server, ExitStack() as opened:
        kept = [opened.enter_context(wire(server)) for _ in range(20)]
        for connection in kept:
            connection.send(request.encode())
            assert connection.answer().status == 200
        silent = [opened.enter_context(wire(server)) for _ in range(5)]
        begun = opened.enter_context(wire(server))
        begun.send(b"POST /graphql HTTP/1.1\r\nHost:")

        assert server.terminate() == 0
        # Far less than the limit, and than the time for which idle connections are kept otherwise.
        assert server.stopped_within < 4
        assert [connection.is_closed() for connection in (*kept, *silent, begun)] == [True] * 26


def test_a_request_that_never_comes_in_whole_holds_it_up_no_longer_than_the_limit(tmp_path: Path) -> None:
    head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
    with (
        serving(tmp_path / "data", shutdown_seconds="1", request_seconds="60") as server,
        wire(server) as connection,
    ):
        connection.send(f"{head}Content-Length: 1000\r\n\r\n".encode())
        assert connection.status() == 100
        connection.send(b'{"query": "{ servi')
        server.process.send_signal(signal.SIGTERM)

        assert connection.answer().status == 503
        assert has_ended_in_peace(server)


def test_an_answer_that_nobody_reads_holds_it_up_no_longer_than_the_limit(tmp_path: Path) -> None:
    request = b"GET /schema.graphql HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving(tmp_path / "data", shutdown_seconds="1") as server, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(("127.0.0.1", int(server.base_url.rpartition(":")[2])))
        connection.sendall(request * 300)
        connection.recv(1)
        server.process.send_signal(signal.SIGTERM)

        assert has_ended_in_peace(server)


def subscribe(opened: SocketWire, id: str, document: str) -> None:  # noqa: A002 - the protocol's word
    opened.send(message(type="subscribe", id=id, payload={"query": document}))


def test_sockets_are_told_once_what_is_under_way_is_answered(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "data", program="tests.streaming", even_answer_milliseconds="1500") as server,
        socket_wire(server) as idle,
        socket_wire(server) as silent,
        socket_wire(server) as busy,
    ):
        for each in (idle, busy):
            each.begin()
        subscribe(busy, "stream", "subscription { quiet }")
        assert busy.hear()["type"] == "next"
        subscribe(busy, "slow", SLOW)
        # What comes behind it on the same socket has come later.
        busy.send(message(type="ping"))
        assert busy.hear() == {"type": "pong"}
        server.process.send_signal(signal.SIGTERM)
        codes = [idle.closed_with(), silent.closed_with()]
        subscribe(busy, "late", "{ __typename }")
        heard = [busy.hear() for _ in range(3)]

        assert codes == [1012, 1012]
        assert heard == [
            {"id": "slow", "type": "next", "payload": SLOW_ANSWER},
            {"id": "slow", "type": "complete"},
            1012,
        ]
        assert has_ended_in_peace(server)


def test_a_socket_whose_operation_takes_longer_than_the_limit_is_closed_all_the_same(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "data", even_answer_milliseconds="5000", shutdown_seconds="1") as server,
        socket_wire(server) as busy,
    ):
        busy.begin()
        subscribe(busy, "slow", SLOW)
        busy.send(message(type="ping"))
        assert busy.hear() == {"type": "pong"}
        server.process.send_signal(signal.SIGTERM)

        assert busy.hear() == 1012
        assert has_ended_in_peace(server)


def test_a_stream_breaks_off_and_its_client_may_come_again(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "data", program="tests.streaming") as server,
        httpx.stream(
            "POST",
            f"{server.base_url}/graphql",
            json={"query": "subscription { quiet }"},
            headers={"Accept": "text/event-stream"},
        ) as response,
    ):
        parts = response.iter_text()
        told = next(parts)
        server.process.send_signal(signal.SIGTERM)
        told += "".join(parts)

        assert told == 'event: next\r\ndata: {"data":{"quiet":1}}\r\n\r\n'
        assert has_ended_in_peace(server)


def test_a_process_that_is_stuck_is_ended_all_the_same(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "data", program="tests.streaming", shutdown_seconds="1", **SEVERAL) as server,
        socket_wire(server) as opened,
    ):
        opened.begin()
        subscribe(opened, "1", "subscription { stuck }")
        assert opened.hear()["type"] == "next"
        server.process.send_signal(signal.SIGTERM)

        assert server.process.wait(PATIENCE_SECONDS) == 0
        assert "what would not end is ended" in server.said


def test_processes_end_with_the_one_that_started_them_though_it_is_killed(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "data", even_answer_milliseconds="1500", **SEVERAL) as server,
        under_way(server, SLOW) as connection,
    ):
        server.kill()
        answer = connection.answer()

        assert (answer.status, answer.body) == (200, SLOW_ANSWER)
        assert refuses_connections(server)
