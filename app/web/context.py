"""From a request's headers to what resolvers may know of it."""

import logging
import re
from datetime import datetime
from time import perf_counter_ns

from starlette.requests import HTTPConnection

from app.graph.context import Context, Services
from app.graph.schema import SecuredSchema
from app.kit.client import Client
from app.kit.problem import Problem
from app.security.tokens import AccessClaims, InvalidToken, Tokens
from app.web.exchange import AUTH, exchange_of
from app.web.locale import negotiate

BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] ([A-Za-z0-9\-._~+/]+=*)")
"""The header Authorization with an access token: one space, then token68 (RFC 6750, section 2.1)."""


logger = logging.getLogger("app")


def authenticate(request: HTTPConnection, tokens: Tokens) -> AccessClaims | None:
    """Verify the request's access token; None if there is none. Runs no statement.

    Raises:
        ExpiredToken: The token was right, but has expired.
        InvalidToken: It is not one of ours, or there is more than one.
    """
    headers = request.headers.getlist("authorization")
    if not headers:
        return None
    match = BEARER.fullmatch(headers[0])
    if match is None or len(headers) > 1:
        raise InvalidToken
    return tokens.read_access(match[1])


def make_context(request: HTTPConnection, services: Services, schema: SecuredSchema, now: datetime) -> Context:
    """Make the context of an operation; what is wrong with its token is noted there."""
    exchange, began = exchange_of(request.scope), perf_counter_ns()
    claims: AccessClaims | None = None
    fault: Problem | None = None
    try:
        claims = authenticate(request, services.identity.tokens)
        if claims is not None:
            services.revocations.hold_against(claims)
    except InvalidToken as problem:
        claims, fault = None, problem
    exchange.passed(AUTH, began)
    exchange.trader_id = None if claims is None else claims.trader_id
    request_id = exchange.name_operation()

    def log_failure(error: BaseException, where: str) -> None:
        logger.error("request %s failed at %s", request_id, where or "the door", exc_info=error)

    return Context(
        services=services,
        claims=claims,
        token_fault=fault,
        now=now,
        locale=negotiate(",".join(request.headers.getlist("accept-language")), services.phrases.locales),
        version=schema.version,
        request_id=request_id,
        client=Client.read(request.headers.get),
        shelves=schema.shelves,
        log_failure=log_failure,
        notes=exchange,
    )
