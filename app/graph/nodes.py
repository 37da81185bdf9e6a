"""Any record by the key that is unique over all types."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import strawberry
from sqlmodel import SQLModel

from app import entities
from app.domain.policies import ALL_TRADERS
from app.graph import reading
from app.graph.context import Info
from app.graph.global_ids import taken_apart
from app.graph.permissions import authorize, may_see
from app.graph.types import Node
from app.kit.tables import key


async def _node(info: Info, id: strawberry.ID) -> Any:  # noqa: A002 - the contract's word
    type_name, text = taken_apart(id)
    find = FINDERS.get(type_name)
    return None if find is None else await find(info, text)


async def _for_all_or_none(entity: type[SQLModel], info: Info, text: str) -> Any:
    """Find a record of a type that a caller may see every object of, or none."""
    return await reading.one(info, entity, id=key(text)) if may_see(info, entity.__name__) else None


async def _trader(info: Info, text: str) -> Any:
    trader_id = key(text)
    # Whose it is can be seen from the key, so that a refusal costs no statement and tells of nobody.
    return await info.context.trader(trader_id) if may_see(info, "Trader", trader_id) else None


async def _owned(entity: type[SQLModel], read: Callable[[str], Any], info: Info, text: str) -> Any:
    """Find a record whose owner is known only when it is there."""
    async with info.context.database.reading() as session:
        found: Any = await session.get(entity, read(text))
    return found if found is not None and may_see(info, entity.__name__, found.owner_id) else None


FINDERS: Mapping[str, Callable[[Info, str], Awaitable[Any]]] = {
    "Industry": partial(_for_all_or_none, entities.Industry),
    "Share": partial(_for_all_or_none, entities.Share),
    "Trader": _trader,
    "Permit": partial(_owned, entities.Permit, str),
    "AuditEvent": partial(_owned, entities.AuditEvent, key),
}
"""How the records of each type are found by their key."""


@strawberry.type
class NodeQueries:
    """What can be read of any record."""

    node: Node | None = strawberry.field(
        resolver=_node,
        description="The record with this globalId; null if there is none or the caller may not read it.",
        directives=[authorize(ALL_TRADERS)],
    )
