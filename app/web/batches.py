"""Several operations in one request: how many there may be, and what their answers are as a whole.

There is no standard for it. They are executed one after another, each as if it had come by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from strawberry.http import GraphQLHTTPResponse

from app.web.exchange import Exchange
from app.web.problems import MalformedRequest


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of one operation of a list.

    Attributes:
        status: The status that it would have been answered with alone.
        headers: The headers that it would have added to the answer.
    """

    answer: GraphQLHTTPResponse
    status: int
    headers: Mapping[str, str]


def hold_to_length(operations: Sequence[Any], most: int) -> None:
    """Hold a list of operations to how long it may be.

    Args:
        operations: The list, as it came.
        most: How many there may be; 0 for no list at all.

    Raises:
        MalformedRequest: It is longer, or there is nothing in it.
    """
    if not most:
        raise MalformedRequest(phrase="request-batch")
    if not operations:
        raise MalformedRequest(phrase="request-batch-empty")
    if len(operations) > most:
        raise MalformedRequest(phrase="request-batch-too-long", most=most)


def answer_as_a_whole(turns: Sequence[Turn], response: Response, exchange: Exchange) -> None:
    """Give a list of answers the status that all of them would have had alone; 200 if there are several."""
    exchange.tell([error for turn in turns for error in turn.answer.get("errors") or ()])
    first = turns[0]
    if all(turn.status == first.status for turn in turns):
        response.status_code = first.status
        response.headers.update(first.headers)
