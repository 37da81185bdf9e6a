"""Who asks: the address that a request counts for, also from behind proxies that the operator trusts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from starlette.types import Receive, Scope, Send

from app.kit.networks import (
    Network,
    client_behind,
    counted_as,
    noted_in_forwarded,
    noted_in_x_forwarded_for,
)
from app.web.exchange import Front, WholeAnswer

HEADERS: Mapping[str, Callable[[str], list[str]]] = {
    "x-forwarded-for": noted_in_x_forwarded_for,
    "forwarded": noted_in_forwarded,
}
"""The headers in which proxies note addresses, and how each is read."""

_SECURE = {"http": "https", "ws": "wss"}


class Inner(Front, Protocol):
    """An application that may answer in both ways."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""


def address_of(scope: Scope) -> str:
    """Give what stands for the client's address where clients are counted."""
    client = scope.get("client")
    return counted_as(client[0]) if client else ""


class BehindProxies:
    """Puts the client's address and scheme in the place of the proxy's, where the proxy is one that is trusted.

    Only one header is believed: a proxy that writes one of them may pass on the other as a client made it up.
    """

    def __init__(self, app: Inner, *, trusted: Sequence[Network], header: str) -> None:
        """Stand before an application.

        Args:
            app: The application.
            trusted: The networks of the proxies.
            header: The one of `HEADERS` that they write.
        """
        self._app = app
        self._trusted = trusted
        self._header = header.encode()
        self._read = HEADERS[header]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request as that of the client."""
        await self._app(self._seen(scope), receive, send)

    def at_once(self, scope: Scope) -> WholeAnswer | None:
        """Say how requests of the client are answered that have such a head."""
        return self._app.at_once(self._seen(scope))

    def _seen(self, scope: Scope) -> Scope:
        client = scope.get("client")
        if client:
            noted = [value for name, value in scope["headers"] if name == self._header]
            forwarded = self._read(b",".join(noted).decode("latin-1")) if noted else []
            address = client_behind(client[0], forwarded, self._trusted)
            if address != client[0]:
                # Of the client's port nobody knows.
                return {**scope, "client": (address, 0), "scheme": self._scheme(scope)}
        return scope

    def _scheme(self, scope: Scope) -> str:
        said = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
        scheme: str = scope["scheme"]
        # The last one is that of the proxy that was trusted last.
        is_secure = bool(said) and said[-1].split(b",")[-1].strip().lower() in (b"https", b"wss")
        return _SECURE.get(scheme, scheme) if is_secure else scheme
