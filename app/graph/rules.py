"""The rules of inputs and arguments: taken from the entities, printed as `@constraint`, checked here."""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, cast

import annotated_types
import strawberry
from graphql import GraphQLObjectType, GraphQLSchema, is_introspection_type
from pydantic import AfterValidator, BeforeValidator, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from sqlmodel import SQLModel
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.utils.str_converters import to_camel_case

from app.domain.problems import EmailIncorrect, PasswordMissing
from app.graph.context import ResolveInfo
from app.graph.directives import Constraint
from app.kit.addresses import normal_email
from app.kit.problem import InvalidInput, Problem, Problems
from app.kit.tables import key

# RFC 5321, section 4.5.3.1.1: at most 64 octets before the @. The rest is for the mail server to say.
_LONGEST_EMAIL_READ = 1_000
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)+")


@dataclasses.dataclass(frozen=True)
class Rule:
    """What a value must keep: the check, and what of it `@constraint` can say."""

    check: TypeAdapter[Any]
    constraint: Constraint | None


def rule(annotation: Any, *, format: str | None = None) -> Rule:  # noqa: A002 - the directive's own word
    """Make a rule of a type annotated with pydantic's constraints."""
    said: dict[str, Any] = {} if format is None else {"format": format}
    for constraint in _constraints(annotation):
        said |= constraint
    return Rule(TypeAdapter(annotation), Constraint(**said) if said else None)


def rule_of(entity: type[SQLModel], attribute: str) -> Rule:
    """Take over the rule that an entity states for one of its attributes."""
    stated = entity.model_fields[attribute]
    kept = [item for item in stated.metadata if type(item).__name__ != "FieldInfoMetadata"]
    return rule(Annotated[(stated.annotation, *kept)])


def ruled(kept: Rule, description: str, *, default: Any = dataclasses.MISSING) -> Any:
    """Make an input field that keeps a rule; `checked` holds its value to it."""
    return strawberry.field(
        description=description,
        directives=[kept.constraint] if kept.constraint else [],
        metadata={"rule": kept},
        default=default,
    )


def _constraints(annotation: Any) -> Iterator[dict[str, Any]]:
    for item in getattr(annotation, "__metadata__", ()):
        if isinstance(item, annotated_types.MinLen):
            yield {"min_length": item.min_length}
        elif isinstance(item, annotated_types.MaxLen):
            yield {"max_length": item.max_length}
        elif isinstance(item, annotated_types.Ge):
            yield {"min": float(cast("Any", item.ge))}
        elif isinstance(item, annotated_types.Le):
            yield {"max": float(cast("Any", item.le))}
        elif isinstance(item, StringConstraints):
            said = {"min_length": item.min_length, "max_length": item.max_length, "pattern": item.pattern}
            yield {name: value for name, value in said.items() if value is not None}


def _well_formed(address: str) -> str:
    if not _EMAIL.fullmatch(address) or not address.isprintable():
        raise PydanticCustomError("email", "not an e-mail address")
    return address


def _there(password: str) -> str:
    if not password:
        raise PydanticCustomError("password_required", "no password")
    return password


# Normalised first: some characters become an @, or many characters, only then.
EMAIL = rule(
    Annotated[
        str,
        StringConstraints(max_length=254),
        AfterValidator(_well_formed),
        BeforeValidator(lambda address: normal_email(address[:_LONGEST_EMAIL_READ])),
    ],
    format="email",
)
KEY = rule(Annotated[str, AfterValidator(key)])
GIVEN_PASSWORD = rule(Annotated[str, StringConstraints(max_length=128), AfterValidator(_there)])
SECURITY_CODE = rule(Annotated[str, StringConstraints(min_length=6, max_length=12)])
SECOND_FACTOR = rule(Annotated[str, StringConstraints(max_length=20)])
# How long a new password must be is a setting, and a breach of it has a code of its own.
NEW_PASSWORD = Rule(rule(Annotated[str, AfterValidator(_there)]).check, Constraint(min_length=8, max_length=128))


def checked(given: Any) -> dict[str, Any]:
    """Hold an input against its rules and give its values by their Python names.

    Fields that were left out, or sent as null where null means nothing, are left out.

    Raises:
        Problems: Every rule that is broken, each with the path of its value.
    """
    values: dict[str, Any] = {}
    broken: list[Problem] = []
    for field in dataclasses.fields(given):
        value = getattr(given, field.name)
        if value is strawberry.UNSET or value is None:
            continue
        kept: Rule | None = field.metadata.get("rule")
        try:
            values[field.name] = value if kept is None else kept.check.validate_python(value)
        except ValidationError as error:
            path = (to_camel_case(field.name),)
            broken.extend(_problem(each, path) for each in error.errors(include_url=False))
    if broken:
        raise Problems(tuple(broken))
    return values


_PHRASES: Mapping[str, tuple[str, str | None, str | None]] = {
    # pydantic's error: our phrase, its parameter's name here and there
    "string_too_short": ("rule-too-short", "min", "min_length"),
    "string_too_long": ("rule-too-long", "max", "max_length"),
    "greater_than_equal": ("rule-too-small", "min", "ge"),
    "less_than_equal": ("rule-too-large", "max", "le"),
    "decimal_max_places": ("rule-too-many-decimals", "places", "decimal_places"),
    "string_pattern_mismatch": ("rule-pattern-no-white-space", None, None),
}
_CODES: Mapping[str, type[Problem]] = {"email": EmailIncorrect, "password_required": PasswordMissing}


def _problem(error: ErrorDetails, path: tuple[str, ...]) -> Problem:
    if (code := _CODES.get(error["type"])) is not None:
        return code(path=path)
    phrase, ours, theirs = _PHRASES.get(error["type"], ("INVALID_INPUT", None, None))
    params = {} if ours is None or theirs is None else {ours: int(error["ctx"][theirs])}
    return InvalidInput(path=path, phrase=phrase, **params)


def put_rules(schema: GraphQLSchema) -> None:
    """Check the arguments of every field that prints `@constraint` on them before it is resolved."""
    for parent in schema.type_map.values():
        if not isinstance(parent, GraphQLObjectType) or is_introspection_type(parent):
            continue
        for field in parent.fields.values():
            constraints = {
                argument.out_name or name: (name, constraint)
                for name, argument in field.args.items()
                if (constraint := _constraint_of(argument)) is not None
            }
            if constraints and field.subscribe is not None:
                field.subscribe = _checking(field.subscribe, constraints)
            elif constraints and field.resolve is not None:
                field.resolve = _checking(field.resolve, constraints)


def _constraint_of(argument: Any) -> Constraint | None:
    definition = argument.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    directives = getattr(definition, "directives", None) or ()
    return next((each for each in directives if isinstance(each, Constraint)), None)


def _checking(
    resolve: Callable[..., Any], constraints: Mapping[str, tuple[str, Constraint]]
) -> Callable[..., Any]:
    def checking(source: Any, info: ResolveInfo, **arguments: Any) -> Any:
        for argument, (name, constraint) in constraints.items():
            value = arguments.get(argument)
            if isinstance(value, int):
                _hold_to_range(value, name, constraint)
        return resolve(source, info, **arguments)

    return checking


def _hold_to_range(value: int, name: str, constraint: Constraint) -> None:
    if isinstance(constraint.min, float) and value < constraint.min:
        raise InvalidInput(path=(name,), phrase="rule-too-small", min=int(constraint.min))
    if isinstance(constraint.max, float) and value > constraint.max:
        raise InvalidInput(path=(name,), phrase="rule-too-large", max=int(constraint.max))
