"""Which operations are answered without resolvers, and who may have the answer."""

from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from graphql import GraphQLSchema, OperationDefinitionNode, OperationType

from app.compiler.operation import CompiledOperation, Root, Roots
from app.compiler.plan import NotCompiled, Shelves
from app.domain.policies import Policy
from app.entities import normal_tag
from app.graph.compiled_writes import CompiledWrite
from app.graph.documents import Document, OperationName
from app.graph.global_ids import taken_apart
from app.graph.industries import INDUSTRY_WRITES
from app.graph.keeping import fields_of
from app.graph.measuring import Costs
from app.graph.nodes import FINDERS
from app.graph.permissions import policies_before
from app.graph.shares import SHARE_WRITES
from app.graph.writes import Writes
from app.kit.tables import NO_ROW, key

NODES = ("Industry", "Share")
"""The types whose objects `node` gives without a resolver: who may see one may see all."""


def _key_in(global_id: str, *, of: str) -> int:
    """Give the key of a record of a type; `NO_ROW` if it is the global id of another, or none.

    Raises:
        NotCompiled: Only a resolver finds the record.
    """
    type_name, text = taken_apart(global_id)
    if type_name in FINDERS and type_name not in NODES:
        raise NotCompiled("who may see an object is known only when it is there")
    return key(text) if type_name == of else NO_ROW


ROOTS: Roots = {
    "industries": None,
    "industriesConnection": None,
    "industry": Root("id", "id", {"Industry": key}, is_required=True),
    "industryByTag": Root("tag", "tag", {"Industry": str}, is_required=False),
    "node": Root("id", "id", {name: partial(_key_in, of=name) for name in NODES}, is_required=False),
    "share": Root("id", "id", {"Share": key}, is_required=True),
    "shareByTag": Root("tag", "tag", {"Share": normal_tag}, is_required=False),
    "shares": None,
    "sharesConnection": None,
}
"""The root fields that compile. Their resolvers read the same, for operations that do not."""


WRITES: Writes = {**INDUSTRY_WRITES, **SHARE_WRITES}
"""The mutations that compile. Their resolvers do the same, for operations that do not."""

Operation = TypeVar("Operation", CompiledOperation, CompiledWrite)


@dataclass(frozen=True, slots=True)
class Compiled(Generic[Operation]):
    """A compiled operation behind its doors.

    Attributes:
        policies: All that its fields and their types ask for; who fails one is refused by the executor, which
            knows the words for it.
        costs: What it may cost.
        name: What it is called.
    """

    operation: Operation
    policies: frozenset[Policy]
    costs: Costs
    name: OperationName


CompiledRead = Compiled[CompiledOperation]
AnyCompiled = CompiledRead | Compiled[CompiledWrite]


def compile_operation(
    schema: GraphQLSchema, document: Document, operation: OperationDefinitionNode, shelves: Shelves, dialect: str
) -> AnyCompiled:
    """Compile an operation of a valid document.

    Raises:
        NotCompiled: It has something that only resolvers know.
    """
    if operation.operation is OperationType.MUTATION:
        write = CompiledWrite(schema, document, operation, shelves, WRITES)
        return _behind_doors(write, schema, document, operation)
    return compile_read(schema, document, operation, shelves, dialect)


def compile_read(
    schema: GraphQLSchema, document: Document, operation: OperationDefinitionNode, shelves: Shelves, dialect: str
) -> CompiledRead:
    """Compile a query of a valid document to a statement.

    Raises:
        NotCompiled: It has something that no statement says.
    """
    if document.unwritable:
        raise NotCompiled("a text that no database can hold")
    read = CompiledOperation(schema, document.node, operation, shelves, ROOTS, dialect)
    return _behind_doors(read, schema, document, operation)


def _behind_doors(
    compiled: Operation, schema: GraphQLSchema, document: Document, operation: OperationDefinitionNode
) -> Compiled[Operation]:
    policies: set[Policy] = set()
    for _, field in fields_of(schema, document.node, operation):
        asked = policies_before(schema, field, NODES)
        if asked is None:
            raise NotCompiled("who may see an object is known only when it is there")
        policies |= asked
    costs = Costs(schema, document.node, operation)
    return Compiled(compiled, frozenset(policies), costs, document.name_of(operation))
