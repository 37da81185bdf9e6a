"""Plain Strawberry on Starlette, the way Strawberry's documentation writes such a server.

An async SQLAlchemy session in each resolver, a DataLoader per request, a permission class that verifies the
token with python-jose. Its update is a bare one: no version is checked, nothing is audited.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import strawberry
from jose.exceptions import JWTError
from sqlalchemy import BigInteger, ForeignKey, event, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.permission import BasePermission
from strawberry.types import Info

from benchmarks.compare.peers.surroundings import DATABASE, verified

_PLACES = 4

engine = create_async_engine(f"sqlite+aiosqlite:///{DATABASE}")
get_session = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def _make_durable(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


class Base(DeclarativeBase):
    """What the tables have in common."""


class IndustryRow(Base):
    """A row of industries."""

    __tablename__ = "industry"

    id: Mapped[int] = mapped_column(primary_key=True)
    tag: Mapped[str]
    name: Mapped[str]


class ShareRow(Base):
    """A row of shares; the price is in ten-thousandths."""

    __tablename__ = "share"

    id: Mapped[int] = mapped_column(primary_key=True)
    industry_id: Mapped[int] = mapped_column(ForeignKey("industry.id"))
    tag: Mapped[str]
    price: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int]


class IsAuthenticated(BasePermission):
    """Lets in who has a valid access token."""

    message = "User is not authenticated"

    def has_permission(self, source: Any, info: Info, **_: Any) -> bool:
        """Verify the token of the request."""
        header = info.context["request"].headers.get("Authorization", "")
        try:
            verified(header.removeprefix("Bearer "))
        except JWTError:
            return False
        return True


@strawberry.type
class Share:
    """A share."""

    id: strawberry.ID
    tag: str
    price: Decimal
    version: int

    @classmethod
    def of(cls, row: ShareRow) -> "Share":
        """Make one from its row."""
        return cls(
            id=strawberry.ID(str(row.id)),
            tag=row.tag,
            price=Decimal(row.price).scaleb(-_PLACES),
            version=row.version,
        )


@strawberry.type
class Industry:
    """An industry."""

    id: strawberry.ID
    tag: str
    name: str

    @classmethod
    def of(cls, row: IndustryRow) -> "Industry":
        """Make one from its row."""
        return cls(id=strawberry.ID(str(row.id)), tag=row.tag, name=row.name)

    @strawberry.field
    async def shares(self, info: Info) -> list[Share]:
        """Load the shares together with those of the other industries."""
        shares: list[Share] = await info.context["shares_by_industry"].load(int(self.id))
        return shares


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field(permission_classes=[IsAuthenticated])
    async def share(self, id: strawberry.ID) -> Share | None:  # noqa: A002 - the contract's word
        """Read one share."""
        async with get_session() as session:
            row = (await session.execute(select(ShareRow).where(ShareRow.id == int(id)))).scalar_one_or_none()
        return None if row is None else Share.of(row)

    @strawberry.field(permission_classes=[IsAuthenticated])
    async def industry(self, id: strawberry.ID) -> Industry | None:  # noqa: A002 - the contract's word
        """Read one industry."""
        async with get_session() as session:
            row = (
                await session.execute(select(IndustryRow).where(IndustryRow.id == int(id)))
            ).scalar_one_or_none()
        return None if row is None else Industry.of(row)

    @strawberry.field(permission_classes=[IsAuthenticated])
    async def industries(self, limit: int = 100) -> list[Industry]:
        """Read the industries."""
        async with get_session() as session:
            rows = (await session.execute(select(IndustryRow).order_by(IndustryRow.id).limit(limit))).scalars()
            return [Industry.of(row) for row in rows]


@strawberry.type
class UserError:
    """What went wrong."""

    code: str


@strawberry.type
class SharePayload:
    """The answer to a write."""

    share: Share | None
    errors: list[UserError]


@strawberry.input
class ShareUpdateInput:
    """What to change. The version that is expected is not checked here."""

    id: strawberry.ID
    price: Decimal
    expected_version: int | None = None


@strawberry.type
class Mutation:
    """What can be changed."""

    @strawberry.mutation(permission_classes=[IsAuthenticated])
    async def share_update(self, input: ShareUpdateInput) -> SharePayload:  # noqa: A002 - the contract's word
        """Set a share's price."""
        async with get_session() as session:
            row = await session.get_one(ShareRow, int(input.id))
            row.price = int(input.price.scaleb(_PLACES))
            row.version += 1
            await session.commit()
        return SharePayload(share=Share.of(row), errors=[])


async def load_shares(industry_ids: list[int]) -> Sequence[list[Share]]:
    """Load the shares of some industries by one statement."""
    found: dict[int, list[Share]] = {key: [] for key in industry_ids}
    async with get_session() as session:
        statement = select(ShareRow).where(ShareRow.industry_id.in_(industry_ids)).order_by(ShareRow.id)
        for row in (await session.execute(statement)).scalars():
            found[row.industry_id].append(Share.of(row))
    return [found[key] for key in industry_ids]


class Endpoint(GraphQL[Any, Any]):
    """The endpoint, with a loader for each request."""

    async def get_context(self, request: Any, response: Response | Any) -> dict[str, Any]:
        """Give what resolvers use."""
        return {
            "request": request,
            "response": response,
            "shares_by_industry": DataLoader(load_fn=load_shares),
        }


schema = strawberry.Schema(Query, Mutation)
app = Starlette(routes=[Route("/graphql", Endpoint(schema))])
