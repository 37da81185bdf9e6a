"""The two ways to an answer, side by side."""

from typing import Any

from starlette.applications import Starlette

from app.graph.context import Services
from app.web.compiled import ShortWay
from tests.callers import Answer, Api, Callers
from tests.compiler.operations import Operation
from tests.factories import ManualClock


class Watched:
    """The short way, told for each request whether it was taken."""

    def __init__(self, reads: ShortWay) -> None:
        self.taken = 0
        self._answer = reads.answer

    async def answer(self, *asgi: Any) -> Any:
        left = await self._answer(*asgi)
        self.taken += left is None
        return left


class Both:
    """The same database behind an application that compiles, and one that does not."""

    def __init__(self, compiling: Starlette, executing: Starlette, clock: ManualClock) -> None:
        self.services: Services = compiling.state.services
        self.watched = Watched(compiling.state.views["1.0"].short_way)
        compiling.state.views["1.0"].short_way = self.watched
        executing.state.views["1.0"].short_way = None
        self._skilled = Callers(self.services, clock).skilled
        self._compiling, self._executing = compiling, executing

    async def executed(self, document: str) -> Answer:
        """Give the executed answer alone, to a skilled trader."""
        async with Api(self._executing) as executing:
            return await executing(document, token=self._skilled)

    async def ask(self, operation: Operation, token: str | None) -> tuple[Answer, Answer, bool]:
        """Give the compiled answer, the executed one, and whether the first was compiled indeed."""
        async with Api(self._compiling) as compiling, Api(self._executing) as executing:
            # The first time nobody knows the document.
            await compiling(operation.document, operation.variables, token=self._skilled)
            before = self.watched.taken
            compiled = await compiling(operation.document, operation.variables, token=token)
            executed = await executing(operation.document, operation.variables, token=token)
        return compiled, executed, self.watched.taken > before
