"""Who may do what: every root field for every kind of caller, and types that are guarded by themselves.

What is expected is read off the policy that the schema prints and a table in this file, never from the
code that enforces it. What is answered without resolvers is asked both without and with them.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql import DirectiveNode, EnumValueNode, ObjectTypeDefinitionNode, parse
from pydantic import SecretStr
from sqlalchemy import column, select, table, text

from app import entities
from app.database import Database
from app.domain.denials import Denials
from app.domain.policies import ANYONE, TRADER_MANAGERS
from app.graph.compiled import ROOTS, WRITES
from app.graph.context import Context
from app.graph.documents import Document
from app.graph.people import Permit, Trader
from app.graph.permissions import FieldWithoutPolicy, authorize, authorize_or_owner
from app.graph.schema import SecuredSchema
from app.graph.types import Node, Share
from app.kit.client import UNKNOWN
from app.main import VERSION
from app.security.tokens import AccessClaims
from app.settings import Settings
from app.web.exchange import Exchange
from tests.callers import Answer, Api, Callers
from tests.compiler.both import Watched
from tests.conftest import Template
from tests.counting import Statements
from tests.factories import NOON, PASSWORD, UNLIMITED, ManualClock, make_industry, make_share, make_trader
from tests.graph.conftest import quiet_app

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Sample:
    """An operation that works for whoever may ask for it; what it writes to is not what others read."""

    document: str
    variables: dict[str, Any]


def query(field: str, selection: str = "", **variables: Any) -> Sample:
    return Sample(f"{{ {field} {selection} }}", variables)


def mutation(field: str, input_type: str, selection: str, **values: Any) -> Sample:
    document = f"mutation ($input: {input_type}!) {{ {field}(input: $input) {{ {selection} }} }}"
    return Sample(document, {"input": values})


ERRORS = "errors { code }"

SAMPLES = {
    "service": query("service", "{ version }"),
    "errorMessages": query("errorMessages", "{ code text }"),
    "me": query("me", "{ id email }"),
    # The caller's own record: what of other types comes out, is asked in `tests.identity.test_nodes`.
    "node": query('node(id: "VHJhZGVyOjE=")', "{ globalId ... on Trader { email } }"),
    "industries": query("industries", "{ id shares { id } }"),
    "industriesConnection": query(
        "industriesConnection", "{ totalCount nodes { id sharesConnection { totalCount } } }"
    ),
    "industry": query('industry(id: "1")', "{ id shares { id } }"),
    "industryByTag": query('industryByTag(tag: "tech")', "{ id }"),
    "shares": query("shares", "{ id industry { id } }"),
    "sharesConnection": query("sharesConnection", "{ edges { cursor node { id } } aggregates { averagePrice } }"),
    "share": query('share(id: "1")', "{ id }"),
    "shareByTag": query('shareByTag(tag: "BUD")', "{ id }"),
    "permitLogIn": mutation(
        "permitLogIn", "PermitLogInInput", ERRORS, email="caller@example.com", password=PASSWORD
    ),
    "permitRenew": mutation("permitRenew", "PermitRenewInput", ERRORS, refreshToken="none"),
    "permitLogOut": mutation("permitLogOut", "PermitLogOutInput", ERRORS, refreshToken="none"),
    "permitRegister": mutation(
        "permitRegister",
        "PermitRegisterInput",
        ERRORS,
        email="new@example.com",
        password=PASSWORD,
        firstName="New",
        lastName="Trader",
    ),
    "permitRequestCode": mutation(
        "permitRequestCode", "PermitRequestCodeInput", ERRORS, email="no@example.com", purpose="CONFIRM_EMAIL"
    ),
    "permitConfirm": mutation(
        "permitConfirm",
        "PermitConfirmInput",
        ERRORS,
        email="no@example.com",
        securityCode="000000",
        password="no",
    ),
    "permitResetPassword": mutation(
        "permitResetPassword",
        "PermitResetPasswordInput",
        ERRORS,
        email="no@example.com",
        securityCode="000000",
        newPassword=PASSWORD,
    ),
    "permitChangePassword": mutation(
        "permitChangePassword",
        "PermitChangePasswordInput",
        ERRORS,
        currentPassword=PASSWORD,
        newPassword="Another-horse-battery-9",
    ),
    "permitRevoke": mutation("permitRevoke", "PermitRevokeInput", ERRORS, traderId="1"),
    "twoFactorBegin": mutation("twoFactorBegin", "TwoFactorBeginInput", ERRORS, currentPassword=PASSWORD),
    "twoFactorEnable": mutation(
        "twoFactorEnable", "TwoFactorEnableInput", ERRORS, currentPassword=PASSWORD, twoFactorCode="none"
    ),
    "twoFactorDisable": mutation(
        "twoFactorDisable", "TwoFactorProofInput", ERRORS, currentPassword=PASSWORD, twoFactorCode="none"
    ),
    "twoFactorRenewRecoveryCodes": mutation(
        "twoFactorRenewRecoveryCodes",
        "TwoFactorProofInput",
        ERRORS,
        currentPassword=PASSWORD,
        twoFactorCode="none",
    ),
    "trader": query('trader(id: "1")', "{ id email }"),
    "tradersConnection": query("tradersConnection", "{ totalCount nodes { id } }"),
    "policyStandings": query('policyStandings(dateJoined: "2020-01-01")', "{ policy satisfied }"),
    "auditEventsConnection": query("auditEventsConnection", "{ nodes { id action } }"),
    "traderUpdate": mutation("traderUpdate", "TraderUpdateInput", ERRORS, firstName="Ada"),
    "traderVerify": mutation("traderVerify", "TraderVerifyInput", ERRORS, id="2", dateJoined="2020-01-01"),
    "traderUnlock": mutation("traderUnlock", "TraderUnlockInput", ERRORS, id="2"),
    "traderDelete": mutation("traderDelete", "TraderDeleteInput", ERRORS, id="3"),
    "industryUpsert": mutation("industryUpsert", "IndustryUpsertInput", ERRORS, tag="new", name="New"),
    "industryDelete": mutation("industryDelete", "IndustryDeleteInput", ERRORS, id="2"),
    "shareCreate": mutation("shareCreate", "ShareCreateInput", ERRORS, industryId="1", tag="NEW", price="1"),
    "shareUpdate": mutation("shareUpdate", "ShareUpdateInput", ERRORS, id="2", price="1"),
    "shareUpsert": mutation("shareUpsert", "ShareUpsertInput", ERRORS, industryId="1", tag="NEWER", price="1"),
    "shareDelete": mutation("shareDelete", "ShareDeleteInput", ERRORS, id="3"),
}

WITHOUT_VALID_TOKEN = ("no token", "expired", "refresh token", "tampered")
VALID = ("newcomer", "skilled", "manager", "administrator")
CALLERS = (*WITHOUT_VALID_TOKEN, *VALID)

MAY = {
    "ANYONE": {"newcomer", "skilled", "manager", "administrator"},
    "ALL_TRADERS": {"newcomer", "skilled", "manager", "administrator"},
    "SKILLED_TRADERS": {"skilled", "manager", "administrator"},
    "TRADER_MANAGERS": {"manager", "administrator"},
    "ADMINISTRATORS": {"administrator"},
}


def printed_policies() -> dict[tuple[str, str], tuple[str, bool]]:
    """The policy of each root field, and whether an owner passes too, as `schema.graphql` prints them."""
    printed = {}
    for definition in parse(SecuredSchema(VERSION).sdl).definitions:
        if isinstance(definition, ObjectTypeDefinitionNode) and definition.name.value in ("Query", "Mutation"):
            for field in definition.fields or ():
                (directive,) = (each for each in field.directives or () if each.name.value == "authorize")
                printed[definition.name.value, field.name.value] = _said_by(directive)
    return printed


def _said_by(directive: DirectiveNode) -> tuple[str, bool]:
    said = {argument.name.value: argument.value for argument in directive.arguments or ()}
    policy = said["policy"]
    assert isinstance(policy, EnumValueNode)
    return policy.value, "orOwner" in said


POLICIES = printed_policies()


def is_allowed(root: str, policy: str, caller: str) -> bool:
    if policy == "ANYONE" and (root == "Mutation" or caller == "no token"):
        return True
    return caller in MAY[policy]


EXECUTED, COMPILED = "executed", "compiled"
# What has an owner, as the record of the sample of `node`, only resolvers give.
COMPILING = {*ROOTS, *WRITES} - {"node"}
WAYS = {field: (EXECUTED, COMPILED) if field in COMPILING else (EXECUTED,) for field in SAMPLES}

ALLOWED = [
    (root, field, caller, way)
    for (root, field), (policy, or_owner) in POLICIES.items()
    for caller in CALLERS
    for way in WAYS[field]
    # What an owner may do, others may try: whose it is, is found out behind the door.
    if is_allowed(root, policy, caller) or (or_owner and caller in VALID)
]
REFUSED = [
    (root, field, caller, way)
    for (root, field), _ in POLICIES.items()
    for caller in CALLERS
    for way in WAYS[field]
    if (root, field, caller, way) not in ALLOWED
]


def by_name(case: Any) -> str:
    return str(case)


@dataclass(frozen=True)
class House:
    """An application that the cases of the matrix share, because most of them must not change it."""

    api: Api
    callers: Callers
    clock: ManualClock
    database: Database
    view: Any
    short_way: Watched

    async def ask(self, field: str, caller: str, way: str) -> Answer:
        sample = SAMPLES[field]
        moment = self.clock.now
        token = self._token(caller)
        self.view.short_way = self.short_way if way == COMPILED else None
        try:
            return await self.api(sample.document, sample.variables, token=token)
        finally:
            self.view.short_way = self.short_way
            self.clock.now = moment

    def _token(self, caller: str) -> str | None:
        callers = self.callers
        match caller:
            case "no token":
                return None
            case "expired":
                return callers.expired()
            case "refresh token":
                return callers.refresh()
            case "tampered":
                return tampered(callers.manager)
        token: str = getattr(callers, caller)
        return token

    async def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table."""
        names = await self.database.fetch(text(TABLES[self.database.dialect_name]))
        tables = [table(name, column("*", is_literal=True)) for (name,) in names]
        return {
            each.name: sorted((tuple(row) for row in await self.database.fetch(select(each))), key=repr)
            for each in tables
        }


TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
}


def tampered(token: str) -> str:
    """The token with one letter of its claims changed."""
    header, claims, signature = token.split(".")
    other = "A" if claims[20] != "A" else "B"
    return f"{header}.{claims[:20]}{other}{claims[21:]}.{signature}"


@pytest.fixture(scope="module")
def house_url(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    url = template.copy_for_a_test(tmp_path_factory.mktemp("house"))
    yield url
    template.drop(url)


@pytest.fixture(scope="module")
async def house(house_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    clock = ManualClock()
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        database_url=SecretStr(house_url),
        secret=SecretStr("a secret of the tests that is long enough"),
        password_hashing="cheap",
        **UNLIMITED,
    )
    async with quiet_app(settings, clock) as app, Api(app) as api:
        database = app.state.services.database
        await make_trader(database, email="caller@example.com")
        await make_trader(database, email="other@example.com")
        async with database.unit_of_work() as session:
            industry = await make_industry(session, tag="tech")
            await make_industry(session)
            for tag in ("BUD", "LWP", "WGL"):
                await make_share(session, industry, tag=tag)
        view = app.state.views[VERSION]
        for sample in SAMPLES.values():
            # Only documents that are known take the short way.
            view.schema.documents.keep(Document(sample.document, parse(sample.document)))
        yield House(api, Callers(app.state.services, clock), clock, database, view, Watched(view.short_way))


def test_every_root_field_has_a_sample() -> None:
    schema = SecuredSchema(VERSION).graphql
    assert schema.query_type is not None
    assert schema.mutation_type is not None

    fields = {
        *(("Query", name) for name in schema.query_type.fields),
        *(("Mutation", name) for name in schema.mutation_type.fields),
    }

    assert set(POLICIES) == fields
    assert {field for _, field in fields} - set(SAMPLES) == set()


@pytest.mark.parametrize(("root", "field", "caller", "way"), ALLOWED, ids=by_name)
async def test_a_caller_who_satisfies_the_policy_passes(
    house: House, root: str, field: str, caller: str, way: str
) -> None:
    before = house.short_way.taken

    answer = await house.ask(field, caller, way)

    assert (answer.status, {"UNAUTHENTICATED", "TOKEN_EXPIRED", "FORBIDDEN"} & set(answer.codes)) == (200, set())
    if POLICIES[root, field] != ("ANYONE", False):
        assert answer.data[field] is not None or POLICIES[root, field][1]
    if root == "Query" or answer.data[field] == {"errors": []}:
        # What is wrong with a write, such as a tag that is taken by now, resolvers say.
        assert house.short_way.taken - before == (way == COMPILED)


@pytest.mark.parametrize(("root", "field", "caller", "way"), REFUSED, ids=by_name)
async def test_any_other_caller_is_refused_and_nothing_is_touched(
    house: House, root: str, field: str, caller: str, way: str
) -> None:
    before = await house.contents()

    with Statements(house.database) as statements:
        answer = await house.ask(field, caller, way)

    assert statements == []
    assert await house.contents() == before
    assert (answer.status, answer.headers.get("token-expired"), answer.headers.get("www-authenticate")) == {
        "no token": (401, None, "Bearer"),
        "expired": (401, "true", 'Bearer error="invalid_token"'),
    }.get(
        caller, (401, None, 'Bearer error="invalid_token"') if caller in WITHOUT_VALID_TOKEN else (200, None, None)
    )
    assert [error.get("path") for error in answer.errors] == (
        [None] if caller in WITHOUT_VALID_TOKEN[1:] else [[field]]
    )
    assert [error["extensions"] for error in answer.errors] == [
        {
            "no token": {"code": "UNAUTHENTICATED"},
            "expired": {"code": "TOKEN_EXPIRED"},
            "refresh token": {"code": "UNAUTHENTICATED"},
            "tampered": {"code": "UNAUTHENTICATED"},
        }.get(caller, {"code": "FORBIDDEN", "policy": POLICIES[root, field][0]})
    ]
    if caller in WITHOUT_VALID_TOKEN[1:]:
        assert "data" not in answer.body
    else:
        assert answer.data == {field: None}


OF_SOMEBODY_ELSE = {
    "trader": '{ trader(id: "1") { id } }',
    "traderUpdate": 'mutation { traderUpdate(input: {id: "1", firstName: "Mallory"}) { errors { code } } }',
    "permitRevoke": 'mutation { permitRevoke(input: {traderId: "1"}) { errors { code } } }',
}


def test_every_field_that_an_owner_passes_is_tried_by_somebody_else() -> None:
    assert set(OF_SOMEBODY_ELSE) == {field for (_, field), (_, or_owner) in POLICIES.items() if or_owner}


@pytest.mark.parametrize("field", OF_SOMEBODY_ELSE)
async def test_what_belongs_to_somebody_else_is_left_alone(house: House, field: str) -> None:
    before = await house.contents()
    just_not_a_manager = house.callers.access(trader_id=9, date_joined=NOON.date().replace(year=NOON.year - 4))

    with Statements(house.database) as statements:
        answer = await house.api(OF_SOMEBODY_ELSE[field], token=just_not_a_manager)

    assert (answer.status, answer.data) == (200, {field: None})
    assert [error["extensions"] for error in answer.errors] == [{"code": "FORBIDDEN", "policy": "TRADER_MANAGERS"}]
    assert statements == []
    assert await house.contents() == before


async def test_a_refused_field_leaves_its_siblings_be(house: House) -> None:
    answer = await house.api(
        """mutation {
          first: permitLogOut(input: {refreshToken: "none"}) { errors { code } }
          shareDelete(input: {id: "1"}) { outcome }
          last: permitLogOut(input: {refreshToken: "none"}) { errors { code } }
        }""",
        token=house.callers.skilled,
    )

    assert (answer.status, answer.data, answer.codes) == (
        200,
        {
            "first": {"errors": [{"code": "INVALID_PERMIT"}]},
            "shareDelete": None,
            "last": {"errors": [{"code": "INVALID_PERMIT"}]},
        },
        ["FORBIDDEN"],
    )


async def test_a_stranger_gets_what_is_open_beside_what_is_not(house: House) -> None:
    answer = await house.api("{ service { version } shares { id } me { id } }")

    assert (answer.status, answer.data) == (200, {"service": {"version": VERSION}, "shares": None, "me": None})
    assert [(error["path"], error["extensions"]) for error in answer.errors] == [
        (["shares"], {"code": "UNAUTHENTICATED"})
    ]


@pytest.mark.parametrize(
    "document",
    [
        "mutation {{ __typename {} }}",
        "mutation {{ ... {{ {} }} }}",
        "mutation {{ ...Out }} fragment Out on Mutation {{ {} }}",
        "mutation A {{ {} }}",
    ],
)
async def test_a_stale_token_does_not_hinder_what_is_open_however_it_is_selected(
    house: House, document: str
) -> None:
    answer = await house.api(
        document.format('permitLogOut(input: {refreshToken: "none"}) { errors { code } }'), token="stale"
    )

    assert (answer.status, answer.data["permitLogOut"]) == (200, {"errors": [{"code": "INVALID_PERMIT"}]})


DELETE = 'shareDelete(input: {id: "1"}) { outcome }'


@pytest.mark.parametrize(
    "document",
    [
        f'mutation {{ permitLogOut(input: {{refreshToken: "a"}}) {{ errors {{ code }} }} {DELETE} }}',
        f"mutation {{ ...A }} fragment A on Mutation {{ ...B }} fragment B on Mutation {{ {DELETE} }}",
        f"mutation {{ permitLogOut: {DELETE} }}",
        "{ service { version } }",
        "{ me { id } }",
    ],
)
async def test_a_stale_token_hinders_all_else(house: House, document: str) -> None:
    with Statements(house.database) as statements:
        answer = await house.api(document, token="stale")

    assert (answer.status, answer.codes, answer.data, statements) == (401, ["UNAUTHENTICATED"], None, [])


@pytest.mark.parametrize(
    "authorization", ["Bearer", "Bearer ", "Basic dTpw", "Bearer a b", "bearer\ttoken", "Bearer  x", "é"]
)
async def test_a_header_that_is_no_bearer_token_is_refused(house: House, authorization: str) -> None:
    answer = await house.api("{ service { version } }", headers={"Authorization": authorization.encode("latin-1")})  # type: ignore[dict-item]

    assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])


async def test_two_tokens_are_refused_although_each_is_good(house: House) -> None:
    token = f"Bearer {house.callers.manager}"

    response = await house.api.http.post(
        "/graphql",
        json={"query": "{ me { id } }"},
        headers=[("Authorization", token), ("Authorization", token)],
    )

    assert response.status_code == 401


async def test_a_policy_is_satisfied_from_the_anniversary_on(house: House) -> None:
    today = house.clock().date()
    tomorrow_five_years_ago = today.replace(year=today.year - 5, day=today.day + 1)
    token = house.callers.access(date_joined=tomorrow_five_years_ago)
    delete = 'mutation { shareDelete(input: {id: "99"}) { outcome } }'

    before = await house.api(delete, token=token)
    house.clock.turn(hours=12)
    token = house.callers.access(date_joined=tomorrow_five_years_ago)
    after = await house.api(delete, token=token)
    house.clock.turn(hours=-12)

    assert (before.codes, after.data) == (["FORBIDDEN"], {"shareDelete": {"outcome": "ABSENT"}})


# Types that are guarded by themselves.


def caller(trader_id: int | None, *, years: int = 0) -> Context:
    """The context of a request by that trader; of a stranger for None."""
    services: Any = SimpleNamespace(denials=Denials())
    claims = None
    if trader_id is not None:
        claims = AccessClaims(
            trader_id=trader_id,
            permit_id="permit",
            token_id="token",
            email="caller@example.com",
            given_name="Ada",
            family_name="Caller",
            date_joined=NOON.date().replace(year=NOON.year - years),
            roles=frozenset(),
            issued_at=NOON,
            expires_at=NOON,
        )
    return Context(
        services=services,
        claims=claims,
        now=NOON,
        locale="en",
        version=VERSION,
        request_id="request",
        client=UNKNOWN,
        shelves={},
        log_failure=lambda error, where: None,
        notes=Exchange({"headers": []}),
    )


def a_trader(trader_id: int) -> Any:
    return entities.Trader(
        id=trader_id, email="a@example.com", first_name="A", last_name="B", created_at=NOON, updated_at=NOON
    )


def a_permit(trader_id: int) -> Any:
    return entities.Permit(id="secret", trader_id=trader_id, issued_at=NOON, expires_at=NOON)


def a_share() -> Any:
    return entities.Share(id=3, industry_id=1, tag="BUD", price=Decimal(1), created_at=NOON, updated_at=NOON)


@strawberry.type
class Wrapper:
    """Something without a policy of its own."""

    trader: Trader


def schema_of(type_: Any, found: Callable[[], Any]) -> SecuredSchema:
    """A schema with one field that is open to anyone, of that type and giving that."""

    @strawberry.type(name="Query")
    class OneField:
        field: type_ = strawberry.field(resolver=found, description="The field.", directives=[authorize(ANYONE)])

    return SecuredSchema(VERSION, query=OneField)


async def asked(schema: SecuredSchema, document: str, context: Context) -> tuple[Any, list[str]]:
    """The data, and what stands for each error: its code, or the exception's name."""
    result = await schema.execute(document, context_value=context)
    causes = [error.original_error for error in result.errors or ()]
    return result.data, [getattr(cause, "code", type(cause).__name__) for cause in causes]


OWN, MANAGER, FOREIGN, STRANGER = (7, 0), (8, 5), (8, 4), (None, 0)
ANSWERS = [(OWN, []), (MANAGER, []), (FOREIGN, ["FORBIDDEN"]), (STRANGER, ["UNAUTHENTICATED"])]


@pytest.mark.parametrize(("who", "codes"), ANSWERS)
@pytest.mark.parametrize(
    ("type_", "found", "document"),
    [
        (Trader | None, lambda: a_trader(7), "{ field { id } }"),
        (Permit | None, lambda: a_permit(7), "{ field { id } }"),
        (Node | None, lambda: a_trader(7), "{ field { globalId } }"),
        (Node | None, lambda: a_permit(7), "{ field { ... on Permit { id } } }"),
        (Wrapper | None, lambda: Wrapper(trader=a_trader(7)), "{ field { trader { id } } }"),
        (list[Trader] | None, lambda: [a_trader(7), a_trader(7)], "{ field { id } }"),
        (list[Node | None] | None, lambda: [None, a_trader(7)], "{ field { globalId } }"),
        (list[Trader] | None, lambda: (a_trader(7),), "{ field { id } }"),
        (list[Trader] | None, lambda: (a_trader(each) for each in [7]), "{ field { id } }"),
    ],
    ids=["trader", "permit", "interface", "fragment", "wrapped", "list", "list of nodes", "tuple", "generator"],
)
async def test_a_guarded_type_is_for_its_owner_and_managers_on_every_path(
    type_: Any,
    found: Callable[[], Any],
    document: str,
    who: tuple[int | None, int],
    codes: list[str],
) -> None:
    schema = schema_of(type_, found)

    data, refused = await asked(schema, document, caller(who[0], years=who[1]))

    assert refused == codes
    assert (data["field"] is None) == bool(codes)


async def test_a_list_with_one_foreign_object_is_refused_as_a_whole() -> None:
    schema = schema_of(list[Trader] | None, lambda: [a_trader(7), a_trader(8), a_trader(7)])

    assert await asked(schema, "{ field { id } }", caller(7)) == ({"field": None}, ["FORBIDDEN"])


async def test_a_type_with_a_plain_policy_is_guarded_behind_an_interface_too() -> None:
    schema = schema_of(Node | None, a_share)

    assert await asked(schema, "{ field { globalId } }", caller(7)) == ({"field": None}, ["FORBIDDEN"])
    assert (await asked(schema, "{ field { globalId } }", caller(7, years=1)))[1] == []


async def test_a_type_with_a_plain_policy_is_asked_for_before_its_resolver_runs() -> None:
    ran = []
    schema = schema_of(Share | None, lambda: ran.append("resolver"))

    answer = await asked(schema, "{ field { id } }", caller(7))

    assert (answer, ran) == (({"field": None}, ["FORBIDDEN"]), [])


async def test_what_the_field_does_not_know_is_shown_to_nobody() -> None:
    class Impostor(entities.Trader):
        """Passes for a trader, without being called one."""

    schema = schema_of(Trader | None, lambda: object.__new__(Impostor))

    data, refused = await asked(schema, "{ field { id } }", caller(7))

    assert (data, refused) == ({"field": None}, ["KeyError"])


async def test_a_field_that_an_owner_passes_runs_for_no_stranger() -> None:
    ran = []

    def found() -> Any:
        ran.append("resolver")
        return a_trader(7)

    @strawberry.type(name="Query")
    class OwnersToo:
        field: Trader | None = strawberry.field(
            resolver=found, description="The field.", directives=[authorize_or_owner(TRADER_MANAGERS)]
        )

    schema = SecuredSchema(VERSION, query=OwnersToo)

    assert await asked(schema, "{ field { id } }", caller(None)) == ({"field": None}, ["UNAUTHENTICATED"])
    assert ran == []
    assert await asked(schema, "{ field { id } }", caller(8)) == ({"field": None}, ["FORBIDDEN"])
    assert await asked(schema, "{ field { id } }", caller(7)) == ({"field": {"id": "7"}}, [])


def test_a_root_field_without_a_policy_refuses_to_build() -> None:
    @strawberry.type(name="Query")
    class Open:
        field: str = strawberry.field(resolver=lambda: "x", description="A field.")

    with pytest.raises(FieldWithoutPolicy, match=r"^Query\.field has no policy$"):
        SecuredSchema(VERSION, query=Open)


def test_a_mutation_without_a_policy_refuses_to_build() -> None:
    @strawberry.type(name="Mutation")
    class Open:
        field: str = strawberry.field(resolver=lambda: "x", description="A field.")

    with pytest.raises(FieldWithoutPolicy, match=r"^Mutation\.field has no policy$"):
        SecuredSchema(VERSION, mutation=Open)
