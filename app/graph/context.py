"""What a resolver may ask of the request that it works for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import strawberry
from graphql import GraphQLResolveInfo
from strawberry.dataloader import DataLoader

from app.compiler.plan import Shelves
from app.database import Database, Transaction
from app.domain import traders
from app.domain.audit import AuditedOperation, AuditedWork, Origin
from app.domain.denials import Denials
from app.domain.identity import Identity
from app.entities import Trader
from app.graph.measuring import DocumentLimits
from app.kit.client import Client
from app.kit.clock import Clock
from app.kit.phrases import Phrases
from app.kit.problem import Problem
from app.security.revocations import Revocations
from app.security.tokens import AccessClaims

if TYPE_CHECKING:
    from app.graph.documents import Document
    from app.graph.noting import Notes

K = TypeVar("K")

Introspection = Literal["open", "authenticated", "closed"]
"""Who may see the schema by asking for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What lives as long as the server and is shared by all requests.

    Attributes:
        identity: What registration, log-in and renewal work with.
        revocations: The access tokens that this process must refuse although they have not expired.
        denials: Where refusals by policy are counted for the audit trail.
        versions: Every API version that the server answers.
        deprecated_versions: Those that will go.
        document_limits: How large an operation may be, and what it may cost.
        introspection: Who may see the schema by asking for it: anyone, callers with a token, or nobody.
    """

    database: Database
    identity: Identity
    revocations: Revocations
    denials: Denials
    phrases: Phrases
    versions: tuple[str, ...]
    deprecated_versions: tuple[str, ...]
    clock: Clock
    document_limits: DocumentLimits
    introspection: Introspection

    def audited(self, origin: Origin) -> AuditedWork:
        """Give the database as those see it whose acts the audit trail keeps."""
        return AuditedWork(self.database, self.identity.seals, origin, self.clock)

    def audited_operation(self, transaction: Transaction, origin: Origin) -> AuditedOperation:
        """Give the same within the one transaction of a whole operation."""
        return AuditedOperation(transaction, self.identity.seals, origin, self.clock)


@dataclass(slots=True, kw_only=True)
class Context:
    """One request.

    Attributes:
        claims: The verified claims of the access token; None for a stranger.
        token_fault: What is wrong with the token that was sent, whose bearer is a stranger then; None if
            nothing is. Whether that is in order is for the operation to say.
        now: When the request came in, UTC.
        locale: The language to answer in, a BCP 47 tag that the catalogues have.
        version: The API version that answers.
        request_id: The name of the request in the log.
        client: What the device said of itself.
        shelves: What the types of this version's schema stand for.
        known: What is known of the operation's document; None where it is still a text.
        transaction: The one transaction of the whole operation, if its request is repeatable.
        has_spoken: Whether the answer has words in it.
        proven: Traders whose log-in or refresh token this very request has proven: their owners' rights
            hold for its answer, nothing else.
        asks_cost: Whether the client wants to be told what its operation costs.
        cost: What it was told: `requested` and `allowed`.
        log_failure: Keeps an unexpected exception where an operator finds it by the request id.
        notes: Where is noted what it takes, for those who run the server.
    """

    services: Services
    claims: AccessClaims | None
    now: datetime
    locale: str
    version: str
    request_id: str
    client: Client
    shelves: Shelves
    log_failure: Callable[[BaseException, str], None]
    notes: "Notes"
    token_fault: Problem | None = None
    known: "Document | None" = None
    asks_cost: bool = False
    cost: dict[str, int] | None = None
    transaction: Transaction | None = None
    has_spoken: bool = False
    proven: set[int] = field(default_factory=set)
    _loaders: dict[Any, DataLoader[Any, Any]] = field(default_factory=dict)

    @property
    def may_introspect(self) -> bool:
        """Whether the caller may see the schema by asking for it, and names of it in what is said of errors."""
        allowed = self.services.introspection
        return allowed == "open" or (allowed == "authenticated" and self.claims is not None)

    @property
    def today(self) -> date:
        """The server's day in UTC, which policies go by."""
        return self.now.date()

    @property
    def identity(self) -> Identity:
        """What registration, log-in and renewal work with."""
        return self.services.identity

    @property
    def origin(self) -> Origin:
        """Where what this request does comes from, for the audit trail."""
        actor_id = None if self.claims is None else self.claims.trader_id
        return Origin(request_id=self.request_id, client=self.client, actor_id=actor_id)

    @property
    def work(self) -> AuditedWork:
        """Where units of work are opened whose acts the audit trail keeps."""
        if self.transaction is not None:
            return self.services.audited_operation(self.transaction, self.origin)
        return self.services.audited(self.origin)

    @property
    def database(self) -> Database | Transaction:
        """Where statements run."""
        return self.transaction or self.services.database

    async def trader(self, trader_id: int) -> Trader | None:
        """Load a trader; all that are asked for at the same time come in one statement."""
        found: Trader | None = await self.load(_traders_of, trader_id)
        return found

    async def load(self, load: Callable[["Context", list[K]], Awaitable[Sequence[Any]]], key: K) -> Any:
        """Load what belongs to a key; all keys that are asked for at the same time come in one call of `load`.

        Args:
            load: Gives for each key, in their order, what belongs to it, or an exception to raise for it alone.
            key: One of them.
        """
        if load not in self._loaders:

            async def load_many(keys: list[K]) -> Sequence[Any]:
                return await load(self, keys)

            self._loaders[load] = DataLoader(load_many, cache=False)
        return await self._loaders[load].load(key)

    def owns(self, trader_id: int) -> bool:
        """Say whether the caller is that trader."""
        return trader_id in self.proven or (self.claims is not None and self.claims.trader_id == trader_id)

    def say(self, key: str, **params: str | int) -> str:
        """Say a phrase in the caller's language."""
        self.has_spoken = True
        return self.services.phrases.say(self.locale, key, **params)


async def _traders_of(context: Context, ids: list[int]) -> list[Trader | None]:
    async with context.database.reading() as session:
        found = {trader.id: trader for trader in await traders.find_many(session, ids)}
    return [found.get(trader_id) for trader_id in ids]


Info = strawberry.Info[Context, None]
"""A field's view of the request, as resolvers get it."""

ResolveInfo = GraphQLResolveInfo[Any]
"""The same as the executor gives it, for what wraps resolvers."""
