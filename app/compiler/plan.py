"""From a field's selection to a plan of what to read; refuses here what would fail later.

Takes no connection and knows no SQL: a plan can be printed and compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias, cast

from graphql import GraphQLObjectType, get_named_type, get_nullable_type, is_list_type, is_object_type
from sqlmodel import SQLModel

from app.compiler.selection import Selection
from app.compiler.windows import PageWindow, Window, page_window, window
from app.kit.problem import Problem

# SQLite's parser gives up at seven nested JSON subqueries ("parser stack overflow", measured on 3.40.1).
MAX_NESTED_RELATIONS = 6

# A row's JSON is made by one function call, and both databases take a hundred arguments at most; besides,
# fragments of a few lines can spell out thousands of relations.
MAX_RELATIONS = 50

TOTAL, FIGURES = "totalCount", "aggregates"
"""The fields of a connection that are about all its pages."""


class NotCompiled(Exception):
    """The operation has something that no statement says; the text says what, and is for developers."""


class TooDeep(Problem):
    """The selection nests more relations than one statement can read."""

    code = "COST_EXCEEDED"


class TooWide(Problem):
    """The selection has more relations, over all levels, than one statement can read."""

    code = "COST_EXCEEDED"


@dataclass(frozen=True, slots=True)
class Shelf:
    """How a GraphQL type stands for an entity: the allow-list that a plan may touch.

    Attributes:
        columns: The entity's attribute for each GraphQL field that is a column.
        relations: The entity's relationship for each GraphQL field that gives it as objects or page by page.
        orders: The entity's attribute for each value of the type's order enum.
        amount: The entity's attribute that a connection's figures are about, if there are any.
    """

    entity: type[SQLModel]
    columns: Mapping[str, str]
    relations: Mapping[str, str]
    orders: Mapping[str, str]
    amount: str | None = None


Shelves = Mapping[str, Shelf]
"""The shelf of each GraphQL type that stands for an entity, by the type's name."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation to read along with its owner, under its response key."""

    key: str
    relationship: str
    plan: "ReadPlan | PagePlan"


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """One level of the answer: which rows of which entity, and what of each.

    Attributes:
        type_name: The GraphQL type of the rows.
        fields: The name of each field by its response key, in the order of the answer; relations are among them.
    """

    shelf: Shelf
    window: Window
    relations: tuple[Relation, ...] = ()
    type_name: str = ""
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a connection, or of what is in one, under its response key.

    Attributes:
        type_name: The GraphQL type that has the field.
        parts: What is selected below, in the order of the answer.
        view: What is read of each row on the page, if the field gives rows.
    """

    key: str
    name: str
    type_name: str
    parts: tuple["Part", ...] = ()
    view: ReadPlan | None = None


@dataclass(frozen=True, slots=True)
class PagePlan:
    """A connection: which rows are on the page, and what of them, of it, and of all pages.

    One selection may ask for the rows several times, as nodes and in edges, each time for something else of them.
    """

    shelf: Shelf
    window: PageWindow
    parts: tuple[Part, ...]

    @property
    def views(self) -> dict[tuple[str, ...], ReadPlan]:
        """What is read of each row, by the response keys that lead there from the connection."""
        nodes = {(part.key,): part.view for part in self.parts}
        edges = {(part.key, below.key): below.view for part in self.parts for below in part.parts}
        return {keys: view for keys, view in (nodes | edges).items() if view is not None}

    def asks_for(self, name: str) -> bool:
        """Say whether one of the connection's own fields is selected."""
        return any(part.name == name for part in self.parts)


AnyPlan: TypeAlias = ReadPlan | PagePlan


def plan(
    selection: Selection, parent: GraphQLObjectType, shelves: Shelves, *, of: GraphQLObjectType | None = None
) -> AnyPlan:
    """Plan what a field reads, down to the last relation that it selects.

    Args:
        selection: The field's selection.
        parent: The type that has the field.
        shelves: What the types stand for.
        of: The one type of all those that the field may give, if it gives an interface.

    Returns:
        A `PagePlan` for a connection.

    Raises:
        TooDeep: More than `MAX_NESTED_RELATIONS` relations are nested.
        TooWide: There are more than `MAX_RELATIONS` relations over all levels.
        InvalidInput: A list or a page on the way has a size or an offset out of range.
        KeyError: The field's type stands for no entity; a defect of the schema, not of the request.
    """
    return _Planner(shelves).field(selection, parent, of, depth=0)


def relations_of(planned: AnyPlan) -> int:
    """Count the relations of a plan over all its levels, itself included."""
    if isinstance(planned, PagePlan):
        return 1 + len(planned.parts) + sum(relations_of(view) - 1 for view in planned.views.values())
    return 1 + sum(relations_of(relation.plan) for relation in planned.relations)


class _Planner:
    """Plans one field; counts on the way."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves
        self._counted = count()

    def field(
        self, selection: Selection, parent: GraphQLObjectType, of: GraphQLObjectType | None = None, *, depth: int
    ) -> AnyPlan:
        if depth > MAX_NESTED_RELATIONS:
            raise TooDeep(cost=depth, allowed=MAX_NESTED_RELATIONS)
        self._count()
        type_ = parent.fields[selection.name].type
        gives = of or cast("GraphQLObjectType", get_named_type(type_))
        if gives.name not in self._shelves:
            return self._page(selection, parent, gives, depth)
        if not is_list_type(get_nullable_type(type_)):
            return self._rows(selection, gives, Window(), depth)
        orders = self._shelves[gives.name].orders
        return self._rows(selection, gives, window(orders, selection.arguments(parent)), depth)

    def _rows(self, selection: Selection, of: GraphQLObjectType, rows: Window, depth: int) -> ReadPlan:
        shelf = self._shelves[of.name]
        selected = list(selection.subselections(of))
        return ReadPlan(
            shelf,
            rows,
            tuple(
                Relation(below.key, shelf.relations[below.name], self.field(below, of, depth=depth + 1))
                for below in selected
                if below.name in shelf.relations
            ),
            of.name,
            tuple((below.key, below.name) for below in selected),
        )

    def _page(
        self, selection: Selection, parent: GraphQLObjectType, of: GraphQLObjectType, depth: int
    ) -> PagePlan:
        shelf = self._shelves[get_named_type(of.fields["nodes"].type).name]
        rows = page_window(shelf.orders, selection.arguments(parent))
        parts = []
        for below in selection.subselections(of):
            # Most of them are subqueries of their own.
            self._count()
            parts.append(self._part(below, of, depth))
        return PagePlan(shelf, rows, tuple(parts))

    def _part(self, selection: Selection, parent: GraphQLObjectType, depth: int) -> Part:
        part = Part(selection.key, selection.name, parent.name)
        if selection.name.startswith("__"):
            return part
        of = get_named_type(parent.fields[selection.name].type)
        if not is_object_type(of):
            return part
        if of.name in self._shelves:
            view = self._rows(selection, of, Window(), depth)
            return Part(part.key, part.name, part.type_name, view=view)
        below = tuple(self._part(each, of, depth) for each in selection.subselections(of))
        return Part(part.key, part.name, part.type_name, parts=below)

    def _count(self) -> None:
        if (relations := next(self._counted)) > MAX_RELATIONS:
            raise TooWide(cost=relations, allowed=MAX_RELATIONS)
