"""A trader's device as the server sees it: logs in, renews, calls; keeps the tokens that it was given."""

from dataclasses import dataclass
from typing import Any, Self

from tests.callers import Answer, Api
from tests.factories import PASSWORD

LOG_IN = """
    mutation ($input: PermitLogInInput!) {
      permitLogIn(input: $input) {
        permit { id }
        tokens { accessToken refreshToken }
        errors { code path }
      }
    }
"""
RENEW = """
    mutation ($input: PermitRenewInput!) {
      permitRenew(input: $input) {
        permit { id }
        tokens { accessToken refreshToken }
        errors { code path }
      }
    }
"""
LOG_OUT = """
    mutation ($input: PermitLogOutInput!) {
      permitLogOut(input: $input) { revokedCount errors { code path } }
    }
"""
REVOKE = """
    mutation ($input: PermitRevokeInput!) {
      permitRevoke(input: $input) { revokedCount errors { code path } }
    }
"""
VERSION = "{ service { version } }"
INVALID_PERMIT = {
    "permit": None,
    "tokens": None,
    "errors": [{"code": "INVALID_PERMIT", "path": ["refreshToken"]}],
}


@dataclass
class Device:
    """What a device holds after it has logged in or renewed."""

    api: Api
    permit_id: str
    access: str
    refresh: str

    @classmethod
    async def log_in(cls, api: Api, email: str, *, password: str = PASSWORD) -> Self:
        answer = await api(LOG_IN, {"input": {"email": email, "password": password}})
        payload = answer.data["permitLogIn"]
        assert payload["errors"] == []
        return cls(api, payload["permit"]["id"], *_pair(payload))

    async def renew(self) -> None:
        """Renew and go on with the new tokens."""
        self.access, self.refresh = await renewed(self.api, self.refresh)

    async def log_out(self) -> None:
        answer = await self.api(LOG_OUT, {"input": {"refreshToken": self.refresh}})
        assert answer.data == {"permitLogOut": {"revokedCount": 1, "errors": []}}

    async def revoke(self, permit_id: str) -> None:
        answer = await self.api(REVOKE, {"input": {"permitId": permit_id}}, token=self.access)
        assert answer.data == {"permitRevoke": {"revokedCount": 1, "errors": []}}

    async def ask(self) -> Answer:
        """Ask for what is open to anyone, with the access token."""
        return await self.api(VERSION, token=self.access)


async def renew(api: Api, refresh: str) -> dict[str, Any]:
    """Renew by a refresh token and give the payload."""
    answer = await api(RENEW, {"input": {"refreshToken": refresh}})
    assert answer.status == 200
    payload: dict[str, Any] = answer.data["permitRenew"]
    return payload


async def renewed(api: Api, refresh: str) -> tuple[str, str]:
    """Renew by a refresh token that must be alive, and give the new access and refresh token."""
    payload = await renew(api, refresh)
    assert payload["errors"] == []
    return _pair(payload)


async def is_taken(api: Api, access: str) -> bool:
    """Say whether an access token is taken; if not, it must be refused as it should be."""
    answer = await api(VERSION, token=access)
    if answer.status == 200:
        assert answer.body == {"data": {"service": {"version": "1.0"}}}
        return True
    assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])
    return False


def _pair(payload: dict[str, Any]) -> tuple[str, str]:
    return payload["tokens"]["accessToken"], payload["tokens"]["refreshToken"]
