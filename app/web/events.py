"""Answers as a stream of events, by the distinct connections mode of `graphql-sse`.

Source: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse
from starlette.types import Send
from strawberry.http.streaming import SSETransport

from app.web.media_types import EVENT_STREAM

EVENT_HEADERS: Mapping[str, str] = SSETransport.headers
"""What a stream is sent with: no proxy is to keep it, change it or hold it back."""

HEARTBEAT_SECONDS = 15.0
"""How long a stream is silent at most: proxies end connections that are silent for a minute, or half of one."""


class EventTransport(SSETransport):
    """The frames of a stream."""

    def __init__(self) -> None:
        super().__init__(HEARTBEAT_SECONDS)


_FRAMES = EventTransport()


class EventStream(StreamingResponse):
    """A stream that closes its source as soon as it ends, however it does."""

    def __init__(self, events: AsyncGenerator[str, None]) -> None:
        super().__init__(events, headers=dict(EVENT_HEADERS))
        self.events = events

    async def stream_response(self, send: Send) -> None:
        """Send the events; where sending fails because nobody listens any more, no one else ends the source."""
        async with aclosing(self.events):
            await super().stream_response(send)


def single_answer(answer: Mapping[str, Any]) -> Response:
    """Give an answer that is known already as a stream that ends with it."""
    text = _FRAMES.encode_next(answer, lambda said: orjson.dumps(said).decode()) + _FRAMES.encode_complete()  # type: ignore[arg-type]
    return Response(text, headers=dict(EVENT_HEADERS), media_type=EVENT_STREAM)
