"""The one road from a read field to rows: plan the whole selection, run one statement, give entities.

What comes out are detached entities, and pages of them. The relations that the operation selects are loaded along
with them and found again by response key, because one operation may select a relation twice, differently.
"""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar, cast

from graphql import GraphQLObjectType
from graphql.execution.values import VariableValues
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

from app.compiler import select
from app.compiler.cursors import Ordering
from app.compiler.plan import (
    FIGURES,
    MAX_NESTED_RELATIONS,
    TOTAL,
    AnyPlan,
    PagePlan,
    ReadPlan,
    Shelf,
    TooDeep,
    plan,
)
from app.compiler.selection import Selection
from app.graph.connections import Edge, Page, ShareAggregates, cut
from app.graph.context import Context, Info, ResolveInfo
from app.kit.moments import Moment
from app.kit.money import UNITS, Money
from app.kit.tables import record

E = TypeVar("E", bound=SQLModel)


async def many(info: Info) -> Any:
    """Read what a root field that gives a list or a page selects, in one statement."""
    return await _read(info.context, _plan(_raw(info), info.context))


async def one(info: Info, entity: type[E], **where: Any) -> E | None:
    """Read the one object that a root field selects, in one statement; None if there is none.

    Args:
        info: The field's. Of an interface, it is read as the type that stands for the entity.
        entity: What its type stands for.
        where: The attribute that names the object, and its value.
    """
    raw = _raw(info)
    of = cast("GraphQLObjectType", raw.schema.type_map[entity.__name__])
    found = await _read(info.context, _plan(raw, info.context, of), *where.items())
    return cast("E", found[0]) if found else None


async def related(info: Info, owner: SQLModel, relationship: str) -> Any:
    """Give a relation of an entity, whole or a page of it: as loaded with it, or else by a statement of its own.

    Only an entity that no read field gave, such as one that was just written, needs the statement.
    """
    raw = _raw(info)
    loaded: dict[str, Any] = inspect(owner).info.get("relations", {})
    key = str(raw.path.key)
    if key in loaded:
        return loaded[key]
    property_ = inspect(type(owner)).relationships[relationship]
    ((local, remote),) = property_.local_remote_pairs
    found = await _read(info.context, _plan(raw, info.context), (remote.key, getattr(owner, local.key)))
    return found if property_.uselist else found[0]


def _raw(info: Info) -> ResolveInfo:
    return info._raw_info  # noqa: SLF001 - Strawberry has no public way to the executor's own


def _plan(raw: ResolveInfo, context: Context, of: GraphQLObjectType | None = None) -> AnyPlan:
    # Strawberry hands on only the coerced values of graphql-core's container; nothing asks for the sources.
    variables = VariableValues({}, cast("dict[str, Any]", raw.variable_values))
    selection = Selection(raw.schema, raw.fragments, variables, raw.field_nodes)
    return plan(selection, raw.parent_type, context.shelves, of=of)


async def _read(context: Context, to_read: AnyPlan, *where: select.Where) -> Any:
    try:
        rows = await context.database.fetch(select.statement(to_read, *where))
    except OperationalError as error:
        # Filters take room in SQLite's parser too: the deeper the list, the less is left for its own.
        if "parser stack overflow" not in str(error.orig):
            raise
        raise TooDeep(cost=MAX_NESTED_RELATIONS + 1, allowed=MAX_NESTED_RELATIONS) from error
    if isinstance(to_read, PagePlan):
        (texts,) = rows
        return _page(to_read, map(_parse, texts))
    width = len(to_read.shelf.columns)
    return [_entity(to_read, row[:width], map(_parse, row[width:])) for row in map(tuple, rows)]


def _parse(text: str | None) -> Any:
    return None if text is None else json.loads(text, parse_float=Decimal)


def _entity(to_read: ReadPlan, columns: Sequence[Any], below: Iterator[Any]) -> SQLModel:
    """Make an entity.

    Args:
        to_read: What was read.
        columns: The values of the shelf's columns.
        below: Gives what was read of its relations; that is taken from it, and what follows is left.
    """
    entity = _bare(to_read.shelf, columns)
    inspect(entity).info["relations"] = {
        relation.key: _page(relation.plan, below)
        if isinstance(relation.plan, PagePlan)
        else _from_json(relation.plan, next(below))
        for relation in to_read.relations
    }
    return entity


def _bare(shelf: Shelf, columns: Sequence[Any]) -> SQLModel:
    return record(shelf.entity, dict(zip(shelf.columns.values(), columns, strict=True)))


def _from_json(to_read: ReadPlan, content: list[Any] | None) -> Any:
    if content is None:
        return None
    if content and not isinstance(content[0], list):
        return _entity_from_json(to_read, content)
    return [_entity_from_json(to_read, row) for row in content]


def _entity_from_json(to_read: ReadPlan, row: list[Any]) -> SQLModel:
    width = len(to_read.shelf.columns)
    return _entity(to_read, _from_json_columns(to_read.shelf, row[:width]), iter(row[width:]))


def _page(to_read: PagePlan, below: Iterator[Any]) -> Page[Any]:
    """Make a page of what `app.compiler.select` says of one."""
    edges = [_edge(to_read, row) for row in next(below)]
    total = next(below) if to_read.asks_for(TOTAL) else None
    figures = _figures(*next(below)) if to_read.asks_for(FIGURES) else None
    return Page(*cut(edges, to_read.window.paging), total=total, figures=figures)


def _edge(to_read: PagePlan, row: list[Any]) -> Edge[Any]:
    width = len(to_read.shelf.columns)
    columns, below = _from_json_columns(to_read.shelf, row[:width]), iter(row[width:])
    entity = _bare(to_read.shelf, columns)
    views = {keys: _entity(view, columns, below) for keys, view in to_read.views.items()}
    return Edge(Ordering(to_read.shelf.entity, to_read.window.order).write(entity), entity, views)


def _figures(
    count: int, lowest: int | Decimal | None, highest: int | Decimal | None, whole: int | None, rest: int | None
) -> ShareAggregates:
    if lowest is None or highest is None or whole is None or rest is None:
        return ShareAggregates(count=count, min_price=None, max_price=None, average_price=None)
    # Rounded halves to the even one, as the databases do it for `app.compiler.dialects.Mean`.
    mean = round(Fraction(whole * UNITS + rest, count))
    return ShareAggregates(
        count=count,
        min_price=Money.from_json(lowest),
        max_price=Money.from_json(highest),
        average_price=Money.from_json(mean),
    )


def _from_json_columns(shelf: Shelf, values: Sequence[Any]) -> list[Any]:
    types = (getattr(shelf.entity, attribute).type for attribute in shelf.columns.values())
    return [_reader(each)(value) for each, value in zip(types, values, strict=True)]


def _reader(column_type: Any) -> Any:
    return column_type.from_json if isinstance(column_type, Money | Moment) else _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
