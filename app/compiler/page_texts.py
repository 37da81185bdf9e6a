"""From the plan of a page to its JSON text, as one scalar in SQL: rows, cursors, where it lies, and figures."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, case, func, literal_column, select
from sqlalchemy.orm import aliased

from app.compiler.conditions import conditions
from app.compiler.cursors import Ordering
from app.compiler.dialects import Mean, SumOfRest, SumOfWhole
from app.compiler.joints import Narrow, attributes_of
from app.compiler.json_texts import (
    Cursor,
    CursorAtEnd,
    JsonArray,
    JsonMembers,
    JsonObject,
    JsonScalar,
    Literal,
    scalar_or_null,
)
from app.compiler.plan import FIGURES, TOTAL, NotCompiled, PagePlan, Part, ReadPlan
from app.compiler.slots import Binds
from app.compiler.windows import limit_from

Text = ColumnElement[Any]
"""A JSON text in SQL."""

_NULL: Text = literal_column("'null'")
_TRUE: Text = literal_column("'true'")
_FALSE: Text = literal_column("'false'")


class PageTexts:
    """Says one page: one aggregate over its rows, and beside it what is known of the rows around."""

    def __init__(
        self, plan: PagePlan, binds: Binds, narrow: Narrow, view: Callable[[ReadPlan, Any], JsonObject]
    ) -> None:
        """Prepare to say a page.

        Args:
            plan: What to read.
            binds: Takes the slots on the way.
            narrow: To which rows, on all pages.
            view: Says one row's object.
        """
        self._plan = plan
        self._binds = binds
        self._narrow = narrow
        self._view = view
        self._paging = plan.window.paging
        self._ordering = Ordering(plan.shelf.entity, plan.window.order)
        self._is_cut = False

    def whole(self) -> Any:
        """Say the connection.

        Raises:
            NotCompiled: A field is selected that nothing here says.
            Problem: A cursor is none, or a filter is too large.
        """
        members = [(part.key, self._part(part)) for part in self._plan.parts]
        if not self._is_cut:
            # Nothing that is asked for depends on the size and the cursors, but they may be wrong.
            self._between(self._plan.shelf.entity).limit(self._size())
        return select(JsonMembers(members)).scalar_subquery()

    def _part(self, part: Part) -> Text:
        match part.name:
            case "nodes" if part.view is not None:
                return JsonArray(self._view(part.view, self._rows), *self._ordering.clauses(self._rows))
            case "edges":
                edge = JsonObject([(below.key, self._of_edge(below)) for below in part.parts])
                return JsonArray(edge, *self._ordering.clauses(self._rows))
            case "pageInfo":
                return JsonObject([(below.key, self._of_page_info(below)) for below in part.parts])
            case _ if part.name == TOTAL:
                return JsonScalar(self._on_all_pages(func.count()).scalar_subquery())
            case _ if part.name == FIGURES:
                return self._figures(part)
        return _other(part)

    @cached_property
    def _rows(self) -> Any:
        """The columns of the rows on the page, in the connection's order."""
        rows = aliased(self._plan.shelf.entity)
        of_views = (attribute for view in self._plan.views.values() for attribute in attributes_of(view))
        attributes = dict.fromkeys([*of_views, *(attribute for attribute, _ in self._ordering.by)])
        chosen = self._between(rows, *(getattr(rows, attribute).label(attribute) for attribute in attributes))
        backwards = self._paging.is_backwards
        chosen = chosen.order_by(*self._ordering.clauses(rows, reverse=backwards)).limit(self._size())
        if backwards:
            last = chosen.subquery()
            # The limit again: SQLite keeps the order of a limited subquery.
            chosen = select(last).order_by(*self._ordering.clauses(last.c)).limit(self._size())
        return chosen.subquery().c

    def _size(self) -> Any:
        return self._binds.value(self._paging.size(), limit_from, Integer())

    def _between(self, rows: Any, *columns: Any) -> Select[Any]:
        """Select of the rows between the cursors."""
        self._is_cut = True
        return self._common(rows, *columns).where(*self._ordering.bounds(rows, self._paging, self._binds.value))

    def _common(self, rows: Any, *columns: Any) -> Select[Any]:
        chosen = self._narrow(select(*columns).select_from(rows), rows)
        return chosen.where(conditions(self._plan.shelf, rows, self._plan.window.filter))

    def _on_all_pages(self, *columns: Any) -> Select[Any]:
        return self._common(aliased(self._plan.shelf.entity), *columns)

    def _of_edge(self, part: Part) -> Text:
        if part.view is not None:
            return self._view(part.view, self._rows)
        return Cursor(self._ordering, self._rows) if part.name == "cursor" else _other(part)

    def _of_page_info(self, part: Part) -> Text:
        paging = self._paging
        match part.name:
            case "hasNextPage":
                return _known(paging.before) if paging.is_backwards else self._is_there_more()
            case "hasPreviousPage":
                return self._is_there_more() if paging.is_backwards else _known(paging.after)
            case "startCursor" | "endCursor":
                cursor = CursorAtEnd(self._ordering, self._rows, last=part.name == "endCursor")
                return case((func.max(self._rows.id).is_(None), _NULL), else_=cursor)
        return _other(part)

    def _is_there_more(self) -> Text:
        more = self._between(aliased(self._plan.shelf.entity), literal_column("1")).limit(1).offset(self._size())
        return case((more.exists(), _TRUE), else_=_FALSE)

    def _figures(self, part: Part) -> Text:
        rows = aliased(self._plan.shelf.entity)
        amount = getattr(rows, self._plan.shelf.amount or "")
        aggregates = {
            "number": func.count(),
            "lowest": func.min(amount),
            "highest": func.max(amount),
            "whole": SumOfWhole(amount),
            "rest": SumOfRest(amount),
        }
        wanted = {"number"}.union(*(_MADE_OF.get(below.name, ()) for below in part.parts))
        figures = self._common(rows, *(each.label(name) for name, each in aggregates.items() if name in wanted))
        columns = figures.subquery().c
        if "whole" in wanted:
            # Named once more, for it is written out more than once.
            mean = Mean(columns.number, columns.whole, columns.rest).label("mean")
            columns = select(*columns, mean).subquery().c
        return select(JsonObject([(below.key, _figure(below, columns)) for below in part.parts])).scalar_subquery()


_MADE_OF: Mapping[str, tuple[str, ...]] = {
    "minPrice": ("lowest",),
    "maxPrice": ("highest",),
    "averagePrice": ("whole", "rest"),
}


def _figure(part: Part, columns: Any) -> Text:
    match part.name:
        case "count":
            return JsonScalar(columns.number)
        case "minPrice":
            return scalar_or_null(columns.lowest)
        case "maxPrice":
            return scalar_or_null(columns.highest)
        case "averagePrice":
            return scalar_or_null(columns.mean)
    return _other(part)


def _known(cursor: Any) -> Text:
    # What a cursor was given for is on the other side of it, and need not be looked for.
    return _FALSE if cursor is None else _TRUE


def _other(part: Part) -> Text:
    if part.name == "__typename":
        return Literal(part.type_name)
    raise NotCompiled(f"{part.type_name}.{part.name} is not read from the database alone")
