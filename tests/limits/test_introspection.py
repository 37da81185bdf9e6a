"""Who may ask for the schema, and is told of names in it."""

from typing import Any

import pytest

from app.settings import Settings
from tests.callers import Api, Callers
from tests.factories import ManualClock
from tests.graph.conftest import quiet_app

pytestmark = pytest.mark.anyio

SCHEMA = "{ __schema { queryType { name } } }"
IN_A_FRAGMENT = '{ ...A } fragment A on Query { ... { __type(name: "Share") { name } } }'
MISSPELT = "{ servise { version } }"


def settings_with(settings: Settings, **changed: Any) -> Settings:
    return settings.model_copy(update=changed)


@pytest.mark.parametrize("document", [SCHEMA, IN_A_FRAGMENT])
@pytest.mark.parametrize(
    ("allowed", "stranger", "trader"),
    [("open", [], []), ("authenticated", ["BAD_REQUEST"], []), ("closed", ["BAD_REQUEST"], ["BAD_REQUEST"])],
)
async def test_the_schema_is_given_to_those_who_may_have_it(
    settings: Settings, clock: ManualClock, allowed: str, stranger: list[str], trader: list[str], document: str
) -> None:
    async with quiet_app(settings_with(settings, introspection=allowed), clock) as app, Api(app) as api:
        # The trader first: what is known of a document must not open it to others.
        codes_of_trader = (await api(document, token=Callers(app.state.services, clock).newcomer)).codes
        codes_of_stranger = (await api(document)).codes

    assert (codes_of_stranger, codes_of_trader) == (stranger, trader)


async def test_names_of_the_schema_are_suggested_to_those_who_may_see_it(
    settings: Settings, clock: ManualClock
) -> None:
    async with quiet_app(settings_with(settings, introspection="authenticated"), clock) as app, Api(app) as api:
        told = await api(MISSPELT, token=Callers(app.state.services, clock).newcomer)
        not_told = await api(MISSPELT)

    assert "service" in told.errors[0]["message"]
    assert "service" not in not_told.errors[0]["message"]


@pytest.mark.parametrize(("mode", "expected"), [("development", "open"), ("production", "authenticated")])
def test_strangers_see_the_schema_in_development_only(mode: str, expected: str) -> None:
    assert Settings().model_copy(update={"mode": mode}).effective_introspection == expected
