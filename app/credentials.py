"""The drawer of secrets: hashes of passwords and of refresh tokens, and nothing in clear.

Only the domain's permits and traders open it (import-linter holds that); no GraphQL type, filter or
plan stands for these tables.
"""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from app.kit.moments import Moment
from app.kit.tables import Key


class PasswordHash(SQLModel, table=True):
    """The argon2id hash of a trader's password, with its parameters (PHC string format)."""

    __tablename__ = "password_hash"

    trader_id: int = Field(sa_type=Key, primary_key=True, foreign_key="trader.id", ondelete="CASCADE")
    hash: str = Field(max_length=255, repr=False)
    changed_at: datetime = Field(sa_type=Moment)


class RefreshToken(SQLModel, table=True):
    """What is known of a refresh token: the hash of its id, and its place in the line of renewals."""

    __tablename__ = "refresh_token"

    hash: bytes = Field(sa_type=LargeBinary(32), primary_key=True, repr=False)
    permit_id: str = Field(max_length=43, foreign_key="permit.id", ondelete="CASCADE", index=True)
    parent_hash: bytes | None = Field(default=None, sa_type=LargeBinary(32), repr=False)
    expires_at: datetime = Field(sa_type=Moment)
    dead_since: datetime | None = Field(default=None, sa_type=Moment)
