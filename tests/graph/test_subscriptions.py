"""Subscriptions have doors like all other root fields; those that are served are held to them in tests/web."""

from collections.abc import AsyncGenerator

import pytest
import strawberry

from app.domain.policies import SKILLED_TRADERS
from app.graph.permissions import FieldWithoutPolicy
from app.graph.schema import SecuredSchema
from app.main import VERSION
from tests.streaming import SCHEMA


async def _numbers() -> AsyncGenerator[int, None]:
    yield 1


def test_a_subscription_without_a_policy_does_not_build() -> None:
    @strawberry.type(name="Subscription")
    class Open:
        field: AsyncGenerator[int, None] = strawberry.subscription(resolver=_numbers, description="The field.")

    with pytest.raises(FieldWithoutPolicy, match=r"^Subscription\.field has no policy$"):
        SecuredSchema(VERSION, subscription=Open)


def test_the_policy_of_a_subscription_is_printed_and_shown() -> None:
    assert "countedForSkilled(" in SCHEMA.sdl
    assert f"@authorize(policy: {SKILLED_TRADERS.name})" in SCHEMA.sdl.partition("type Subscription")[2]
    root = SCHEMA.graphql.subscription_type
    assert root is not None
    assert str(root.fields["countedForSkilled"].description).endswith("Policy: SKILLED_TRADERS")
