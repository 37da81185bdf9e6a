"""What the door knows of one request and its answer, for whoever serves it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from starlette.types import Scope

from app.kit.guids import new_guid

_KEY = "exchange"
_GUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CLIENT_REQUEST_ID = b"x-ms-client-request-id"
_API_VERSION = b"x-api-version"


RawHeaders = Sequence[tuple[bytes, bytes]]
"""Headers as ASGI has them, their names in lower case."""


class AnswersAtOnce(Protocol):
    """Answers what takes less time than it would to begin to serve it in the usual way."""

    def answer_at_once(self, scope: Scope, body: bytes) -> tuple[RawHeaders, bytes] | None:
        """Answer a whole request without waiting for anything.

        Args:
            scope: The request's, as for the usual way, which nothing is changed in that would matter there.
            body: All of its body.

        Returns:
            The headers and the body of an answer with status 200. None if the request is to be served in the usual
            way; then nothing was done, and nothing was counted.
        """


class Exchange:
    """One request and its answer; of a socket, its handshake.

    Attributes:
        request_id: The name of the request in the log and on the answer, a GUID.
        client_request_id: The client's own name for it; None if it gave none, or one that is no GUID.
        asked_version: The header x-api-version as it came, several joined by commas; None without it.
        version: The API version that answers; None where none does.
        headers: What the answer is to have besides the headers of whoever gives it.
        status: The status of the answer; None as long as it has not begun.
        codes: The codes of the errors that the answer tells at its top level.
    """

    __slots__ = (
        *("_is_named", "asked_version", "client_request_id", "codes", "headers", "request_id", "status"),
        "version",
    )

    def __init__(self, scope: Scope) -> None:
        """Begin an exchange, and note it in the scope."""
        self.request_id = new_guid()
        self.client_request_id: bytes | None = None
        self.asked_version: str | None = None
        self.version: str | None = None
        self.headers: RawHeaders = ()
        self.status: int | None = None
        self.codes: tuple[str, ...] = ()
        self._is_named = False
        # Every request comes this way: one look at each header, and nothing that can wait.
        for name, value in scope["headers"]:
            if name == _API_VERSION:
                text = value.decode("latin-1")
                self.asked_version = text if self.asked_version is None else f"{self.asked_version},{text}"
            elif name == _CLIENT_REQUEST_ID and _GUID.fullmatch(value):
                self.client_request_id = value
        scope[_KEY] = self

    def name_operation(self) -> str:
        """Give an operation its name: the request's own to the first, and a new one to each that follows."""
        if self._is_named:
            return new_guid()
        self._is_named = True
        return self.request_id

    def tell(self, errors: Iterable[Any] | None) -> None:
        """Note the top-level errors of the answer, as they are written."""
        self.codes = tuple(error["extensions"]["code"] for error in errors or ())


def raw(headers: Mapping[str, str]) -> RawHeaders:
    """Write headers as ASGI has them."""
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


def exchange_of(scope: Scope) -> Exchange:
    """Give the exchange that a scope belongs to."""
    exchange: Exchange = scope[_KEY]
    return exchange
