"""What the door knows of one request and its answer, for whoever serves it, and what it notes for who watches."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Literal, Protocol

from starlette.types import Scope

from app.graph.documents import OperationName
from app.kit.client import UNKNOWN, Client
from app.kit.guids import new_guid
from app.web.trace_context import Caller, read_traceparent

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_KEY = "exchange"
_GUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CLIENT_REQUEST_ID = b"x-ms-client-request-id"
_API_VERSION = b"x-api-version"
_TRACEPARENT = b"traceparent"
_LOOKED_AT = frozenset(
    {
        *(_CLIENT_REQUEST_ID, _API_VERSION, _TRACEPARENT),
        *(b"x-device-signature", b"x-software-version", b"x-hardware-version"),
    }
)


HEADER_LINE = b"%b: %b\r\n"
"""How a header is sent: its name, its value."""

RawHeaders = Sequence[tuple[bytes, bytes]]
"""Headers as ASGI has them, their names in lower case."""

Transport = Literal["http", "stream", "socket"]
"""What an operation came by: a request, one that is answered by a stream of events, or a message of a socket."""

Way = Literal["none", "kept", "compiled", "executed"]
"""How an operation was answered: by an answer that was kept, a compiled statement, resolvers, or not at all."""

AUTH, PLAN, DATABASE, EXECUTE, ANSWER = range(5)
"""The rooms that a request goes through: who asks, what is asked, the statements, the resolvers, the answer."""

Stay = tuple[int, int, int, str | None]
"""A room, when it was entered and left in nanoseconds of `perf_counter_ns`, and the statement that was run."""

MOST_STAYS = 1_000
"""How many stays are told of; a subscription may go on for days."""


AnswerOf = Callable[["Exchange", bytes], bytes | None]
"""Answers a whole request, by its exchange and its body, without waiting for anything.

It gives the body of an answer with status 200. None if the request is to be served in the usual way; then nothing
was done, and nothing was counted.
"""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """How requests are answered that all begin with the same head.

    Attributes:
        answer: Answers one.
        headers: Of each answer, besides what depends on it.
        version: The API version that answers.
    """

    answer: AnswerOf
    headers: RawHeaders
    version: str | None = None


class AnswersAtOnce(Protocol):
    """Answers what takes less time than it would to begin to serve it in the usual way.

    A client sends one head again and again: whatever can be found out of it is found out once.
    """

    def at_once(self, scope: Scope) -> AtOnce | None:
        """Say how requests are answered whose head is that of a scope; None if they all go the usual way."""


WholeAnswer = Callable[[bytes], tuple[bytes, bytes] | None]
"""Answers a whole request, by its body, as it is sent: the lines of the answer's headers, and its body."""


class Front(Protocol):
    """What a server asks first: whether an application answers at once."""

    def at_once(self, scope: Scope) -> WholeAnswer | None:
        """Say how requests are answered whose head is that of a scope; None if they all go the usual way."""


class Exchange:
    """One request and its answer; of a socket, its handshake, or one of its operations.

    Attributes:
        began: When it began, in nanoseconds of `perf_counter_ns`.
        request_id: The name of the request in the log and on the answer, a GUID.
        client_request_id: The client's own name for it; None if it gave none, or one that is no GUID.
        caller: Where in a trace it was sent from; None where the client says nothing of it.
        trace_id: The trace, 32 hexadecimal digits; None if it belongs to none.
        client: What the device said of itself.
        asked_version: The header x-api-version as it came, several joined by commas; None without it.
        version: The API version that answers; None where none does.
        headers: What the answer is to have besides the headers of whoever gives it.
        status: The status of the answer; None as long as it has not begun.
        codes: The codes of the errors that the answer tells at its top level, each once.
        told_codes: Those of the errors that it tells as data.
        transport: What it came by.
        way: How it was answered.
        operation: What its operation is called; None if nothing is known of it.
        trader_id: Who asked; None for a stranger.
        spent: The nanoseconds spent in each room, by its number.
        left: When the last room was left.
        statements: How many statements were run for it.
        rows: How many rows they gave or changed, of those that say so; None if none does.
        sent_bytes: How long the answer's body is.
        said: What the client said, kept until the end so that none of it is written to a log.
        stays: All stays in rooms, for whoever tells a trace of them; None where nobody does.
        span: The span of the whole; None where nobody tells of it, or only at the end.
    """

    __slots__ = (
        *("_is_named", "asked_version", "began", "caller", "client", "client_request_id", "codes", "headers"),
        *("left", "operation", "request_id", "rows", "said", "sent_bytes", "span", "spent", "statements"),
        *("status", "stays", "told_codes", "trace_id", "trader_id", "transport", "version", "way"),
    )

    def __init__(self, scope: Scope) -> None:
        """Begin an exchange, and note it in the scope."""
        self.began = self.left = perf_counter_ns()
        self.request_id = new_guid()
        self.version: str | None = None
        self.headers: RawHeaders = ()
        self.transport: Transport = "http"
        self.trader_id: int | None = None
        self.status: int | None = None
        self.codes: tuple[str, ...] = ()
        self.told_codes: tuple[str, ...] = ()
        self.way: Way = "none"
        self.operation: OperationName | None = None
        self.spent = [0, 0, 0, 0, 0]
        self.statements = self.sent_bytes = 0
        self.rows: int | None = None
        self.said: tuple[object, ...] = ()
        self.stays: list[Stay] | None = None
        self.span: Span | None = None
        self._is_named = False
        before: Exchange | None = scope.get(_KEY)
        if before is None:
            self.client_request_id: bytes | None = None
            self.asked_version: str | None = None
            self.client = UNKNOWN
            self.caller: Caller | None = None
            # Every request comes this way: one look at each header, and nothing that can wait.
            told = [header for header in scope["headers"] if header[0] in _LOOKED_AT]
            if told:
                self._look_at(told)
        else:
            # It began with the very same headers.
            self.client_request_id, self.asked_version = before.client_request_id, before.asked_version
            self.client, self.caller = before.client, before.caller
        self.trace_id = None if self.caller is None else self.caller.trace_id
        scope[_KEY] = self

    def _look_at(self, headers: RawHeaders) -> None:
        said: dict[bytes, bytes] = {}
        for name, value in headers:
            if name == _API_VERSION:
                text = value.decode("latin-1")
                self.asked_version = text if self.asked_version is None else f"{self.asked_version},{text}"
            elif name == _CLIENT_REQUEST_ID:
                if _GUID.fullmatch(value):
                    self.client_request_id = value
            elif name == _TRACEPARENT and name in said:
                # Of two callers nobody knows which it was.
                said[name] = b""
            else:
                said.setdefault(name, value)
        if (parent := said.pop(_TRACEPARENT, None)) is not None:
            self.caller = read_traceparent(parent)
        if said:
            self.client = _client(
                *map(said.get, (b"x-device-signature", b"x-software-version", b"x-hardware-version"))
            )

    @classmethod
    def of_operation(cls, scope: Scope) -> tuple["Exchange", Scope]:
        """Begin the exchange of one operation of a socket, and give the socket's scope as its own."""
        # The first message of a socket may have brought other headers than its handshake.
        own_scope = {name: value for name, value in scope.items() if name != _KEY}
        made = cls(own_scope)
        made.transport, made.version = "socket", exchange_of(scope).version
        return made, own_scope

    def name_operation(self) -> str:
        """Give an operation its name: the request's own to the first, and a new one to each that follows."""
        if self._is_named:
            return new_guid()
        self._is_named = True
        return self.request_id

    @property
    def all_codes(self) -> tuple[str, ...]:
        """The codes of all errors that the answer tells, each once."""
        return tuple(dict.fromkeys((*self.codes, *self.told_codes)))

    def tell(self, errors: Iterable[Any] | None) -> None:
        """Note top-level errors of the answer, as they are written, besides those that it has told already."""
        if errors:
            self.codes = tuple(dict.fromkeys((*self.codes, *(error["extensions"]["code"] for error in errors))))

    def passed(self, room: int, began: int, statement: str | None = None) -> int:
        """Note a stay in a room, from a moment until now, and give that of now.

        Args:
            room: The room.
            began: The moment.
            statement: What the database did, without the values of binds.
        """
        now = self.left = perf_counter_ns()
        self.spent[room] += now - began
        if self.stays is not None and len(self.stays) < MOST_STAYS:
            self.stays.append((room, began, now, statement))
        return now

    def ran(self, statement: str, began: int, rows: int | None = None) -> None:
        """Note that a statement was run, from a moment until now.

        Args:
            statement: Its text, without the values of its binds.
            began: The moment.
            rows: How many rows it gave or changed; None if it does not say.
        """
        now = self.left = perf_counter_ns()
        self.spent[DATABASE] += now - began
        self.statements += 1
        if rows is not None:
            self.rows = rows if self.rows is None else self.rows + rows
        if self.stays is not None and len(self.stays) < MOST_STAYS:
            self.stays.append((DATABASE, began, now, statement))

    def note_said(self, said: object) -> None:
        """Note what the client said, so that nothing of it gets into a log."""
        self.said = (*self.said, said)

    def note_operation(self, name: OperationName) -> None:
        """Note which operation it is."""
        self.operation = name

    def note_plan(self, began: int) -> None:
        """Note that since a moment the operation was looked at."""
        self.passed(PLAN, began)

    def note_begin(self) -> None:
        """Note that the operation is given to the executor."""
        self.way = "executed"

    def note_execution(self, began: int) -> None:
        """Note that it was executed since a moment."""
        self.passed(EXECUTE, began)

    def note_code(self, code: str) -> None:
        """Note an error that the answer tells as data."""
        if code not in self.told_codes:
            self.told_codes = (*self.told_codes, code)


current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)
"""The exchange that is served; of what is answered at once there is none."""


def raw(headers: Mapping[str, str]) -> RawHeaders:
    """Write headers as ASGI has them."""
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


def exchange_of(scope: Scope) -> Exchange:
    """Give the exchange that a scope belongs to."""
    exchange: Exchange = scope[_KEY]
    return exchange


# Devices are many, but each says the same of itself in every request.
@lru_cache(maxsize=4_096)
def _client(device: bytes | None, software: bytes | None, hardware: bytes | None) -> Client:
    said = {"x-device-signature": device, "x-software-version": software, "x-hardware-version": hardware}
    return Client.read(lambda name: None if (value := said[name]) is None else value.decode("latin-1"))
