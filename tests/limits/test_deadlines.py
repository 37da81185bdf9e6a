"""How long an operation may take, and that whatever takes longer ends with an answer."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from tests.callers import Api, Callers
from tests.factories import ManualClock
from tests.limits.conftest import Limited
from tests.sockets import connected

pytestmark = pytest.mark.anyio

# A log-in that fails takes as long as the setting says, whoever it is.
SLOW = 'mutation { permitLogIn(input: {email: "a@example.com", password: "Wrong-horse-9"}) { errors { code } } }'
HURRIED: dict[str, Any] = {"even_answer_milliseconds": 5_000, "execution_seconds": 0.5}

OUT_OF_TIME = {
    "message": "The operation took too long and was given up. Ask for less at a time, or try again shortly.",
    "extensions": {"code": "UNAVAILABLE"},
}


async def test_an_operation_that_takes_too_long_is_given_up(limited: Limited) -> None:
    app = await limited(**HURRIED)

    async with Api(app) as api:
        answer = await api(SLOW)
        another = await api("{ service { version } }")

    assert (answer.status, answer.body) == (503, {"errors": [OUT_OF_TIME]})
    assert int(answer.headers["Retry-After"]) > 0
    assert another.status == 200


async def test_it_is_given_up_over_a_socket_too_and_the_socket_stays(limited: Limited) -> None:
    app = await limited(**HURRIED)

    async with connected(app) as socket:
        await socket.begin()
        await socket.ask(SLOW)
        heard = await socket.hear_all()
        await socket.ask("{ service { __typename } }", "2")
        more = await socket.hear_all()

    assert heard == [{"id": "1", "type": "error", "payload": [OUT_OF_TIME]}]
    assert [message["type"] for message in more] == ["next", "complete"]


async def test_it_is_given_up_in_a_stream_too(limited: Limited) -> None:
    app = await limited(**HURRIED)

    async with Api(app) as api:
        response = await api.http.post("/graphql", json={"query": SLOW}, headers={"Accept": "text/event-stream"})

    assert response.status_code == 200
    assert '"code":"UNAVAILABLE"' in response.text
    assert response.text.count("event: next") == response.text.count("event: complete") == 1


class Never:
    """A reader whose statements take for ever; it counts those that were begun."""

    begun = 0

    def read(self, sql: str, values: object, *, is_short: bool) -> Awaitable[bytes | None]:
        self.begun += 1
        return asyncio.get_running_loop().create_future()


async def test_a_compiled_read_is_given_up_and_not_tried_another_way(
    limited: Limited, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient, hurried = await limited(), await limited(execution_seconds=0.05)
    token = Callers(patient.state.services, clock).skilled
    reader = Never()
    monkeypatch.setattr(hurried.state.services.database, "reader", reader)

    # What one server knows of a document, the other in the same process knows too.
    async with Api(patient) as api:
        known = await api("{ shares { id } }", token=token)
    async with Api(hurried) as api:
        answer = await api("{ shares { id } }", token=token, headers={"Accept-Language": "si"})

    assert (known.status, answer.status, answer.codes, reader.begun) == (200, 503, ["UNAVAILABLE"], 1)
    assert answer.headers["Content-Language"] == "si"
    assert "Retry-After" in answer.headers


async def test_a_subscription_goes_on(limited: Limited, monkeypatch: pytest.MonkeyPatch) -> None:
    from app import main
    from tests import streaming

    monkeypatch.setattr(main, "make_schema", streaming.make_schema)
    app = await limited(execution_seconds=0.02)

    async with connected(app) as socket:
        await socket.begin()
        # There is a tenth of a second between its results.
        await socket.ask("subscription { slow }")
        heard = await socket.hear_all()

    assert [message["type"] for message in heard] == ["next", "next", "complete"]
