"""Says what was measured: a table for the terminal, and the part of the README that lies between its markers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.compare.cases import CASES
from benchmarks.compare.servers import DOCUMENTED, JIT, LIMIT, OURS, OURS_CACHED

BEGIN = "<!-- benchmark: made by `python -m benchmarks.compare --readme` -->"
END = "<!-- /benchmark -->"

_NONE = "-"
_TIMES = "\N{MULTIPLICATION SIGN}"

_FEWEST, _MOST = "5000", "5000000"
_GROWTH_AT_MOST = 1.3


@dataclass(frozen=True)
class Goal:
    """How many times as much per CPU second one server has to do as another.

    Attributes:
        case: The case in which the first is measured.
        beside: The case in which the other is measured; the same if None.
    """

    case: str
    ours: str
    other: str
    factor: float
    beside: str | None = None


GOALS = (
    Goal("point", OURS, JIT, 1.2),
    Goal("point", OURS, DOCUMENTED, 70),
    Goal("point", OURS, LIMIT, 0.6),
    Goal("hundred", OURS, JIT, 2),
    Goal("hundred", OURS, DOCUMENTED, 70),
    Goal("hundred", OURS, LIMIT, 0.85),
    Goal("all", OURS, JIT, 2),
    Goal("all", OURS, DOCUMENTED, 40),
    Goal("all", OURS, LIMIT, 0.85),
    Goal("update", OURS, DOCUMENTED, 4),
    Goal("cached", OURS_CACHED, JIT, 5),
    Goal("cached", OURS_CACHED, OURS, 1, beside="hundred"),
)


def ratio(results: Mapping[str, Any], goal: Goal) -> float | None:
    """Give how many times as much the first server does per CPU second; None if that was not measured."""
    cases = results["cases"]
    first = cases.get(goal.case, {}).get(goal.ours)
    other = cases.get(goal.beside or goal.case, {}).get(goal.other)
    return None if first is None or other is None else float(other["cpu_microseconds"] / first["cpu_microseconds"])


def on_terminal(results: Mapping[str, Any]) -> str:
    """Write all that was measured."""
    return "\n".join(
        [*_cases(results), *_stall(results), *_footprint(results), *_growth(results), *_goals(results)]
    )


def _cases(results: Mapping[str, Any]) -> Iterator[str]:
    for name, by_server in results.get("cases", {}).items():
        others = [each for each in (DOCUMENTED, JIT, LIMIT) if each in by_server]
        yield f"\n{_title(name)}"
        heads = ("us of CPU", "per CPU s", "per s", "p50 ms", "p99 ms", *(f"x {each}" for each in others))
        yield f"  {'':<18}" + "".join(f"{head:>13}" for head in heads)
        for server, found in by_server.items():
            ratios = [by_server[each]["cpu_microseconds"] / found["cpu_microseconds"] for each in others]
            yield (
                f"  {server:<18}{found['cpu_microseconds']:>13,.1f}{found['per_cpu_second']:>13,.0f}"
                f"{found['per_second']:>13,.0f}{found['p50_ms']:>13.2f}{found['p99_ms']:>13.2f}"
                + "".join(f"{each:>13.2f}" for each in ratios)
            )


def _stall(results: Mapping[str, Any]) -> Iterator[str]:
    if "stall" in results:
        yield "\nshare(id) alone, and beside a read of 5,000 rows that never ceases, in ms"
        yield f"  {'':<18}{'p50':>10}{'p99':>10}{'p50 beside':>12}{'p99 beside':>12}"
        for server, found in results["stall"].items():
            yield (
                f"  {server:<18}{found['alone_p50_ms']:>10.2f}{found['alone_p99_ms']:>10.2f}"
                f"{found['beside_p50_ms']:>12.2f}{found['beside_p99_ms']:>12.2f}"
            )


def _footprint(results: Mapping[str, Any]) -> Iterator[str]:
    if "footprint" in results:
        yield "\nStart of the process to its first answer in s; resident memory in MiB, then and after load"
        for server, found in results["footprint"].items():
            yield (
                f"  {server:<18}{found['start_seconds']:>10.2f}{found['memory_mib']:>10.0f}"
                f"{found['loaded_memory_mib']:>10.0f}"
            )


def _growth(results: Mapping[str, Any]) -> Iterator[str]:
    for kind, title in (("point", "share(id), by the number of shares"), ("list", "lists, by the number of rows")):
        by_server = results.get("growth", {}).get(kind, {})
        if by_server:
            yield f"\nMicroseconds of CPU: {title}"
            sizes = list(next(iter(by_server.values())))
            yield f"  {'':<18}" + "".join(f"{int(size):>12,}" for size in sizes)
            for server, by_size in by_server.items():
                yield f"  {server:<18}" + "".join(f"{by_size[size]:>12,.1f}" for size in sizes)


def _goals(results: Mapping[str, Any]) -> Iterator[str]:
    if "cases" not in results:
        return
    yield "\nGoals, by requests per CPU second"
    for goal in GOALS:
        found = ratio(results, goal)
        if found is not None:
            verdict = "reached" if found >= goal.factor else "MISSED"
            beside = "" if goal.beside is None else f", {_title(goal.beside)}"
            yield f"  {_title(goal.case):<36}{found:>8.2f} of {goal.factor:<5} {verdict}: x {goal.other}{beside}"
    points = results.get("growth", {}).get("point", {}).get(OURS, {})
    if _MOST in points:
        grown = points[_MOST] / points[_FEWEST]
        verdict = "reached" if grown <= _GROWTH_AT_MOST else "MISSED"
        yield f"  share(id) at 5,000,000 shares takes {grown:.2f} of {_GROWTH_AT_MOST} times as long {verdict}"


def refreshed(readme: str, results: Mapping[str, Any]) -> str:
    """Put the results between the README's markers.

    Raises:
        ValueError: The README has no such markers.
    """
    if BEGIN not in readme or END not in readme:
        raise ValueError(f"the README has no {BEGIN} and {END}")
    return re.sub(
        re.escape(BEGIN) + ".*?" + re.escape(END),
        lambda _: f"{BEGIN}\n{in_markdown(results)}\n{END}",
        readme,
        flags=re.DOTALL,
    )


def in_markdown(results: Mapping[str, Any]) -> str:
    """Write what belongs into the README."""
    machine = dict(results["machine"])
    cpu, system = machine.pop("cpu"), machine.pop("system")
    software = ", ".join(f"{name} {version}" for name, version in machine.items())
    parts = [
        f"Measured {results['taken']} on {cpu}, {system}: medians of {results['rounds']} rounds of "
        f"{results['seconds']:g} s, {results['connections']} connections. {software}.",
        _costs_table(results),
        _speeds_table(results),
    ]
    if "stall" in results:
        parts.append(_stall_table(results))
    if "growth" in results:
        parts.append(_growth_table(results))
    return "\n\n".join(parts)


def _costs_table(results: Mapping[str, Any]) -> str:
    def cell(case: str, server: str) -> str:
        found = results["cases"][case].get(server)
        if found is None:
            return _NONE
        base = results["cases"][case].get(DOCUMENTED)
        times = (
            "" if base is None else f" · {_times(base['cpu_microseconds'] / found['cpu_microseconds'])} {_TIMES}"
        )
        return f"{_microseconds(found['cpu_microseconds'])}{times}"

    cases = list(results["cases"])
    return _table(
        ["Server CPU per request · times as fast as Strawberry as documented", *map(_title, cases)],
        [[title, *(cell(case, server) for case in cases)] for server, title in results["contenders"].items()],
    )


def _speeds_table(results: Mapping[str, Any]) -> str:
    def cell(case: str, server: str) -> str:
        found = results["cases"][case].get(server)
        if found is None:
            return _NONE
        return f"{found['per_second']:,.0f} · {found['p50_ms']:.1f} · {found['p99_ms']:.1f}"

    cases = list(results["cases"])
    return _table(
        ["Requests per second · p50 · p99 in ms", *map(_title, cases)],
        [[title, *(cell(case, server) for case in cases)] for server, title in results["contenders"].items()],
    )


def _stall_table(results: Mapping[str, Any]) -> str:
    footprint = results.get("footprint", {})

    def started(server: str) -> list[str]:
        found = footprint.get(server)
        if found is None:
            return [_NONE, _NONE]
        return [
            f"{found['start_seconds']:.2f} s",
            f"{found['memory_mib']:.0f} · {found['loaded_memory_mib']:.0f} MiB",
        ]

    return _table(
        [
            "",
            "p99 of `share(id)` alone",
            "beside a read of 5,000 rows",
            "start to first answer",
            "memory · after load",
        ],
        [
            [title, f"{found['alone_p99_ms']:.1f} ms", f"{found['beside_p99_ms']:.1f} ms", *started(server)]
            for server, title in results["contenders"].items()
            if (found := results["stall"].get(server)) is not None
        ],
    )


def _growth_table(results: Mapping[str, Any]) -> str:
    tables = []
    for kind, head in (("point", "`share(id)`, by shares"), ("list", "Lists, by rows")):
        by_server = results["growth"][kind]
        sizes = list(next(iter(by_server.values())))
        tables.append(
            _table(
                [head, *(f"{int(size):,}" for size in sizes)],
                [
                    [results["contenders"][server], *(_microseconds(by_size[size]) for size in sizes)]
                    for server, by_size in by_server.items()
                ],
            )
        )
    return "\n\n".join(tables)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _title(case: str) -> str:
    return next(each.title for each in CASES if each.name == case)


def _microseconds(count: float) -> str:
    return f"{count:,.0f} µs" if count < 10_000 else f"{count / 1_000:,.0f} ms"


def _times(factor: float) -> str:
    return f"{factor:,.0f}" if factor >= 10 else f"{factor:.1f}"
