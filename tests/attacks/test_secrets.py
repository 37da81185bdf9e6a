"""Attacks on passwords and codes, with the limits that a server has by itself: each ends after a few real tries.

What one limit does alone is in `tests/identity/test_lockout.py`, `tests/identity/test_codes.py` and
`tests/limits/test_rates.py`; that answers take the same time, in `tests/identity/test_even_time.py`.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from app.settings import Settings
from tests.attacks.conftest import Target, attacked
from tests.callers import Answer, Api
from tests.factories import PASSWORD, UNLIMITED, ManualClock, make_trader
from tests.identity.desk import ADA, NEW_PASSWORD, Desk, document
from tests.limits.conftest import Limited
from tests.sockets import connected

pytestmark = pytest.mark.anyio

NOBODY = "nobody@example.com"
WRONG = "Wrong-horse-battery-9"
# What the settings are where nobody has chosen any.
USUAL = {name: Settings.model_fields[name].default for name in UNLIMITED}
# A window of one clock minute, of which the tests' clock stands at the beginning.
LOG_INS, CODES, FAILURES, CODE_TRIES = 20, 20, 5, 5

FAILED, LOCKED, THROTTLED = "LOGIN_FAILED", "TOO_MANY_ATTEMPTS", "RATE_LIMITED"


def log_in(email: str, password: str = WRONG, alias: str = "permitLogIn") -> str:
    return f'{alias}: permitLogIn(input: {{email: "{email}", password: "{password}"}}) {{ errors {{ code }} }}'


def codes_of(answer: dict[str, Any]) -> list[str]:
    """The codes of an answer: the top-level ones, or those of its payloads."""
    if "errors" in answer:
        assert answer.get("data") is None
        return [error["extensions"]["code"] for error in answer["errors"]]
    return [error["code"] for payload in answer["data"].values() for error in payload["errors"]]


async def failures(desk: Desk) -> int:
    """How many tries the audit trail has; those at accounts that are none leave nothing there."""
    return (await desk.actions()).count(FAILED)


@pytest.fixture
async def app(limited: Limited) -> Starlette:
    """An application with an account that is worth an attack."""
    app = await limited(**USUAL)
    await make_trader(app.state.services.database, email=ADA)
    return app


@pytest.fixture
def desk(app: Starlette, clock: ManualClock, tmp_path: Path) -> Desk:
    """What the account's owner and the operator see."""
    return Desk(app, Api(app, address="198.51.100.1"), clock, tmp_path)


async def send(app: Starlette, operation: str, *, address: str = "192.0.2.1", **headers: str) -> Answer:
    async with Api(app, address=address) as api:
        return await api(operation, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("email", [ADA, NOBODY])
async def test_30_wrong_passwords_are_five_tries(app: Starlette, desk: Desk, email: str) -> None:
    answers = [await send(app, f"mutation {{ {log_in(email, f'{WRONG}{n}')} }}") for n in range(30)]

    assert [(each.status, codes_of(each.body)) for each in answers] == (
        [(200, [FAILED])] * FAILURES + [(200, [LOCKED])] * (LOG_INS - FAILURES) + [(429, [THROTTLED])] * 10
    )
    assert {each.headers["retry-after"] for each in answers[LOG_INS:]} == {"60"}
    assert await failures(desk) == (FAILURES if email == ADA else 0)


@pytest.mark.parametrize("email", [ADA, NOBODY])
async def test_30_wrong_passwords_from_30_addresses_are_five_tries_and_the_right_one_comes_too_late(
    app: Starlette, desk: Desk, email: str
) -> None:
    answers = [
        await send(app, f"mutation {{ {log_in(email, f'{WRONG}{n}')} }}", address=f"192.0.2.{n}")
        for n in range(30)
    ]
    right = await send(app, f"mutation {{ {log_in(email, PASSWORD)} }}", address="192.0.2.99")

    assert [codes_of(each.body) for each in answers] == [[FAILED]] * FAILURES + [[LOCKED]] * 25
    assert codes_of(right.body) == [LOCKED]
    assert await failures(desk) == (FAILURES if email == ADA else 0)


async def test_spraying_one_password_over_many_accounts_is_throttled_known_or_not(
    app: Starlette, desk: Desk
) -> None:
    emails = [f"trader{number}@example.com" for number in range(30)]
    for email in emails[::2]:
        await make_trader(desk.database, email=email)

    answers = [await send(app, f"mutation {{ {log_in(email)} }}") for email in emails]
    right = await send(app, f"mutation {{ {log_in(emails[0], PASSWORD)} }}")

    assert [codes_of(each.body) for each in answers] == [[FAILED]] * LOG_INS + [[THROTTLED]] * 10
    assert (right.status, codes_of(right.body)) == (429, [THROTTLED])
    # Half of those who were tried are there.
    assert Counter(await desk.actions()) == {FAILED: LOG_INS // 2}


async def test_30_wrong_passwords_by_alias_are_refused_whole_or_counted_each(app: Starlette, desk: Desk) -> None:
    def aliases(number: int) -> str:
        return (
            "mutation { " + " ".join(log_in(f"trader{n}@example.com", alias=f"a{n}") for n in range(number)) + " }"
        )

    too_many = await send(app, aliases(30))
    fifteen = await send(app, aliases(15))
    fifteen_more = await send(app, aliases(15))

    assert (too_many.status, codes_of(too_many.body)) == (200, ["COST_EXCEEDED"])
    assert codes_of(fifteen.body) == [FAILED] * 15
    assert (fifteen_more.status, codes_of(fifteen_more.body)) == (429, [THROTTLED])
    assert await desk.actions() == []


async def test_30_wrong_passwords_by_batch_are_not_tried_at_all(app: Starlette, desk: Desk) -> None:
    batch = [{"query": f"mutation {{ {log_in(ADA)} }}"}] * 30

    async with Api(app) as api:
        response = await api.http.post("/graphql", json=batch)

    assert (response.status_code, codes_of(response.json())) == (400, ["BAD_REQUEST"])
    assert await desk.actions() == []
    assert codes_of((await send(app, f"mutation {{ {log_in(ADA, PASSWORD)} }}")).body) == []


@pytest.mark.parametrize("sockets", [1, 6])
@pytest.mark.parametrize("email", [ADA, NOBODY])
async def test_30_wrong_passwords_by_socket_are_five_tries(
    app: Starlette, desk: Desk, email: str, sockets: int
) -> None:
    told: list[str] = []
    async with AsyncExitStack() as opened:
        several = [await opened.enter_async_context(connected(app)) for _ in range(sockets)]
        for socket in several:
            await socket.begin()
        for number in range(30):
            socket = several[number % sockets]
            await socket.ask(f"mutation {{ {log_in(email)} }}", str(number))
            heard = (await socket.hear_all())[0]
            told += codes_of(heard["payload"] if heard["type"] == "next" else {"errors": heard["payload"]})

    assert told == [FAILED] * FAILURES + [LOCKED] * (LOG_INS - FAILURES) + [THROTTLED] * 10
    assert await failures(desk) == (FAILURES if email == ADA else 0)


FORWARDED: dict[str, str] = {
    "x_forwarded_for": "203.0.113.{n}",
    "forwarded": "for=203.0.113.{n}",
    "x_real_ip": "203.0.113.{n}",
    "x_client_ip": "203.0.113.{n}",
    "cf_connecting_ip": "203.0.113.{n}",
    "x_device_signature": "device {n}",
    "user_agent": "agent {n}",
}


@pytest.mark.parametrize("header", FORWARDED)
async def test_30_wrong_passwords_under_a_rotating_x_forwarded_for_are_throttled(
    app: Starlette, header: str
) -> None:
    answers = [
        await send(
            app, f"mutation {{ {log_in(f'trader{n}@example.com')} }}", **{header: FORWARDED[header].format(n=n)}
        )
        for n in range(30)
    ]

    assert [codes_of(each.body) for each in answers] == [[FAILED]] * LOG_INS + [[THROTTLED]] * 10


Guess = Callable[[Desk, str, str], Awaitable[Answer]]


async def reset(desk: Desk, email: str, code: str) -> Answer:
    return await desk.send("permitResetPassword", email=email, securityCode=code, newPassword=NEW_PASSWORD)


async def confirm(desk: Desk, email: str, code: str) -> Answer:
    return await desk.send("permitConfirm", email=email, securityCode=code, password=PASSWORD)


INCORRECT = "INCORRECT_SECURITY_CODE"


@pytest.mark.parametrize("email", [ADA, NOBODY])
async def test_40_code_guesses_are_five_tries_and_the_right_one_comes_too_late(
    app: Starlette, desk: Desk, email: str
) -> None:
    code = await desk.reset_code()
    wrong = [f"{(int(code) + number) % 10**6:06}" for number in range(1, 41)]

    async with Api(app) as api:
        guesser = Desk(app, api, desk.clock, desk.data_dir)
        answers = [await reset(guesser, email, guess) for guess in wrong]
    late = await reset(desk, email, code)

    assert [(each.status, codes_of(each.body)) for each in answers] == (
        [(200, [INCORRECT])] * CODES + [(429, [THROTTLED])] * 20
    )
    # The owner is not throttled, but the code is dead: another is to be asked for.
    assert codes_of(late.body) == [INCORRECT]


@pytest.mark.parametrize("email", [ADA, NOBODY])
async def test_40_code_guesses_from_40_addresses_are_five_tries(app: Starlette, desk: Desk, email: str) -> None:
    code = await desk.reset_code()
    answers = []
    for number in range(40):
        async with Api(app, address=f"192.0.2.{number}") as api:
            # The last one is right.
            guess = f"{(int(code) + 39 - number) % 10**6:06}"
            answers.append(await reset(Desk(app, api, desk.clock, desk.data_dir), email, guess))

    assert [(each.status, codes_of(each.body)) for each in answers] == [(200, [INCORRECT])] * 40
    assert Counter(await desk.actions())["PASSWORD_RESET"] == 0


@pytest.mark.parametrize("mutation", ["permitResetPassword", "permitConfirm"])
async def test_40_code_guesses_by_alias_are_not_tried_at_all(app: Starlette, desk: Desk, mutation: str) -> None:
    secret = "newPassword" if mutation == "permitResetPassword" else "password"
    fields = " ".join(
        f'a{n}: {mutation}(input: {{email: "{ADA}", securityCode: "{n:06}", {secret}: "{NEW_PASSWORD}"}}) '
        "{ errors { code } }"
        for n in range(40)
    )

    answer = await send(app, f"mutation {{ {fields} }}")

    assert (answer.status, codes_of(answer.body)) == (200, ["COST_EXCEEDED"])
    assert await desk.actions() == []


@pytest.mark.parametrize("email", [ADA, NOBODY])
async def test_40_codes_that_are_asked_for_are_one_mail_and_then_throttled(
    app: Starlette, desk: Desk, email: str
) -> None:
    ask = document("permitRequestCode")
    variables = {"input": {"email": email, "purpose": "CHANGE_PASSWORD"}}

    async with Api(app) as api:
        answers = [await api(ask, variables) for _ in range(40)]

    assert [(each.status, codes_of(each.body)) for each in answers[:CODES]] == (
        [(200, [])] + [(200, [LOCKED])] * (CODES - 1)
    )
    assert [(each.status, codes_of(each.body)) for each in answers[CODES:]] == [(429, [THROTTLED])] * 20
    assert len(await desk.mails()) == (email == ADA)


@pytest.mark.parametrize(
    ("mutation", "given"),
    [
        ("permitLogIn", {"password": WRONG}),
        ("permitRegister", {"password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"}),
        ("permitRequestCode", {"purpose": "CHANGE_PASSWORD"}),
        ("permitRequestCode", {"purpose": "CONFIRM_EMAIL"}),
        ("permitConfirm", {"securityCode": "000000", "password": WRONG}),
        ("permitResetPassword", {"securityCode": "000000", "newPassword": NEW_PASSWORD}),
    ],
)
async def test_log_in_and_registration_answer_known_and_unknown_alike_to_the_byte(
    app: Starlette, mutation: str, given: dict[str, str]
) -> None:
    told = []
    for email in (ADA, NOBODY):
        async with Api(app) as api:
            variables = {"input": {"email": email, **given}}
            response = await api.http.post("/graphql", json={"query": document(mutation), "variables": variables})
        # How long each took is for the even time of answers to hide, which other tests are about.
        differing = ("x-ms-request-id", "server-timing")
        headers = {name: value for name, value in response.headers.items() if name not in differing}
        told.append((response.status_code, headers, response.content))

    assert told[0] == told[1]


@pytest.fixture(scope="module")
def target(folder: Path) -> Iterator[Target]:
    with attacked(folder / "data", **{name: str(most) for name, most in USUAL.items()}) as target:
        yield target


def test_30_wrong_passwords_at_once_are_five_tries_for_a_process_too(target: Target) -> None:
    operation = {"query": f"mutation {{ {log_in('skilled@example.com')} }}"}

    def attack(number: int) -> list[str]:
        headers = {"X-Forwarded-For": f"203.0.113.{number}"}
        response = httpx.post(f"{target.server.base_url}/graphql", json=operation, headers=headers)
        return codes_of(response.json())

    with target.serving_others(), ThreadPoolExecutor(10) as attackers:
        told = Counter(code for codes in attackers.map(attack, range(30)) for code in codes)

    assert (told[FAILED], told[LOCKED] + told[THROTTLED]) == (FAILURES, 30 - FAILURES)
    actions = [row for row in target.contents()["audit_event"] if FAILED in row]
    assert len(actions) == FAILURES
