"""The lines of the request log: what stands in one, and how they get to a stream that several write to."""

import fcntl
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.graph.documents import OperationName
from app.web import request_log
from app.web.exchange import AUTH, DATABASE, PLAN, Exchange
from app.web.request_log import FIELDS, LONGEST_PATH, MOST_CODES, Lines, as_json, as_text
from tests.processes import ROOT

GUID = "47a33649-5acd-41f0-afa4-fdb9d591aff3"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SCOPE = {"type": "http", "method": "POST", "path": "/graphql", "client": ("192.0.2.1", 50_000), "headers": []}


def exchange(*headers: tuple[bytes, bytes], **others: Any) -> Exchange:
    """An exchange that has ended."""
    made = Exchange({"headers": list(headers)})
    for name, value in others.items():
        setattr(made, name, value)
    return made


def line(made: Exchange, nanoseconds: int = 0, **scope: Any) -> dict[str, Any]:
    """The line of an exchange, read again."""
    written = as_json(made, {**SCOPE, **scope}, nanoseconds)
    assert written.endswith("\n")
    assert written.count("\n") == 1
    read: dict[str, Any] = json.loads(written)
    assert tuple(read) == FIELDS
    return read


# What stands in a line.


def test_a_line_says_all_that_is_known() -> None:
    made = exchange(
        (b"x-ms-client-request-id", GUID.encode()),
        (b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode()),
        (b"x-device-signature", b'my "phone"'),
        (b"x-software-version", b"2.4.1"),
        (b"x-hardware-version", b"iPhone15,2"),
        version="1.0",
        operation=OperationName("query", "Prices", "ab" * 32),
        way="compiled",
        status=200,
        codes=("FORBIDDEN",),
        told_codes=("TAG_TAKEN", "FORBIDDEN"),
        statements=2,
        rows=3,
        sent_bytes=400,
        trader_id=7,
    )
    made.spent[AUTH], made.spent[PLAN], made.spent[DATABASE] = 1_999, 999_999, 12_345_678

    read = line(made, 1_234_567_890)

    moment = read.pop("time")
    assert (len(moment), moment[4], moment[10], moment[-5], moment[-1]) == (24, "-", "T", ".", "Z")
    assert read == {
        "requestId": made.request_id,
        "clientRequestId": GUID,
        "traceId": TRACE,
        "transport": "http",
        "method": "POST",
        "path": "/graphql",
        "apiVersion": "1.0",
        "kind": "query",
        "operation": "Prices",
        "document": "ab" * 32,
        "way": "compiled",
        "status": 200,
        "codes": ["FORBIDDEN", "TAG_TAKEN"],
        "totalMs": 1234.567,
        "authMs": 0.001,
        "planMs": 0.999,
        "databaseMs": 12.345,
        "statements": 2,
        "rows": 3,
        "bytes": 400,
        "trader": 7,
        "device": 'my "phone"',
        "software": "2.4.1",
        "hardware": "iPhone15,2",
        "address": "192.0.2.1",
    }


def test_what_is_not_known_is_null() -> None:
    made = exchange()

    read = line(made, method=None, path=None, client=None)

    del read["time"]
    assert read == {
        **dict.fromkeys(FIELDS[1:]),
        "requestId": made.request_id,
        "transport": "http",
        "way": "none",
        "codes": [],
        **dict.fromkeys(("totalMs", "authMs", "planMs", "databaseMs"), 0),
        "statements": 0,
        "bytes": 0,
    }


@given(st.text(), st.text(), st.text(), st.text())
def test_whatever_clients_say_stays_one_field_of_one_short_line(
    path: str, own: str, device: str, address: str
) -> None:
    said = [own.encode(errors="ignore"), device.encode(errors="ignore")]
    made = exchange((b"x-ms-client-request-id", said[0]), (b"x-device-signature", said[1]))

    read = line(made, path=path, client=(address, 0))

    assert (read["path"], read["address"]) == (path[:LONGEST_PATH], address)
    assert as_text(made, {**SCOPE, "path": path}, 0).isascii()


def test_the_longest_line_is_written_in_one_piece() -> None:
    made = exchange(
        (b"x-ms-client-request-id", GUID.encode()),
        (b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode()),
        (b"x-device-signature", b'"' * 255),
        (b"x-software-version", b"9" * 64),
        (b"x-hardware-version", b"9" * 64),
        version="10.10",
        operation=OperationName("subscription", "n" * 100, "ab" * 32),
        way="executed",
        status=200,
        codes=tuple(f"A_CODE_OF_FORTY_CHARACTERS_AND_NOT_MORE_{number:02}" for number in range(100)),
        statements=10**9,
        rows=10**9,
        sent_bytes=10**12,
        trader_id=2**63,
    )

    written = as_json(made, {**SCOPE, "path": "\U0001f600" * 20_000, "client": ("f" * 45, 0)}, 10**15)

    assert len(written) <= select.PIPE_BUF
    assert len(json.loads(written)["codes"]) == MOST_CODES


def test_a_line_for_people_is_short() -> None:
    made = exchange(
        (b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode()),
        operation=OperationName("mutation", "Reprice", "ab" * 32),
        way="executed",
        status=200,
        told_codes=("TAG_TAKEN",),
        statements=3,
        sent_bytes=80,
    )

    said = as_text(made, SCOPE, 4_567_000).partition(" ")[2]

    assert said == (
        "POST /graphql mutation Reprice executed 200 TAG_TAKEN 4.567 ms, statements: 3, bytes: 80, "
        f"request {made.request_id}, trace {TRACE}\n"
    )


def test_a_line_for_people_says_nothing_where_nothing_is_known() -> None:
    made = exchange()

    said = as_text(made, {"type": "http"}, 0).partition(" ")[2]

    assert said == f"- - - 0.000 ms, statements: 0, bytes: 0, request {made.request_id}\n"


# How lines get to a stream.


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    yield reading, writing
    os.close(reading)
    os.close(writing)


def read_all(stream: int) -> bytes:
    """All that is in a pipe now."""
    found = b""
    while True:
        try:
            some = os.read(stream, 1_000_000)
        except BlockingIOError:
            return found
        if not some:
            return found
        found += some


def numbered(first: int, last: int) -> list[str]:
    return [f"{number:99}\n" for number in range(first, last)]


def test_lines_wait_until_they_are_written(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    lines = Lines(writing)

    for each in numbered(0, 3):
        lines.add(each)
    before = read_all(reading)
    lines.write()

    assert (before, read_all(reading).decode()) == (b"", "".join(numbered(0, 3)))


def test_many_lines_are_not_left_for_later(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "WRITTEN_AT", 8_000)
    reading, writing = pipe
    lines = Lines(writing)

    for each in numbered(0, 200):
        lines.add(each)

    assert len(read_all(reading)) >= 8_000
    assert lines.lost == 0


def test_a_pipe_that_nobody_reads_is_not_waited_for_and_gets_the_lines_later(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    lines = Lines(writing)
    many = 2 * fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ) // 100

    for each in numbered(0, many):
        lines.add(each)
    came: list[bytes] = []
    while not came or came[-1]:
        lines.write()
        came.append(read_all(reading))

    assert len(came) > 2
    assert {each[-1:] for each in came[:-1]} == {b"\n"}
    assert b"".join(came).decode() == "".join(numbered(0, many))
    assert lines.lost == 0


def test_the_oldest_of_too_many_lines_are_lost_and_counted(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "MOST_WAITING", 20_000)
    reading, writing = pipe
    lines = Lines(writing)

    for each in numbered(0, 5_000):
        lines.add(each)
    lines.write()
    written = read_all(reading)
    lines.write()
    written += read_all(reading)

    assert len(written) == 100 * (5_000 - lines.lost)
    assert written.decode().endswith("".join(numbered(4_900, 5_000)))
    assert lines.lost > 3_000


def test_a_stream_that_was_closed_loses_lines_and_nothing_else(pipe: tuple[int, int], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    broken, gone = Lines(writing), Lines(1_000_000)
    os.close(reading)

    for lines in (broken, gone):
        lines.add("a line\n")
        lines.write(patience_seconds=1)

    os.close(writing)
    assert (broken.lost, gone.lost) == (1, 1)


WRITES = """
import sys
from app.web import request_log
request_log.MOST_WAITING = 10**9
# More than a pipe holds: written there in one go, it would be taken in parts.
request_log.WRITTEN_AT = 200_000
lines = request_log.Lines()
for number in range(20_000):
    lines.add(sys.argv[1] * (50 + number % 500) + "\\n")
lines.write(patience_seconds=60)
"""
MANY = 20_000


def start_writing(letter: str, target: BinaryIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITES, letter], cwd=ROOT, stdout=target)


def test_lines_of_several_processes_stay_whole_in_a_pipe() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as target:
        several = [start_writing(letter, target) for letter in "abc"]

    # In small pieces, so that the pipe is as good as full all the time.
    with os.fdopen(reading, "rb", buffering=0) as coming:
        lines = b"".join(iter(lambda: coming.read(1_000), b"")).decode().splitlines()

    assert [process.wait(60) for process in several] == [0, 0, 0]
    assert len(lines) == 3 * MANY
    assert {len(set(each)) for each in lines} == {1}


def test_lines_of_several_processes_stay_whole_in_a_file(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as target:
        several = [start_writing(letter, target) for letter in "abc"]

    assert [process.wait(60) for process in several] == [0, 0, 0]
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 3 * MANY
    assert {len(set(each)) for each in lines} == {1}
