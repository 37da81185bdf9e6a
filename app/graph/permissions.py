"""Puts a door on every field that has a policy, exactly as the schema prints it.

`@authorize` on a field asks before its resolver runs. `@authorize` on a type asks wherever the type is
reached: before the resolver, or, where the object's owner passes too, of each object that comes out.
"""

from collections.abc import Callable, Collection
from typing import Any, NoReturn

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_introspection_type,
    is_list_type,
)

from app.domain.policies import ALL_TRADERS, ANYONE, POLICIES, Policy
from app.graph.context import Context, Info, ResolveInfo
from app.graph.directives import Authorize, printed
from app.graph.enums import PolicyName
from app.kit.problem import Problem
from app.security.tokens import AccessClaims

Resolver = Callable[..., Any]

_POLICIES = {policy.name: policy for policy in POLICIES}


class Denied(Problem):
    """A policy says no; never told as an error of a payload, for it is nothing that an input could mend."""


class Forbidden(Denied):
    """The caller's claims do not satisfy the policy.

    Attributes:
        policy: The one that was asked.
    """

    code = "FORBIDDEN"

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.policy = policy


class Unauthenticated(Denied):
    """The field needs an access token and the request carries none."""

    code = "UNAUTHENTICATED"


class FieldWithoutPolicy(TypeError):
    """A root field has no `@authorize`: the schema does not build."""


def authorize(policy: Policy) -> Authorize:
    """Make the directive for a policy."""
    return Authorize(policy=PolicyName[policy.name])


def authorize_or_owner(policy: Policy) -> Authorize:
    """Make the directive for a policy that the object's owner passes too."""
    return Authorize(policy=PolicyName[policy.name], or_owner=True)


def put_doors(schema: GraphQLSchema) -> None:
    """Put a door on every field of the schema that has a policy, or leads to a type that has one.

    Raises:
        FieldWithoutPolicy: A root field has no policy.
    """
    roots = [root for root in (schema.query_type, schema.mutation_type, schema.subscription_type) if root]
    for parent in schema.type_map.values():
        if not isinstance(parent, GraphQLObjectType) or is_introspection_type(parent):
            continue
        for name, field in parent.fields.items():
            own = printed(Authorize, field)
            if own is None and parent in roots:
                raise FieldWithoutPolicy(f"{parent.name}.{name} has no policy")
            _put_door(parent, field, own, schema)


def policy_of(field: GraphQLField) -> Policy | None:
    """Give the policy that a field prints; None if it has none of its own."""
    directive = printed(Authorize, field)
    return None if directive is None else _POLICIES[directive.policy.name]


def _put_door(
    parent: GraphQLObjectType, field: GraphQLField, own: Authorize | None, schema: GraphQLSchema
) -> None:
    resolve = field.resolve
    if resolve is None:
        raise TypeError("a field without a resolver cannot be guarded")
    before, after = _doors(field, own, schema)
    if any(after.values()):
        resolve = _asking_objects(resolve, after, is_list=is_list_type(get_nullable_type(field.type)))
    # The strictest first, so that the answer names all that is missing for the field.
    policies = sorted(before - {ANYONE}, key=POLICIES.index, reverse=True)
    if policies and parent is schema.subscription_type:
        # Asked before the source is opened; what it then tells is resolved for each event anew.
        field.subscribe = _asking_claims(_source_of(field), policies)
    elif policies:
        resolve = _asking_claims(resolve, policies)
    field.resolve = resolve


def _doors(
    field: GraphQLField, own: Authorize | None, schema: GraphQLSchema
) -> tuple[set[Policy], dict[str, Authorize | None]]:
    """Give what is asked before a field is resolved, and by type what is asked of the objects that come out."""
    behind = get_named_type(field.type)
    before: set[Policy] = set()
    if own is not None:
        # Whose it is, is found out behind the door; a stranger owns nothing.
        before.add(ALL_TRADERS if own.or_owner else _POLICIES[own.policy.name])
    after: dict[str, Authorize | None] = {}
    if is_abstract_type(behind):
        # Which type comes out is known only when it does.
        after = {each.name: printed(Authorize, each) for each in schema.get_possible_types(behind)}
    elif isinstance(behind, GraphQLObjectType) and (directive := printed(Authorize, behind)) is not None:
        if directive.or_owner:
            after = {behind.name: directive}
        else:
            before.add(_POLICIES[directive.policy.name])
    return before, after


def policies_before(schema: GraphQLSchema, field: GraphQLField, giving: Collection[str]) -> set[Policy] | None:
    """Give all that a field's doors ask for; None if they have to see its objects first.

    Args:
        schema: The one that has the field.
        field: The field.
        giving: The names of the types whose objects come out of it, if it gives an interface of all of them.
    """
    own = printed(Authorize, field)
    before, after = _doors(field, own, schema)
    if is_abstract_type(get_named_type(field.type)) and after.keys() >= set(giving):
        after = {name: after[name] for name in giving}
    asked = [directive for directive in (own, *after.values()) if directive is not None]
    if any(directive.or_owner for directive in asked):
        return None
    return (before | {_POLICIES[directive.policy.name] for directive in asked}) - {ANYONE}


def _source_of(field: GraphQLField) -> Resolver:
    if field.subscribe is None:
        raise TypeError("a subscription without a source cannot be guarded")
    return field.subscribe


def _asking_claims(resolve: Resolver, policies: list[Policy]) -> Resolver:
    def guarded(source: Any, info: ResolveInfo, **arguments: Any) -> Any:
        for policy in policies:
            ask(policy, info)
        return resolve(source, info, **arguments)

    return guarded


def _asking_objects(resolve: Resolver, directives: dict[str, Authorize | None], *, is_list: bool) -> Resolver:
    def check(found: Any, info: ResolveInfo) -> Any:
        context: Context = info.context
        # An iterator that is gone through here must still be there for the answer.
        objects = list(found) if is_list and found is not None else [found]
        for each in objects:
            # What is none of the field's types raises a KeyError: what nobody knows, nobody may see.
            directive = None if each is None else directives[type(each).__name__]
            if directive is not None and not _is_owner(directive, getattr(each, "owner_id", None), context):
                ask(_POLICIES[directive.policy.name], info)
        return objects if is_list and found is not None else found

    async def check_later(coming: Any, info: ResolveInfo) -> Any:
        return check(await coming, info)

    def guarded(source: Any, info: ResolveInfo, **arguments: Any) -> Any:
        found = resolve(source, info, **arguments)
        return check_later(found, info) if info.is_awaitable(found) else check(found, info)

    return guarded


def _is_owner(directive: Authorize, owner_id: int | None, context: Context) -> bool:
    return bool(directive.or_owner) and owner_id is not None and context.owns(owner_id)


def may_see(info: Info, type_name: str, owner_id: int | None = None) -> bool:
    """Say whether the caller may see an object of a type, where it is no error if not.

    It is counted for the audit trail as any other refusal: whoever tries the keys of other people's records one
    after the other learns nothing by it, but shall be seen.

    Args:
        info: The field's that would give the object.
        type_name: The type.
        owner_id: The trader that the object belongs to, if it does to one.
    """
    context: Context = info.context
    schema: GraphQLSchema = info._raw_info.schema  # noqa: SLF001 - Strawberry's own does not know the doors
    directive = printed(Authorize, schema.type_map[type_name])
    if directive is None or _is_owner(directive, owner_id, context):
        return True
    policy = _POLICIES[directive.policy.name]
    is_allowed = policy.allows(context.claims, context.today)
    if not is_allowed:
        context.services.denials.note(info.field_name, policy.name, context.origin)
    return is_allowed


def caller(context: Context) -> AccessClaims:
    """Give the caller's claims, for what only makes sense for oneself.

    Raises:
        Unauthenticated: The caller sent no access token.
    """
    if context.claims is None:
        raise Unauthenticated
    return context.claims


def ask(policy: Policy, info: ResolveInfo | Info) -> None:
    """Let the caller through to a field or not; a refusal is counted for the audit trail.

    Raises:
        Unauthenticated: The caller sent no access token.
        Forbidden: The claims do not satisfy the policy today.
    """
    context: Context = info.context
    if not policy.allows(context.claims, context.today):
        refuse(policy, info)


def refuse(policy: Policy, info: ResolveInfo | Info) -> NoReturn:
    """Refuse a field, whatever the caller's claims are.

    Raises:
        Unauthenticated: The caller sent no access token.
        Forbidden: The caller sent one.
    """
    context: Context = info.context
    context.services.denials.note(info.field_name, policy.name, context.origin)
    raise Unauthenticated if context.claims is None else Forbidden(policy)
