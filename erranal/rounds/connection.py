"""Requests to a Label Studio server: time-outs, a short outage survived, errors a user can act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from erranal.errors import StageError
from erranal.rounds.tokens import Authorization

if TYPE_CHECKING:
    from collections.abc import Callable


CONNECT_S, ANSWER_S = 10.0, 300.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 8.0
FIRST_CONTACT_S = 3.0
OVERLOADED = frozenset({429, 502, 503, 504})
FAULTS_ALLOWED = 3

UNREACHABLE = (
    "no answer from Label Studio at {url} ({why}): is it running? `erranal rounds serve FOLDER`"
    " starts one; then give the same command again, it goes on where it stopped"
)


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
    """A try that may be repeated: what went wrong, and whether the server itself said so."""

    why: str
    answered: bool


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
        import httpx

        self.url = normal_url(url)
        self._authorization = Authorization(self.url, token_env)
        self._patience_s = patience_s
        self._reached = False
        local = urlsplit(self.url).hostname in {"127.0.0.1", "localhost", "::1"}
        self._http = httpx.Client(
            base_url=self.url,
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            follow_redirects=True,
            trust_env=not local,  # a proxy for the world is none for this machine
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
        for _ in self._tries(f"{method} {path}"):
            outcome = self._once(method, path, arguments)
            if not isinstance(outcome, Failed):
                return self._decoded(outcome)
            self._failed = outcome
            found = again() if again is not None and self._came_back() else None
            if found is not None:
                return found
        raise AssertionError("unreachable")

    def server_time(self) -> str:
        """Return the server's clock as its Date header has it."""
        return ""
