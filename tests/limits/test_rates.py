"""How often clients may ask, log in and try codes: by address, by trader, by alias, by socket, over processes."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette

from app.graph.directives import costs_a_hash
from app.main import make_schema
from app.security.seals import Seals
from app.web.rates import CODES, LOG_INS, MOST_COUNTED, Counts, CountsAway, RateLimits, Rates, TooOften
from tests.callers import Answer, Api, Callers
from tests.factories import ManualClock, make_trader
from tests.limits.conftest import Limited
from tests.sockets import Refused, connected

pytestmark = pytest.mark.anyio

VERSION = "{ service { version } }"
ME = "{ me { id } }"
SHARES = "{ shares { id } }"


def log_in(number: int) -> str:
    return (
        f'l{number}: permitLogIn(input: {{email: "trader{number}@example.com", password: "Wrong-horse-9"}}) '
        "{ errors { code } }"
    )


def guess(number: int) -> str:
    return (
        f'c{number}: permitConfirm(input: {{email: "a@example.com", securityCode: "{number:08}", '
        'password: "Wrong-horse-battery-9"}) { errors { code } }'
    )


def is_told_to_wait(answer: Answer) -> bool:
    """Say whether an answer is a refusal that says in the header and in the error alike how long to wait."""
    if answer.status != 429:
        return False
    seconds = int(answer.headers["Retry-After"])
    (error,) = answer.errors
    assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": seconds}
    # The tests' clock stands at the beginning of a minute.
    assert seconds == 60
    assert "data" not in answer.body
    return True


async def refusals(app: Starlette, documents: list[str], **others: Any) -> list[bool]:
    async with Api(app) as api:
        return [is_told_to_wait(await api(document, **others)) for document in documents]


async def test_an_address_has_so_many_requests_a_minute(limited: Limited) -> None:
    app = await limited(requests_per_minute=3)

    assert await refusals(app, [VERSION] * 5) == [False] * 3 + [True] * 2
    async with Api(app, address="192.0.2.2") as neighbour:
        assert (await neighbour(VERSION)).status == 200


async def test_what_is_no_operation_counts_as_a_request(limited: Limited) -> None:
    app = await limited(requests_per_minute=3)

    async with Api(app) as api:
        sent = [
            (await api.http.post("/graphql", content=b"nonsense")).status_code,
            (await api.http.get("/graphql?query=nonsense")).status_code,
            (await api(VERSION, token="nonsense")).status,
            (await api(VERSION, token="nonsense")).status,
        ]

    assert sent == [415, 200, 401, 429]


async def test_a_household_counts_as_one_address(limited: Limited) -> None:
    app = await limited(requests_per_minute=1)

    async with Api(app, address="2001:db8::1") as one, Api(app, address="2001:db8::2") as other:
        statuses = [(await one(VERSION)).status, (await other(VERSION)).status]

    assert statuses == [200, 429]


@pytest.mark.parametrize("document", [ME, SHARES])
async def test_a_trader_has_so_many_requests_from_all_addresses(
    limited: Limited, clock: ManualClock, document: str
) -> None:
    app = await limited(requests_per_minute=3)
    callers = Callers(app.state.services, clock)
    token = callers.skilled

    statuses = []
    for number in range(5):
        async with Api(app, address=f"192.0.2.{number}") as api:
            statuses.append((await api(document, token=token)).status)

    assert statuses == [200] * 3 + [429] * 2
    async with Api(app, address="192.0.2.1") as api:
        assert (await api(document, token=callers.access(trader_id=2))).status == 200


async def test_what_goes_the_ordinary_way_after_the_short_one_counts_once(
    limited: Limited, clock: ManualClock
) -> None:
    app = await limited(requests_per_minute=4)
    token = Callers(app.state.services, clock).skilled
    # The document is compiled, and no statement can be made for such a variable.
    document = "query One($id: ID!) { share(id: $id) { id } }"

    async with Api(app) as api:
        statuses = [(await api(document, {"id": {}}, token=token)).status for _ in range(5)]

    assert statuses == [200] * 4 + [429]


async def test_log_ins_are_counted_whoever_is_to_be_logged_in(limited: Limited) -> None:
    app = await limited(log_ins_per_minute=5)

    refused = await refusals(app, [f"mutation {{ {log_in(number)} }}" for number in range(8)])

    assert refused == [False] * 5 + [True] * 3


async def test_log_ins_by_alias_are_counted_each_and_none_is_tried_when_they_are_too_many(
    limited: Limited,
) -> None:
    app = await limited(log_ins_per_minute=10)
    await make_trader(app.state.services.database, email="trader0@example.com")
    many = " ".join(log_in(0).replace("l0:", f"l{number}:") for number in range(12))

    assert await refusals(app, [f"mutation {{ {many} }}"]) == [True]
    async with Api(app, address="192.0.2.2") as other:
        # Twelve tries would have locked the trader out.
        answer = await other(f"mutation {{ {log_in(0)} }}")
    assert answer.data == {"l0": {"errors": [{"code": "LOGIN_FAILED"}]}}


async def test_log_ins_in_fragments_count_as_often_as_they_are_done(limited: Limited) -> None:
    app = await limited(log_ins_per_minute=2)
    document = f"mutation {{ ...A ...A ...B {log_in(0)} }} fragment A on Mutation {{ {log_in(0)} }} "

    refused = await refusals(app, [document + f"fragment B on Mutation {{ {log_in(1)} }}", VERSION])

    assert refused == [False, False]
    assert await refusals(app, [f"mutation {{ {log_in(0)} }}", VERSION]) == [True, False]


async def test_guesses_of_codes_are_counted(limited: Limited) -> None:
    app = await limited(codes_per_minute=20)

    refused = await refusals(app, [f"mutation {{ {guess(number)} }}" for number in range(40)])

    assert refused == [False] * 20 + [True] * 20


async def test_codes_are_counted_for_the_trader_from_all_addresses(limited: Limited, clock: ManualClock) -> None:
    app = await limited(codes_per_minute=2)
    token = Callers(app.state.services, clock).newcomer
    guessing = 'mutation { twoFactorEnable(input: {code: "000000"}) { errors { code } } }'

    statuses = []
    for number in range(4):
        async with Api(app, address=f"192.0.2.{number}") as api:
            statuses.append((await api(guessing, token=token)).status)

    assert statuses == [200, 200, 429, 429]


async def test_every_field_that_checks_a_secret_is_counted() -> None:
    mutation = make_schema().graphql.mutation_type
    assert mutation is not None

    uncounted = {name for name, field in mutation.fields.items() if costs_a_hash(field)} - LOG_INS - CODES

    assert uncounted == set()
    assert set(mutation.fields) >= LOG_INS | CODES


async def test_operations_of_a_socket_count_as_requests_and_the_socket_stays(limited: Limited) -> None:
    app = await limited(requests_per_minute=3)

    async with connected(app) as socket:
        await socket.begin()
        heard = []
        for number in range(4):
            await socket.ask(VERSION, str(number))
            heard.append((await socket.hear_all())[-1])

    assert [message["type"] for message in heard] == ["complete", "complete", "error", "error"]
    assert [error["extensions"]["code"] for error in heard[-1]["payload"]] == ["RATE_LIMITED"]
    with pytest.raises(Refused) as refused:
        async with connected(app):
            pass
    assert refused.value.denied.status == 429
    assert int(refused.value.denied.headers["retry-after"]) in range(1, 61)


async def test_log_ins_over_sockets_count_with_all_others(limited: Limited) -> None:
    app = await limited(log_ins_per_minute=2)
    await refusals(app, [f"mutation {{ {log_in(1)} }}"])

    async with connected(app, address="127.0.0.1") as socket:
        await socket.begin()
        last = []
        for number in range(2):
            await socket.ask(f"mutation {{ {log_in(number)} }}", str(number))
            last.append((await socket.hear_all())[-1]["type"])

    assert last == ["complete", "error"]


async def test_a_stream_of_events_is_refused_by_a_status(limited: Limited) -> None:
    app = await limited(requests_per_minute=1)

    async with Api(app) as api:
        await api(VERSION)
        refused = await api(VERSION, headers={"Accept": "text/event-stream"})

    assert is_told_to_wait(refused)


async def test_the_refusal_is_in_the_language_that_is_wished_for(limited: Limited) -> None:
    app = await limited(requests_per_minute=1)

    async with Api(app) as api:
        await api(VERSION)
        refused = await api(VERSION, headers={"Accept-Language": "si"})

    assert refused.headers["Content-Language"] == "si"
    assert "තත්පර" in refused.errors[0]["message"]


# Behind proxies.


async def test_made_up_addresses_save_nothing(limited: Limited) -> None:
    app = await limited(requests_per_minute=2)

    async with Api(app) as api:
        statuses = [
            (
                await api(VERSION, headers={"X-Forwarded-For": f"192.0.2.{n}", "Forwarded": f"for=192.0.2.{n}"})
            ).status
            for n in range(4)
        ]

    assert statuses == [200, 200, 429, 429]


@pytest.mark.parametrize(
    ("header", "value"),
    [("x-forwarded-for", "203.0.113.9, 198.51.100.{n}"), ("forwarded", "for=203.0.113.9, for=198.51.100.{n}")],
)
async def test_clients_behind_a_trusted_proxy_count_each(limited: Limited, header: str, value: str) -> None:
    app = await limited(requests_per_minute=2, trusted_proxies="127.0.0.0/8", forwarded_header=header)

    async with Api(app) as api:
        statuses = [(await api(VERSION, headers={header: value.format(n=n)})).status for n in (1, 1, 1, 2)]

    assert statuses == [200, 200, 429, 200]


async def test_a_trusted_proxy_tells_that_the_client_came_by_https(limited: Limited) -> None:
    app = await limited(trusted_proxies="127.0.0.1")

    async with Api(app) as api:
        by_proxy = await api(VERSION, headers={"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"})
        made_up = await api(VERSION, headers={"X-Forwarded-Proto": "https"})

    assert "Strict-Transport-Security" in by_proxy.headers
    assert "Strict-Transport-Security" not in made_up.headers


# The counts themselves.


class Clock:
    """The seconds since 1970, at the beginning of a minute."""

    def __init__(self) -> None:
        self.now = 600.0

    def __call__(self) -> float:
        return self.now


def test_a_new_minute_begins_anew_when_it_was_told_to() -> None:
    clock = Clock()
    rates = Rates(RateLimits(requests=1, log_ins=0, codes=0), None, clock)
    clock.now += 18.5
    rates.count_request("a")

    with pytest.raises(TooOften) as refused:
        rates.count_request("a")
    clock.now += refused.value.params["seconds"]  # type: ignore[operator]

    rates.count_request("a")


def test_what_is_given_back_may_be_taken_again() -> None:
    rates = Rates(RateLimits(requests=2, log_ins=0, codes=0), None, Clock())
    quota = rates.quota_of_trader(1)
    quota.take()
    quota.take()

    with pytest.raises(TooOften):
        quota.take()
    quota.give_back()

    quota.take()


def test_nothing_is_given_back_of_a_minute_that_is_over() -> None:
    clock = Clock()
    quota = Rates(RateLimits(requests=1, log_ins=0, codes=0), None, clock).quota_of_trader(1)
    quota.take()

    clock.now += 60
    quota.give_back()

    quota.take()
    with pytest.raises(TooOften):
        quota.take()


async def test_what_was_forgotten_while_it_was_told_is_not_told_again() -> None:
    counts = Counts(Clock())
    counts.add("forgotten")

    class Overrun(Together):
        async def add(self, key: str, times: int, *, kept_seconds: int) -> int:
            for number in range(MOST_COUNTED):
                counts.add(str(number))
            raise CountsAway("ConnectionError")

    with pytest.raises(CountsAway):
        await counts.share(Overrun())
    together = Together()
    await counts.share(together)

    assert set(together.counts) == {f"10:{MOST_COUNTED - 1}"}


def test_no_more_is_remembered_than_there_is_room_for() -> None:
    counts = Counts(Clock())

    for number in range(MOST_COUNTED + 10):
        counts.add(str(number))

    assert len(counts._here) == 10  # noqa: SLF001 - what it holds is what is asked


class Together:
    """Counts that are shared within the test; `away` says in turn whether they can be reached."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.away: Iterator[bool] = iter(())

    async def add(self, key: str, times: int, *, kept_seconds: int) -> int:
        if next(self.away, False):
            raise CountsAway("ConnectionError")
        self.counts[key] = self.counts.get(key, 0) + times
        return self.counts[key]

    async def close(self) -> None:
        pass


async def test_processes_add_up_what_they_have_told_each_other() -> None:
    together, clock = Together(), Clock()
    here, there = Counts(clock), Counts(clock)
    here.add("a", 2)
    there.add("a", 3)

    await here.share(together)
    await there.share(together)
    here.add("a")
    await here.share(together)

    assert (here.add("a", 0), there.add("a", 0)) == (6, 5)


async def test_what_could_not_be_told_is_told_later_and_once() -> None:
    together, clock = Together(), Clock()
    here = Counts(clock)
    for key in "abc":
        here.add(key)
    together.away = iter((False, True))

    with pytest.raises(CountsAway):
        await here.share(together)
    here.add("a")
    await here.share(together)

    assert together.counts == {"10:a": 2, "10:b": 1, "10:c": 1}
    assert [here.add(key, 0) for key in "abc"] == [2, 1, 1]


async def test_minutes_are_not_mixed_up_while_they_are_told() -> None:
    together, clock = Together(), Clock()
    here = Counts(clock)
    here.add("a", 5)
    clock.now += 60
    here.add("b")

    await here.share(together)

    assert together.counts == {"11:b": 1}
    assert (here.add("a", 0), here.add("b", 0)) == (0, 1)


async def test_two_servers_with_one_redis_count_log_ins_together(
    limited: Limited,
    redis_url: str,
) -> None:
    chosen = {"log_ins_per_minute": 3, "redis_url": redis_url, "requests_per_minute": 100}
    here, there = await limited(**chosen), await limited(**chosen)

    refused = []
    for app in (here, there) * 3:
        refused += await refusals(app, [f"mutation {{ {log_in(1)} }}"])

    assert refused == [False] * 3 + [True] * 3


async def test_a_server_counts_by_itself_while_redis_is_away(limited: Limited) -> None:
    app = await limited(log_ins_per_minute=2, redis_url="redis://127.0.0.1:1/0")

    assert await refusals(app, [f"mutation {{ {log_in(1)} }}"] * 4) == [False, False, True, True]


async def test_requests_are_told_over_redis(redis_url: str) -> None:
    from app.web.rates_over_redis import RedisCounts

    seals = Seals(f"the pepper of a test that no other has: {uuid.uuid4()}".encode())
    shared = [RedisCounts(redis_url, seals) for _ in range(2)]
    clock = Clock()
    here, there = Counts(clock), Counts(clock)
    here.add("a", 2)
    there.add("a", 3)

    await here.share(shared[0])
    await there.share(shared[1])

    assert there.add("a", 0) == 5
    for each in shared:
        await each.close()
