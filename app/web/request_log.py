"""The request log: a line for each request, and for each operation of a socket, of what it took and what it gave.

A line never holds a variable, a token, a code, a password, a cookie, a query string or a body. Of what the client
says itself there are the path, its own name for the request, what the device says of itself, and the name of an
operation in a document that is valid. Each is cut to a length and written in ASCII, so that it stays one field of
one line.

Made to cost next to nothing: pieces that come again are kept as the JSON that they are, and lines are written
many at a time.
"""

import json
import os
import select
import stat
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from time import time_ns
from types import SimpleNamespace

from starlette.types import Scope

from app.graph.documents import OperationName
from app.kit.client import UNKNOWN, Client
from app.web.exchange import Exchange

STANDARD_OUTPUT = 1

LONGEST_PATH = 150
"""How much of a path is written."""

MOST_CODES = 10
"""How many different codes of errors are written."""

WRITTEN_AT = 32_768
"""How many bytes of lines are not left for the next time."""

MOST_WAITING = 1_048_576
"""How many bytes of lines wait for a reader that does not read; the oldest of more are lost, and counted."""

FIELDS = (
    *("time", "requestId", "clientRequestId", "traceId", "transport", "method", "path", "apiVersion"),
    *("kind", "operation", "document", "way", "status", "codes", "totalMs", "authMs", "planMs", "databaseMs"),
    *("statements", "rows", "bytes", "trader", "device", "software", "hardware", "address"),
)
"""The fields of a line of JSON; each is always there, and null where there is nothing to say."""

_LEAST_PIPE_BUF = 512  # What POSIX asks for at least.

_NULL = "null"
_NO_IDS = '"clientRequestId":null,"traceId":null'
_NO_DEVICE = '"device":null,"software":null,"hardware":null'

_NO_OPERATION = SimpleNamespace(kind=None, name=None, document=None)
_DIGITS = tuple(f"{number:03d}" for number in range(1_000))


# Most take less than a millisecond: to look the text up takes a fraction of the time to write it.
_BELOW_ONE = tuple(f"0.{digits}" for digits in _DIGITS)

Form = Callable[[Exchange, Scope, int], str]
"""Makes a line of an exchange, its scope, and the nanoseconds that it took."""


class Lines:
    """Lines on their way to a stream.

    Several processes may write to one stream: they write whole lines only, and to what is no file no more at a
    time than goes there in one piece. A stream that takes nothing for now is not waited for.

    Attributes:
        lost: How many lines were never written, because nobody read those before.
    """

    def __init__(self, stream: int = STANDARD_OUTPUT) -> None:
        """Prepare to write to the stream of that number."""
        self.lost = 0
        self._stream = stream
        self._most_at_once = _most_at_once(stream)
        self._open: list[str] = []
        self._open_size = 0
        self._pieces: deque[tuple[int, bytes]] = deque()
        self._size = 0

    def add(self, line: str) -> None:
        """Take a line of ASCII with its end; it is written the next time that all are, or when there are many."""
        size = self._open_size + len(line)
        if size > self._most_at_once:
            self._close_piece()
            size = len(line)
        self._open.append(line)
        self._open_size = size

    def write(self, *, patience_seconds: float = 0.0) -> None:
        """Write the lines that wait, as far as the stream takes them.

        Args:
            patience_seconds: How long to wait for a stream that takes nothing.
        """
        self._close_piece()
        if not self._pieces:
            return
        try:
            takes_some = _watching(self._stream)
            while self._pieces and takes_some(patience_seconds):
                _write_all(self._stream, self._pieces[0][1])
                self._size -= len(self._pieces.popleft()[1])
        except BlockingIOError:
            # As full as a moment before.
            pass
        except OSError:
            # Whoever closed the stream wants no lines.
            self._lose_down_to(0)
        self._lose_down_to(MOST_WAITING)

    def _close_piece(self) -> None:
        """Let the lines that were taken lately go as one piece."""
        if self._open:
            piece = "".join(self._open).encode()
            self._pieces.append((len(self._open), piece))
            self._size += len(piece)
            self._open, self._open_size = [], 0
            if self._size >= WRITTEN_AT:
                self.write()

    def _lose_down_to(self, most: int) -> None:
        while self._size > most:
            lines, piece = self._pieces.popleft()
            self.lost += lines
            self._size -= len(piece)


def _most_at_once(stream: int) -> int:
    try:
        is_file = stat.S_ISREG(os.fstat(stream).st_mode)
    except OSError:
        is_file = False
    # To a file all is written in one piece; to anything else only so much is for sure (POSIX, write).
    return WRITTEN_AT if is_file else getattr(select, "PIPE_BUF", _LEAST_PIPE_BUF)


def _watching(stream: int) -> Callable[[float], bool]:
    """Give what says whether a stream takes a piece, after so many seconds at most."""
    if not hasattr(select, "poll"):
        # Where there is none, nobody can say.
        return lambda _: True
    poll = select.poll()
    poll.register(stream, select.POLLOUT)
    return lambda seconds: bool(poll.poll(seconds * 1_000))


def _write_all(stream: int, data: bytes) -> None:
    while data:
        data = data[os.write(stream, data) :]


@dataclass(frozen=True, slots=True)
class RequestLog:
    """How the request log is written.

    Attributes:
        form: Makes the lines: `as_json` or `as_text`.
        lines: Where they go.
    """

    form: Form
    lines: Lines


def as_json(exchange: Exchange, scope: Scope, nanoseconds: int) -> str:
    """Make the line of an exchange as a JSON object that has all of `FIELDS`."""
    auth, plan, database, _, _ = exchange.spent
    name, trace, client = exchange.client_request_id, exchange.trace_id, exchange.client
    rows, trader, address = exchange.rows, exchange.trader_id, scope.get("client")
    codes = json.dumps(exchange.all_codes[:MOST_CODES]) if exchange.codes or exchange.told_codes else "[]"
    what = _what(
        exchange.transport,
        scope.get("method"),
        _path(scope),
        scope["type"],
        exchange.version,
        exchange.operation,
        exchange.way,
        exchange.status,
    )
    return (
        f'{{"time":"{_moment(time_ns() // 1_000_000)}","requestId":"{exchange.request_id}",'
        f"{_NO_IDS if name is None and trace is None else _ids(name, trace)},{what},"
        f'"codes":{codes},"totalMs":{milliseconds(nanoseconds)},"authMs":{milliseconds(auth)},'
        f'"planMs":{milliseconds(plan)},"databaseMs":{milliseconds(database)},'
        f'"statements":{exchange.statements},"rows":{_NULL if rows is None else rows},'
        f'"bytes":{exchange.sent_bytes},"trader":{_NULL if trader is None else trader},'
        f"{_NO_DEVICE if client is UNKNOWN else _device(client)},"
        f'"address":{_NULL if address is None else _quoted(address[0])}}}\n'
    )


def as_text(exchange: Exchange, scope: Scope, nanoseconds: int) -> str:
    """Make the line of an exchange for people, short."""
    what = _what_in_words(
        exchange.transport,
        scope.get("method"),
        _path(scope),
        scope["type"],
        exchange.operation,
        exchange.way,
        exchange.status,
    )
    if exchange.codes or exchange.told_codes:
        what = " ".join((what, *exchange.all_codes[:MOST_CODES]))
    trace = "" if exchange.trace_id is None else f", trace {exchange.trace_id}"
    return (
        f"{_moment(time_ns() // 1_000_000)} {what} {milliseconds(nanoseconds)} ms, "
        f"statements: {exchange.statements}, bytes: {exchange.sent_bytes}, request {exchange.request_id}{trace}\n"
    )


def milliseconds(nanoseconds: int) -> str:
    """Write a duration in milliseconds, to the microsecond."""
    microseconds = nanoseconds // 1_000
    return _BELOW_ONE[microseconds] if microseconds < 1_000 else f"{microseconds / 1_000:.3f}"


def _ids(client_request_id: bytes | None, trace_id: str | None) -> str:
    name = None if client_request_id is None else client_request_id.decode()
    return f'"clientRequestId":{json.dumps(name)},"traceId":{json.dumps(trace_id)}'


@lru_cache(maxsize=4)
def _moment(milliseconds_since_1970: int) -> str:
    seconds, rest = divmod(milliseconds_since_1970, 1_000)
    return f"{_second(seconds)}.{_DIGITS[rest]}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


@lru_cache(maxsize=4_096)
def _what(
    transport: str,
    method: str | None,
    path: str | None,
    kind: str,
    version: str | None,
    operation: OperationName | None,
    way: str,
    status: int | None,
) -> str:
    """Write what is the same for many requests."""
    told = operation or _NO_OPERATION
    fields = {
        "transport": transport,
        "method": _method(method, kind),
        "path": path,
        "apiVersion": version,
        "kind": told.kind,
        "operation": told.name,
        "document": told.document,
        "way": way,
        "status": status,
    }
    return json.dumps(fields, separators=(",", ":"))[1:-1]


@lru_cache(maxsize=4_096)
def _what_in_words(
    transport: str,
    method: str | None,
    path: str | None,
    kind: str,
    operation: OperationName | None,
    way: str,
    status: int | None,
) -> str:
    """Write for people what is the same for many requests."""
    told = "" if operation is None else f"{operation.kind} {operation.name or '-'} {way} "
    where = f"{_method(method, kind) or '-'} {json.dumps(path or '-')[1:-1]}"
    return f"{'socket' if transport == 'socket' else where} {told}{status or '-'}"


def _path(scope: Scope) -> str | None:
    # Cut before it is kept, for it may be anything.
    path: str | None = scope.get("path")
    return path[:LONGEST_PATH] if path and len(path) > LONGEST_PATH else path


def _method(method: str | None, kind: str) -> str | None:
    # A handshake is a GET request (RFC 6455, section 4.1), which its scope does not say.
    return "GET" if kind == "websocket" else method


@lru_cache(maxsize=4_096)
def _device(client: Client) -> str:
    device, software, hardware = map(json.dumps, (client.device, client.software, client.hardware))
    return f'"device":{device},"software":{software},"hardware":{hardware}'


@lru_cache(maxsize=4_096)
def _quoted(text: str) -> str:
    return json.dumps(text)
