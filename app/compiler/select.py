"""From a plan to one statement: a row for each object, its relations as JSON beside its columns."""

import typing
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, inspect, select
from sqlalchemy.orm import RelationshipProperty, aliased

from app.compiler.conditions import conditions
from app.compiler.dialects import JsonRow, JsonRows, NestedJson
from app.compiler.plan import ReadPlan, Relation, Window


def statement(plan: ReadPlan, *where: tuple[str, Any]) -> Select[Any]:
    """Say a plan in one statement.

    Args:
        plan: What to read.
        where: Pairs of attribute and value that the rows must have besides.

    Returns:
        A select of the shelf's columns in their order, then of each relation in the plan's order: a to-one
        relation is a JSON array of its columns and relations, or null; a to-many one is an array of such.
        Relations are texts: SQLAlchemy would read PostgreSQL's JSON itself, with floats for decimals.
    """
    rows = aliased(plan.shelf.entity)
    relations = [cast(_relation(relation, rows, plan), Text) for relation in plan.relations]
    chosen = _select(plan, rows, relations)
    return chosen.where(*(getattr(rows, attribute) == value for attribute, value in where))


def _select(plan: ReadPlan, rows: Any, relations: Sequence[ColumnElement[str]]) -> Select[Any]:
    window = plan.window
    chosen = (
        select(
            *(getattr(rows, attribute).label(attribute) for attribute in plan.shelf.columns.values()),
            *(relation.label(_label(i)) for i, relation in enumerate(relations)),
        )
        .where(conditions(plan.shelf, rows, window.filter))
        .order_by(*_order(window, rows))
    )
    # Only a compiled operation's windows have slots.
    limit, offset = typing.cast("int | None", window.limit), typing.cast("int", window.offset)
    return chosen if limit is None else chosen.limit(limit).offset(offset)


def _relation(relation: Relation, owner: Any, plan: ReadPlan) -> ColumnElement[str]:
    property_: RelationshipProperty[Any] = inspect(plan.shelf.entity).relationships[relation.relationship]
    rows = aliased(relation.plan.shelf.entity)
    ((local, remote),) = property_.local_remote_pairs or ()
    below = (
        _select(relation.plan, rows, [_relation(each, rows, relation.plan) for each in relation.plan.relations])
        .where(getattr(rows, str(remote.key)) == getattr(owner, str(local.key)))
        .correlate(owner)
        .subquery()
    )
    columns = [below.c[attribute] for attribute in relation.plan.shelf.columns.values()]
    nested = [NestedJson(below.c[_label(i)]) for i, _ in enumerate(relation.plan.relations)]
    row = JsonRow(*columns, *nested)
    if property_.uselist:
        return select(JsonRows(row, *_order(relation.plan.window, below.c))).scalar_subquery()
    return select(row).select_from(below).scalar_subquery()


def _order(window: Window, rows: Any) -> list[ColumnElement[Any]]:
    by = [(getattr(rows, attribute), descends) for attribute, descends in window.order]
    return [column.desc() if descends else column.asc() for column, descends in [*by, (rows.id, False)]]


def _label(position: int) -> str:
    return f"relation_{position}"
