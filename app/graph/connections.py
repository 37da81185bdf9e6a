"""Pages of rows by their key: cursors that stay true when rows are inserted (Relay's connections)."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import strawberry
from sqlalchemy import ColumnElement
from sqlmodel import SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.kit.problem import InvalidInput, Problem

R = TypeVar("R", bound=SQLModel)

DEFAULT_PAGE = 100
MOST_ON_A_PAGE = 500


class CursorInvalid(Problem):
    """The cursor is not one of ours."""

    code = "CURSOR_EXPIRED"


@strawberry.type(description="Where a page lies among all the pages.")
class PageInfo:
    """Where a page lies."""

    has_next_page: bool = strawberry.field(description="Whether there are items after the page.")
    has_previous_page: bool = strawberry.field(description="Whether there are items before the page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the page's first item.")
    end_cursor: str | None = strawberry.field(description="The cursor of the page's last item.")


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """What a client asked for, as found.

    Attributes:
        rows: The rows, in the connection's order.
        info: Where the page lies.
        where: What all pages have in common, for those who count.
    """

    rows: Sequence[R]
    info: PageInfo
    where: tuple[ColumnElement[bool], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """The arguments of a connection (Relay's cursor connections specification, section 4)."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    @classmethod
    def of(cls, first: Any, after: Any, last: Any, before: Any) -> Self:
        """Take a field's arguments, of which those left out are UNSET."""
        given = {"first": first, "after": after, "last": last, "before": before}
        return cls(**{name: None if value is strawberry.UNSET else value for name, value in given.items()})

    def size(self) -> int:
        """Give how many rows are wanted.

        Raises:
            InvalidInput: Both ends are asked for at once, or too many or fewer than none.
        """
        if self.first is not None and self.last is not None:
            raise InvalidInput(path=("last",), phrase="rule-one-of")
        name, wanted = ("first", self.first) if self.last is None else ("last", self.last)
        if wanted is None:
            return DEFAULT_PAGE
        if wanted < 0:
            raise InvalidInput(path=(name,), phrase="rule-too-small", min=0)
        if wanted > MOST_ON_A_PAGE:
            raise InvalidInput(path=(name,), phrase="rule-too-large", max=MOST_ON_A_PAGE)
        return wanted


def write_cursor(key: int) -> str:
    """Make the opaque cursor of a row."""
    return base64.urlsafe_b64encode(f"key:{key}".encode()).decode()


def read_cursor(cursor: str, name: str) -> int:
    """Read a cursor.

    Raises:
        CursorInvalid: It is not one of ours.
    """
    try:
        kind, _, key = base64.b64decode(cursor, b"-_", validate=True).decode("ascii").partition(":")
        if kind != "key" or not 0 <= int(key) < 2**63:
            raise ValueError(kind)
        return int(key)
    except (binascii.Error, ValueError) as error:
        raise CursorInvalid(path=(name,)) from error


async def page(
    session: AsyncSession,
    entity: type[R],
    *where: ColumnElement[bool],
    asked: PageRequest,
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
    size, (bounds, order) = asked.size(), _window(entity, asked, newest_first=newest_first)
    found = await session.exec(select(entity).where(*where, *bounds).order_by(order).limit(size + 1))
    return _cut(list(found.all()), size, asked, where)


async def pages(
    session: AsyncSession,
    entity: type[R],
    owner: Any,
    owners: Sequence[int],
    *,
    asked: PageRequest,
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
    size, (bounds, order) = asked.size(), _window(entity, asked, newest_first=newest_first)
    key: Any = col(entity.id)  # type: ignore[attr-defined]
    place = func.row_number().over(partition_by=owner, order_by=order).label("place")
    ranked = select(key, place).where(owner.in_(owners), *bounds).subquery("ranked")
    found = await session.exec(
        select(entity).join(ranked, ranked.c.id == key).where(ranked.c.place <= size + 1).order_by(order)
    )
    rows: dict[int, list[R]] = {each: [] for each in owners}
    for row in found.all():
        rows[getattr(row, owner.key)].append(row)
    return {each: _cut(rows[each], size, asked, (owner == each,)) for each in rows}


def _window(entity: type[R], asked: PageRequest, *, newest_first: bool) -> tuple[list[Any], Any]:
    key: Any = col(entity.id)  # type: ignore[attr-defined]
    bounds = []
    for cursor, name, towards_end in ((asked.after, "after", True), (asked.before, "before", False)):
        if cursor is not None:
            at = read_cursor(cursor, name)
            bounds.append(key > at if towards_end is not newest_first else key < at)
    descends = newest_first is not (asked.last is not None)
    return bounds, key.desc() if descends else key.asc()


def _cut(rows: list[R], size: int, asked: PageRequest, where: tuple[ColumnElement[bool], ...]) -> Page[R]:
    more, backwards = len(rows) > size, asked.last is not None
    rows = rows[:size]
    if backwards:
        rows.reverse()
    return Page(
        rows,
        PageInfo(
            has_next_page=asked.before is not None if backwards else more,
            has_previous_page=more if backwards else asked.after is not None,
            start_cursor=write_cursor(rows[0].id) if rows else None,  # type: ignore[attr-defined]
            end_cursor=write_cursor(rows[-1].id) if rows else None,  # type: ignore[attr-defined]
        ),
        where,
    )


async def count(session: AsyncSession, entity: type[R], *where: ColumnElement[bool]) -> int:
    """Count the rows on all pages."""
    return (await session.exec(select(func.count()).select_from(entity).where(*where))).one()
