"""`/metrics` for Prometheus: the numbers of all processes of a server, for those networks that may see them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from app.kit.networks import Network, is_in
from app.web.caching import NO_STORE
from app.web.metrics import BOUNDS_SECONDS
from app.web.numbers import Numbers, SharedNumbers

if TYPE_CHECKING:
    from prometheus_client import Metric

PATH = "/metrics"

LONGEST_SECONDS = 2.0
"""How long the database may take to say how many e-mails wait; the rest is told without it."""

COUNTERS = {
    "requests": (
        "Requests, and operations of sockets, that have ended.",
        ("transport", "way", "kind", "status"),
    ),
    "errors": ("Requests and operations that were answered with an error, by its code.", ("code",)),
    "statements": ("Statements that were run for requests and operations.", ("way",)),
    "kept_answer_hits": ("Answers that were given again.", ()),
    "kept_answer_misses": ("Answers that could have been kept, but were read.", ()),
    "rate_limited": ("Refusals because there was too much in a minute, or open, by what.", ("limit",)),
    "log_lines_lost": ("Lines of the request log that nobody read in time.", ()),
}
"""What only grows, by its name after `shares_` and before `_total`: what it says, and its labels."""

GAUGES = {
    "sockets": "Sockets that are open.",
    "streams": "Streams of events that are open.",
    "subscriptions": "Subscriptions that go on, over sockets and streams.",
    "kept_answers": "Answers that are kept.",
    "kept_answer_bytes": "Bytes that kept answers take, with their requests.",
}
"""What is now, by its name after `shares_`."""

_DURATION = "Seconds from the beginning of a request to its end, without what stays open."
_LEAST_OF_ALL = frozenset({"process_start_time_seconds", "process_max_fds"})

logger = logging.getLogger("app.metrics")

Mails = Callable[[], Awaitable[int]]
"""Says how many e-mails wait to be sent."""


class Exposition:
    """Answers who may see the metrics; to everybody else there is nothing at that address."""

    def __init__(self, numbers: SharedNumbers, networks: Sequence[Network], mails: Mails) -> None:
        """Prepare.

        Args:
            numbers: The numbers of all processes.
            networks: Who may see them.
            mails: Says how many e-mails wait.
        """
        self._numbers = numbers
        self._networks = networks
        self._mails = mails

    @property
    def route(self) -> BaseRoute:
        """Give the route, which takes all methods: that one is wrong is told to nobody else."""
        return Route(PATH, self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer.

        Raises:
            HTTPException: The caller may not see the metrics, or does not ask by GET.
        """
        client = scope.get("client")
        if client is None or not is_in(client[0], self._networks):
            raise HTTPException(404)
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        response = await self._answer(Request(scope))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        # Imported here: it takes longer to load than most requests, and is of no use where nobody asks.
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import choose_encoder
        from prometheus_client.registry import Collector

        families = [*_families(self._numbers.all()), *await self._waiting()]

        class Told(Collector):
            def collect(self) -> Iterable["Metric"]:
                return families

        registry = CollectorRegistry()
        registry.register(Told())
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": content_type, "Cache-Control": NO_STORE})

    async def _waiting(self) -> Iterable["Metric"]:
        from prometheus_client.metrics_core import GaugeMetricFamily

        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                waiting = await self._mails()
        except Exception as error:  # noqa: BLE001 - whatever keeps the database from answering, the rest is known
            logger.warning("how many e-mails wait is not known (%s)", type(error).__name__)
            return ()
        return (GaugeMetricFamily("shares_outbox_mails", "E-mails that wait to be sent.", value=waiting),)


def _families(numbers: Numbers) -> Iterable["Metric"]:
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

    for name, (what, labels) in COUNTERS.items():
        family = CounterMetricFamily(f"shares_{name}", what, labels=labels)
        for (series, *values), count in numbers.counters.items():
            if series == name:
                family.add_metric(values, count)
        yield family
    yield _durations(numbers)
    for name, what in GAUGES.items():
        yield GaugeMetricFamily(f"shares_{name}", what, value=numbers.gauges.get((name,), 0))
    yield GaugeMetricFamily("shares_workers", "Processes that serve.", value=len(numbers.processes))
    yield from _of_processes(numbers.processes)


def _durations(numbers: Numbers) -> "Metric":
    from prometheus_client.metrics_core import HistogramMetricFamily
    from prometheus_client.utils import floatToGoString

    family = HistogramMetricFamily("shares_request_duration_seconds", _DURATION, labels=("way",))
    bounds = [*map(floatToGoString, BOUNDS_SECONDS), "+Inf"]
    for (series, *values), nanoseconds in numbers.counters.items():
        if series == "duration_nanoseconds":
            (way,) = values
            so_far, buckets = 0, []
            for number, bound in enumerate(bounds):
                so_far += numbers.counters[("durations", way, str(number))]
                buckets.append((bound, so_far))
            family.add_metric([way], buckets, nanoseconds / 1e9)
    return family


def _of_processes(processes: Iterable[int]) -> Iterable["Metric"]:
    """Give what the system knows of processes, of all of them together."""
    from prometheus_client import ProcessCollector

    together: dict[str, Metric] = {}
    for process in processes:
        for family in ProcessCollector(pid=partial(int, process), registry=None).collect():
            if family.name not in together:
                together[family.name] = family
                continue
            known = together[family.name]
            (mine,), (theirs,) = known.samples, family.samples
            least = min(mine.value, theirs.value)
            value = least if family.name in _LEAST_OF_ALL else mine.value + theirs.value
            known.samples = [mine._replace(value=value)]
    return together.values()
