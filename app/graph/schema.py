"""Assembles the schema of an API version, and refuses to when it would not be safe."""

import re
from functools import cached_property
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLObjectType, GraphQLSchema, is_introspection_type
from strawberry.schema.config import StrawberryConfig

from app.compiler.plan import Shelves
from app.graph.answers import ERROR_TYPES
from app.graph.documents import Documents, ReadOnce
from app.graph.industries import IndustryMutations, IndustryQueries
from app.graph.nodes import NodeQueries
from app.graph.noting import TakesNotes
from app.graph.permissions import policy_of, put_doors
from app.graph.permits import PermitMutations
from app.graph.rules import put_rules
from app.graph.scalars import SCALARS
from app.graph.service import ServiceQueries
from app.graph.shares import ShareMutations, ShareQueries
from app.graph.shelves import shelf_of
from app.graph.traders import TraderMutations, TraderQueries
from app.graph.two_factors import TwoFactorMutations
from app.graph.types import Industry, Share
from app.graph.variables import CheckedVariables

_QUERY = "What can be read. Every field can be null, so that one that is refused leaves the others be."
_MUTATION = "What can be changed. Every field can be null, so that one that is refused leaves the results of the others be."


@strawberry.type(description=_QUERY)
class Query(ServiceQueries, TraderQueries, IndustryQueries, ShareQueries, NodeQueries):
    """What can be read."""


@strawberry.type(description=_MUTATION)
class Mutation(PermitMutations, TwoFactorMutations, TraderMutations, IndustryMutations, ShareMutations):
    """What can be changed."""


class SecuredSchema(strawberry.Schema):
    """A schema in which every field is guarded exactly as it prints.

    Attributes:
        version: The API version that it answers.
        shelves: What its types stand for.
        documents: The valid documents that it was asked lately.
    """

    def __init__(
        self, version: str, query: type = Query, mutation: type = Mutation, subscription: type | None = None
    ) -> None:
        """Build the schema, then put rules and doors on its fields.

        Raises:
            FieldWithoutPolicy: A root field has no policy.
        """
        self._parts: dict[str, Any] = {
            "query": query,
            "mutation": mutation,
            "subscription": subscription,
            "types": ERROR_TYPES,
            "config": StrawberryConfig(scalar_map=SCALARS),
        }
        super().__init__(**self._parts, extensions=[TakesNotes, ReadOnce, CheckedVariables])
        self.version = version
        self.documents = Documents()
        self.shelves: Shelves = {shown.__name__: shelf_of(shown) for shown in (Industry, Share)}
        put_rules(self.graphql)
        put_doors(self.graphql)
        _show_policies(self.graphql)

    @cached_property
    def sdl(self) -> str:
        """The schema as `schema.graphql` shows it, ending in a newline; printed when it is first asked for."""
        # Without rules and doors, which say a second time in words what the directives say.
        return _without_one_of(strawberry.Schema(**self._parts).as_str()) + "\n"

    def process_errors(self, errors: list[GraphQLError], execution_context: object = None) -> None:
        """Log nothing here: errors quote the document, and a document may quote a password."""

    @property
    def graphql(self) -> GraphQLSchema:
        """The executor's own schema."""
        return self._schema


def _without_one_of(sdl: str) -> str:
    # Schema linters refuse a directive without a description, and every tool knows this one anyway.
    return re.sub(r"directive @oneOf on INPUT_OBJECT\n+", "", sdl).strip()


def _show_policies(schema: GraphQLSchema) -> None:
    # Introspection does not show directives; people who explore shall see the policy all the same.
    for parent in schema.type_map.values():
        if isinstance(parent, GraphQLObjectType) and not is_introspection_type(parent):
            for field in parent.fields.values():
                if (policy := policy_of(field)) is not None:
                    field.description = f"{field.description}\n\nPolicy: {policy.name}"
