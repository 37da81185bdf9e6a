"""Whether the server's memory grows while it answers a million requests, of all kinds that leave something behind.

Run it from the root of the repository; it takes ten minutes or more (Linux):

    .venv/bin/python -m benchmarks.endurance                     # a million requests
    .venv/bin/python -m benchmarks.endurance --requests 200000

One worker with its caches and limits as in production gets the requests of the comparison's mix, and between them
what fills each store that has an end: documents that nobody sent before, valid and not, tokens that it never saw,
tokens that nobody granted, and connections that come and go. It prints the resident memory (VmRSS) after each
twentieth of the requests; at the end, by how much the last quarter's mean exceeds that of the quarter before. If
it is by more than two in a hundred, the exit status is 1.
"""

import argparse
import asyncio
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.compare.cases import INDUSTRIES, SHARE, SHARES, Asks, Lane, Ledger, ask_mix, body
from benchmarks.compare.load import Connection, Target
from benchmarks.compare.servers import CONTENDERS, OURS_CACHED, Credentials, cores, make_database, serving

_LANES = 8
_PER_CLIENT = 50
_STRANGER_EVERY = 10
UNHEARD_OF_EVERY = 50
"""How many requests of a client there are for each that brings a document nobody sent before."""

_READINGS = 20
_TOLERATED = 1.02


class _Unmoved(Connection):
    """Takes refusals as answers."""

    def check(self, answer: bytes) -> None:
        """Find nothing wrong."""


class Crowd:
    """Many clients, eight at a time, each with a token of its own and over a connection of its own."""

    def __init__(self, credentials: Credentials, target: Target) -> None:
        """Take what grants the tokens, and where to send."""
        self._credentials = credentials
        self._target = target
        self._numbers = count(1)
        ledger = Ledger()
        self._asks = [ask_mix(Lane(number, _LANES, ledger)) for number in range(_LANES)]

    async def send(self, requests: int) -> None:
        """Send so many requests."""
        await asyncio.gather(*(self._send(ask, requests // _LANES) for ask in self._asks))

    async def _send(self, ask: Asks, requests: int) -> None:
        left = requests
        while left:
            now = min(left, _PER_CLIENT)
            await self._be_a_client(ask, now)
            left -= now

    async def _be_a_client(self, ask: Asks, requests: int) -> None:
        number = next(self._numbers)
        token = self._credentials.token_of(number)
        if number % _STRANGER_EVERY == 0:
            # The signature is cut short; and what nobody may write, nobody counts as written.
            token, ask = token[:-3], partial(body, SHARE, {"id": "1"})
        left = iter(range(requests))

        def next_body() -> bytes | None:
            at = next(left, None)
            if at is None:
                return None
            return _unheard_of(number * _PER_CLIENT + at) if at % UNHEARD_OF_EVERY == 0 else ask()

        make = partial(_Unmoved, replace(self._target, token=token), next_body)
        _, connection = await asyncio.get_running_loop().create_connection(make, "127.0.0.1", self._target.port)
        await connection.done


def _unheard_of(number: int) -> bytes:
    """Write a document that no other number gives: valid, not valid, or not even GraphQL."""
    documents = (
        f"query Q{number} {{ share(id: {number % 5_000 + 1}) {{ tag a{number}: price }} }}",
        f"{{ share(id: 1) {{ a{number} }} }}",
        f"{{ share(id: {number} {{ tag }} }}",
    )
    return body(documents[number // UNHEARD_OF_EVERY % len(documents)], {})


def main() -> int:
    """Send, print, and give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000_000)
    requests: int = parser.parse_args().requests
    os.sched_setaffinity(0, {cores()[1]})
    contender = next(each for each in CONTENDERS if each.name == OURS_CACHED)
    credentials = Credentials.make()
    readings: list[float] = []
    with TemporaryDirectory(prefix="shares-benchmark-") as name:
        folder = Path(name)
        database = make_database(folder, industries=INDUSTRIES, shares=SHARES)
        with serving(contender, database, folder / "server", credentials) as server:
            print(f"{'requests':>10}{'MiB':>8}\n{0:>10,}{server.memory_mib():>8.1f}", flush=True)
            crowd = Crowd(credentials, server.target)
            for reading in range(1, _READINGS + 1):
                asyncio.run(crowd.send(requests // _READINGS))
                readings.append(server.memory_mib())
                print(f"{requests * reading // _READINGS:>10,}{readings[-1]:>8.1f}", flush=True)
    times = growth(readings)
    print(f"The last quarter's mean is {(times - 1) * 100:+.1f} % over that of the quarter before.")
    return int(times > _TOLERATED)


def growth(readings: Sequence[float]) -> float:
    """Give by how many times the mean of the last quarter exceeds that of the quarter before."""
    quarter = len(readings) // 4
    return statistics.mean(readings[-quarter:]) / statistics.mean(readings[-2 * quarter : -quarter])


if __name__ == "__main__":
    sys.exit(main())
