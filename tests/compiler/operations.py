"""Makes operations that read: variables, aliases, fragments, directives; filters, windows, keys that hit rows."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from typing import Any

from hypothesis import strategies as st

from app.compiler.cursors import Ordering
from app.compiler.windows import page_window
from app.entities import Industry, Share
from app.graph import filters
from tests.factories import NOON

COLUMNS = {
    "Industry": ("id", "tag", "name", "version", "createdAt", "updatedAt", "globalId", "__typename"),
    "Share": ("id", "tag", "price", "industryId", "version", "createdAt", "updatedAt", "globalId", "__typename"),
}
RELATIONS = {
    "Industry": {"shares": "Share", "sharesConnection": "Share"},
    "Share": {"industry": "Industry"},
}
ORDERS = {"Industry": ("ID", "TAG", "NAME", "UPDATED_AT"), "Share": ("ID", "TAG", "PRICE", "UPDATED_AT")}

TEXTS = st.sampled_from(
    ["tech", "TECH", "b", "é", "Ü", "%", "_", "/", '"', "\\", "", "nothing", "A b", "\u2028", "ß"]
)
IDS = st.sampled_from(["1", "2", "3", "4"])
STRANGE_IDS = st.sampled_from(["99", "0", "-1", "01", "x", "", "9223372036854775807"])
LIMITS, BAD_LIMITS = st.sampled_from([3, 2, 500, 1, 0]), st.sampled_from([501, -1])
OFFSETS, BAD_OFFSETS = st.sampled_from([0, 1, 4, 100]), st.just(-1)
PRICES = st.sampled_from(["0", "10", "10.2800", "10.00005", "-1", "99999999999", "0.0001", "1e2"])
MOMENTS = st.sampled_from(["2026-06-15T12:00:00Z", "2026-06-15T12:00:00.0005Z", "2026-06-15T14:00:01+02:00"])
NO_CURSORS = st.sampled_from(
    ["", "x", "7B7D", "5B5D", "5B2253686172652B6964222C7B7D5D", "\u0dc3", "!" * 40]
) | st.binary(max_size=40).map(lambda made_up: made_up.hex())
GLOBAL_IDS = st.builds(
    lambda of, key: base64.urlsafe_b64encode(f"{of}:{key}".encode()).decode(),
    st.sampled_from(["Industry", "Share"]),
    st.sampled_from(["1", "2", "3", "4"]),
)
STRANGE_GLOBAL_IDS = st.builds(
    lambda name: base64.urlsafe_b64encode(name.encode()).decode(),
    st.sampled_from(
        ["Trader:1", "Permit:1", "AuditEvent:1", "Industry:99", "Share:01", "Nothing:1", "Industry:", ""]
    ),
) | st.sampled_from(["", "1", "SW5kdXN0cnk6MR==", "SW5kdXN0cnk6MQ", "\u0dc3"])

Order = tuple[tuple[str, str], ...]
"""Pairs of field and direction."""

Cursors = Mapping[tuple[str, Order], Sequence[str]]
"""The cursors of rows by type and order."""


def every_order(of: str) -> list[Order]:
    """The orders by up to two fields."""
    by = list(product(ORDERS[of], ("ASC", "DESC")))
    return [(), *((one,) for one in by), *product(by, by)]


def plausible_cursors() -> Cursors:
    """Cursors as of the second of a few rows, for who has no rows to have asked for."""
    rows = {
        "Industry": Industry(id=2, tag="tech", name="A", created_at=NOON, updated_at=NOON),
        "Share": Share(id=2, industry_id=1, tag="LWP", price=Decimal("1.5"), created_at=NOON, updated_at=NOON),
    }
    return {
        (of, order): [
            Ordering(type(row), page_window(filters.ORDERS, {"orderBy": _as_parsed(order)}).order).write(row)
        ]
        for of, row in rows.items()
        for order in every_order(of)
    }


def _as_parsed(order: Order) -> list[dict[str, str]]:
    return [{"field": name, "direction": way} for name, way in order]


@dataclass
class Draft:
    """An operation on its way: its text so far, and the variables that the text has named."""

    draw: Any
    cursors: Cursors
    declared: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    keys: int = 0

    def chance(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(1, one_in)) == one_in)

    def mostly(self, usual: Any, strange: Any) -> Any:
        """What the server takes, and now and then what it may refuse: a refusal hides the rest of the answer."""
        return strange if self.chance(12) else usual

    def value(self, of: str, strategy: Any) -> str:
        """A value as a literal or, about as often, as a variable."""
        written, _ = self.written(of, self.draw(strategy), strategy)
        return written

    def written(self, of: str, value: Any, other: Any) -> tuple[str, Any]:
        """The same for a value that is drawn already, and what it comes to: a variable may be left out."""
        if self.chance(2):
            return literal(value), value
        name = f"v{len(self.declared)}"
        default = self.draw(other) if not of.endswith("!") and self.chance(4) else None
        self.declared.append(f"${name}: {of}{'' if default is None else f' = {literal(default)}'}")
        if of.endswith("!") or not self.chance(4):
            self.values[name] = plain(value)
            return f"${name}", value
        return f"${name}", default


@dataclass(frozen=True)
class Enum:
    """A value that is written without quotes."""

    name: str


def literal(value: Any) -> str:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {literal(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "null" if value is None else str(value).lower()


def plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def _some(**tests: Any) -> Any:
    return st.fixed_dictionaries({}, optional=tests).map(dict)


_TEXT = _some(**{"eq": TEXTS, "in": st.lists(TEXTS, max_size=3), "startsWith": TEXTS, "contains": TEXTS})
_ID = _some(**{"eq": IDS | STRANGE_IDS, "in": st.lists(IDS | STRANGE_IDS, max_size=3)})
_PRICE = _some(eq=PRICES, gte=PRICES, gt=PRICES, lte=PRICES, lt=PRICES)
_MOMENT = _some(gte=MOMENTS, lt=MOMENTS)


def _filters(**tests: Any) -> Any:
    plain_one = _some(**tests)
    return st.recursive(
        plain_one,
        lambda below: st.one_of(
            st.lists(below, max_size=2).map(lambda each: {"and": each}),
            st.lists(below, max_size=2).map(lambda each: {"or": each}),
            below.map(lambda each: {"not": each}),
        ),
        max_leaves=3,
    )


FILTERS = {
    "Industry": _filters(id=_ID, tag=_TEXT, name=_TEXT, updatedAt=_MOMENT),
    "Share": _filters(id=_ID, tag=_TEXT, price=_PRICE, updatedAt=_MOMENT, industryId=_ID),
}


def _orders(of: str) -> Any:
    order = st.builds(
        lambda by, way: {"field": Enum(by)} | ({"direction": Enum(way)} if way else {}),
        st.sampled_from(ORDERS[of]),
        st.sampled_from(["DESC", "ASC", ""]),
    )
    return st.lists(order, max_size=2)


def _filter_and_order(draft: Draft, of: str) -> tuple[list[str], Order]:
    arguments = []
    by: Any = []
    if draft.chance(3):
        arguments.append(f"filter: {draft.value(f'{of}Filter', FILTERS[of])}")
    if draft.chance(2):
        written, by = draft.written(f"[{of}Order!]", draft.draw(_orders(of)), _orders(of))
        arguments.append(f"orderBy: {written}")
    return arguments, tuple((each["field"].name, each.get("direction", Enum("ASC")).name) for each in by or ())


def _window(draft: Draft, of: str) -> str:
    arguments, _ = _filter_and_order(draft, of)
    if draft.chance(3):
        arguments.append(f"limit: {draft.value('Int!', draft.mostly(LIMITS, BAD_LIMITS))}")
    if draft.chance(4):
        arguments.append(f"offset: {draft.value('Int!', draft.mostly(OFFSETS, BAD_OFFSETS))}")
    return _in_brackets(arguments)


def _page_window(draft: Draft, of: str) -> str:
    arguments, order = _filter_and_order(draft, of)
    ends = draft.mostly(draft.draw(st.sampled_from([("first",), ("last",), ()])), ("first", "last"))
    sizes = st.none() | draft.mostly(LIMITS, BAD_LIMITS)
    arguments.extend(f"{end}: {draft.value('Int', sizes)}" for end in ends)
    for argument in ("after", "before"):
        if draft.chance(3):
            given = st.sampled_from(draft.cursors[of, order]) if (of, order) in draft.cursors else NO_CURSORS
            others = st.sampled_from([each for some in draft.cursors.values() for each in some]) | NO_CURSORS
            cursors = st.none() | draft.mostly(given, others)
            arguments.append(f"{argument}: {draft.value('String', cursors)}")
    return _in_brackets(arguments)


def _in_brackets(arguments: list[str]) -> str:
    return f"({', '.join(arguments)})" if arguments else ""


def _directives(draft: Draft) -> str:
    if not draft.chance(5):
        return ""
    name = draft.draw(st.sampled_from(["skip", "include"]))
    return f" @{name}(if: {draft.value('Boolean!', st.booleans())})"


def _selection(draft: Draft, of: str, depth: int) -> str:
    parts = []
    for name in draft.draw(st.lists(st.sampled_from(COLUMNS[of]), min_size=1, max_size=4)):
        # A directive on one of two that are merged would have to be on an alias of its own.
        draft.keys += 1
        parts.append(f"a{draft.keys}: {name}{_directives(draft)}" if draft.chance(2) else name)
    if depth > 0:
        for name, below in RELATIONS[of].items():
            for _ in range(draft.draw(st.integers(0, 2))):
                draft.keys += 1
                key = draft.keys
                window = _window(draft, below) if name == "shares" else ""
                inner = (
                    f"{_page_window(draft, below)}{_directives(draft)} {_page(draft, below, depth - 1)}"
                    if name == "sharesConnection"
                    else f"{window}{_directives(draft)} {_selection(draft, below, depth - 1)}"
                )
                parts.append(f"a{key}: {name}{inner}")
    if draft.chance(5):
        condition = draft.draw(st.sampled_from(["", f" on {of}", " on Node"]))
        inner = _selection(draft, of, 0) if condition != " on Node" else "{ globalId __typename }"
        parts.append(f"...{condition}{_directives(draft)} {inner}")
    if draft.chance(6):
        name = f"F{len(draft.fragments)}"
        draft.fragments.append("")
        draft.fragments[int(name[1:])] = f"fragment {name} on {of} {_selection(draft, of, 0)}"
        parts.append(f"...{name}{_directives(draft)}")
    return "{ " + " ".join(draft.draw(st.permutations(parts))) + " }"


PAGE_INFO = ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor", "__typename")
FIGURES = ("count", "minPrice", "maxPrice", "averagePrice", "__typename")


def _page(draft: Draft, of: str, depth: int) -> str:
    parts = []
    fields = ["nodes", "edges", "pageInfo", "totalCount", "__typename", *["aggregates"] * (2 * (of == "Share"))]
    for name in draft.draw(st.lists(st.sampled_from(fields), min_size=1, max_size=3)):
        draft.keys += 1
        key = f"a{draft.keys}: " if name in ("nodes", "edges", "aggregates") or draft.chance(2) else ""
        inner = {
            "nodes": lambda: _selection(draft, of, depth),
            "edges": lambda: _edge(draft, of, depth),
            "pageInfo": lambda: _leaves(draft, PAGE_INFO),
            "aggregates": lambda: _leaves(draft, FIGURES),
        }.get(name, str)()
        parts.append(f"{key}{name}{_directives(draft) if key else ''} {inner}")
    return "{ " + " ".join(parts) + " }"


def _edge(draft: Draft, of: str, depth: int) -> str:
    parts = []
    for name in draft.draw(
        st.lists(st.sampled_from(["cursor", "node", "node", "__typename"]), min_size=1, max_size=3)
    ):
        draft.keys += 1
        inner = _selection(draft, of, depth) if name == "node" else ""
        parts.append(f"a{draft.keys}: {name} {inner}")
    return "{ " + " ".join(parts) + " }"


def _leaves(draft: Draft, names: Sequence[str]) -> str:
    return "{ " + " ".join(draft.draw(st.lists(st.sampled_from(names), min_size=1, max_size=4))) + " }"


def _record(draft: Draft, depth: int) -> str:
    """The selection on a field that may give any record."""
    parts = ["globalId", "__typename", "... on Trader { email id }"]
    parts += [f"... on {of} {_selection(draft, of, depth)}" for of in ("Industry", "Share") if draft.chance(2)]
    return "{ " + " ".join(draft.draw(st.permutations(parts))) + " }"


def _root(draft: Draft) -> str:
    name: str = draft.draw(
        st.sampled_from(
            [
                *(
                    "share",
                    "industry",
                    "shareByTag",
                    "industryByTag",
                    "shares",
                    "industries",
                    "__typename",
                    "node",
                ),
                *("sharesConnection", "industriesConnection", "sharesConnection"),
            ]
        )
    )
    if name == "__typename":
        return name
    draft.keys += 1
    key = f"r{draft.keys}: "
    of = "Share" if name.startswith("share") else "Industry"
    depth = draft.draw(st.integers(0, 3))
    if name == "node":
        arguments = f"(id: {draft.value('ID!', draft.mostly(GLOBAL_IDS, STRANGE_GLOBAL_IDS))})"
        return f"{key}{name}{arguments}{_directives(draft)} {_record(draft, depth)}"
    if name.endswith("Connection"):
        return f"{key}{name}{_page_window(draft, of)}{_directives(draft)} {_page(draft, of, depth)}"
    if name in ("shares", "industries"):
        arguments = _window(draft, of)
    elif name.endswith("ByTag"):
        arguments = f"(tag: {draft.value('String!', TEXTS | st.sampled_from(['tech', 'SHARE-1', 'share - 2']))})"
    else:
        arguments = f"(id: {draft.value('ID!', draft.mostly(IDS, STRANGE_IDS))})"
    return f"{key}{name}{arguments}{_directives(draft)} {_selection(draft, of, depth)}"


@dataclass(frozen=True)
class Operation:
    """What a client sends."""

    document: str
    variables: dict[str, Any]


@st.composite
def operations(draw: Any, cursors: Cursors) -> Operation:
    """Operations that are valid, although their values may be refused; with these cursors, and made-up ones."""
    draft = Draft(draw, cursors)
    roots = " ".join(_root(draft) for _ in range(draw(st.integers(1, 2))))
    declared = f"({', '.join(draft.declared)})" if draft.declared else ""
    return Operation(f"query Q{declared} {{ {roots} }} {' '.join(draft.fragments)}", draft.values)
