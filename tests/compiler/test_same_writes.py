"""Whatever is written, a compiled mutation does and answers what an executed one does."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import text
from sqlmodel import SQLModel, col, select
from starlette.applications import Starlette

from app.database import Database
from app.drivers.links import Link
from app.entities import AuditEvent, Industry, PriceTick, Share
from app.settings import Settings
from tests.callers import Answer, Api, Callers
from tests.compiler.operations import Operation
from tests.compiler.writes import writes
from tests.conftest import Template
from tests.factories import ManualClock, make_industry, make_share
from tests.graph.conftest import quiet_app

pytestmark = pytest.mark.anyio

EXAMPLES = 2_000 if os.environ.get("TESTS_LONG") else 100

MOMENT_OF_ACT = {"at", "request_id", "hash"}
"""What differs between two audit events of the same act."""


async def fill(app: Starlette) -> None:
    async with app.state.services.database.unit_of_work() as session:
        for tag in ("tech", "finc", "empty"):
            industry = await make_industry(session, tag=tag, name=tag.upper())
            if tag != "empty":
                await make_share(session, industry, tag=f"BUD{tag}".upper(), price="10.28")
                await make_share(session, industry, tag="BUD" if tag == "tech" else "LWP", price="15.2")


async def rows(database: Database, entity: type[SQLModel]) -> list[dict[str, Any]]:
    async with database.reading() as session:
        found = (await session.exec(select(entity).order_by(col(entity.id)))).all()  # type: ignore[attr-defined]
    return [row.model_dump(exclude=MOMENT_OF_ACT) for row in found]


async def on_record(app: Starlette) -> dict[str, list[dict[str, Any]]]:
    database = app.state.services.database
    return {entity.__name__: await rows(database, entity) for entity in (Industry, Share, PriceTick, AuditEvent)}


async def give_no_key_away(app: Starlette) -> None:
    """Take back the keys that refused inserts have taken on PostgreSQL: a refused one is tried in both ways."""
    database = app.state.services.database
    if database.dialect_name == "postgresql":
        async with database.unit_of_work() as session:
            for table in ("industry", "share"):
                largest = f"(SELECT max(id) FROM {table})"  # noqa: S608 - our own names
                await session.exec(text(f"SELECT setval('{table}_id_seq', {largest})"))


def told(answer: Answer) -> tuple[int, Any, list[dict[str, Any]]]:
    errors = [{**error, "extensions": {**error["extensions"], "requestId": ""}} for error in answer.errors]
    return answer.status, answer.data, errors


class WayOf:
    """Says which way the answers of an application go."""

    def __init__(self, app: Starlette) -> None:
        self.compiled = 0
        way = app.state.views["1.0"].short_way
        answer = way.answer

        async def watched(*asgi: Any) -> Any:
            left = await answer(*asgi)
            self.compiled += left is None
            return left

        way.answer = watched


async def test_a_mutation_of_one_record_is_done_without_resolvers(
    app: Starlette, api: Api, callers: Callers
) -> None:
    await fill(app)
    payload = "share { price version } errors { code }"
    write = f"mutation ($i: ShareUpdateInput!) {{ shareUpdate(input: $i) {{ {payload} }} }}"
    await api(write, {"i": {"id": "1", "price": "11"}}, token=callers.manager)
    way = WayOf(app)

    answer = await api(write, {"i": {"id": "1", "price": "12", "expectedVersion": 2}}, token=callers.manager)

    assert way.compiled == 1
    assert answer.body == {"data": {"shareUpdate": {"share": {"price": "12.0000", "version": 3}, "errors": []}}}


class CutOff:
    """A link that commits, and then loses the connection."""

    def __init__(self, link: Link) -> None:
        self.begin, self.fetch = link.begin, link.fetch
        self.roll_back, self.settle = link.roll_back, link.settle
        self._commit = link.commit

    async def commit(self) -> None:
        await self._commit()
        raise OSError("the connection is lost")


async def test_a_write_that_may_have_been_done_is_not_done_again(
    app: Starlette, api: Api, callers: Callers, app_database: Database
) -> None:
    await fill(app)
    write = 'mutation { shareUpdate(input: {id: "1", price: "11"}) { outcome } }'
    await api('mutation { shareUpdate(input: {id: "1", price: "10.28"}) { outcome } }', token=callers.manager)
    await api(write.replace("11", "12"), token=callers.manager)
    await api(write, token=callers.manager)
    link_over = app_database.link_over
    app_database.link_over = lambda connection: CutOff(link_over(connection))

    answer = await api(write.replace("11", "12"), token=callers.manager)

    app_database.link_over = link_over
    (share, *_) = await rows(app_database, Share)
    assert (answer.status, answer.codes, answer.data) == (200, ["INTERNAL_ERROR"], {"shareUpdate": None})
    assert share["version"] == 4


@pytest.fixture
def settings_of_two(settings: Settings, template: Template, tmp_path: Path) -> Iterator[tuple[Settings, Settings]]:
    """The settings of two servers that are alike, each with a database of its own."""
    (tmp_path / "other").mkdir()
    url = template.copy_for_a_test(tmp_path / "other")
    yield settings, settings.model_copy(update={"database_url": SecretStr(url)})
    template.drop(url)


def test_a_compiled_write_is_the_executed_one(
    settings_of_two: tuple[Settings, Settings], clock: ManualClock
) -> None:
    compiled = 0

    async def agree(apps: tuple[Starlette, Starlette], asked: list[Operation]) -> None:
        tokens = [Callers(app.state.services, clock).manager for app in apps]
        async with Api(apps[0]) as first, Api(apps[1]) as second:
            for operation in asked:
                # The first time nobody knows the document, and it goes the ordinary way.
                for _ in range(2):
                    clock.turn(seconds=1)
                    one = await first(operation.document, operation.variables, token=tokens[0])
                    other = await second(operation.document, operation.variables, token=tokens[1])
                    assert told(one) == told(other)
                    for app in apps:
                        await give_no_key_away(app)
        assert await on_record(apps[0]) == await on_record(apps[1])

    with asyncio.Runner() as runner:
        opened = [quiet_app(each, clock) for each in settings_of_two]
        first, second = (runner.run(each.__aenter__()) for each in opened)
        second.state.views["1.0"].short_way = None
        way = WayOf(first)
        for app in (first, second):
            runner.run(fill(app))

        @examples(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
        @given(st.lists(writes(), min_size=1, max_size=4))
        def hold(asked: list[Operation]) -> None:
            before = way.compiled
            runner.run(agree((first, second), asked))
            event(f"compiled: {way.compiled > before}")

        hold()
        compiled = way.compiled
        for each in opened:
            runner.run(each.__aexit__(None, None, None))

    assert compiled > EXAMPLES / 5
