"""Pages of rows, as a connection shows them, and those of people by their key (Relay's cursor connections)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, TypeVar, cast

import strawberry
from graphql.pyutils import Path
from sqlalchemy import ColumnElement
from sqlmodel import SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from strawberry import Parent

from app.compiler.cursors import Ordering, value_given
from app.compiler.windows import Paging
from app.graph.context import Info

R = TypeVar("R", bound=SQLModel)


@strawberry.type(description="Where a page lies among all the pages.")
class PageInfo:
    """Where a page lies."""

    has_next_page: bool = strawberry.field(description="Whether there are items after the page.")
    has_previous_page: bool = strawberry.field(description="Whether there are items before the page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the page's first item.")
    end_cursor: str | None = strawberry.field(description="The cursor of the page's last item.")


@strawberry.type(description="Figures over all the shares that a connection's filter selects.")
class ShareAggregates:
    """Figures over all the shares that a connection's filter selects."""

    count: int = strawberry.field(description="How many there are.")
    min_price: Decimal | None = strawberry.field(description="The lowest price on record.")
    max_price: Decimal | None = strawberry.field(description="The highest price on record.")
    average_price: Decimal | None = strawberry.field(description="The mean price on record.")


@dataclass(frozen=True, slots=True)
class Edge(Generic[R]):
    """A row on a page.

    Attributes:
        cursor: Its place.
        row: The row.
        views: The row as it was read for one of the places where the operation asks for it, by the response keys
            that lead there from the connection. One operation may ask for a row twice, differently.
    """

    cursor: str
    row: R
    views: Mapping[tuple[str, ...], R] = field(default_factory=dict)

    def view(self, *keys: str) -> R:
        """Give the row as it was read for a place."""
        return self.views.get(keys, self.row)


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """What a client asked for, as found.

    Attributes:
        edges: The rows, in the connection's order.
        info: Where the page lies.
        where: What all pages have in common, for those who count afterwards.
        total: How many rows there are on all pages, if that was counted at once.
        figures: Figures of all these rows, if they were asked for.
    """

    edges: Sequence[Edge[R]]
    info: PageInfo
    where: tuple[ColumnElement[bool], ...] = ()
    total: int | None = None
    figures: ShareAggregates | None = None


def edges_of(page: Parent[Page[Any]]) -> Any:
    """Give a page's rows with their cursors."""
    return page.edges


def node_of(edge: Parent[Edge[Any]], info: Info) -> Any:
    """Give the row of an edge."""
    node = info.path
    # Between the two is the edge's place in the list.
    edges = cast("Path", cast("Path", node.prev).prev)
    return edge.view(str(edges.key), str(node.key))


def nodes_of(page: Parent[Page[Any]], info: Info) -> Any:
    """Give a page's rows."""
    key = str(info.path.key)
    return [edge.view(key) for edge in page.edges]


def page_info_of(page: Parent[Page[Any]]) -> PageInfo:
    """Say where a page lies."""
    return page.info


def total_of(page: Parent[Page[Any]]) -> Any:
    """Say how many rows there are on all pages."""
    return page.total


def figures_of(page: Parent[Page[Any]]) -> Any:
    """Give the figures of all pages."""
    return page.figures


def asked_for(first: Any, after: Any, last: Any, before: Any) -> Paging:
    """Take a connection field's arguments, of which those left out are UNSET."""
    given = {"first": first, "after": after, "last": last, "before": before}
    return Paging(**{name: value for name, value in given.items() if value is not strawberry.UNSET})


def cut(found: Sequence[Edge[R]], asked: Paging) -> tuple[Sequence[Edge[R]], PageInfo]:
    """Make a page's edges of what was found, and say where the page lies.

    Args:
        found: The rows from the end that the page is cut from, and one more than are wanted if there are more.
        asked: What was asked for.
    """
    size = cast("int", asked.size())
    more, edges = len(found) > size, list(found[:size])
    if asked.is_backwards:
        edges.reverse()
    return edges, PageInfo(
        # What a cursor was given for is on the other side of it, and need not be looked for.
        has_next_page=asked.before is not None if asked.is_backwards else more,
        has_previous_page=more if asked.is_backwards else asked.after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )


async def page(
    session: AsyncSession,
    entity: type[R],
    *where: ColumnElement[bool],
    asked: Paging,
    newest_first: bool = False,
) -> Page[R]:
    """Read one page of an entity's rows by their integer key.

    Args:
        session: To read with.
        entity: Whose rows.
        where: What all pages have in common.
        asked: The connection's arguments.
        newest_first: Whether the keys descend.

    Raises:
        InvalidInput: The arguments contradict each other or ask for too much.
        CursorInvalid: A cursor is not one of ours.
    """
    size, ordering = cast("int", asked.size()), _by_key(entity, newest_first=newest_first)
    found = await session.exec(
        select(entity)
        .where(*where, *ordering.bounds(entity, asked, value_given))
        .order_by(*ordering.clauses(entity, reverse=asked.is_backwards))
        .limit(size + 1)
    )
    return Page(*cut([Edge(ordering.write(row), row) for row in found.all()], asked), where)


async def pages(
    session: AsyncSession,
    entity: type[R],
    owner: Any,
    owners: Sequence[int],
    *,
    asked: Paging,
    newest_first: bool = False,
) -> dict[int, Page[R]]:
    """Read the same page for each of several owners, in one statement.

    Args:
        session: To read with.
        entity: Whose rows.
        owner: The entity's column that says whose a row is.
        owners: Its values.
        asked: The connection's arguments.
        newest_first: Whether the keys descend.

    Raises:
        InvalidInput: The arguments contradict each other or ask for too much.
        CursorInvalid: A cursor is not one of ours.
    """
    if len(set(owners)) == 1:
        # With a limit in place of a rank the database reads no more than the page.
        one = await page(session, entity, owner == owners[0], asked=asked, newest_first=newest_first)
        return {owners[0]: one}
    size, ordering = cast("int", asked.size()), _by_key(entity, newest_first=newest_first)
    key: Any = col(entity.id)  # type: ignore[attr-defined]
    order = ordering.clauses(entity, reverse=asked.is_backwards)
    place = func.row_number().over(partition_by=owner, order_by=order).label("place")
    bounds = ordering.bounds(entity, asked, value_given)
    ranked = select(key, place).where(owner.in_(owners), *bounds).subquery("ranked")
    found = await session.exec(
        select(entity).join(ranked, ranked.c.id == key).where(ranked.c.place <= size + 1).order_by(*order)
    )
    edges: dict[int, list[Edge[R]]] = {each: [] for each in owners}
    for row in found.all():
        edges[getattr(row, owner.key)].append(Edge(ordering.write(row), row))
    return {each: Page(*cut(edges[each], asked), (owner == each,)) for each in edges}


def _by_key(entity: type[R], *, newest_first: bool) -> Ordering:
    return Ordering(entity, (("id", newest_first),))


async def count(session: AsyncSession, entity: type[R], *where: ColumnElement[bool]) -> int:
    """Count the rows on all pages."""
    return (await session.exec(select(func.count()).select_from(entity).where(*where))).one()
