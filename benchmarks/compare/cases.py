"""The operations that are measured, and in what order and with which variables they are sent."""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson

INDUSTRIES = 50
SHARES = 100

SHARE = "query Share($id: ID!) { share(id: $id) { id tag price version } }"
INDUSTRY = "query Industry($id: ID!) { industry(id: $id) { id tag name shares { id tag price version } } }"
ALL = "query All($limit: Int!) { industries(limit: $limit) { id tag name shares { id tag price version } } }"
UPDATE = (
    "mutation Update($input: ShareUpdateInput!) "
    "{ shareUpdate(input: $input) { share { id price version } errors { code } } }"
)

_ONCE = 1
# Of a hundred requests of the mix, so many are of each kind; the rest are `share(id)`.
_MIX = {"update": 5, "all": 1, "industry": 14}

Asks = Callable[[], bytes]
"""Makes the body of the next request."""


@dataclass
class Ledger:
    """What one server's database holds, as far as writes need to know.

    Attributes:
        versions: The version of each share; a new one is 1.
    """

    versions: dict[int, int] = field(default_factory=lambda: defaultdict(lambda: _ONCE))


@dataclass(frozen=True)
class Lane:
    """One of several connections that send side by side.

    Attributes:
        number: From 0.
        of: How many there are.
        ledger: That of the server; each lane writes shares of its own.
        shares: How many shares the database has.
    """

    number: int
    of: int
    ledger: Ledger
    shares: int = INDUSTRIES * SHARES

    def seed(self) -> random.Random:
        """Give the lane's own numbers, the same for every server."""
        return random.Random(self.number)  # noqa: S311 - to be repeatable is the purpose


def body(document: str, variables: Mapping[str, object]) -> bytes:
    """Write the body of a request."""
    return orjson.dumps({"query": document, "variables": variables})


def ask_share(lane: Lane) -> Asks:
    """Read one share after another, at random."""
    numbers = lane.seed()
    return lambda: body(SHARE, {"id": str(numbers.randint(1, lane.shares))})


def ask_industry(lane: Lane) -> Asks:
    """Read one industry after another with its hundred shares, at random."""
    numbers = lane.seed()
    return lambda: body(INDUSTRY, {"id": str(numbers.randint(1, INDUSTRIES))})


def ask_list(industries: int) -> Callable[[Lane], Asks]:
    """Read so many industries, each with its hundred shares."""
    asked = body(ALL, {"limit": industries})
    return lambda _: lambda: asked


def ask_the_same(_: Lane) -> Asks:
    """Read the same industry with its hundred shares again and again."""
    asked = body(INDUSTRY, {"id": "1"})
    return lambda: asked


def ask_update(lane: Lane) -> Asks:
    """Set one price after another, each to one that the share never had, and expect the version that it has."""
    numbers, versions = lane.seed(), lane.ledger.versions

    def ask() -> bytes:
        share = lane.number + 1 + lane.of * numbers.randrange(lane.shares // lane.of)
        version = versions[share]
        versions[share] = version + 1
        price = f"{1_000 + version}.{share % 10_000:04}"
        return body(UPDATE, {"input": {"id": str(share), "price": price, "expectedVersion": version}})

    return ask


def ask_mix(lane: Lane) -> Asks:
    """Read and write as clients do together."""
    numbers = lane.seed()
    asks = {"update": ask_update(lane), "all": ask_list(INDUSTRIES)(lane), "industry": ask_industry(lane)}
    rest = ask_share(lane)
    kinds = [asks[kind] for kind, share in _MIX.items() for _ in range(share)]
    kinds += [rest] * (100 - len(kinds))
    return lambda: numbers.choice(kinds)()


@dataclass(frozen=True)
class Case:
    """One kind of load.

    Attributes:
        name: For the command line.
        title: For people.
        asks: Makes the requests of a lane.
        is_cached: Whether our response cache is what is measured.
    """

    name: str
    title: str
    asks: Callable[[Lane], Asks]
    is_cached: bool = False


CASES = (
    Case("point", "share(id)", ask_share),
    Case("hundred", "industry(id){shares}, 100 rows", ask_industry),
    Case("all", "all, 5,000 rows", ask_list(INDUSTRIES)),
    Case("update", "shareUpdate, durable", ask_update),
    Case("mix", "mix", ask_mix),
    Case("cached", "100 rows again and again", ask_the_same, is_cached=True),
)
