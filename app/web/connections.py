"""What stays open: how many sockets and streams there may be, and until when their callers may listen."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from starlette.requests import HTTPConnection

from app.graph.context import Services
from app.kit.problem import Problem
from app.security.tokens import AccessClaims, InvalidToken
from app.web.clients import address_of

T = TypeVar("T")

WATCH_SECONDS = 1.0
"""How often a token whose bearer listens is held against what was revoked."""

RESTARTED = 1012
"""What a socket is closed with when the server ends: clients come again by themselves, to another."""

_RETRY_SECONDS = 10
_SHORTEST_SLEEP_SECONDS = 0.01


class TooManyConnections(Problem):
    """The client's address has as many sockets or streams open as it may have, or the server has."""

    code = "RATE_LIMITED"

    def __init__(self) -> None:
        super().__init__(seconds=_RETRY_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How much may be open.

    Attributes:
        init_wait: How long a new socket may be silent.
        subscriptions: The most operations that one socket has at the same time.
        sockets_per_address: The most sockets of one address.
        uninitialised_sockets: The most sockets of all addresses that have said nothing yet.
        streams_per_address: The most streams of events of one address.
    """

    init_wait: timedelta
    subscriptions: int
    sockets_per_address: int
    uninitialised_sockets: int
    streams_per_address: int


class Connections:
    """The sockets and streams of this process.

    Attributes:
        limits: How many there may be.
        ending: Set when the server is about to end; streams then end too, so that clients go elsewhere.
        subscriptions: How many subscriptions go on, over sockets and streams.
        refused: How many sockets and streams were refused because there were too many.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.ending = asyncio.Event()
        self.subscriptions = 0
        self.refused = 0
        self._sockets: Counter[str] = Counter()
        self._streams: Counter[str] = Counter()
        self._uninitialised = 0

    @contextmanager
    def socket(self, connection: HTTPConnection) -> Iterator[None]:
        """Count a socket as long as it is open.

        Raises:
            TooManyConnections: There are as many as there may be, or as many that have said nothing yet.
        """
        if self._uninitialised >= self.limits.uninitialised_sockets:
            self.refused += 1
            raise TooManyConnections
        with self._counted(self._sockets, connection, self.limits.sockets_per_address):
            yield

    @contextmanager
    def stream(self, connection: HTTPConnection) -> Iterator[None]:
        """Count a stream of events as long as it is open.

        Raises:
            TooManyConnections: There are as many as there may be.
        """
        with self._counted(self._streams, connection, self.limits.streams_per_address):
            yield

    @contextmanager
    def subscription(self) -> Iterator[None]:
        """Count a subscription as long as it goes on."""
        self.subscriptions += 1
        try:
            yield
        finally:
            self.subscriptions -= 1

    @property
    def sockets(self) -> int:
        """How many sockets are open."""
        return self._sockets.total()

    @property
    def streams(self) -> int:
        """How many streams of events are open."""
        return self._streams.total()

    def note_uninitialised(self, change: int) -> None:
        """Count a socket that has said nothing yet: 1 when it is opened, -1 when it speaks or closes."""
        self._uninitialised += change

    @contextmanager
    def _counted(self, counts: Counter[str], connection: HTTPConnection, most: int) -> Iterator[None]:
        address = address_of(connection.scope)
        if counts[address] >= most:
            self.refused += 1
            raise TooManyConnections
        counts[address] += 1
        try:
            yield
        finally:
            counts[address] -= 1
            if not counts[address]:
                del counts[address]


async def token_ends(claims: AccessClaims, services: Services) -> InvalidToken:
    """Wait until a token is not valid any more, because its time is over or it was revoked, and tell which."""
    while True:
        try:
            services.identity.tokens.hold_to_time(claims)
            services.revocations.hold_against(claims)
        except InvalidToken as fault:
            return fault
        left = (claims.expires_at - services.clock()).total_seconds()
        await asyncio.sleep(min(WATCH_SECONDS, max(left, _SHORTEST_SLEEP_SECONDS)))


async def until(end: Awaitable[object], items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Pass items on until something else has happened; both are brought to their end then."""
    ending = asyncio.ensure_future(end)
    coming = None
    try:
        while not ending.done():
            coming = asyncio.ensure_future(anext(items))
            await asyncio.wait({coming, ending}, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                try:
                    item = coming.result()
                except StopAsyncIteration:
                    return
                yield item
    finally:
        open_tasks = [task for task in (coming, ending) if task is not None and not task.done()]
        for task in open_tasks:
            task.cancel()
        await asyncio.gather(*open_tasks, return_exceptions=True)
        await items.aclose()
