"""Measures the servers in turn, round after round, so that what else the machine does meets all of them alike."""

import asyncio
import json
import os
import platform
import reprlib
import shutil
import sqlite3
import statistics
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.compare.cases import (
    CASES,
    INDUSTRIES,
    SHARES,
    Asks,
    Case,
    Lane,
    Ledger,
    ask_list,
    ask_share,
)
from benchmarks.compare.load import Measured, answers, measure
from benchmarks.compare.servers import (
    CONTENDERS,
    LIMIT,
    MERCURIUS,
    OURS,
    Contender,
    Credentials,
    Running,
    cores,
    make_database,
    serving,
)

LIST_INDUSTRIES = (1, 5, 10, 25, 50, 100)
"""With a hundred shares each, the sizes of the lists whose growth is measured."""

POINT_SHARES = (5_000, 500_000)
LONG_POINT_SHARES = (*POINT_SHARES, 5_000_000)

_SAMPLES = 20
_STARTS = 3
_STALLED_LANES = 4

# Nobody reads all of two answers of 300 kB.
_SHOWN = reprlib.Repr()


class DifferentAnswers(Exception):
    """Two servers answer the same request differently, so that their times mean nothing."""


@dataclass(frozen=True)
class Plan:
    """What to measure, and for how long.

    Attributes:
        rounds: How often each server has its turn.
        seconds: How long a turn takes.
        connections: How many requests are under way at a time.
        cases: Names of cases, and of `growth`, `stall` and `footprint`.
        is_long: Whether growth is measured up to five million shares.
    """

    rounds: int
    seconds: float
    connections: int
    cases: frozenset[str]
    is_long: bool
    contenders: tuple[Contender, ...] = CONTENDERS
    say: Callable[[str], None] = field(default=print)


EXTRAS = ("growth", "stall", "footprint")


def take_all(plan: Plan, folder: Path) -> dict[str, Any]:
    """Measure everything that the plan names, and give the results as they are kept.

    Raises:
        DifferentAnswers: The servers do not agree.
        UnusableServer: One of them does not start.
    """
    os.sched_setaffinity(0, {cores()[1]})
    credentials = Credentials.make()
    plan.say(f"seeding {INDUSTRIES} industries with {SHARES} shares each")
    seeded = make_database(folder / "seeded", industries=INDUSTRIES, shares=SHARES)
    results: dict[str, Any] = {
        "taken": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": _machine(),
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "connections": plan.connections,
        "contenders": {each.name: each.title for each in plan.contenders},
    }
    cases = [case for case in CASES if case.name in plan.cases]
    if cases or "stall" in plan.cases:
        with _all_serving(plan, seeded, folder / "cases", credentials) as running:
            results["cases"] = _take_cases(plan, cases, running)
            if "stall" in plan.cases:
                results["stall"] = _take_stalls(plan, running)
    if "footprint" in plan.cases:
        results["footprint"] = _take_footprints(plan, seeded, folder / "footprint", credentials)
    if "growth" in plan.cases:
        results["growth"] = {
            "point": _take_point_growth(plan, folder / "point", credentials),
            "list": _take_list_growth(plan, folder / "list", credentials),
        }
    return results


@contextmanager
def _all_serving(
    plan: Plan, seeded: Path, folder: Path, credentials: Credentials
) -> Iterator[list[tuple[Running, Ledger]]]:
    with ExitStack() as stack:
        running = []
        for contender in plan.contenders:
            own = folder / contender.name
            own.mkdir(parents=True, exist_ok=True)
            database = Path(shutil.copy(seeded, own / "shares.sqlite"))
            running.append((stack.enter_context(serving(contender, database, own, credentials)), Ledger()))
        yield running


def _take_cases(
    plan: Plan, cases: Sequence[Case], running: Sequence[tuple[Running, Ledger]]
) -> dict[str, dict[str, dict[str, float]]]:
    plan.say("comparing answers")
    for case in cases:
        # All before any load: how often each server writes depends on how fast it is.
        _hold_to_each_other(case, running)
    taken: dict[str, dict[str, list[Measured]]] = {}
    for case in cases:
        contending = [each for each in running if case.is_cached or not each[0].contender.is_cached]
        for server, ledger in contending:
            plan.say(f"warming up {server.contender.name} for {case.name}")
            _load(plan, case.asks, server, ledger)
        taken[case.name] = {server.contender.name: [] for server, _ in contending}
    for turn in range(1, plan.rounds + 1):
        for case in cases:
            plan.say(f"round {turn} of {plan.rounds}: {case.title}")
            for server, ledger in running:
                if server.contender.name in taken[case.name]:
                    measured = _load(plan, case.asks, server, ledger)
                    taken[case.name][server.contender.name].append(measured)
    return {case: {name: _summary(each) for name, each in by.items()} for case, by in taken.items()}


def _load(plan: Plan, asks: Callable[[Lane], Asks], server: Running, ledger: Ledger) -> Measured:
    lanes = [asks(Lane(number, plan.connections, ledger)) for number in range(plan.connections)]
    return uvloop.run(measure(server.target, lanes, seconds=plan.seconds))


def _hold_to_each_other(case: Case, running: Sequence[tuple[Running, Ledger]]) -> None:
    """Send the same requests to all, and compare the data."""
    first: list[Any] | None = None
    for server, ledger in running:
        ask = case.asks(Lane(0, 1, ledger))
        sent = [ask() for _ in range(_SAMPLES)]
        said = [json.loads(answer)["data"] for answer in uvloop.run(answers(server.target, sent))]
        first = first or said
        for request, one, other in zip(sent, first, said, strict=True):
            if one != other:
                raise DifferentAnswers(
                    f"{server.contender.name} answers {request.decode()} by\n{_SHOWN.repr(other)}\n"
                    f"and not by\n{_SHOWN.repr(one)}"
                )


def _summary(measured: Sequence[Measured]) -> dict[str, float]:
    """Give the median of each number over the rounds."""

    def median(of: Callable[[Measured], float]) -> float:
        return round(statistics.median(map(of, measured)), 4)

    return {
        "cpu_microseconds": median(lambda each: each.cpu_microseconds),
        "per_cpu_second": median(lambda each: each.requests / each.cpu_seconds),
        "per_second": median(lambda each: each.per_second),
        "p50_ms": median(lambda each: each.p50_ms),
        "p99_ms": median(lambda each: each.p99_ms),
    }


def _take_stalls(plan: Plan, running: Sequence[tuple[Running, Ledger]]) -> dict[str, dict[str, float]]:
    """Measure `share(id)` by itself, and while one connection reads all 5,000 rows without a pause."""
    uncached = [each for each in running if not each[0].contender.is_cached]
    alone: dict[str, list[Measured]] = {server.contender.name: [] for server, _ in uncached}
    beside: dict[str, list[Measured]] = {server.contender.name: [] for server, _ in uncached}

    async def both(server: Running, lanes: list[Asks], large: Asks) -> Measured:
        points, _ = await asyncio.gather(
            measure(server.target, lanes, seconds=plan.seconds),
            measure(server.target, [large], seconds=plan.seconds),
        )
        return points

    for turn in range(1, plan.rounds + 1):
        plan.say(f"round {turn} of {plan.rounds}: share(id) beside a read of 5,000 rows")
        for server, ledger in uncached:
            lanes = [Lane(number, _STALLED_LANES, ledger) for number in range(_STALLED_LANES)]
            points = [ask_share(lane) for lane in lanes]
            name = server.contender.name
            alone[name].append(uvloop.run(measure(server.target, points, seconds=plan.seconds)))
            beside[name].append(uvloop.run(both(server, points, ask_list(INDUSTRIES)(lanes[0]))))
    return {
        name: {
            "alone_p50_ms": _summary(alone[name])["p50_ms"],
            "alone_p99_ms": _summary(alone[name])["p99_ms"],
            "beside_p50_ms": _summary(beside[name])["p50_ms"],
            "beside_p99_ms": _summary(beside[name])["p99_ms"],
            "beside_per_second": _summary(beside[name])["per_second"],
        }
        for name in alone
    }


def _take_footprints(
    plan: Plan, seeded: Path, folder: Path, credentials: Credentials
) -> dict[str, dict[str, float]]:
    """Measure how long each server takes to its first answer, and its memory then and after some load."""
    footprints = {}
    for contender in plan.contenders:
        plan.say(f"starting {contender.name} {_STARTS} times")
        starts: list[float] = []
        fresh: list[float] = []
        loaded: list[float] = []
        for _ in range(_STARTS):
            with serving(contender, seeded, folder / contender.name, credentials) as server:
                starts.append(server.start_seconds)
                fresh.append(server.memory_mib())
                _load(plan, ask_share, server, Ledger())
                _load(plan, ask_list(INDUSTRIES), server, Ledger())
                loaded.append(server.memory_mib())
        footprints[contender.name] = {
            "start_seconds": round(statistics.median(starts), 3),
            "memory_mib": round(statistics.median(fresh), 1),
            "loaded_memory_mib": round(statistics.median(loaded), 1),
        }
    return footprints


def _take_point_growth(plan: Plan, folder: Path, credentials: Credentials) -> dict[str, dict[str, float]]:
    """Measure `share(id)` over ever more shares, for us and the limit."""
    contenders = [each for each in plan.contenders if each.name in (OURS, LIMIT)]
    taken: dict[str, dict[str, list[Measured]]] = {each.name: {} for each in contenders}
    sizes = LONG_POINT_SHARES if plan.is_long else POINT_SHARES
    with ExitStack() as stack:
        running = []
        for size in sizes:
            plan.say(f"seeding {size:,} shares")
            database = make_database(folder / str(size), industries=INDUSTRIES, shares=size // INDUSTRIES)
            for contender in contenders:
                own = folder / f"{contender.name}-{size}"
                running.append((stack.enter_context(serving(contender, database, own, credentials)), size))
                taken[contender.name][str(size)] = []
        for turn in range(plan.rounds + 1):
            plan.say(f"round {turn} of {plan.rounds}: share(id) over more shares" if turn else "warming up")
            for server, size in running:
                lanes = [
                    ask_share(Lane(number, plan.connections, Ledger(), size)) for number in range(plan.connections)
                ]
                measured = uvloop.run(measure(server.target, lanes, seconds=plan.seconds))
                if turn:
                    taken[server.contender.name][str(size)].append(measured)
    return {name: _cpu_by_size(by_size) for name, by_size in taken.items()}


def _take_list_growth(plan: Plan, folder: Path, credentials: Credentials) -> dict[str, dict[str, float]]:
    """Measure ever longer lists, for every server without a cache of responses."""
    contenders = [each for each in plan.contenders if not each.is_cached]
    taken: dict[str, dict[str, list[Measured]]] = {
        each.name: {str(size * SHARES): [] for size in LIST_INDUSTRIES} for each in contenders
    }
    database = make_database(folder / "seeded", industries=max(LIST_INDUSTRIES), shares=SHARES)
    with ExitStack() as stack:
        running = [
            stack.enter_context(serving(each, database, folder / each.name, credentials)) for each in contenders
        ]
        for turn in range(plan.rounds + 1):
            plan.say(f"round {turn} of {plan.rounds}: ever longer lists" if turn else "warming up")
            for size in LIST_INDUSTRIES:
                for server in running:
                    measured = _load(plan, ask_list(size), server, Ledger())
                    if turn:
                        taken[server.contender.name][str(size * SHARES)].append(measured)
    return {name: _cpu_by_size(by_size) for name, by_size in taken.items()}


def _cpu_by_size(measured: Mapping[str, Sequence[Measured]]) -> dict[str, float]:
    return {size: _summary(each)["cpu_microseconds"] for size, each in measured.items()}


def _machine() -> dict[str, str]:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    packages = ("strawberry-graphql", "sqlalchemy", "starlette", "uvicorn", "uvloop", "python-jose")
    software = {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    software |= {name: version(name) for name in packages}
    return {"cpu": f"{cpu}, {os.cpu_count()} cores", "system": platform.system(), **software, **_node()}


def _node() -> dict[str, str]:
    node = shutil.which("node")
    lock = MERCURIUS / "node_modules" / ".package-lock.json"
    if node is None or not lock.exists():
        return {}
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    packages = json.loads(lock.read_text())["packages"]
    names = ("mercurius", "fastify", "better-sqlite3", "fast-jwt")
    return {"Node": said.strip().removeprefix("v")} | {
        name: packages[f"node_modules/{name}"]["version"] for name in names
    }
