"""Shares through the whole application: what each write answers, and what is there afterwards."""

import pytest
from sqlmodel import select

from app.database import Database
from app.entities import Share
from tests.callers import Api, Callers
from tests.factories import make_industry, make_share

pytestmark = pytest.mark.anyio

CREATE = """
mutation ($input: ShareCreateInput!) {
  shareCreate(input: $input) {
    share { id tag price industryId version industry { name } }
    outcome
    errors { __typename code path }
  }
}
"""


async def test_a_created_share_is_answered_whole_with_its_tag_normalised(
    api: Api, callers: Callers, app_database: Database
) -> None:
    async with app_database.unit_of_work() as session:
        industry = await make_industry(session, name="Technology")

    answer = await api(
        CREATE,
        {"input": {"industryId": str(industry.id), "tag": " b u\td", "price": "10.28"}},
        token=callers.manager,
    )

    assert answer.body == {
        "data": {
            "shareCreate": {
                "share": {
                    "id": "1",
                    "tag": "BUD",
                    "price": "10.2800",
                    "industryId": str(industry.id),
                    "version": 1,
                    "industry": {"name": "Technology"},
                },
                "outcome": "INSERTED",
                "errors": [],
            }
        }
    }


async def test_a_taken_tag_is_refused_and_nothing_is_written(
    api: Api, callers: Callers, app_database: Database
) -> None:
    async with app_database.unit_of_work() as session:
        share = await make_share(session, tag="BUD")

    answer = await api(
        CREATE,
        {"input": {"industryId": str(share.industry_id), "tag": "bud", "price": "1"}},
        token=callers.manager,
    )

    assert answer.data["shareCreate"] == {
        "share": None,
        "outcome": None,
        "errors": [{"__typename": "InvalidInput", "code": "TAG_TAKEN", "path": ["tag"]}],
    }
    async with app_database.reading() as session:
        assert [each.tag for each in (await session.exec(select(Share))).all()] == ["BUD"]
