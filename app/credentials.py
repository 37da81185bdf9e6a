"""The drawer of secrets: hashes of passwords, tokens and codes, and nothing in clear.

Only the domain's permits, traders and repeating open it (import-linter holds that); no GraphQL type, filter or
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


class SecurityCode(SQLModel, table=True):
    """The hash of the code that was last sent to a trader for a purpose, and how often it was tried."""

    __tablename__ = "security_code"

    trader_id: int = Field(sa_type=Key, primary_key=True, foreign_key="trader.id", ondelete="CASCADE")
    purpose: str = Field(primary_key=True, max_length=40)
    hash: bytes = Field(sa_type=LargeBinary(32), repr=False)
    expires_at: datetime = Field(sa_type=Moment)
    tries: int = Field(default=0)
    used_at: datetime | None = Field(default=None, sa_type=Moment)


class Throttle(SQLModel, table=True):
    """How often something was tried for an address, known or not; the address itself is not kept."""

    __tablename__ = "throttle"

    subject: bytes = Field(sa_type=LargeBinary(32), primary_key=True, repr=False)
    count: int = Field(default=0)
    blocked_until: datetime | None = Field(default=None, sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment, index=True)


class TwoFactor(SQLModel, table=True):
    """The sealed secret that a trader's authenticator app shares with the server (RFC 6238)."""

    __tablename__ = "two_factor"

    trader_id: int = Field(sa_type=Key, primary_key=True, foreign_key="trader.id", ondelete="CASCADE")
    sealed_secret: bytes = Field(sa_type=LargeBinary(), repr=False)
    enabled_at: datetime | None = Field(default=None, sa_type=Moment)
    last_step: int = Field(default=0, description="The time step of the last code taken: none is taken twice.")


class RecoveryCode(SQLModel, table=True):
    """The hash of a code that stands in once for a lost authenticator app."""

    __tablename__ = "recovery_code"

    trader_id: int = Field(sa_type=Key, primary_key=True, foreign_key="trader.id", ondelete="CASCADE")
    hash: bytes = Field(sa_type=LargeBinary(32), primary_key=True, repr=False)
    used_at: datetime | None = Field(default=None, sa_type=Moment)


class RepeatedRequest(SQLModel, table=True):
    """A mutation that was done, for when it is sent again; its answer may hold tokens and is sealed.

    It refers to no trader: one who is deleted by the very request must not take the record along.
    """

    __tablename__ = "repeated_request"

    key: bytes = Field(sa_type=LargeBinary(32), primary_key=True, repr=False)
    digest: bytes = Field(sa_type=LargeBinary(32), repr=False)
    sealed_answer: bytes = Field(default=b"", sa_type=LargeBinary(), repr=False)
    others: int = Field(default=0, description="How often something else came under its key.")
    expires_at: datetime = Field(sa_type=Moment, index=True)
