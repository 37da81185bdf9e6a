"""Our server beside others that a user could pick instead: one core each in turn, the same data, the same answers.

Run it from the root of the repository while the machine is quiet (Linux; Node with npm for Mercurius):

    make bench                                                    # everything, about ten minutes
    .venv/bin/python -m benchmarks.compare --only point --rounds 3
    .venv/bin/python -m benchmarks.compare --peers ours,limit --only hundred,stall
    .venv/bin/python -m benchmarks.compare --long                 # growth up to five million shares
    .venv/bin/python -m benchmarks.compare --readme               # puts the kept results into the README

A run of everything keeps its results in benchmarks/results.json and draws benchmarks/results.svg. The servers
have the first core, the load the last. Set TMPDIR to choose the disk that the databases are on.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.compare import plot, report
from benchmarks.compare.cases import CASES
from benchmarks.compare.load import UnexpectedAnswer
from benchmarks.compare.measuring import EXTRAS, DifferentAnswers, Plan, take_all
from benchmarks.compare.servers import CONTENDERS, JIT, ROOT, Contender, UnusableServer, install_mercurius

RESULTS = ROOT / "benchmarks" / "results.json"
PLOT = ROOT / "benchmarks" / "results.svg"
README = ROOT / "README.md"

_CASES = [*(case.name for case in CASES), *EXTRAS]
_PEERS = [contender.name for contender in CONTENDERS]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and keep; give the exit status."""
    chosen = _parser().parse_args(arguments)
    if chosen.readme:
        README.write_text(report.refreshed(README.read_text(), json.loads(RESULTS.read_text())))
        return 0
    try:
        plan = Plan(
            rounds=chosen.rounds,
            seconds=chosen.seconds,
            connections=chosen.connections,
            cases=frozenset(chosen.only or _CASES),
            is_long=chosen.long,
            contenders=_available([each for each in CONTENDERS if each.name in (chosen.peers or _PEERS)]),
            say=_clocked(),
        )
        with TemporaryDirectory(prefix="shares-benchmark-") as folder:
            results = take_all(plan, Path(folder))
    except (DifferentAnswers, UnexpectedAnswer, UnusableServer) as error:
        print(f"Failed: {error}", file=sys.stderr)
        return 1
    print(report.on_terminal(results))
    # A part would stand in the place of the whole.
    if chosen.only is None and chosen.peers is None:
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")
        PLOT.write_text(plot.draw(results))
        print(f"\nKept in {RESULTS.relative_to(ROOT)} and {PLOT.relative_to(ROOT)}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each server has its turn (5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long a turn takes (1)")
    parser.add_argument("--connections", type=int, default=8, help="how many requests are under way at a time (8)")
    parser.add_argument("--only", type=_among(_CASES), metavar="CASES", help=f"some of {', '.join(_CASES)}")
    parser.add_argument("--peers", type=_among(_PEERS), metavar="SERVERS", help=f"some of {', '.join(_PEERS)}")
    parser.add_argument("--long", action="store_true", help="measure growth up to five million shares")
    parser.add_argument(
        "--readme", action="store_true", help="measure nothing: put the kept results into the README"
    )
    return parser


def _among(known: Sequence[str]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        given = text.split(",")
        if unknown := [name for name in given if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(known)}")
        return given

    return names


def _available(contenders: Sequence[Contender]) -> tuple[Contender, ...]:
    if not any(each.name.startswith(JIT) for each in contenders):
        return tuple(contenders)
    try:
        install_mercurius()
    except UnusableServer as error:
        print(f"Without Mercurius: {error}", file=sys.stderr)
        return tuple(each for each in contenders if not each.name.startswith(JIT))
    return tuple(contenders)


def _clocked() -> Callable[[str], None]:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    sys.exit(main())
