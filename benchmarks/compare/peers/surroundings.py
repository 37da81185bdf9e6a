"""What every peer is told by its environment: the database, and how access tokens are to be verified."""

import os
from typing import Any

from jose import jwt

DATABASE = os.environ["BENCHMARK_DATABASE"]
_SECRET = os.environ["BENCHMARK_SECRET"]
_ISSUER = os.environ["BENCHMARK_ISSUER"]
_AUDIENCE = os.environ["BENCHMARK_AUDIENCE"]


def verified(token: str) -> dict[str, Any]:
    """Verify a token with python-jose and give its claims.

    Raises:
        jose.exceptions.JWTError: The token is not valid.
    """
    return jwt.decode(token, _SECRET, algorithms=["HS256"], issuer=_ISSUER, audience=_AUDIENCE)
