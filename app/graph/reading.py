"""The one road from a read field to rows: plan the whole selection, run one statement, give entities.

What comes out are detached entities. The relations that the operation selects are loaded along with
them and found again by response key, because one operation may select a relation twice, differently.
"""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeVar, cast

from graphql.execution.values import VariableValues
from sqlalchemy import inspect
from sqlmodel import SQLModel

from app.compiler import select
from app.compiler.plan import ReadPlan, Selection, Shelf, plan
from app.graph.context import Context, Info, ResolveInfo
from app.kit.moments import Moment
from app.kit.money import Money
from app.kit.tables import record

E = TypeVar("E", bound=SQLModel)


async def many(info: Info, entity: type[E]) -> list[E]:
    """Read what a root field that gives a list selects, in one statement."""
    raw = _raw(info)
    return cast("list[E]", await _read(info.context, _plan(raw, info.context)))


async def one(info: Info, entity: type[E], **where: Any) -> E | None:
    """Read the one object that a root field selects, in one statement; None if there is none.

    Args:
        info: The field's.
        entity: What its type stands for.
        where: The attribute that names the object, and its value.
    """
    raw = _raw(info)
    found = await _read(info.context, _plan(raw, info.context), *where.items())
    return cast("E", found[0]) if found else None


async def related(info: Info, owner: SQLModel, relationship: str) -> Any:
    """Give a relation of an entity: as loaded with it, or else by a statement of its own.

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


def _plan(raw: ResolveInfo, context: Context) -> ReadPlan:
    # Strawberry hands on only the coerced values of graphql-core's container; nothing asks for the sources.
    variables = VariableValues({}, cast("dict[str, Any]", raw.variable_values))
    selection = Selection(raw.schema, raw.fragments, variables, raw.field_nodes)
    return plan(selection, raw.parent_type, context.shelves)


async def _read(context: Context, to_read: ReadPlan, *where: tuple[str, Any]) -> list[SQLModel]:
    rows = await context.database.fetch(select.statement(to_read, *where))
    width = len(to_read.shelf.columns)
    return [_entity(to_read, row[:width], [_parse(text) for text in row[width:]]) for row in map(tuple, rows)]


def _parse(text: str | None) -> Any:
    return None if text is None else json.loads(text, parse_float=Decimal)


def _entity(to_read: ReadPlan, columns: Sequence[Any], relations: Iterable[Any]) -> SQLModel:
    values = dict(zip(to_read.shelf.columns.values(), columns, strict=True))
    entity = record(to_read.shelf.entity, values)
    inspect(entity).info["relations"] = {
        relation.key: _from_json(relation.plan, content)
        for relation, content in zip(to_read.relations, relations, strict=True)
    }
    return entity


def _from_json(to_read: ReadPlan, content: list[Any] | None) -> Any:
    if content is None:
        return None
    if content and not isinstance(content[0], list):
        return _entity_from_json(to_read, content)
    return [_entity_from_json(to_read, row) for row in content]


def _entity_from_json(to_read: ReadPlan, row: list[Any]) -> SQLModel:
    width = len(to_read.shelf.columns)
    columns = [read(value) for read, value in zip(_readers(to_read.shelf), row[:width], strict=True)]
    return _entity(to_read, columns, row[width:])


def _readers(shelf: Shelf) -> list[Any]:
    return [_reader(getattr(shelf.entity, attribute).type) for attribute in shelf.columns.values()]


def _reader(column_type: Any) -> Any:
    return column_type.from_json if isinstance(column_type, Money | Moment) else _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
