"""What one process counts of the requests that it answers: whole numbers in memory, to cost next to nothing."""

from bisect import bisect_left

from app.web.exchange import Exchange

BOUNDS_SECONDS = (
    *(0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""The upper bounds of the durations that are counted together."""

_BOUNDS = tuple(round(bound * 1e9) for bound in BOUNDS_SECONDS)

Requests = tuple[str, str, str, int | None]
"""What requests are counted by: what they came by, how they were answered, the operation's kind, the status."""


class Seen:
    """What was seen of requests that are counted together.

    Attributes:
        counts: How many took how long: up to each bound, but not to the one before; the last for what took longer.
        nanoseconds: How long they took together.
        statements: How many statements were run for them.
    """

    __slots__ = ("counts", "nanoseconds", "statements")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS) + 1)
        self.nanoseconds = 0
        self.statements = 0


class Metrics:
    """The counts of a process.

    None of them is kept by anything that a client makes up: their number is bounded.

    Attributes:
        requests: The requests and operations of sockets that have ended.
        codes: How many of them were answered with an error of that code.
    """

    def __init__(self) -> None:
        self.requests: dict[Requests, Seen] = {}
        self.codes: dict[str, int] = {}

    def count(self, exchange: Exchange, nanoseconds: int) -> None:
        """Count an exchange that has ended, and took so long."""
        operation = exchange.operation
        kind = "none" if operation is None else operation.kind
        key = (exchange.transport, exchange.way, kind, exchange.status)
        seen = self.requests.get(key)
        if seen is None:
            seen = self.requests[key] = Seen()
        seen.counts[bisect_left(_BOUNDS, nanoseconds)] += 1
        seen.nanoseconds += nanoseconds
        seen.statements += exchange.statements
        if exchange.codes or exchange.told_codes:
            for code in exchange.all_codes:
                self.codes[code] = self.codes.get(code, 0) + 1
