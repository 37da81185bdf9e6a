"""From plans to the JSON texts of objects and lists, as scalars in SQL; pages are in `app.compiler.page_texts`."""

from typing import Any

from sqlalchemy import ColumnElement, Integer, inspect, select
from sqlalchemy.orm import aliased

from app.compiler.conditions import conditions
from app.compiler.cursors import Ordering
from app.compiler.joints import Joint, Narrow, all_rows
from app.compiler.json_texts import (
    ByDialect,
    JsonArray,
    JsonObject,
    JsonScalar,
    Literal,
    Opaque,
    is_writable,
    scalar_or_null,
)
from app.compiler.page_texts import PageTexts
from app.compiler.plan import AnyPlan, NotCompiled, PagePlan, ReadPlan, Relation
from app.compiler.slots import Binds
from app.compiler.windows import limit_from, offset_from
from app.kit.money import Money, as_said


def objects(plan: AnyPlan, binds: Binds, narrow: Narrow = all_rows) -> Any:
    """Say a list or a page.

    Args:
        plan: What to read.
        binds: Takes the slots on the way.
        narrow: To which rows.

    Raises:
        NotCompiled: A field is selected that no column is behind.
        Problem: A value on the way is not as it should be.
    """
    if isinstance(plan, PagePlan):
        texts = PageTexts(plan, binds, narrow, lambda view, rows: object_text(view, rows, binds))
        return texts.whole()
    rows = aliased(plan.shelf.entity)
    window, ordering = plan.window, Ordering(plan.shelf.entity, plan.window.order)
    chosen = narrow(select(object_text(plan, rows, binds).label("text")).select_from(rows), rows)
    chosen = chosen.where(conditions(plan.shelf, rows, window.filter)).order_by(*ordering.clauses(rows))
    if window.limit is not None:
        chosen = chosen.limit(binds.value(window.limit, limit_from, Integer()))
        if window.offset != 0:
            chosen = chosen.offset(binds.value(window.offset, offset_from, Integer()))
    ordered = chosen.add_columns(*(getattr(rows, attribute).label(attribute) for attribute, _ in ordering.by))
    alone, beside = chosen.subquery().c, ordered.subquery().c
    return ByDialect(
        sqlite=select(JsonArray(alone.text)).scalar_subquery(),
        postgresql=select(JsonArray(beside.text, *ordering.clauses(beside))).scalar_subquery(),
    )


def object_text(plan: ReadPlan, rows: Any, binds: Binds) -> JsonObject:
    """Say one object.

    Args:
        plan: What to read.
        rows: What it is read from: an alias of the entity, or the columns of a subquery.
        binds: Takes the slots on the way.

    Raises:
        NotCompiled: A field is selected that no column is behind.
        Problem: A value on the way is not as it should be.
    """
    relations = {relation.key: relation for relation in plan.relations}
    return JsonObject(
        [
            (key, _relation(relations[key], rows, plan, binds) if key in relations else _field(plan, rows, name))
            for key, name in plan.fields
        ]
    )


def _relation(relation: Relation, owner: Any, plan: ReadPlan, binds: Binds) -> Any:
    joint = Joint.of(relation, plan.shelf)
    if isinstance(relation.plan, PagePlan) or joint.is_list:
        return objects(relation.plan, binds, joint.to(owner))
    rows = aliased(relation.plan.shelf.entity)
    return joint.to(owner)(select(object_text(relation.plan, rows, binds)), rows).scalar_subquery()


def _field(plan: ReadPlan, rows: Any, name: str) -> ColumnElement[str]:
    if name == "__typename":
        return Literal(plan.type_name)
    if name == "globalId":
        return Opaque(plan.type_name, rows.id)
    if (attribute := plan.shelf.columns.get(name)) is None:
        raise NotCompiled(f"{plan.type_name}.{name} is no column")
    column = getattr(rows, attribute)
    if not is_writable(column.type):
        raise NotCompiled(f"{plan.type_name}.{name} is of a type that is written by Python alone")
    if isinstance(column.type, Money):
        column = as_said(column.expression)
    is_nullable = inspect(plan.shelf.entity).columns[attribute].nullable
    return scalar_or_null(column) if is_nullable else JsonScalar(column)
