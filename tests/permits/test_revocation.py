"""Revocation: refused at once in the same process, and by the others without a statement to authenticate."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlmodel import select
from starlette.applications import Starlette

from app import push
from app.database import Database
from app.entities import Revocation
from app.graph.context import Services
from app.main import create_app, make_seals
from app.push.over_redis import channel_of
from app.security.revocations import Revocations
from app.security.seals import Seals
from app.settings import InvalidSettings, Settings
from tests.callers import Api, Callers
from tests.counting import Statements
from tests.factories import NOON, ManualClock, make_trader
from tests.permits.devices import REVOKE, VERSION, Device, is_taken
from tests.permits.servers import REDIS, Server, Wire, eventually

pytestmark = pytest.mark.anyio

ADA = "ada@example.com"


@pytest.fixture
async def ada(database: Database) -> str:
    await make_trader(database, email=ADA)
    return ADA


class Process(Api):
    """A client of an application, and what that application works with."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(app)
        self.services: Services = app.state.services


Start = Callable[[Settings], Awaitable[Process]]


@pytest.fixture
async def start(clock: ManualClock) -> AsyncIterator[Start]:
    """Starts applications as processes of their own would, and gives a client of each."""
    async with AsyncExitStack() as stack:

        async def started(settings: Settings) -> Process:
            app = create_app(settings, clock=clock)
            await stack.enter_async_context(app.router.lifespan_context(app))
            return await stack.enter_async_context(Process(app))

        yield started


@pytest.fixture
def over_redis(settings: Settings, redis_url: str) -> Settings:
    return settings.model_copy(update={"redis_url": SecretStr(redis_url), "workers": 2})


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[Wire]:
    """A wire to Redis that can be cut."""
    wire = Wire("127.0.0.1", 6379)
    await wire.mend()
    yield wire
    await wire.cut()


def by(wire: Wire, settings: Settings) -> Settings:
    return settings.model_copy(update={"redis_url": SecretStr(f"redis://127.0.0.1:{wire.port}/9")})


async def test_authentication_costs_no_statement(api: Api, ada: str, statements: Statements) -> None:
    device = await Device.log_in(api, ada)
    statements.clear()

    answer = await device.ask()

    assert (answer.status, answer.body) == (200, {"data": {"service": {"version": "1.0"}}})
    assert statements == []


async def test_revoked_permits_access_token_is_refused_at_once_and_without_a_statement(
    api: Api, ada: str, statements: Statements
) -> None:
    revoker, revoked, other = [await Device.log_in(api, ada) for _ in range(3)]
    earlier = revoked.access
    await revoked.renew()

    await revoker.revoke(revoked.permit_id)

    statements.clear()
    assert [await is_taken(api, access) for access in (earlier, revoked.access)] == [False, False]
    assert [await is_taken(api, device.access) for device in (revoker, other)] == [True, True]
    assert statements == []


async def test_device_may_revoke_itself(api: Api, ada: str) -> None:
    device = await Device.log_in(api, ada)

    await device.revoke(device.permit_id)

    assert not await is_taken(api, device.access)


async def test_failed_revocation_ends_nobodys_access(api: Api, app_database: Database, ada: str) -> None:
    device, mallory = await Device.log_in(api, ada), (await make_trader(app_database)).email
    stranger = await Device.log_in(api, mallory)

    answer = await api(REVOKE, {"input": {"permitId": device.permit_id}}, token=stranger.access)

    assert (answer.data, answer.codes) == ({"permitRevoke": None}, ["FORBIDDEN"])
    assert await is_taken(api, device.access)


async def test_all_permits_of_a_trader_are_revoked_and_nobody_elses(
    api: Api, app_database: Database, callers: Callers
) -> None:
    ada, bob = await make_trader(app_database), await make_trader(app_database)
    hers = [await Device.log_in(api, ada.email) for _ in range(3)]
    his = await Device.log_in(api, bob.email)

    answer = await api(REVOKE, {"input": {"traderId": str(ada.id)}}, token=callers.manager)
    again = await api(REVOKE, {"input": {"traderId": str(ada.id)}}, token=callers.manager)

    assert answer.data == {"permitRevoke": {"revokedCount": 3, "errors": []}}
    assert again.data == {"permitRevoke": {"revokedCount": 0, "errors": []}}
    assert [await is_taken(api, device.access) for device in hers] == [False, False, False]
    assert await is_taken(api, his.access)


async def test_revocation_outlasts_the_token_where_clocks_may_differ(
    settings: Settings, clock: ManualClock, start: Start, ada: str
) -> None:
    tolerant = settings.model_copy(update={"token_clock_skew_seconds": 300})
    first = await start(tolerant)
    device, other = await Device.log_in(first, ada), await Device.log_in(first, ada)
    await device.log_out()

    # The token is over, but for a clock that may be five minutes behind.
    clock.turn(minutes=15, seconds=299)
    late = await start(tolerant)

    assert await is_taken(late, other.access)
    assert not await is_taken(late, device.access)


async def test_neighbour_learns_over_redis(over_redis: Settings, start: Start, ada: str) -> None:
    here, there = await start(over_redis), await start(over_redis)
    device, other = await Device.log_in(here, ada), await Device.log_in(there, ada)
    assert await is_taken(there, device.access)

    await device.log_out()

    assert not await is_taken(here, device.access)
    await eventually(lambda: _is_refused(there, device.access))
    assert [await is_taken(api, other.access) for api in (here, there)] == [True, True]


async def test_neighbour_learns_of_outdated_claims(
    over_redis: Settings, start: Start, clock: ManualClock, database: Database
) -> None:
    here, there = await start(over_redis), await start(over_redis)
    ada = await make_trader(database)
    device = await Device.log_in(there, ada.email)
    clock.turn(seconds=1)
    token = Callers(here.services, clock).access(trader_id=ada.id + 1, roles=frozenset({"administrator"}))

    verified = await here(
        'mutation ($id: ID!) { traderVerify(input: {id: $id, dateJoined: "2020-01-01"}) { errors { code } } }',
        {"id": str(ada.id)},
        token=token,
    )

    assert verified.data == {"traderVerify": {"errors": []}}
    await eventually(lambda: _codes_are(there, device.access, ["TOKEN_EXPIRED"]))
    await device.renew()
    assert await is_taken(there, device.access)
    assert await is_taken(here, device.access)


async def test_process_that_starts_late_knows(over_redis: Settings, start: Start, ada: str) -> None:
    here = await start(over_redis)
    device = await Device.log_in(here, ada)
    await device.log_out()

    late = await start(over_redis)

    assert not await is_taken(late, device.access)


async def test_process_alone_knows_after_a_restart(settings: Settings, start: Start, ada: str) -> None:
    before = await start(settings)
    device, other = await Device.log_in(before, ada), await Device.log_in(before, ada)
    await device.log_out()

    after = await start(settings)

    assert not await is_taken(after, device.access)
    assert await is_taken(after, other.access)


async def test_what_was_revoked_while_redis_was_away_is_learned(
    over_redis: Settings, start: Start, wire: Wire, ada: str
) -> None:
    here, there = await start(over_redis), await start(by(wire, over_redis))
    devices = [await Device.log_in(here, ada) for _ in range(3)]

    await wire.cut()
    await devices[0].log_out()
    await eventually(lambda: _is_refused(there, devices[0].access))
    await wire.mend()
    await devices[1].log_out()

    await eventually(lambda: _is_refused(there, devices[1].access))
    assert await is_taken(there, devices[2].access)


async def test_what_a_cut_off_process_revoked_is_learned(
    over_redis: Settings, start: Start, wire: Wire, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "ALONE_SECONDS", 0.2)
    here, there = await start(by(wire, over_redis)), await start(over_redis)
    device = await Device.log_in(here, ada)

    await wire.cut()
    await device.log_out()

    # The news cannot get through, and who listens does not notice that.
    await eventually(lambda: _is_refused(there, device.access))


async def test_killed_subscription_loses_nothing(over_redis: Settings, start: Start, ada: str) -> None:
    name = uuid.uuid4().hex
    here = await start(over_redis)
    there = await start(over_redis.model_copy(update={"redis_url": SecretStr(f"{REDIS}?client_name={name}")}))
    devices = [await Device.log_in(here, ada) for _ in range(6)]

    async with Redis.from_url(REDIS) as redis:
        for device in devices:
            for client in await redis.client_list():
                if client["name"] == name:
                    await redis.client_kill_filter(_id=client["id"])
            await device.log_out()
            await eventually(partial(_is_refused, there, device.access))


async def test_frozen_connection_is_noticed(
    over_redis: Settings, start: Start, wire: Wire, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "ALONE_SECONDS", 0.2)
    here, there = await start(over_redis), await start(by(wire, over_redis))
    device = await Device.log_in(here, ada)

    wire.freeze()
    await device.log_out()

    await eventually(lambda: _is_refused(there, device.access))


async def test_garbage_in_the_channel_deafens_nobody(over_redis: Settings, start: Start, ada: str) -> None:
    here, there = await start(over_redis), await start(over_redis)
    device = await Device.log_in(here, ada)
    seals = there.services.identity.seals
    garbage = [b"", b"garbage", b"{}", b"[]", b'{"permitId": 1, "traderId": [], "before": 0, "until": 0}', b"\xff"]

    async with Redis.from_url(REDIS) as redis:
        for said in (*garbage, *(seals.seal(each, "access ended") for each in garbage)):
            assert await redis.publish(channel_of(seals), said) == 2
    await device.log_out()

    await eventually(lambda: _is_refused(there, device.access))


def test_another_service_on_the_same_redis_has_another_channel(tmp_path: Path) -> None:
    """Redis has one name space of channels for all its databases, and traders of every service count from 1."""
    here, there = (Settings(data_dir=tmp_path / name) for name in ("here", "there"))

    assert channel_of(make_seals(here)) == channel_of(make_seals(here))
    assert channel_of(make_seals(here)) != channel_of(make_seals(there))


async def test_news_of_a_forger_ends_nobodys_access(
    over_redis: Settings, start: Start, clock: ManualClock, ada: str
) -> None:
    """Who can reach Redis but has no pepper can neither lock anybody out nor fill the set."""
    there = await start(over_redis)
    device = await Device.log_in(there, ada)
    said = {
        "permitId": device.permit_id,
        "traderId": 1,
        "before": "2030-01-01T00:00Z",
        "until": "9999-01-01T00:00Z",
    }
    news = json.dumps(said).encode()
    forged = Seals(b"another pepper that is long enough").seal(news, "access ended")

    async with Redis.from_url(REDIS) as redis:
        for message in (news, forged):
            assert await redis.publish(channel_of(there.services.identity.seals), message) == 1
    clock.turn(seconds=1)
    await asyncio.sleep(0.1)

    assert await is_taken(there, device.access)


async def test_news_is_sent_before_a_process_ends(over_redis: Settings, clock: ManualClock, ada: str) -> None:
    async with Redis.from_url(REDIS) as redis, redis.pubsub() as channel:
        ending = create_app(over_redis, clock=clock)
        await channel.subscribe(channel_of(ending.state.services.identity.seals))
        async with ending.router.lifespan_context(ending), Api(ending) as api:
            device = await Device.log_in(api, ada)
            await device.log_out()

        kinds = []
        while (message := await channel.get_message(timeout=1)) is not None:
            kinds.append(message["type"])
        assert kinds == ["subscribe", "message"]


async def test_database_that_fails_for_a_while_ends_no_learning(
    settings: Settings, start: Start, database: Database, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "ALONE_SECONDS", 0.05)
    accepted = settings.model_copy(update={"workers": 2, "accept_revocation_delay": True})
    here, there = await start(accepted), await start(accepted)
    device = await Device.log_in(here, ada)

    for names in (("revocation", "away"), ("away", "revocation")):
        async with database.unit_of_work() as session:
            connection = await session.connection()
            await connection.exec_driver_sql(f"ALTER TABLE {names[0]} RENAME TO {names[1]}")
        await asyncio.sleep(0.3)
    await device.log_out()

    await eventually(lambda: _is_refused(there, device.access))


async def test_without_redis_an_accepted_delay_is_bounded_by_reading_the_database(
    settings: Settings, start: Start, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert push.ALONE_SECONDS == 5
    monkeypatch.setattr(push, "ALONE_SECONDS", 0.05)
    accepted = settings.model_copy(update={"workers": 2, "accept_revocation_delay": True})
    here, there = await start(accepted), await start(accepted)
    device, other = await Device.log_in(here, ada), await Device.log_in(here, ada)
    assert await is_taken(there, device.access)

    await device.log_out()

    await eventually(lambda: _is_refused(there, device.access))
    assert await is_taken(there, other.access)


async def test_process_alone_learns_what_the_command_line_ended(
    settings: Settings, start: Start, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process always may be there: the command line, or a second server on the same database."""
    monkeypatch.setattr(push, "ALONE_SECONDS", 0.05)
    here, command_line = await start(settings), await start(settings)
    device = await Device.log_in(here, ada)

    await Device(command_line, device.permit_id, device.access, device.refresh).log_out()

    await eventually(lambda: _is_refused(here, device.access))


SECRET = {"SHARES_SECRET": "s" * 32}


def test_several_workers_need_redis_or_an_accepted_delay() -> None:
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_environment({**SECRET, "SHARES_WORKERS": "2"})

    assert str(refused.value) == (
        "SHARES_WORKERS above 1 need SHARES_REDIS_URL, or SHARES_ACCEPT_REVOCATION_DELAY=true"
    )


@pytest.mark.parametrize(
    "given",
    [
        {"SHARES_WORKERS": "1"},
        {"SHARES_WORKERS": "2", "SHARES_ACCEPT_REVOCATION_DELAY": "true"},
        {"SHARES_WORKERS": "2", "SHARES_REDIS_URL": "redis://localhost"},
    ],
)
def test_workers_that_learn_somehow_are_allowed(given: dict[str, str]) -> None:
    assert Settings.from_environment({**SECRET, **given}).workers == int(given["SHARES_WORKERS"])


def test_expired_revocations_are_swept() -> None:
    clock = ManualClock()
    revocations = Revocations(clock)
    sizes = []

    for number in range(20_000):
        clock.turn(seconds=1)
        revocations.end_permit(f"permit-{number}", until=clock() + timedelta(minutes=15))
        revocations.outdate_trader(number, before=clock(), until=clock() + timedelta(minutes=15))
        sizes.append(len(revocations))

    # 2 x 900 are running at any time; the set is swept when it has doubled since.
    assert 2 * 900 <= max(sizes) <= 4 * 900 + 2


async def test_expired_revocations_are_deleted_from_the_database(
    api: Api, app_database: Database, clock: ManualClock, ada: str
) -> None:
    for _ in range(3):
        clock.turn(hours=1)
        await (await Device.log_in(api, ada)).log_out()

    async with app_database.reading() as session:
        rows = (await session.exec(select(Revocation.before))).all()

    assert list(rows) == [NOON + timedelta(hours=3)]


async def test_real_processes_tell_each_other_over_redis(
    database_url: str, redis_url: str, tmp_path: Path, ada: str
) -> None:
    shared = {"secret": "a secret of the tests that is long enough", "redis_url": redis_url}
    with (
        Server(tmp_path, database_url, **shared) as one,
        Server(tmp_path, database_url, **shared) as another,
    ):
        await asyncio.gather(one.ready(), another.ready())
        async with one.api() as here, another.api() as there:
            device, other = await Device.log_in(here, ada), await Device.log_in(there, ada)
            assert await is_taken(there, device.access)

            await device.log_out()

            assert not await is_taken(here, device.access)
            await eventually(lambda: _is_refused(there, device.access))
            assert await is_taken(there, other.access)


async def _is_refused(api: Api, access: str) -> bool:
    return not await is_taken(api, access)


async def _codes_are(api: Api, access: str, codes: list[str]) -> bool:
    return (await api(VERSION, token=access)).codes == codes
