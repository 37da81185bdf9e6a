"""The comparison's parts do what they say: the load counts, requests are fair, reports show the results."""

import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from graphql import build_schema, parse, validate

from benchmarks.compare import plot, report
from benchmarks.compare.cases import ALL, CASES, INDUSTRY, SHARE, UPDATE, Case, Lane, Ledger, ask_update
from benchmarks.compare.load import UnexpectedAnswer, answers, measure
from benchmarks.compare.report import BEGIN, END, Goal
from tests.benchmarks.pretending import ok, server

ROOT = Path(__file__).parents[2]
RESULTS = json.loads((ROOT / "benchmarks" / "results.json").read_text())


@pytest.mark.anyio
async def test_the_load_counts_every_answer_of_every_lane() -> None:
    asked: list[str] = []

    def answer(body: Any) -> list[bytes]:
        asked.append(body["lane"])
        return ok(b'{"data":{}}')

    async with server(answer) as target:
        measured = await measure(target, [lambda: b'{"lane":"a"}', lambda: b'{"lane":"b"}'], seconds=0.05)

    assert measured.requests == len(asked)
    assert set(asked) == {"a", "b"}
    assert 0 < measured.p50_ms <= measured.p99_ms
    assert measured.cpu_seconds > 0


@pytest.mark.anyio
async def test_answers_come_back_whole_and_in_order() -> None:
    def answer(body: Any) -> list[bytes]:
        (whole,) = ok(b'{"data":%d}' % body["n"] * 100)
        return [whole[:9], whole[9:25], whole[25:200], whole[200:]]

    async with server(answer) as target:
        said = await answers(target, [b'{"n":1}', b'{"n":2}', b'{"n":3}'])

    assert said == [b'{"data":1}' * 100, b'{"data":2}' * 100, b'{"data":3}' * 100]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be bound to cores here")
def test_the_servers_keep_their_core_when_the_load_is_bound_to_its_own() -> None:
    asked = "import os; from benchmarks.compare.servers import cores"
    bound = "before = cores(); os.sched_setaffinity(0, {before[1]}); print(before == cores())"

    said = subprocess.run(
        [sys.executable, "-c", f"{asked}; {bound}"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert said.stdout == "True\n"


@pytest.mark.parametrize(
    "refusal",
    [
        b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\n{}",
        *ok(b'{"data":null,"errors":[{"message":"no"}]}'),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
)
@pytest.mark.anyio
async def test_an_answer_that_is_no_success_ends_the_load(refusal: bytes) -> None:
    async with server(lambda _: [refusal]) as target:
        with pytest.raises(UnexpectedAnswer):
            await measure(target, [lambda: b"{}"], seconds=0.05)


@pytest.mark.parametrize("document", [SHARE, INDUSTRY, ALL, UPDATE])
def test_a_document_is_one_of_the_schema(document: str) -> None:
    assert validate(build_schema((ROOT / "schema.graphql").read_text()), parse(document)) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_server_is_sent_the_same(case: Case) -> None:
    def sent() -> list[bytes]:
        ask = case.asks(Lane(2, 8, Ledger()))
        return [ask() for _ in range(300)]

    assert sent() == sent()


def test_writes_side_by_side_expect_the_versions_that_they_make() -> None:
    ledger = Ledger()
    lanes = [ask_update(Lane(number, 3, ledger, shares=9)) for number in range(3)]
    versions: dict[str, int] = defaultdict(lambda: 1)
    prices = set()
    turns = random.Random(1)  # noqa: S311 - the same turns every time

    for _ in range(300):
        given = json.loads(turns.choice(lanes)())["variables"]["input"]
        assert given["expectedVersion"] == versions[given["id"]]
        versions[given["id"]] += 1
        prices.add((given["id"], given["price"]))

    assert set(versions) == {str(share) for share in range(1, 10)}
    assert len(prices) == 300


def test_the_servers_that_python_runs_agree_and_are_measured() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.compare", "--rounds=1", "--seconds=0.05", "--connections=2"),
            *("--only=point,hundred,update,stall", "--peers=ours,strawberry,limit"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line in {case.title for case in CASES}] == [
        "share(id)",
        "industry(id){shares}, 100 rows",
        "shareUpdate, durable",
    ]


def test_a_ratio_is_that_of_the_work_done_per_cpu_second() -> None:
    results = {"cases": {"point": {"ours": {"cpu_microseconds": 40.0}, "limit": {"cpu_microseconds": 30.0}}}}

    assert report.ratio(results, Goal("point", "ours", "limit", 0.6)) == 0.75
    assert report.ratio(results, Goal("point", "ours", "mercurius", 1.2)) is None


def test_the_readme_is_refreshed_between_its_markers_only() -> None:
    refreshed = report.refreshed(f"before\n{BEGIN}\nold\n{END}\nafter", RESULTS)

    assert refreshed == f"before\n{BEGIN}\n{report.in_markdown(RESULTS)}\n{END}\nafter"
    with pytest.raises(ValueError, match="the README has no"):
        report.refreshed("no markers", RESULTS)


def test_the_readme_shows_the_kept_results() -> None:
    readme = (ROOT / "README.md").read_text()

    assert readme == report.refreshed(readme, RESULTS), "run python -m benchmarks.compare --readme"


def test_the_picture_is_that_of_the_kept_results() -> None:
    drawn = (ROOT / "benchmarks" / "results.svg").read_text()

    assert drawn == plot.draw(RESULTS)
    assert ET.fromstring(drawn).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own
