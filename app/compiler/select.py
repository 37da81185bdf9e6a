"""From a plan to one statement: a row for each object, its relations as JSON beside its columns."""

import typing
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, func, select
from sqlalchemy.orm import aliased

from app.compiler.conditions import conditions
from app.compiler.cursors import Ordering, value_given
from app.compiler.dialects import JsonRow, JsonRows, NestedJson, SumOfRest, SumOfWhole
from app.compiler.joints import Joint, Narrow, all_rows
from app.compiler.plan import FIGURES, TOTAL, AnyPlan, PagePlan, ReadPlan, Relation

Where = tuple[str, Any]
"""An attribute, and the value that the rows must have of it."""


def statement(plan: AnyPlan, *where: Where) -> Select[Any]:
    """Say a plan in one statement.

    Args:
        plan: What to read.
        where: What the rows must have besides.

    Returns:
        Of a page, one row of what `texts_of_page` gives. Else a row for each object: the shelf's columns in their
        order, then each relation in the plan's order. A to-one relation is a JSON array of its columns and
        relations, or null; a to-many one is an array of such; a page is what `texts_of_page` gives.
        Relations are texts: SQLAlchemy would read PostgreSQL's JSON itself, with floats for decimals.

    Raises:
        InvalidInput: A filter is too large.
        CursorInvalid: A cursor is none, or one of another type or order.
    """
    narrow = partial(_having, where=where)
    if isinstance(plan, PagePlan):
        texts: list[ColumnElement[Any]] = [cast(text, Text) for text in texts_of_page(plan, narrow)]
        return select(*texts)
    rows = aliased(plan.shelf.entity)
    return narrow(_select(plan, rows, [cast(text, Text) for text in _below([plan], rows)]), rows)


def texts_of_page(plan: PagePlan, narrow: Narrow = all_rows) -> list[ColumnElement[str]]:
    """Say a page in JSON.

    Args:
        plan: What to read.
        narrow: To which rows, on all pages.

    Returns:
        The rows, one more than are wanted if there are more, from the end that the page is cut from: an array of
        arrays of the shelf's columns, and of the relations of all views. Then, if they are asked for, how many
        rows there are on all pages; and of those, an array of how many there are, the lowest and the highest
        amount, and what their whole parts and the rests sum up to.
    """
    texts = [_rows_of_page(plan, narrow)]
    entity, filter_ = plan.shelf.entity, plan.window.filter

    def on_all_pages(*columns: Any, of: Any) -> ColumnElement[str]:
        chosen = narrow(select(*columns).select_from(of), of).where(conditions(plan.shelf, of, filter_))
        return chosen.scalar_subquery()

    if plan.asks_for(TOTAL):
        texts.append(on_all_pages(func.count(), of=aliased(entity)))
    if plan.asks_for(FIGURES):
        rows = aliased(entity)
        amount = getattr(rows, plan.shelf.amount or "")
        sums = SumOfWhole(amount), SumOfRest(amount)
        figures = JsonRow(func.count(), func.min(amount), func.max(amount), *sums)
        texts.append(on_all_pages(figures, of=rows))
    return texts


def _rows_of_page(plan: PagePlan, narrow: Narrow) -> ColumnElement[str]:
    rows = aliased(plan.shelf.entity)
    ordering, paging = Ordering(plan.shelf.entity, plan.window.order), plan.window.paging
    # Only a compiled operation's pages have slots.
    size = typing.cast("int", paging.size())
    chosen = (
        narrow(_columns(plan, rows, _below(plan.views.values(), rows)), rows)
        .where(conditions(plan.shelf, rows, plan.window.filter), *ordering.bounds(rows, paging, value_given))
        .order_by(*ordering.clauses(rows, reverse=paging.is_backwards))
        .limit(size + 1)
    )
    below = chosen.subquery().c
    order = ordering.clauses(below, reverse=paging.is_backwards)
    return select(JsonRows(_row(plan, below), *order)).scalar_subquery()


def _select(plan: ReadPlan, rows: Any, below: Sequence[ColumnElement[str]]) -> Select[Any]:
    window = plan.window
    chosen = (
        _columns(plan, rows, below)
        .where(conditions(plan.shelf, rows, window.filter))
        .order_by(*Ordering(plan.shelf.entity, window.order).clauses(rows))
    )
    # Only a compiled operation's windows have slots.
    limit, offset = typing.cast("int | None", window.limit), typing.cast("int", window.offset)
    return chosen if limit is None else chosen.limit(limit).offset(offset)


def _columns(plan: AnyPlan, rows: Any, below: Sequence[ColumnElement[str]]) -> Select[Any]:
    own = (getattr(rows, attribute).label(attribute) for attribute in plan.shelf.columns.values())
    return select(*own, *(text.label(f"relation_{position}") for position, text in enumerate(below)))


def _below(views: Iterable[ReadPlan], rows: Any) -> list[ColumnElement[str]]:
    """Say all relations of a row, in their order."""
    return [text for view in views for relation in view.relations for text in _relation(relation, rows, view)]


def _relation(relation: Relation, owner: Any, plan: ReadPlan) -> list[ColumnElement[str]]:
    joint = Joint.of(relation, plan.shelf)
    narrow = joint.to(owner)
    if isinstance(relation.plan, PagePlan):
        return texts_of_page(relation.plan, narrow)
    rows = aliased(relation.plan.shelf.entity)
    below = narrow(_select(relation.plan, rows, _below([relation.plan], rows)), rows).subquery().c
    row = _row(relation.plan, below)
    if not joint.is_list:
        return [select(row).scalar_subquery()]
    order = Ordering(relation.plan.shelf.entity, relation.plan.window.order).clauses(below)
    return [select(JsonRows(row, *order)).scalar_subquery()]


def _row(plan: AnyPlan, below: Any) -> JsonRow:
    columns = list(below)
    width = len(plan.shelf.columns)
    return JsonRow(*columns[:width], *map(NestedJson, columns[width:]))


def _having(chosen: Select[Any], rows: Any, *, where: Sequence[Where]) -> Select[Any]:
    return chosen.where(*(getattr(rows, attribute) == value for attribute, value in where))
