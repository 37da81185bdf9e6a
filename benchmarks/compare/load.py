"""Sends requests over a few connections, each as soon as the one before is answered, and counts.

Speaks just enough HTTP/1.1 to cost little itself. What a request costs the server is read from the kernel's
count of the process's CPU time, so that neither this side nor another process on the machine is in it.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

_END_OF_HEADERS = b"\r\n\r\n"
_STATUS = slice(9, 12)
# The kernel's name of another process's CPU clock: clock_getcpuclockid(3).
_CPU_CLOCK = 2


class UnexpectedAnswer(Exception):
    """The server did not answer as it should have; the text holds what it said."""


@dataclass(frozen=True)
class Measured:
    """What came of a load.

    Attributes:
        requests: How many were answered.
        seconds: From the first request to the last answer.
        cpu_seconds: What the server's process used meanwhile, in and below it.
        p50_ms: The median of the latencies.
        p99_ms: The latency that one in a hundred exceeds.
    """

    requests: int
    seconds: float
    cpu_seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def cpu_microseconds(self) -> float:
        """The server's CPU time per request."""
        return self.cpu_seconds / self.requests * 1e6


@dataclass(frozen=True)
class Target:
    """A server to send to."""

    port: int
    pid: int
    token: str

    def request(self, body: bytes) -> bytes:
        """Write a request."""
        return (
            b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n"
            b"Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: %d\r\n\r\n%s"
        ) % (self.port, self.token.encode(), len(body), body)

    def cpu_seconds(self) -> float:
        """Give the CPU time of the process so far, of all its threads."""
        return time.clock_gettime((~self.pid << 3) | _CPU_CLOCK)


class Connection(asyncio.Protocol):
    """Sends one request after another and reads the answers."""

    def __init__(
        self, target: Target, next_body: Callable[[], bytes | None], keep: list[bytes] | None = None
    ) -> None:
        """Prepare a connection.

        Args:
            target: Where it leads.
            next_body: Gives what to send next; None ends.
            keep: Where to put the answers; None drops them.
        """
        self.latencies: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._target = target
        self._next_body = next_body
        self._keep = keep
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._missing = 0
        self._begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # uvloop's transports are none of asyncio's, and do the same.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer; with the last one, send the next request."""
        try:
            if self._missing:
                self._received += data
                self._missing -= len(data)
            else:
                self._received += data
                head = self._received.find(_END_OF_HEADERS)
                if head < 0:
                    return
                length = _content_length(self._received[:head])
                self._missing = head + len(_END_OF_HEADERS) + length - len(self._received)
            if self._missing == 0:
                self._take(self._received)
        except UnexpectedAnswer as error:
            self._end(error)

    def connection_lost(self, error: Exception | None) -> None:
        """End early."""
        self._end(error or UnexpectedAnswer("the server hung up"))

    def check(self, answer: bytes) -> None:
        """Hold an answer to be a success.

        Raises:
            UnexpectedAnswer: It is none.
        """
        if answer[_STATUS] != b"200" or b'"errors":[{' in answer:
            raise UnexpectedAnswer(answer.decode(errors="replace")[:2_000])

    def _take(self, answer: bytes) -> None:
        self.latencies.append(time.perf_counter() - self._begun)
        self._received = b""
        self.check(answer)
        if self._keep is not None:
            self._keep.append(answer)
        self._send()

    def _send(self) -> None:
        body = self._next_body()
        if body is None or self._transport is None:
            self._end(None)
            return
        self._begun = time.perf_counter()
        self._transport.write(self._target.request(body))

    def _end(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error) if error else self.done.set_result(None)
        if self._transport is not None:
            self._transport.close()


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise UnexpectedAnswer(f"no Content-Length: {head.decode(errors='replace')}")


async def measure(target: Target, lanes: Sequence[Callable[[], bytes]], *, seconds: float) -> Measured:
    """Load a server for a while over one connection for each lane.

    Raises:
        UnexpectedAnswer: An answer was not a success.
    """
    began, cpu = time.perf_counter(), target.cpu_seconds()
    ends = began + seconds

    def until_the_end(ask: Callable[[], bytes]) -> Callable[[], bytes | None]:
        return lambda: ask() if time.perf_counter() < ends else None

    connections = await _run(target, map(until_the_end, lanes))
    took = time.perf_counter() - began
    latencies = sorted(latency for connection in connections for latency in connection.latencies)
    return Measured(
        requests=len(latencies),
        seconds=took,
        cpu_seconds=target.cpu_seconds() - cpu,
        p50_ms=latencies[len(latencies) // 2] * 1e3,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1e3,
    )


async def answers(target: Target, bodies: Iterable[bytes]) -> list[bytes]:
    """Send some requests one after the other and give the bodies of the answers.

    Raises:
        UnexpectedAnswer: An answer was not a success.
    """
    left, kept = iter(bodies), list[bytes]()
    await _run(target, [lambda: next(left, None)], kept)
    return [answer.partition(_END_OF_HEADERS)[2] for answer in kept]


async def _run(
    target: Target, asks: Iterable[Callable[[], bytes | None]], keep: list[bytes] | None = None
) -> list[Connection]:
    loop = asyncio.get_running_loop()
    connections: list[Connection] = []
    for ask in asks:
        _, connection = await loop.create_connection(
            partial(Connection, target, ask, keep), "127.0.0.1", target.port
        )
        connections.append(connection)
    ended = asyncio.gather(*(connection.done for connection in connections))
    # Whoever sleeps has to be woken by what the server sends, which would count as the server's work.
    while not ended.done():  # noqa: ASYNC110 - an event would be waited for asleep
        await asyncio.sleep(0)
    await ended
    return connections
