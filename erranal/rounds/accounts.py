"""Accounts on a server of one's own: made with generated passwords, kept in a private file."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from erranal.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

DOMAIN = "example.org"
ANSWER_S = 60.0


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in; neither password nor token is shown by ``repr``."""

    email: str
    password: str = field(repr=False)
    token: str = field(default="", repr=False)


class Accounts:
    """The accounts of one server, in a file that only its owner can read.

    Parameters
    ----------
    path
        The file, made with the first account.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._all: dict[str, Account] = {}
        if path.exists():
            told = json.loads(path.read_text(encoding="utf-8"))
            self._all = {name: Account(**account) for name, account in told.items()}

    def __getitem__(self, name: str) -> Account:
        return self._all[name]

    def names(self) -> list[str]:
        """Return the names, "admin" first."""
        return list(self._all)

    def plan(self, coders: int) -> None:
        """Add an admin and coders 1 to `coders` where they are missing; none is taken away."""
        for name in ["admin", *(f"coder-{n}" for n in range(1, coders + 1))]:
            if name not in self._all:
                self._all[name] = Account(f"{name}@{DOMAIN}", secrets.token_urlsafe(12))
        self._save()

    def keep_token(self, name: str, token: str) -> None:
        """Write an account's token down."""
        self._all[name] = replace(self._all[name], token=token)
        self._save()

    def _save(self) -> None:
        text = json.dumps({name: asdict(one) for name, one in self._all.items()}, indent=2)
        write_private(self._path, text + "\n")


def write_private(path: Path, text: str) -> None:
    """Replace a file by one with this text that only its owner can read."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.replace(path)


def complete(url: str, accounts: Accounts) -> None:
    """Make the accounts that the server does not have yet, and write their tokens down.

    The admin must exist; coders are made as people with an invitation make theirs, so that they
    are no superusers.

    Raises
    ------
    StageError
        When the server does not accept an account.
    """
    lacking = [name for name in accounts.names() if not accounts[name].token]
    if not lacking:
        return
    with _signed_in(url, accounts["admin"]) as admin:
        invitation = "" if lacking == ["admin"] else admin.get("/api/invite").json()["token"]
        for name in lacking:
            accounts.keep_token(name, _token_of(url, accounts[name], invitation))
        if invitation:
            admin.post("/api/invite/reset-token", headers=_proof(admin)).raise_for_status()


def _token_of(url: str, account: Account, invitation: str) -> str:
    if invitation:
        _sign_up(url, account, invitation)
    with _signed_in(url, account) as session:
        return str(session.get("/api/current-user/token").json()["token"])


def _sign_up(url: str, account: Account, invitation: str) -> None:
    with _session(url) as session:
        _send(session, "/user/signup/", account, {"token": invitation})


@contextlib.contextmanager
def _signed_in(url: str, account: Account) -> Iterator[httpx.Client]:
    with _session(url) as session:
        if not _send(session, "/user/login/", account, {}):
            raise StageError(
                f"the server at {url} does not know {account.email} with the password in its"
                " folder: was it changed there? Sign in by hand and copy the token"
            )
        yield session


def _session(url: str) -> httpx.Client:
    import httpx

    return httpx.Client(base_url=url, timeout=ANSWER_S, trust_env=False)


def _send(session: httpx.Client, page: str, account: Account, query: dict[str, str]) -> bool:
    session.get(page, params=query)
    form = {"email": account.email, "password": account.password}
    answer = session.post(page, params=query, data=form, headers=_proof(session))
    return answer.is_redirect


def _proof(session: httpx.Client) -> dict[str, str]:
    return {"X-CSRFToken": session.cookies.get("csrftoken") or ""}
