"""The application as servers call it: the short way first, then Starlette's routes."""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from app.web.compiled import CompiledReads


class Application(Starlette):
    """Starlette's application, with a short way for requests that need nothing of it.

    Attributes:
        compiled_reads: What answers compiled operations, by the path that they are sent to.
    """

    compiled_reads: Mapping[str, CompiledReads]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request the short way, or else by the routes."""
        if scope["type"] == "http":
            reads = self.compiled_reads.get(scope["path"])
            if reads is not None:
                remaining = await reads.answer(scope, receive, send)
                if remaining is None:
                    return
                receive = remaining
        await super().__call__(scope, receive, send)
