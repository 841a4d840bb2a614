"""Label Studio's two kinds of API token: from the environment, onto requests, never shown."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from typing import TYPE_CHECKING

from erranal.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Generator

    import httpx

PLAUSIBLE = re.compile(r"[A-Za-z0-9_.=-]+")

MISSING = (
    "no Label Studio token in the environment variable {variable}: copy one from Account & Settings"
    " on the server (a personal access token or a legacy token; `erranal rounds serve` writes some"
    " for the server it starts) and `export {variable}=...`"
)
REFUSED = (
    "{url} refused the token in {variable}: {why}. Legacy tokens work only where the organisation"
    " allows them; personal access tokens expire. Copy a new one from Account & Settings"
)


def token_from(variable: str) -> str:
    """Return the token in an environment variable.

    Raises
    ------
    StageError
        When the variable is not set or empty.
    """
    if not os.environ.get(variable, "").strip():
        raise StageError(MISSING.format(variable=variable))
    if not PLAUSIBLE.fullmatch(os.environ[variable].strip()):
        raise StageError(f"{variable} holds characters that no Label Studio token has")
    return os.environ[variable].strip()


def is_personal(token: str) -> bool:
    """Tell a personal access token (a JWT that is exchanged for access) from a legacy one."""
    parts = token.split(".")
    if len(parts) != 3:
        return False
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return False
    return isinstance(claims, dict) and "exp" in claims


class Authorization:
    """Put the token on every request; exchange a personal one for access when it is due.

    The token is on the wire and in this object only. Access that an answer calls expired is
    renewed once for that request.

    Parameters
    ----------
    url
        Address of the server, without a trailing slash.
    variable
        Environment variable with the token.
    """

    def __init__(self, url: str, variable: str) -> None:
        self._url, self._variable = url, variable
        self._token = token_from(variable)
        self._personal = is_personal(self._token)
        self._access: str | None = None

    def __repr__(self) -> str:
        kind = "personal access token" if self._personal else "legacy token"
        return f"<{kind} from {self._variable}>"

    def for_httpx(self) -> httpx.Auth:
        """Return this as httpx takes it."""
        import httpx

        steps = self._steps

        class Steps(httpx.Auth):
            def auth_flow(
                self, request: httpx.Request
            ) -> Generator[httpx.Request, httpx.Response, None]:
                yield from steps(request)

        return Steps()

    def _steps(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if not self._personal:
            request.headers["Authorization"] = f"Token {self._token}"
            yield request
            return
        fresh = self._access is None
        if fresh:
            self._keep((yield self._exchange()))
        request.headers["Authorization"] = f"Bearer {self._access}"
        response = yield request
        if response.status_code == 401 and not fresh:
            self._keep((yield self._exchange()))
            request.headers["Authorization"] = f"Bearer {self._access}"
            yield request

    def refused(self, why: str) -> StageError:
        """Return the error for an answer 401 or 403, which names the variable and no token."""
        return StageError(REFUSED.format(url=self._url, variable=self._variable, why=why))

    def hide(self, text: str) -> str:
        """Return a text without any token that a server may have echoed."""
        for secret in filter(None, (self._token, self._access)):
            text = text.replace(secret, "[token]")
        return text

    def _exchange(self) -> httpx.Request:
        import httpx

        address = f"{self._url}/api/token/refresh/"
        return httpx.Request("POST", address, json={"refresh": self._token})

    def _keep(self, response: httpx.Response) -> None:
        import httpx

        response.read()
        if response.status_code in {400, 401, 403, 404}:
            raise self.refused("it is not, or no longer, valid there")
        if response.status_code != 200:
            message = f"the exchange of the token was answered {response.status_code}"
            raise httpx.RemoteProtocolError(message)
        self._access = str(response.json()["access"])
