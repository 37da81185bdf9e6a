"""What limits are tested with."""

from tests.permits.conftest import redis_url

__all__ = ["redis_url"]
