"""How a cheap query fares while fifty traders log in at once, and how much memory that takes.

Run it from the root of the repository while the machine is quiet:

    .venv/bin/python -m benchmarks.login_load                # both profiles of argon2id, 50 log-ins
    .venv/bin/python -m benchmarks.login_load --log-ins 200

One process sends the log-ins over as many connections; this one asks `{ service { version } }` in a loop over
one connection of its own, first alone, then meanwhile. The cores are shared by the server, the log-ins and the
probe, so a latency holds all their waiting. It prints per profile: how long all log-ins took, p50, p99 and the
worst of the query's latency idle and meanwhile with the ratio of the medians, and the server's peak memory
(VmHWM) before and after.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import orjson

from benchmarks.serving import PASSWORD, Client, serving

_CHEAP = "{ service { version } }"
_LOG_IN = "mutation ($input: PermitLogInInput!) { permitLogIn(input: $input) { errors { code } } }"
_IDLE_SECONDS = 5.0
# The probe must not be the load itself.
_PAUSE_SECONDS = 0.005


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log-ins", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3, help="how often they all log in (3)")
    parser.add_argument("--database", help="the URL of an empty database; an SQLite file by default")
    chosen = parser.parse_args()
    emails = [f"trader-{number}@example.com" for number in range(chosen.log_ins)]
    print(f"{chosen.log_ins} log-ins at once, {chosen.rounds} rounds; latency of {_CHEAP} in milliseconds")
    header = f"{'profile':<9}{'':>6}{'p50':>8}{'p99':>8}{'max':>8}{'queries':>9}"
    for profile in ("owasp", "rfc9106"):
        with serving(emails, profile=profile, database_url=chosen.database) as (port, pid):
            client = Client(port)
            for _ in range(200):
                client.ask(_CHEAP)
            before = _peak_mib(pid)
            idle = _probe(client, _until(_IDLE_SECONDS))
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as storm:
                storm.submit(time.time).result()  # Its start must not be measured.
                work = storm.submit(_log_all_in, port, emails, chosen.rounds)
                load = _probe(client, work.done)
            took = work.result()
            client.close()
            print(header)
            for name, times in (("idle", idle), ("load", load)):
                print(
                    f"{profile:<9}{name:>6}"
                    + "".join(f"{each:>8.2f}" for each in _summary(times))
                    + f"{len(times):>9}"
                )
            ratio = statistics.median(load) / statistics.median(idle)
            rounds = ", ".join(f"{each:.2f}" for each in took)
            print(
                f"  median {ratio:.1f} times the idle one; all {chosen.log_ins} log-ins took {rounds} s; "
                f"peak memory {before:.0f} MiB before, {_peak_mib(pid):.0f} MiB after",
                flush=True,
            )


def _until(seconds: float) -> Callable[[], bool]:
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() > deadline


def _probe(client: Client, is_over: Callable[[], bool]) -> list[float]:
    times = []
    while not is_over():
        begun = time.perf_counter()
        client.ask(_CHEAP)
        times.append((time.perf_counter() - begun) * 1_000)
        time.sleep(_PAUSE_SECONDS)
    return times


def _summary(times: Sequence[float]) -> tuple[float, float, float]:
    ordered = sorted(times)
    return statistics.median(ordered), ordered[int(len(ordered) * 0.99)], ordered[-1]


def _peak_mib(pid: int) -> float:
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1_024


def _log_all_in(port: int, emails: Sequence[str], rounds: int) -> list[float]:
    """Log everybody in at once, so many times, and give how long each time took; runs in a process of its own."""

    async def log_in(email: str) -> None:
        body = orjson.dumps({"query": _LOG_IN, "variables": {"input": {"email": email, "password": PASSWORD}}})
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        answer = await reader.read()
        writer.close()
        if not answer.endswith(b'{"data":{"permitLogIn":{"errors":[]}}}'):
            raise RuntimeError(answer.decode())

    async def log_all_in() -> float:
        begun = time.perf_counter()
        await asyncio.gather(*map(log_in, emails))
        return time.perf_counter() - begun

    return [asyncio.run(log_all_in()) for _ in range(rounds)]


if __name__ == "__main__":
    main()
