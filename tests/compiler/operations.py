"""Makes operations that read: variables, aliases, fragments, directives, filters and windows that hit rows."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

COLUMNS = {
    "Industry": ("id", "tag", "name", "version", "createdAt", "updatedAt", "globalId", "__typename"),
    "Share": ("id", "tag", "price", "industryId", "version", "createdAt", "updatedAt", "globalId", "__typename"),
}
RELATIONS = {"Industry": {"shares": "Share"}, "Share": {"industry": "Industry"}}
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


@dataclass
class Draft:
    """An operation on its way: its text so far, and the variables that the text has named."""

    draw: Any
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
        value = self.draw(strategy)
        if self.chance(2):
            return literal(value)
        name = f"v{len(self.declared)}"
        default = f" = {literal(self.draw(strategy))}" if not of.endswith("!") and self.chance(4) else ""
        self.declared.append(f"${name}: {of}{default}")
        if of.endswith("!") or not self.chance(4):
            self.values[name] = plain(value)
        return f"${name}"


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


def _window(draft: Draft, of: str) -> str:
    arguments = []
    if draft.chance(3):
        arguments.append(f"filter: {draft.value(f'{of}Filter', FILTERS[of])}")
    if draft.chance(2):
        order = st.builds(
            lambda by, way: {"field": Enum(by)} | ({"direction": Enum(way)} if way else {}),
            st.sampled_from(ORDERS[of]),
            st.sampled_from(["DESC", "ASC", ""]),
        )
        arguments.append(f"orderBy: {draft.value(f'[{of}Order!]', st.lists(order, max_size=2))}")
    if draft.chance(3):
        arguments.append(f"limit: {draft.value('Int!', draft.mostly(LIMITS, BAD_LIMITS))}")
    if draft.chance(4):
        arguments.append(f"offset: {draft.value('Int!', draft.mostly(OFFSETS, BAD_OFFSETS))}")
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
                window = _window(draft, below) if name == "shares" else ""
                inner = _selection(draft, below, depth - 1)
                parts.append(f"a{draft.keys}: {name}{window}{_directives(draft)} {inner}")
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


def _root(draft: Draft) -> str:
    name: str = draft.draw(
        st.sampled_from(["share", "industry", "shareByTag", "industryByTag", "shares", "industries", "__typename"])
    )
    if name == "__typename":
        return name
    draft.keys += 1
    key = f"r{draft.keys}: "
    of = "Share" if name.startswith("share") else "Industry"
    depth = draft.draw(st.integers(0, 3))
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
def operations(draw: Any) -> Operation:
    """Operations that are valid, although their values may be refused."""
    draft = Draft(draw)
    roots = " ".join(_root(draft) for _ in range(draw(st.integers(1, 2))))
    declared = f"({', '.join(draft.declared)})" if draft.declared else ""
    return Operation(f"query Q{declared} {{ {roots} }} {' '.join(draft.fragments)}", draft.values)
