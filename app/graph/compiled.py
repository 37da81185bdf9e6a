"""Which operations are answered by a statement instead of resolvers, and who may have the answer."""

from dataclasses import dataclass

from graphql import GraphQLSchema, OperationDefinitionNode

from app.compiler.operation import CompiledOperation, Root, Roots
from app.compiler.plan import Shelves
from app.compiler.texts import NotCompiled
from app.domain.policies import Policy
from app.entities import normal_tag
from app.graph.documents import Document
from app.graph.keeping import fields_of
from app.graph.measuring import Costs
from app.graph.permissions import policies_before
from app.kit.tables import key

ROOTS: Roots = {
    "industries": None,
    "industry": Root("id", key, is_required=True),
    "industryByTag": Root("tag", str, is_required=False),
    "share": Root("id", key, is_required=True),
    "shareByTag": Root("tag", normal_tag, is_required=False),
    "shares": None,
}
"""The root fields that compile. Their resolvers read the same, for operations that do not."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled operation behind its doors.

    Attributes:
        policies: All that its fields and their types ask for; who fails one is refused by the executor, which
            knows the words for it.
        costs: What it may cost.
    """

    operation: CompiledOperation
    policies: frozenset[Policy]
    costs: Costs


def compile_operation(
    schema: GraphQLSchema, document: Document, operation: OperationDefinitionNode, shelves: Shelves, dialect: str
) -> Compiled:
    """Compile an operation of a valid document.

    Raises:
        NotCompiled: It has something that no statement says.
    """
    if document.unwritable:
        raise NotCompiled("a text that no database can hold")
    compiled = CompiledOperation(schema, document.node, operation, shelves, ROOTS, dialect)
    policies: set[Policy] = set()
    for _, field in fields_of(schema, document.node, operation):
        asked = policies_before(schema, field)
        if asked is None:
            raise NotCompiled("who may see an object is known only when it is there")
        policies |= asked
    return Compiled(compiled, frozenset(policies), Costs(schema, document.node, operation))
