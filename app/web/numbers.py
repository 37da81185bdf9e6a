"""The numbers of all processes of one server: each leaves its own in a file, and whoever is asked adds them up.

A counter of a process that has ended still counts, or the sum would go down. What it had open ended with it.
"""

import asyncio
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import orjson
from pydantic import TypeAdapter

from app.web.connections import Connections
from app.web.kept_answers import KeptAnswers
from app.web.metrics import Metrics
from app.web.rates import Rates
from app.web.request_log import Lines

WRITTEN_SECONDS = 1.0
"""How often a process leaves its numbers: so old are those of the others, at most."""

Series = tuple[str, ...]
"""The name of a number, and the values of its labels."""

logger = logging.getLogger("app.metrics")


@dataclass(slots=True)
class Numbers:
    """Numbers of one process, or of several together.

    Attributes:
        counters: What only grows.
        gauges: What is now.
        processes: Those that live.
    """

    counters: dict[Series, int] = field(default_factory=dict)
    gauges: dict[Series, int] = field(default_factory=dict)
    processes: list[int] = field(default_factory=list)

    def add(self, others: "Numbers") -> None:
        """Add those of other processes."""
        for mine, theirs in ((self.counters, others.counters), (self.gauges, others.gauges)):
            for series, value in theirs.items():
                mine[series] = mine.get(series, 0) + value
        self.processes += others.processes

    def written(self) -> bytes:
        """Write them down."""
        parts = [[*series, value] for series, value in self.counters.items()]
        return orjson.dumps([self.processes, parts, [[*series, value] for series, value in self.gauges.items()]])

    @classmethod
    def read(cls, written: bytes) -> "Numbers":
        """Read what `written` gave.

        Raises:
            ValueError: It did not give that.
        """
        processes, counters, gauges = _FORM.validate_json(written)
        return cls(_series(counters), _series(gauges), processes)


_Part = list[str | int]
_FORM = TypeAdapter(tuple[list[int], list[_Part], list[_Part]])


def _series(parts: list[_Part]) -> dict[Series, int]:
    return {tuple(map(str, names)): int(value) for *names, value in parts}


class Sources:
    """Where the numbers of this process come from."""

    def __init__(
        self,
        metrics: Metrics,
        connections: Connections,
        rates: Rates,
        kept_answers: KeptAnswers | None,
        lines: Lines | None,
    ) -> None:
        self._metrics = metrics
        self._connections = connections
        self._rates = rates
        self._kept_answers = kept_answers
        self._lines = lines

    def now(self) -> Numbers:
        """Give the numbers as they are."""
        numbers = Numbers(dict(self._counters()), dict(self._gauges()), [os.getpid()])
        for series, value in self._by_way():
            numbers.counters[series] = numbers.counters.get(series, 0) + value
        return numbers

    def _counters(self) -> Iterator[tuple[Series, int]]:
        metrics, kept = self._metrics, self._kept_answers
        for (transport, way, kind, status), seen in metrics.requests.items():
            said = "none" if status is None else str(status)
            yield ("requests", transport, way, kind, said), sum(seen.counts)
        yield from ((("errors", code), count) for code, count in metrics.codes.items())
        yield from ((("rate_limited", what), count) for what, count in self._rates.refused.items())
        yield ("rate_limited", "connections"), self._connections.refused
        yield ("kept_answer_hits",), 0 if kept is None else kept.hits
        yield ("kept_answer_misses",), 0 if kept is None else kept.misses
        yield ("log_lines_lost",), 0 if self._lines is None else self._lines.lost

    def _by_way(self) -> Iterator[tuple[Series, int]]:
        """Give numbers by the way alone, several of each series that are still to be added up."""
        for (_, way, kind, status), seen in self._metrics.requests.items():
            yield ("statements", way), seen.statements
            # What stays open says how long somebody listened.
            if kind != "subscription" and status != HTTPStatus.SWITCHING_PROTOCOLS:
                yield ("duration_nanoseconds", way), seen.nanoseconds
                yield from ((("durations", way, str(bound)), count) for bound, count in enumerate(seen.counts))

    def _gauges(self) -> Iterator[tuple[Series, int]]:
        connections, kept = self._connections, self._kept_answers
        yield ("sockets",), connections.sockets
        yield ("streams",), connections.streams
        yield ("subscriptions",), connections.subscriptions
        yield ("kept_answers",), 0 if kept is None else len(kept)
        yield ("kept_answer_bytes",), 0 if kept is None else kept.weight


class SharedNumbers:
    """The numbers of all processes that leave them in one folder."""

    def __init__(self, sources: Sources, folder: Path | None) -> None:
        """Prepare.

        Args:
            sources: Of this process.
            folder: Where the processes leave their numbers; None for a process by itself.
        """
        self._sources = sources
        self._folder = folder
        self._pid = os.getpid()

    async def keep_writing(self) -> None:
        """Leave the numbers of this process again and again, until cancelled."""
        while self._folder is not None:
            self._leave(self._folder, self._sources.now())
            await asyncio.sleep(WRITTEN_SECONDS)

    def end(self) -> None:
        """Leave what this process has counted in its life."""
        if self._folder is not None:
            self._leave(self._folder, Numbers(self._sources.now().counters))

    def all(self) -> Numbers:
        """Add up the numbers of all processes."""
        numbers = self._sources.now()
        for file in () if self._folder is None else self._folder.glob("*.json"):
            if file.stem != str(self._pid):
                numbers.add(_left(file))
        return numbers

    def _leave(self, folder: Path, numbers: Numbers) -> None:
        begun = folder / f"{self._pid}.begun"
        try:
            begun.write_bytes(numbers.written())
            # Whoever reads sees the one before, or this one whole.
            begun.replace(folder / f"{self._pid}.json")
        except OSError as error:
            logger.error("other processes cannot be told the metrics of this one: %s", type(error).__name__)


def _left(file: Path) -> Numbers:
    try:
        numbers = Numbers.read(file.read_bytes())
    except (OSError, ValueError) as error:
        logger.error("the metrics of another process cannot be read: %s", type(error).__name__)
        return Numbers()
    return numbers if all(map(_lives, numbers.processes)) else Numbers(numbers.counters)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
