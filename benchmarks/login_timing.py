"""Whether the time of an answer tells if an e-mail address is known: log-in, registration, request for a code.

Run it from the root of the repository while the machine is quiet:

    .venv/bin/python -m benchmarks.login_timing                    # 400 pairs each, SQLite
    .venv/bin/python -m benchmarks.login_timing --pairs 1000 --database postgresql://user@host/empty_database

Every sample is one request to a real server over one connection, with an address that was never used before;
known and unknown ones take turns, which of the two comes first is tossed. Per road it prints the medians, the
difference of the medians, how often a known address took longer than an unknown one (0.50: no difference), and
the two-sided p-value of Mann and Whitney's test (normal approximation with ties): below 0.01 somebody who can ask
as often as this has learned something, unless throttled.
"""

import argparse
import math
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.serving import Client, serving

_PAUSE_SECONDS = 0.01
"""Between samples, so that what the server does after an answer, such as sending mail, is not measured."""


@dataclass(frozen=True, slots=True)
class Road:
    """One way to ask about an address."""

    name: str
    field: str
    input_type: str
    values: dict[str, object]

    @property
    def document(self) -> str:
        """The operation."""
        return f"mutation ($input: {self.input_type}!) {{ {self.field}(input: $input) {{ errors {{ code }} }} }}"

    def known(self, number: int) -> str:
        """The address of a trader."""
        return f"{self.field.lower()}-{number:05}a@example.com"

    def unknown(self, number: int) -> str:
        """An address of nobody, as long as a known one."""
        return f"{self.field.lower()}-{number:05}b@example.com"


ROADS = (
    Road("log-in", "permitLogIn", "PermitLogInInput", {"password": "not the password"}),
    Road(
        "registration",
        "permitRegister",
        "PermitRegisterInput",
        {"password": "Long-and-new-enough-7", "firstName": "Grace", "lastName": "Somebody"},
    ),
    Road("code request", "permitRequestCode", "PermitRequestCodeInput", {"purpose": "CHANGE_PASSWORD"}),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=400, help="samples of each kind and road (400)")
    parser.add_argument("--profile", choices=("owasp", "rfc9106", "cheap"), default="owasp")
    parser.add_argument("--database", help="the URL of an empty database; an SQLite file by default")
    chosen = parser.parse_args()
    emails = [road.known(number) for road in ROADS for number in range(chosen.pairs + 5)]
    database = "PostgreSQL" if chosen.database else "SQLite"
    print(f"{chosen.pairs} pairs each, {chosen.profile}, {database}; milliseconds")
    print(f"{'road':<14}{'known':>9}{'unknown':>9}{'diff':>8}{'P(known>unknown)':>18}{'p':>11}")
    with serving(emails, profile=chosen.profile, database_url=chosen.database) as (port, _):
        client = Client(port)
        for road in ROADS:
            known, unknown = _measure(client, road, chosen.pairs)
            share, p = mann_whitney(known, unknown)
            here, there = (statistics.median(each) * 1_000 for each in (known, unknown))
            figures = f"{here:>9.2f}{there:>9.2f}{here - there:>8.2f}{share:>18.3f}{p:>11.2g}"
            print(f"{road.name:<14}{figures}", flush=True)
        client.close()


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """Compare two samples.

    Returns:
        How often one of the first is larger than one of the second, ties counted half, and the two-sided
        p-value (normal approximation with correction for ties and continuity).
    """
    ordered = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    count, ranks, ties, start = len(ordered), 0.0, 0, 0
    while start < count:
        end = start
        while end < count and ordered[end][0] == ordered[start][0]:
            end += 1
        ranks += sum(1 for _, which in ordered[start:end] if which == 0) * (start + 1 + end) / 2
        ties += (end - start) ** 3 - (end - start)
        start = end
    pairs = len(first) * len(second)
    u = ranks - len(first) * (len(first) + 1) / 2
    spread = math.sqrt(pairs / 12 * (count + 1 - ties / (count * (count - 1))))
    z = max(0.0, abs(u - pairs / 2) - 0.5) / spread if spread else 0.0
    return u / pairs, math.erfc(z / math.sqrt(2))


def _measure(client: Client, road: Road, pairs: int) -> tuple[list[float], list[float]]:
    known: list[float] = []
    unknown: list[float] = []
    kinds: list[tuple[Callable[[int], str], list[float]]] = [(road.known, known), (road.unknown, unknown)]
    for number in range(pairs + 5):
        random.shuffle(kinds)
        for address, times in kinds:
            time.sleep(_PAUSE_SECONDS)
            begun = time.perf_counter()
            client.ask(road.document, {"input": {"email": address(number), **road.values}})
            times.append(time.perf_counter() - begun)
    # The first few warm the server up.
    return known[5:], unknown[5:]


if __name__ == "__main__":
    main()
