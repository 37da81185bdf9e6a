"""From plans to the one statement whose single value is the JSON of an operation's `data`, as text.

Takes no connection. Every JSON text is made by the database out of typed columns: Python neither sees a row
nor writes a bracket.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, inspect, select
from sqlalchemy.orm import RelationshipProperty, aliased

from app.compiler.conditions import conditions
from app.compiler.json_texts import JsonArray, JsonMembers, JsonObject, JsonScalar, Literal, Opaque, is_writable
from app.compiler.plan import MAX_LIMIT, ReadPlan, Relation, Window, limit_from, offset_from
from app.compiler.slots import Bind, Slot
from app.statements import spell

MANY_ROWS = 200
"""Up to so many rows are read in less time than it takes to hand the work to a thread (measured)."""


class NotCompiled(Exception):
    """The operation has something that no statement says; the text says what, and is for developers."""


@dataclass(frozen=True, slots=True)
class RootPlan:
    """One root field: what it reads, and which row if it is one.

    Attributes:
        key: The response key.
        plan: What to read; None for `__typename`.
        where: The attribute that names the one object, and its value or slot; None for a list.
        read: From the argument that names it to the attribute's value.
        is_required: Whether it is an error that the object is not there.
    """

    key: str
    plan: ReadPlan | None
    where: tuple[str, Any] | None = None
    read: Callable[[Any], Any] = str
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that can be run as it is, again and again.

    Attributes:
        sql: Its text, in the database's own spelling.
        binds: What each of its binds asks for, in their order.
        is_short: Whether it reads few rows, and finds them by an index.
        tables: The names of all the tables that it reads.
    """

    sql: str
    binds: tuple[Bind, ...]
    is_short: bool
    tables: frozenset[str]

    def values(self, variables: Mapping[str, Any]) -> list[Any]:
        """Give the value of each bind.

        Args:
            variables: Those that have slots, coerced.

        Raises:
            Problem: A value is out of range.
        """
        return [bind.value if bind.name is None else bind.read(variables[bind.name]) for bind in self.binds]


@dataclass(slots=True)
class _Binds:
    """The slots of a statement by the names of its binds, while it is being put together."""

    slots: dict[str, Bind] = field(default_factory=dict)

    def value(self, given: Any, read: Callable[[Any], Any], of: Any) -> Any:
        """Give what stands for a value in SQL: a bind of its own for a slot."""
        if not isinstance(given, Slot):
            return read(given)
        name = f"slot_{len(self.slots)}"
        self.slots[name] = Bind(given.name, read)
        return bindparam(name, required=False, type_=of)


def statement(roots: Sequence[RootPlan], root_type: str, dialect: str) -> Statement:
    """Say a whole operation in one statement.

    Its value is NULL if an object that is required is not there.

    Args:
        roots: The root fields, in the order of the answer.
        root_type: The name of the root type, for `__typename`.
        dialect: One of `app.statements.DIALECTS`.

    Raises:
        NotCompiled: A field is selected that no column is behind.
        InvalidInput: A filter is too large.
    """
    binds = _Binds()
    members = [
        (root.key, Literal(root_type) if root.plan is None else _root(root, root.plan, binds)) for root in roots
    ]
    chosen: Select[Any] = select(JsonMembers(members))
    spelled = spell(chosen, dialect)
    return Statement(
        spelled.sql,
        tuple(binds.slots.get(name) or Bind(None, _as_it_is, spelled.fixed[name]) for name in spelled.binds),
        all(root.plan is None or _is_short(root.plan) for root in roots)
        and sum(_most_rows(root.plan) for root in roots if root.plan is not None) <= MANY_ROWS,
        frozenset(name for root in roots if root.plan is not None for name in _tables(root.plan)),
    )


def _root(root: RootPlan, plan: ReadPlan, binds: _Binds) -> ColumnElement[str]:
    rows = aliased(plan.shelf.entity)
    if root.where is None:
        array: ColumnElement[str] = _array(plan, rows, binds, None)
        return array
    attribute, given = root.where
    column = getattr(rows, attribute)
    found = (
        select(_object(plan, rows, binds))
        .where(column == binds.value(given, root.read, column.type))
        .scalar_subquery()
    )
    return found if root.is_required else func.coalesce(found, "null")


def _array(plan: ReadPlan, rows: Any, binds: _Binds, joined: tuple[ColumnElement[bool], Any] | None) -> Any:
    window = plan.window
    needed = dict.fromkeys([*_columns(plan), *(attribute for attribute, _ in window.order), "id"])
    chosen = (
        select(*(getattr(rows, attribute).label(attribute) for attribute in needed))
        .where(conditions(plan.shelf, rows, window.filter))
        .order_by(*_order(window, rows))
    )
    if window.limit is not None:
        chosen = chosen.limit(binds.value(window.limit, limit_from, Integer()))
        if window.offset != 0:
            chosen = chosen.offset(binds.value(window.offset, offset_from, Integer()))
    if joined is not None:
        condition, owner = joined
        chosen = chosen.where(condition).correlate(owner)
    below = chosen.subquery()
    return select(JsonArray(_object(plan, below.c, binds), *_order(window, below.c))).scalar_subquery()


def _object(plan: ReadPlan, rows: Any, binds: _Binds) -> JsonObject:
    relations = {relation.key: relation for relation in plan.relations}
    return JsonObject(
        [
            (key, _relation(relations[key], rows, plan, binds) if key in relations else _field(plan, rows, name))
            for key, name in plan.fields
        ]
    )


def _relation(relation: Relation, owner: Any, plan: ReadPlan, binds: _Binds) -> Any:
    rows = aliased(relation.plan.shelf.entity)
    local, remote, is_list = _joint(relation, plan)
    condition = getattr(rows, remote) == getattr(owner, local)
    if is_list:
        return _array(relation.plan, rows, binds, (condition, _source(owner)))
    return select(_object(relation.plan, rows, binds)).where(condition).correlate(_source(owner)).scalar_subquery()


def _source(owner: Any) -> Any:
    """Give what rows come from: an alias is that itself, a subquery's columns know it."""
    return next(iter(owner)).table if hasattr(owner, "keys") else owner


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
    return JsonScalar(column)


def _columns(plan: ReadPlan) -> list[str]:
    """Name the attributes that an object's fields and relations are made of."""
    shown = [plan.shelf.columns[name] for _, name in plan.fields if name in plan.shelf.columns]
    return [*shown, *(_joint(relation, plan)[0] for relation in plan.relations)]


def _joint(relation: Relation, plan: ReadPlan) -> tuple[str, str, bool]:
    """Give the attributes that a relation joins by, here and there, and whether it gives a list."""
    property_: RelationshipProperty[Any] = inspect(plan.shelf.entity).relationships[relation.relationship]
    ((local, remote),) = property_.local_remote_pairs or ()
    return str(local.key), str(remote.key), bool(property_.uselist)


def _order(window: Window, rows: Any) -> list[ColumnElement[Any]]:
    by = [(getattr(rows, attribute), descends) for attribute, descends in window.order]
    return [column.desc() if descends else column.asc() for column, descends in [*by, (rows.id, False)]]


def _tables(plan: ReadPlan) -> Iterator[str]:
    yield str(inspect(plan.shelf.entity).local_table.name)
    for relation in plan.relations:
        yield from _tables(relation.plan)


def _most_rows(plan: ReadPlan) -> int:
    limit = plan.window.limit
    here = 1 if limit is None else limit if isinstance(limit, int) else MAX_LIMIT
    return here * (1 + sum(_most_rows(relation.plan) for relation in plan.relations))


def _is_short(plan: ReadPlan) -> bool:
    window = plan.window
    found_by_index = (
        not window.filter and all(attribute == "id" for attribute, _ in window.order) and window.offset == 0
    )
    return found_by_index and all(_is_short(relation.plan) for relation in plan.relations)


def _as_it_is(value: Any) -> Any:
    return value
