"""Rotation of refresh tokens: a lost answer logs nobody out, and a copy that somebody else kept is found out."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, event, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlmodel import col, select

from app.credentials import RefreshToken
from app.database import Database
from app.entities import AuditEvent
from app.main import create_app
from app.settings import Settings
from tests.callers import Api, Callers
from tests.factories import ManualClock, make_trader
from tests.permits.devices import INVALID_PERMIT, REVOKE, Device, is_taken, renew, renewed

pytestmark = pytest.mark.anyio

ADA = "ada@example.com"


async def events_of(database: Database, permit_id: str) -> list[str]:
    """What happened to a permit, in order."""
    async with database.reading() as session:
        found = await session.exec(
            select(AuditEvent.action)
            .where(AuditEvent.subject_id == f"Permit:{permit_id}")
            .order_by(col(AuditEvent.id))
        )
        return list(found.all())


@pytest.fixture
async def ada(app_database: Database) -> str:
    await make_trader(app_database, email=ADA)
    return ADA


async def test_lost_answer_logs_nobody_out(api: Api, app_database: Database, ada: str) -> None:
    device = await Device.log_in(api, ada)

    await renew(api, device.refresh)  # The answer gets lost on its way.
    first = await renewed(api, device.refresh)
    second = await renewed(api, first[1])

    assert len({device.refresh, first[1], second[1]}) == 3
    assert await is_taken(api, second[0])
    assert await events_of(app_database, device.permit_id) == ["LOGGED_IN", *["PERMIT_RENEWED"] * 3]


async def test_answer_lost_many_times_logs_nobody_out(api: Api, ada: str) -> None:
    device = await Device.log_in(api, ada)

    for _ in range(10):
        await renew(api, device.refresh)

    await device.renew()
    await device.renew()
    assert await is_taken(api, device.access)


@pytest.mark.parametrize("chosen", [0, 5, 9])
async def test_ten_parallel_renewals_are_all_answered_and_any_child_is_usable(
    api: Api, app_database: Database, ada: str, chosen: int
) -> None:
    device = await Device.log_in(api, ada)

    children = await asyncio.gather(*(renewed(api, device.refresh) for _ in range(10)))
    grandchild = await renewed(api, children[chosen][1])

    assert len({refresh for _, refresh in children}) == 10
    assert all([await is_taken(api, access) for access, _ in [*children, grandchild]])
    expected = ["LOGGED_IN", *["PERMIT_RENEWED"] * 11]
    assert await events_of(app_database, device.permit_id) == expected


async def test_parallel_uses_of_two_children_let_one_line_live_or_none(
    api: Api, app_database: Database, ada: str
) -> None:
    device = await Device.log_in(api, ada)
    children = [(await renewed(api, device.refresh))[1] for _ in range(2)]

    payloads = await asyncio.gather(*(renew(api, child) for child in children))

    # Whichever came second was dead by then: reuse.
    assert sorted(len(payload["errors"]) for payload in payloads) == [0, 1]
    (winner,) = (payload for payload in payloads if not payload["errors"])
    assert await renew(api, winner["tokens"]["refreshToken"]) == INVALID_PERMIT
    assert (await events_of(app_database, device.permit_id)).count("PERMIT_REUSED") == 1


async def test_parent_after_its_child_was_used_revokes_that_permit_alone(
    api: Api, app_database: Database, ada: str
) -> None:
    stolen, other = await Device.log_in(api, ada), await Device.log_in(api, ada)
    parent, accesses = stolen.refresh, [stolen.access]
    for _ in range(2):
        await stolen.renew()
        accesses.append(stolen.access)

    answer = await renew(api, parent)

    assert answer == INVALID_PERMIT
    assert [await is_taken(api, access) for access in accesses] == [False, False, False]
    assert await renew(api, stolen.refresh) == INVALID_PERMIT
    assert await renew(api, parent) == INVALID_PERMIT
    # Told once: the permit was revoked by then.
    assert await events_of(app_database, stolen.permit_id) == [
        "LOGGED_IN",
        "PERMIT_RENEWED",
        "PERMIT_RENEWED",
        "PERMIT_REUSED",
    ]
    assert await is_taken(api, other.access)
    await other.renew()
    assert await is_taken(api, other.access)
    assert await events_of(app_database, other.permit_id) == ["LOGGED_IN", "PERMIT_RENEWED"]


async def test_sibling_after_another_child_was_used_is_reuse(api: Api, app_database: Database, ada: str) -> None:
    device = await Device.log_in(api, ada)
    (_, used), (_, sibling) = [await renewed(api, device.refresh) for _ in range(2)]
    access, heir = await renewed(api, used)

    answer = await renew(api, sibling)

    assert answer == INVALID_PERMIT
    assert not await is_taken(api, access)
    assert await renew(api, heir) == INVALID_PERMIT
    assert (await events_of(app_database, device.permit_id))[-1] == "PERMIT_REUSED"


async def test_token_in_use_may_be_used_again_while_its_children_are_not(api: Api, ada: str) -> None:
    device = await Device.log_in(api, ada)
    _, child = await renewed(api, device.refresh)

    _, lost = await renewed(api, child)
    _, kept = await renewed(api, child)
    await renewed(api, kept)

    assert await renew(api, lost) == INVALID_PERMIT


async def test_expired_refresh_token_renews_nothing(
    api: Api, app_database: Database, clock: ManualClock, ada: str
) -> None:
    device = await Device.log_in(api, ada)
    clock.turn(days=30, milliseconds=-1)
    _, child = await renewed(api, device.refresh)

    clock.turn(milliseconds=1)

    assert await renew(api, device.refresh) == INVALID_PERMIT
    # Too old is not reuse: the device's own child goes on.
    await renewed(api, child)
    assert "PERMIT_REUSED" not in await events_of(app_database, device.permit_id)


async def test_revoked_permit_is_not_renewed(api: Api, app_database: Database, callers: Callers, ada: str) -> None:
    device, other = await Device.log_in(api, ada), await Device.log_in(api, ada)

    answer = await api(REVOKE, {"input": {"permitId": device.permit_id}}, token=callers.manager)

    assert answer.data == {"permitRevoke": {"revokedCount": 1, "errors": []}}
    assert await renew(api, device.refresh) == INVALID_PERMIT
    assert await events_of(app_database, device.permit_id) == ["LOGGED_IN", "PERMIT_REVOKED"]
    await other.renew()


async def test_logged_out_permit_is_not_renewed(api: Api, ada: str) -> None:
    device = await Device.log_in(api, ada)

    await device.log_out()

    assert await renew(api, device.refresh) == INVALID_PERMIT
    assert not await is_taken(api, device.access)


async def test_deleted_traders_permit_is_not_renewed(api: Api, app_database: Database, callers: Callers) -> None:
    deleted, other = await make_trader(app_database), await make_trader(app_database)
    device, others = await Device.log_in(api, deleted.email), await Device.log_in(api, other.email)
    administrator = callers.access(trader_id=other.id + 1, roles=frozenset({"administrator"}))

    answer = await api(
        "mutation ($id: ID!) { traderDelete(input: {id: $id}) { errors { code } } }",
        {"id": str(deleted.id)},
        token=administrator,
    )

    assert answer.data == {"traderDelete": {"errors": []}}
    assert await renew(api, device.refresh) == INVALID_PERMIT
    assert not await is_taken(api, device.access)
    await others.renew()
    assert await is_taken(api, others.access)


async def test_refresh_token_of_another_service_renews_nothing(
    api: Api, app_database: Database, settings: Settings, clock: ManualClock, ada: str
) -> None:
    """A token of the same key and form that was never given here: RFC 9700, section 4.14.2."""
    device = await Device.log_in(api, ada)
    stranger = create_app(settings, clock=clock).state.services
    grant = stranger.identity.tokens.grant_refresh(trader_id=1, permit_id=device.permit_id)
    await stranger.database.close()

    assert await renew(api, grant.text) == INVALID_PERMIT

    await device.renew()
    assert "PERMIT_REUSED" not in await events_of(app_database, device.permit_id)


async def test_only_hashes_of_refresh_tokens_are_stored(api: Api, app_database: Database, ada: str) -> None:
    device = await Device.log_in(api, ada)
    await device.renew()

    async with app_database.reading() as session:
        rows = (await session.exec(select(RefreshToken))).all()

    assert [len(row.hash) for row in rows] == [32, 32]
    assert sorted(row.parent_hash is None for row in rows) == [False, True]


async def test_expired_refresh_tokens_are_forgotten(
    api: Api, app_database: Database, clock: ManualClock, ada: str
) -> None:
    device = await Device.log_in(api, ada)
    for _ in range(5):
        clock.turn(days=29)
        await device.renew()

    async with app_database.reading() as session:
        rows = (await session.exec(select(RefreshToken.expires_at))).all()

    # The newest, and the one that it came from: all others could not be used anyway.
    assert sorted(rows) == [clock() + timedelta(days=1), clock() + timedelta(days=30)]


class Line:
    """The rule, told anew: a head and its children are alive, everything else that ever was is dead."""

    def __init__(self, head: int) -> None:
        self.head = head
        self.children: set[int] = set()
        self.revoked = False

    def renews(self, token: int, child: int) -> bool:
        """Present a token; if it renews, `child` is what it gave."""
        if self.revoked:
            return False
        if token == self.head:
            self.children.add(child)
        elif token in self.children:
            self.head, self.children = token, {child}
        else:
            self.revoked = True
        return not self.revoked


STEPS = st.lists(
    # How far back the token lies that is presented: mostly the newest ones, or nothing would live long.
    st.tuples(st.sampled_from(["renew", "renew", "renew", "lose", "use"]), st.integers(0, 3) | st.integers(0, 12)),
    min_size=1,
    max_size=12,
)


@examples(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
async def test_any_sequence_follows_the_rule(
    api: Api, app_database: Database, steps: list[tuple[str, int]]
) -> None:
    email = (await make_trader(app_database)).email
    device, witness = await Device.log_in(api, email), await Device.log_in(api, email)
    known = {0: (device.access, device.refresh)}
    line, number = Line(0), 0

    for what, back in steps:
        token = sorted(known)[-1 - back % len(known)]
        if what == "use":
            assert await is_taken(api, known[token][0]) is not line.revoked
            continue
        number += 1
        payload = await renew(api, known[token][1])
        expected = line.renews(token, number)
        assert (payload["errors"] == []) is expected, (steps, token)
        if expected and what == "renew":
            pair = payload["tokens"]
            known[number] = (pair["accessToken"], pair["refreshToken"])

    event("revoked" if line.revoked else "alive")
    taken = [await is_taken(api, access) for access, _ in known.values()]
    assert set(taken) == {not line.revoked}
    told = await events_of(app_database, device.permit_id)
    assert told.count("PERMIT_REUSED") == line.revoked
    assert await is_taken(api, witness.access)
