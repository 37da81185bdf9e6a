"""The fields of traders."""

from typing import Any

import strawberry

from app.domain import traders
from app.domain.policies import ANYONE
from app.graph.context import Info
from app.graph.permissions import authorize
from app.graph.types import Trader


async def _me(info: Info) -> Any:
    if info.context.claims is None:
        return None
    async with info.context.database.reading() as session:
        return await traders.find(session, info.context.claims.trader_id)


@strawberry.type
class TraderQueries:
    """What can be read of traders."""

    me: Trader | None = strawberry.field(
        resolver=_me,
        description="The caller; null without an access token.",
        directives=[authorize(ANYONE)],
    )
