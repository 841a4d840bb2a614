"""Requests to a Label Studio server: time-outs, short outages survived, clear errors."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from erranal.errors import StageError
from erranal.rounds.tokens import Authorization

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

CONNECT_S, ANSWER_S = 10.0, 300.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 8.0
FIRST_CONTACT_S = 3.0
INSTALL = "coding on a server needs: pip install 'erranal[rounds]'"
OVERLOADED = frozenset({429, 502, 503, 504})
FAULTS_ALLOWED = 3
LONGEST_QUOTE = 600

UNREACHABLE = (
    "no answer from Label Studio at {url} ({why}): is it running? `erranal rounds serve FOLDER`"
    " starts one; then give the same command again, it goes on where it stopped"
)
FAULTY = "Label Studio at {url} failed on the same request several times ({why}): see its log"
FOREIGN = "{url} does not answer as Label Studio does ({why}): check the address"


class ServerAnswerError(StageError):
    """The server answered a request with an error.

    Parameters
    ----------
    message
        What was asked and what the server said, without any token.
    status
        HTTP status.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Failed:
    """A try that may be repeated; `fault` when the server broke down over this very request."""

    why: str
    fault: bool = False


class Patience:
    """Waits between the tries of one request, longer each time, until patience is at its end.

    Parameters
    ----------
    url
        Address of the server, for the message.
    seconds
        How long to go on trying.
    """

    def __init__(self, url: str, seconds: float) -> None:
        self._url, self._end, self._tries = url, time.monotonic() + seconds, 0

    def wait(self, failed: Failed) -> None:
        """Sleep before the next try.

        Raises
        ------
        StageError
            When there is to be no further try.
        """
        self._tries += 1
        longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**self._tries)
        pause = random.uniform(longest / 2, longest)  # noqa: S311 (spreads clients, no secret)
        if failed.fault and self._tries >= FAULTS_ALLOWED:
            raise StageError(FAULTY.format(url=self._url, why=failed.why))
        if time.monotonic() + pause > self._end:
            raise StageError(UNREACHABLE.format(url=self._url, why=failed.why))
        time.sleep(pause)


def normal_url(url: str) -> str:
    """Return a server's address without a trailing slash.

    Raises
    ------
    StageError
        When it is no http(s) address, or carries a user name or password.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise StageError(f"{url!r} is no server address: write it as http://127.0.0.1:8080")
    if parts.username or parts.password or parts.query:
        raise StageError("a server address carries no name, password or query: use a token")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


class Connection:
    """One server and one token.

    Parameters
    ----------
    url
        Address of the server, which may have a path.
    token_env
        Environment variable with the token.
    patience_s
        Seconds for which a server that answered before may be away. One that never answered is
        given a few seconds only.
    """

    def __init__(self, url: str, token_env: str, patience_s: float) -> None:
        try:
            import httpx
        except ImportError:
            raise StageError(INSTALL) from None

        self.url = normal_url(url)
        self._authorization = Authorization(self.url, token_env)
        self._auth = self._authorization.for_httpx()
        self._patience_s = patience_s
        self._reached = False
        self._date = ""
        local = urlsplit(self.url).hostname in {"127.0.0.1", "localhost", "::1"}
        self._http = httpx.Client(
            base_url=self.url,
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            follow_redirects=False,  # a POST would become a GET on its way
            trust_env=not local,  # a proxy for the world is none for this machine
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # the token is enough
        )

    def __repr__(self) -> str:
        return f"Connection({self.url!r}, {self._authorization!r})"

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        again: Callable[[], Any] | None = None,
        **arguments: Any,
    ) -> Any:
        """Return the decoded answer to a request, waiting out a short outage.

        Parameters
        ----------
        method, path
            The request; the path is relative to the server's address.
        again
            For a request that must not be carried out twice: called before it is repeated, as the
            server may have done what was asked before the connection broke. When it returns
            something other than None, that is the answer and nothing is repeated.
        **arguments
            Of ``httpx.Client.request``: params, json, content, files, headers.

        Raises
        ------
        StageError
            When the server stays away, or refuses the token.
        ServerAnswerError
            When it answers with another error.
        """
        patience = Patience(self.url, self._patience_s if self._reached else FIRST_CONTACT_S)
        while True:
            outcome = self._once(method, path, arguments)
            if not isinstance(outcome, Failed):
                self._reached = True
                return self._decoded(f"{method} {path}", outcome)
            patience.wait(outcome)
            found = again() if again is not None else None
            if found is not None:
                return found

    def clock(self) -> datetime:
        """Return the server's clock at its latest answer, in whole seconds.

        The start of 1970 when it does not tell: whatever is asked for since then is everything.
        """
        told = parsedate_to_datetime(self._date) if self._date else datetime.fromtimestamp(0, UTC)
        return told.astimezone(UTC)

    def _once(self, method: str, path: str, arguments: dict[str, Any]) -> httpx.Response | Failed:
        import httpx

        try:
            response = self._http.request(method, path, auth=self._auth, **arguments)
        except httpx.RequestError as error:
            return Failed(self._authorization.hide(f"{type(error).__name__}: {error}"))
        if response.status_code in OVERLOADED or response.status_code == 500:
            return Failed(f"status {response.status_code}", fault=response.status_code == 500)
        return response

    def _decoded(self, request: str, response: httpx.Response) -> Any:
        import orjson

        self._date = response.headers.get("Date", "")
        if response.status_code in {401, 403}:
            raise self._authorization.refused(self._said(response))
        if response.is_redirect:
            where = self._authorization.hide(response.headers.get("Location", ""))
            raise StageError(FOREIGN.format(url=self.url, why=f"it points to {where}"))
        if response.is_error:
            what = f"{self.url} answered {response.status_code} to {request}"
            raise ServerAnswerError(f"{what}: {self._said(response)}", response.status_code)
        if not response.content:
            return None
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError:
            pass
        raise StageError(FOREIGN.format(url=self.url, why=f"no JSON to {request}"))

    def _said(self, response: httpx.Response) -> str:
        text = " ".join(_told(response).split())
        return self._authorization.hide(text)[:LONGEST_QUOTE] or "nothing more"


def _told(response: httpx.Response) -> str:
    """Return what a server says of an error: its words, where they are in the usual place."""
    import orjson

    try:
        said = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return response.text
    if not isinstance(said, dict) or not isinstance(said.get("detail"), str):
        return response.text
    more = said.get("validation_errors")
    return f"{said['detail']} {more}" if more else str(said["detail"])


def delete(ask: Callable[..., Any], path: str) -> None:
    """Delete what a path names; nothing there is no error, as an answer may have been lost."""
    try:
        ask("DELETE", path)
    except ServerAnswerError as error:
        if error.status != 404:
            raise
