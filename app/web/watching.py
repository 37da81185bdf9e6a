"""Who watches: each exchange that ends is counted, gets its line in the request log, and its spans."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from time import perf_counter_ns

from starlette.types import Scope

from app.web.exchange import AUTH, DATABASE, PLAN, Exchange, current
from app.web.metrics import Metrics
from app.web.request_log import RequestLog, milliseconds
from app.web.tracing import Tracing


class Watch:
    """Watches the exchanges of one process.

    Attributes:
        metrics: What is counted.
        log: The request log; None if there is none.
        tracing: What tells of spans.
        shows_timing: Whether answers tell how long their rooms took.
    """

    def __init__(self, *, metrics: Metrics, log: RequestLog | None, tracing: Tracing, shows_timing: bool) -> None:
        self.metrics = metrics
        self.log = log
        self.tracing = tracing
        self.shows_timing = shows_timing

    @contextmanager
    def watching(self, exchange: Exchange, scope: Scope) -> Iterator[None]:
        """Watch an exchange as long as it is served, whatever comes of it."""
        token = current.set(exchange)
        try:
            with nullcontext() if self.tracing.tracer is None else self.tracing.watching(exchange, scope):
                yield
        finally:
            self.ended(exchange, scope)
            current.reset(token)

    def prepare(self, exchange: Exchange) -> None:
        """Have all noted of an exchange that has begun but is not watched yet, or is only told of by `ended`."""
        if self.tracing.tracer is not None:
            exchange.stays = []

    def ended(self, exchange: Exchange, scope: Scope) -> None:
        """Count an exchange that has ended, and tell of it."""
        nanoseconds = perf_counter_ns() - exchange.began
        if self.tracing.tracer is not None:
            # First, for it may name the trace.
            self.tracing.end(exchange, scope)
        self.metrics.count(exchange, nanoseconds)
        if self.log is not None:
            self.log.lines.add(self.log.form(exchange, scope, nanoseconds))


def server_timing(exchange: Exchange) -> bytes:
    """Say how long an exchange has taken so far, room by room (W3C Server Timing, section 3)."""
    spent = exchange.spent
    return (
        f"auth;dur={milliseconds(spent[AUTH])}, plan;dur={milliseconds(spent[PLAN])}, "
        f"db;dur={milliseconds(spent[DATABASE])}, total;dur={milliseconds(perf_counter_ns() - exchange.began)}"
    ).encode()
