"""From plans to the one statement whose single value is the JSON of an operation's `data`, as text.

Takes no connection. Every JSON text is made by the database out of typed columns: Python neither sees a row
nor writes a bracket.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select
from sqlalchemy.orm import aliased
from sqlalchemy.sql.util import find_tables

from app.compiler.json_texts import JsonMembers, JsonObject, Literal
from app.compiler.objects import object_text, objects
from app.compiler.plan import FIGURES, TOTAL, AnyPlan, PagePlan, ReadPlan
from app.compiler.slots import Bind, Binds, Slot
from app.statements import spell

MANY_ROWS = 200
"""Up to so many rows are read in less time than it takes to hand the work to a thread (measured)."""

Term = tuple[int, tuple[str, ...]]
"""Some rows: a number, and the variables by whose values it is to be multiplied."""


@dataclass(frozen=True, slots=True)
class Found:
    """One object that a root field may give: what to read of it, and how it is found.

    Attributes:
        attribute: What it is found by.
        given: The argument that says which, or its slot.
        read: From the argument to the attribute's value.
    """

    plan: ReadPlan
    attribute: str
    given: Any
    read: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class RootPlan:
    """One root field.

    Attributes:
        key: The response key.
        reads: A list or a page; or the objects of which the first that is there is given; None for `__typename`.
        is_required: Whether it is an error that no object is there.
    """

    key: str
    reads: AnyPlan | tuple[Found, ...] | None
    is_required: bool = False

    @property
    def plans(self) -> list[AnyPlan]:
        """All that may be read."""
        if isinstance(self.reads, tuple):
            return [found.plan for found in self.reads]
        return [] if self.reads is None else [self.reads]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that can be run as it is, again and again.

    Attributes:
        sql: Its text, in the database's own spelling.
        binds: What each of its binds asks for, in their order.
        checks: Pairs of a variable and how it is read, where one may be wrong although nothing depends on it: a
            cursor where only a total is asked for.
        is_short: Whether it takes less time than to have it done by a thread; None if variables decide.
        rows: How many rows it gives at most: the sum of these.
        tables: The names of all the tables that it reads.
    """

    sql: str
    binds: tuple[Bind, ...]
    checks: tuple[tuple[str, Callable[[Any], Any]], ...]
    is_short: bool | None
    rows: tuple[Term, ...]
    tables: frozenset[str]

    def values(self, variables: Mapping[str, Any]) -> list[Any]:
        """Give the value of each bind.

        Args:
            variables: Those that have slots, coerced.

        Raises:
            Problem: A value is out of range.
        """
        for name, read in self.checks:
            read(variables[name])
        return [bind.value if bind.name is None else bind.read(variables[bind.name]) for bind in self.binds]

    def is_short_for(self, variables: Mapping[str, Any]) -> bool:
        """Say whether it takes less time than to have it done by a thread.

        Args:
            variables: Those that have slots, coerced and in range.
        """
        if self.is_short is not None:
            return self.is_short
        rows: int = sum(number * prod(map(variables.__getitem__, names)) for number, names in self.rows)
        return rows <= MANY_ROWS


def statement(roots: Sequence[RootPlan], root_type: str, dialect: str) -> Statement:
    """Say a whole operation in one statement.

    Its value is NULL if an object that is required is not there.

    Args:
        roots: The root fields, in the order of the answer.
        root_type: The name of the root type, for `__typename`.
        dialect: One of `app.statements.DRIVERS`.

    Raises:
        NotCompiled: A field is selected that no column is behind.
        InvalidInput: A filter is too large.
        CursorInvalid: A cursor that is written in the operation is none.
    """
    binds = Binds()
    kind = JsonMembers if any(root.is_required for root in roots) else JsonObject
    chosen: Select[Any] = select(kind([(root.key, _root(root, root_type, binds)) for root in roots]))
    spelled = spell(chosen, dialect)

    def bind(name: str) -> Bind:
        if (slot := binds.slots.get(name)) is None:
            return Bind(None, _as_it_is, spelled.fixed[name])
        write = spelled.writers.get(name)
        return slot if write is None else Bind(slot.name, lambda given: write(slot.read(given)))

    plans = [plan for root in roots for plan in root.plans]
    rows = tuple(chain.from_iterable(map(_rows, plans)))
    return Statement(
        spelled.sql,
        tuple(bind(name) for name in spelled.binds),
        tuple(
            (slot.name, slot.read)
            for name, slot in binds.slots.items()
            if slot.name is not None and name not in spelled.fixed
        ),
        _is_short(plans, rows),
        rows,
        frozenset(table.name for table in find_tables(chosen)),
    )


def _root(root: RootPlan, root_type: str, binds: Binds) -> ColumnElement[str]:
    if root.reads is None:
        return Literal(root_type)
    if not isinstance(root.reads, tuple):
        text: ColumnElement[str] = objects(root.reads, binds)
        return text
    found = [_found(each, binds) for each in root.reads]
    return found[0] if root.is_required else func.coalesce(*found, literal_column("'null'"))


def _found(found: Found, binds: Binds) -> Any:
    rows = aliased(found.plan.shelf.entity)
    column = getattr(rows, found.attribute)
    text = select(object_text(found.plan, rows, binds))
    return text.where(column == binds.value(found.given, found.read, column.type)).scalar_subquery()


def _is_short(plans: Sequence[AnyPlan], rows: Sequence[Term]) -> bool | None:
    # What is not found by an index is read whole, however few rows are wanted.
    if not all(map(_finds_by_index, plans)):
        return False
    return None if any(names for _, names in rows) else sum(number for number, _ in rows) <= MANY_ROWS


def _rows(plan: AnyPlan) -> list[Term]:
    if isinstance(plan, PagePlan):
        wanted: int | Slot | None = plan.window.paging.size()
        of_each = [term for view in plan.views.values() for term in _rows_of_one(view)] or [(1, ())]
    else:
        wanted, of_each = plan.window.limit, _rows_of_one(plan)
    if isinstance(wanted, Slot):
        return [(number, (wanted.name, *names)) for number, names in of_each]
    return of_each if wanted is None else [(wanted * number, names) for number, names in of_each]


def _rows_of_one(plan: ReadPlan) -> list[Term]:
    return [(1, ()), *(term for relation in plan.relations for term in _rows(relation.plan))]


def _finds_by_index(plan: AnyPlan) -> bool:
    by_key = not plan.window.filter and all(attribute == "id" for attribute, _ in plan.window.order)
    if isinstance(plan, PagePlan):
        # From a cursor on, the key's index says where to begin; to count, all rows have to be looked at.
        found = by_key and not plan.asks_for(TOTAL) and not plan.asks_for(FIGURES)
        return found and all(map(_finds_by_index, plan.views.values()))
    found = by_key and plan.window.offset == 0
    return found and all(_finds_by_index(relation.plan) for relation in plan.relations)


def _as_it_is(value: Any) -> Any:
    return value
