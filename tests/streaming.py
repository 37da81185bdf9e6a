"""A schema that has subscriptions, served as the real one is: here, or by `python -m tests.streaming`."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from app import main
from app.__main__ import main as command_line
from app.domain.policies import ANYONE, SKILLED_TRADERS
from app.graph.directives import Constraint
from app.graph.permissions import authorize
from app.graph.schema import SecuredSchema

opened: list[str] = []
"""The sources that are open."""
openings: list[str] = []
"""The sources that were ever opened."""


async def _numbers(most: int | None) -> AsyncGenerator[int, None]:
    opened.append("numbers")
    openings.append("numbers")
    try:
        number = 0
        while most is None or number < most:
            number += 1
            yield number
            if most is None:
                await asyncio.sleep(0.01)
    finally:
        opened.remove("numbers")


async def _counted(
    most: Annotated[
        int | None, strawberry.argument(directives=[Constraint(min=1.0, max=100.0)], description="Where to stop.")
    ] = None,
) -> AsyncGenerator[int, None]:
    async for number in _numbers(most):
        yield number


async def _broken() -> AsyncGenerator[int, None]:
    yield 1
    raise RuntimeError("a secret of the source")


async def _slow() -> AsyncGenerator[int, None]:
    yield 1
    await asyncio.sleep(0.1)
    yield 2


async def _quiet() -> AsyncGenerator[int, None]:
    opened.append("quiet")
    openings.append("quiet")
    try:
        yield 1
        await asyncio.Event().wait()
    finally:
        opened.remove("quiet")


async def _stuck() -> AsyncGenerator[int, None]:
    yield 1
    # Nothing else gets a turn meanwhile.
    time.sleep(600)  # noqa: ASYNC251 - it is what is wanted


async def _open() -> AsyncGenerator[int, None]:
    yield len(opened)


async def _tagged(tag: str) -> AsyncGenerator[str, None]:
    yield tag


@strawberry.type
class Subscription:
    """Numbers for everyone, and for some."""

    counted: AsyncGenerator[int, None] = strawberry.subscription(
        resolver=_counted, description="Numbers.", directives=[authorize(ANYONE)]
    )
    counted_for_skilled: AsyncGenerator[int, None] = strawberry.subscription(
        resolver=_counted, description="Numbers for few.", directives=[authorize(SKILLED_TRADERS)]
    )
    broken: AsyncGenerator[int, None] = strawberry.subscription(
        resolver=_broken, description="A number, then a failure.", directives=[authorize(ANYONE)]
    )
    slow: AsyncGenerator[int, None] = strawberry.subscription(
        resolver=_slow, description="A number, and after a while another.", directives=[authorize(ANYONE)]
    )
    quiet: AsyncGenerator[int, None] = strawberry.subscription(
        resolver=_quiet, description="A number, and nothing more for ever.", directives=[authorize(ANYONE)]
    )
    stuck: AsyncGenerator[int, None] = strawberry.subscription(
        resolver=_stuck, description="A number, and then nothing from anybody.", directives=[authorize(ANYONE)]
    )
    open: AsyncGenerator[int, None] = strawberry.subscription(
        resolver=_open, description="How many sources are open.", directives=[authorize(ANYONE)]
    )
    tagged: AsyncGenerator[str, None] = strawberry.subscription(
        resolver=_tagged, description="What was given.", directives=[authorize(ANYONE)]
    )


SCHEMA = SecuredSchema(main.VERSION, subscription=Subscription)


def make_schema() -> SecuredSchema:
    """Stand in for the function of the same name that the application is made with."""
    return SCHEMA


# The second is what the processes call it that a server of several starts.
if __name__ in ("__main__", "__mp_main__"):
    main.make_schema = make_schema  # type: ignore[assignment]
if __name__ == "__main__":
    sys.exit(command_line())
