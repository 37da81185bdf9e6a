"""The records of the service on one page: each class is the table and the object that travels.

What a class keeps secret is not a column here: hashes live in `app.credentials`, which no type,
filter or plan can reach. Descriptions and rules are read by the schema, so each stands once.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, StringConstraints
from sqlalchemy import CheckConstraint, LargeBinary
from sqlmodel import Field, Relationship, SQLModel

from app.kit.moments import Moment
from app.kit.money import PLACES, Money, exact, said_beside
from app.kit.tables import Key


def normal_tag(tag: object) -> object:
    """Take the white space out of a share's tag and make its letters upper case."""
    return "".join(tag.split()).upper() if isinstance(tag, str) else tag


def _key(description: str) -> Any:
    return Field(default=None, primary_key=True, sa_type=Key, description=description)


def _moment(description: str, **options: Any) -> Any:
    return Field(sa_type=Moment, description=description, **options)


def _unloaded(back_populates: str, **options: Any) -> Any:
    # A relation that a statement did not ask for raises: a hidden statement is a defect, not a help.
    return Relationship(back_populates=back_populates, sa_relationship_kwargs={"lazy": "raise", **options})


class Industry(SQLModel, table=True):
    """A branch of business that shares belong to."""

    __tablename__ = "industry"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int = _key("The key, unique among industries.")
    tag: Annotated[str, StringConstraints(pattern=r"^\S+$")] = Field(
        min_length=1,
        max_length=64,
        unique=True,
        description="A short unique name, such as tech.",
    )
    name: str = Field(min_length=1, max_length=255, description="The name.")
    version: int = Field(
        default=1,
        description="Counts the changes to the record. Send it back as expectedVersion to be told of other "
        "people's changes.",
    )
    created_at: datetime = _moment("When the record was inserted.")
    updated_at: datetime = _moment("When the record last changed.")

    # That an industry with shares stays is for the database to say, not for a loaded list.
    shares: list["Share"] = _unloaded("industry", passive_deletes="all")


class Share(SQLModel, table=True):
    """A share in a company."""

    __tablename__ = "share"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price"),
        said_beside("price"),
        {"sqlite_autoincrement": True},
    )
    # The database writes it, and compiled reads alone read it.
    __mapper_args__ = {"exclude_properties": ("price_text",)}

    id: int = _key("The key, unique among shares.")
    industry_id: int = Field(
        sa_type=Key,
        foreign_key="industry.id",
        index=True,
        description="The id of the industry that the share belongs to.",
    )
    tag: Annotated[str, BeforeValidator(normal_tag)] = Field(
        min_length=1,
        max_length=64,
        unique=True,
        description="A short unique name, such as BUD: upper case, no white space.",
    )
    price: Annotated[Decimal, AfterValidator(exact)] = Field(
        sa_type=Money,
        ge=0,
        le=1_000_000_000,
        decimal_places=PLACES,
        description="The price on record.",
    )
    version: int = Field(
        default=1,
        description="Counts the changes to the record. Send it back as expectedVersion to be told of other "
        "people's changes.",
    )
    created_at: datetime = _moment("When the record was inserted.")
    updated_at: datetime = _moment("When the record last changed.")

    industry: Industry = _unloaded("shares")


class PriceTick(SQLModel, table=True):
    """A price that a share got, kept as long as the share. Only ever appended."""

    __tablename__ = "price_tick"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int = _key("The key, unique among ticks; later ones are larger.")
    share_id: int = Field(
        sa_type=Key, foreign_key="share.id", ondelete="CASCADE", index=True, description="The id of the share."
    )
    price: Decimal = Field(sa_type=Money, description="The new price.")
    previous_price: Decimal | None = Field(
        default=None, sa_type=Money, description="The price before; null for the first one."
    )
    at: datetime = _moment("When it changed.")


class Trader(SQLModel, table=True):
    """A person who uses the service."""

    __tablename__ = "trader"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int = _key("The key, unique among traders; the sub claim of the trader's tokens.")
    email: str = Field(
        max_length=254,
        unique=True,
        description="The e-mail address, which is also the name to log in with.",
    )
    email_confirmed: bool = Field(default=False, description="Whether the e-mail address is confirmed.")
    first_name: str = Field(min_length=1, max_length=100, description="The first name.")
    last_name: str = Field(min_length=1, max_length=100, description="The last name.")
    locale: str = Field(
        default="en",
        max_length=35,
        description="The language for messages and e-mails, as a BCP 47 tag.",
    )
    claimed_date_joined: date | None = Field(
        default=None, description="The day the trader says to have joined. Grants nothing."
    )
    date_joined: date | None = Field(
        default=None,
        description="The day the trader joined, once an administrator verified it. The policies go by it.",
    )
    is_administrator: bool = Field(default=False, description="Whether the trader is an administrator.")
    two_factor_enabled: bool = Field(
        default=False, description="Whether a log-in also needs a code from an authenticator app."
    )
    version: int = Field(default=1, description="Counts the changes to the record.")
    created_at: datetime = _moment("When the trader registered.")
    updated_at: datetime = _moment("When the record last changed.")

    ADMINISTRATOR: ClassVar[str] = "administrator"

    @property
    def owner_id(self) -> int:
        """The trader that the record belongs to: itself."""
        return self.id

    @property
    def roles(self) -> frozenset[str]:
        """What the roles claim of the trader's tokens says."""
        return frozenset({self.ADMINISTRATOR} if self.is_administrator else ())


class Permit(SQLModel, table=True):
    """A device's right to use the service, given at log-in and kept until it expires or is revoked.

    Holds no tokens: those are sent once, in TokenPair.
    """

    __tablename__ = "permit"

    id: str = Field(
        primary_key=True,
        max_length=43,
        description="The key, unique among permits; the sid claim of its tokens.",
    )
    trader_id: int = Field(sa_type=Key, foreign_key="trader.id", ondelete="CASCADE", index=True)
    device: str | None = Field(
        default=None, max_length=255, description="What the device said of itself in x-device-signature."
    )
    software_version: str | None = Field(
        default=None, max_length=64, description="What the device said of its software in x-software-version."
    )
    hardware_version: str | None = Field(
        default=None, max_length=64, description="What the device said of its hardware in x-hardware-version."
    )
    issued_at: datetime = _moment("When it was given.")
    renewed_at: datetime | None = _moment("When it was last renewed.", default=None)
    expires_at: datetime = _moment("When its refresh token expires.")
    revoked_at: datetime | None = _moment("When it was revoked.", default=None)

    @property
    def owner_id(self) -> int:
        """The trader that the record belongs to."""
        return self.trader_id


class AuditEvent(SQLModel, table=True):
    """A thing that happened to an account or a record. Kept for good, and chained by hash so that a gap shows."""

    __tablename__ = "audit_event"

    id: int = Field(
        primary_key=True,
        sa_type=Key,
        sa_column_kwargs={"autoincrement": False},
        description="The key, unique among events.",
    )
    at: datetime = _moment("When it happened.")
    action: str = Field(max_length=40, description="What happened.")
    actor_id: int | None = Field(
        default=None, sa_type=Key, index=True, description="Who did it; null if nobody was logged in."
    )
    trader_id: int | None = Field(
        default=None, sa_type=Key, index=True, description="The trader whose account it happened to."
    )
    subject_id: str | None = Field(
        default=None, max_length=200, description="The globalId of the record that it happened to."
    )
    request_id: str = Field(max_length=64, description="The id of the request.")
    device: str | None = Field(default=None, max_length=255, description="The device that the request came from.")
    software_version: str | None = Field(
        default=None, max_length=64, description="What the device said of its software in x-software-version."
    )
    hardware_version: str | None = Field(
        default=None, max_length=64, description="What the device said of its hardware in x-hardware-version."
    )
    detail: str | None = Field(
        default=None, max_length=500, description="What else there is to say, such as how often."
    )
    hash: bytes = Field(
        sa_type=LargeBinary(32), repr=False, description="The seal over the event and the one before it."
    )

    @property
    def owner_id(self) -> int | None:
        """The trader whose account it happened to."""
        return self.trader_id


class AuditHead(SQLModel, table=True):
    """Where the audit trail ends, sealed: without it the newest events could be cut off unseen."""

    __tablename__ = "audit_head"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    event_id: int = Field(sa_type=Key)
    hash: bytes = Field(sa_type=LargeBinary(32), repr=False)
    seal: bytes = Field(sa_type=LargeBinary(32), repr=False)


class Revocation(SQLModel, table=True):
    """Access tokens that must not be taken any more although they have not expired.

    Either all of a permit, or those of a trader that were given before a moment.
    """

    __tablename__ = "revocation"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int = _key("The key, unique among revocations.")
    permit_id: str | None = Field(default=None, max_length=43)
    trader_id: int | None = Field(default=None, sa_type=Key)
    before: datetime = _moment("Tokens given before this moment are meant.")
    until: datetime = _moment("When the last token that is meant has expired by itself.", index=True)


class OutboxMail(SQLModel, table=True):
    """An e-mail that has been decided on and waits to be sent; it is deleted once the mail server has it.

    Its words are made when it is sent. What they are made of is sealed, for it may hold a security code.
    """

    __tablename__ = "outbox_mail"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int = _key("The key, unique among e-mails.")
    message_id: str = Field(max_length=100, description="The Message-ID, the same on every try.")
    kind: str = Field(max_length=40, description="Which e-mail it is: the prefix of its phrases.")
    sealed: bytes = Field(sa_type=LargeBinary(), repr=False, description="Address, locale and parameters.")
    created_at: datetime = _moment("When it was decided on.")
    attempts: int = Field(default=0, description="How often it was tried.")
    next_attempt_at: datetime = _moment("When it is to be tried next.", index=True)
