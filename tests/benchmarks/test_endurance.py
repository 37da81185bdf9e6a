"""The crowd of the endurance run sends as much as it says, and something of every kind."""

from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLError, GraphQLSchema, build_schema, parse, validate

from benchmarks import endurance
from benchmarks.compare.servers import Credentials
from tests.benchmarks.pretending import ok, server

SCHEMA = build_schema((Path(__file__).parents[2] / "schema.graphql").read_text())
REQUESTS = 4_000


def fault(schema: GraphQLSchema, document: str) -> str:
    try:
        return "not valid" if validate(schema, parse(document)) else "none"
    except GraphQLError:
        return "not GraphQL"


@pytest.mark.anyio
async def test_a_crowd_sends_known_and_unheard_of_documents_of_every_kind() -> None:
    sent: list[str] = []

    def answer(body: Any) -> list[bytes]:
        sent.append(body["query"])
        return ok(b'{"data":null,"errors":[{"message":"no"}]}')

    async with server(answer) as target:
        await endurance.Crowd(Credentials.make(), target).send(REQUESTS)

    unheard_of = [document for document in sent if sent.count(document) == 1]
    assert len(sent) == REQUESTS
    assert len(unheard_of) == REQUESTS // endurance.UNHEARD_OF_EVERY
    assert {fault(SCHEMA, document) for document in unheard_of} == {"none", "not valid", "not GraphQL"}


@pytest.mark.parametrize(
    ("readings", "growth"),
    [([9.0] * 10 + [10.0] * 10, 1.0), ([10.0] * 15 + [11.0] * 5, 1.1), ([9.0] * 10 + [10.0] * 5 + [9.0] * 5, 0.9)],
)
def test_growth_is_that_of_the_last_quarter_over_the_one_before(readings: list[float], growth: float) -> None:
    assert endurance.growth(readings) == pytest.approx(growth)
