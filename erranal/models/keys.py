"""Where an endpoint is and the key it gets: checked before anything is sent.

Keys come from environment variables only. They are sent over TLS or to this machine, and they are
taken out of everything a server sends back that is shown or stored.
"""

from __future__ import annotations

import ipaddress
import os
import re
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from erranal.errors import ModelError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_MASKED = re.compile(r"[\w-]{0,64}\*{3,}[\w-]{0,64}|\b(?:sk|pk|key)-[\w-]{8,}|Bearer \S+")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_RAW_LIMIT = 4_000  # characters of a server's message that are looked at
_SHOWN = 220  # and shown


class Key:
    """A secret that never shows itself; empty for a server that wants none."""

    __slots__ = ("_found", "_value", "variable")

    def __init__(self, value: str = "", variable: str = "") -> None:
        self._value = value
        self.variable = variable
        parts = [re.escape(value)] if value else []
        if len(value) >= 8:  # a server may repeat its beginning only
            parts.append(re.escape(value[:6]) + r"[^\s\"',]*")
        self._found = re.compile("|".join(parts)) if parts else None

    def __repr__(self) -> str:
        return "Key(***)" if self._value else "Key(none)"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a key is not copied or written anywhere")

    def reveal(self) -> str:
        """Return the secret, for the request header alone."""
        return self._value

    def masked(self, text: str) -> str:
        """Return a text whole, but for the key."""
        return self._found.sub("***", text) if self._found else text

    def clean(self, text: str) -> str:
        """Return the beginning of a server's text without the key, whole, cut or masked."""
        text = text[:_RAW_LIMIT]
        if self._found:
            text = self._found.sub("***", text)
        text = " ".join(_MASKED.sub("***", text).split())
        text = "".join(c if c.isprintable() else "�" for c in text)
        return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def from_environment(variable: str | None, *, given: bool) -> Key:
    """Return the key in an environment variable, or none.

    Parameters
    ----------
    variable
        Its name; None for a server that needs no key.
    given
        Whether the user named it.

    Raises
    ------
    ModelError
        When the variable is empty or holds what cannot be a key; the message never repeats it.
    """
    if variable is None:
        return Key()
    if given and not _VARIABLE.fullmatch(variable):
        raise ModelError(
            "--key-env takes the NAME of an environment variable in capitals, such as "
            "MY_API_KEY, never the key itself"
        )
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ModelError(
            f"the environment variable {variable} holds no key: set it, or name another one with "
            "--key-env"
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ModelError(f"what {variable} holds cannot be a key: it has spaces or odd characters")
    return Key(value, variable)


@dataclass(frozen=True, slots=True)
class Place:
    """A checked address: where to post, what to show, and whether it is this machine."""

    post: str
    address: str
    loopback: bool
    encrypted: bool
    proxy: str | None = None

    def __repr__(self) -> str:
        return f"Place({self.address!r})"


def locate(url: str, route: str) -> Place:
    """Check a base URL and return where its route is.

    A URL without a path gets ``/v1``; one that already ends in the route is taken as it is.

    Raises
    ------
    ModelError
        When the URL is none, or carries a user name, a password or a query.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ModelError("--url cannot be read: give one like http://127.0.0.1:8000/v1") from None
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ModelError(
            "--url carries a user name, password or query: put a key into an environment variable "
            "and name that with --key-env"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise ModelError("--url is no address: give one like http://127.0.0.1:8000/v1")
    path = parts.path.rstrip("/").removesuffix(route).rstrip("/") or "/v1"
    shown = f"[{host}]" if ":" in host else host
    base = f"{parts.scheme}://{shown}{f':{port}' if port else ''}{path}"
    loopback = _is_loopback(host)
    proxy = None if loopback else _proxy(parts)
    return Place(base + route, base, loopback, parts.scheme == "https", proxy)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _proxy(parts: SplitResult) -> str | None:
    """Return the proxy that the environment names for this address."""
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not proxy.startswith(("http://", "https://")):
        raise ModelError(
            f"{parts.scheme.upper()}_PROXY names a proxy that is not http:// or https://: only "
            "these are supported; NO_PROXY can except this address"
        )
    return proxy


def check_private(place: Place, key: Key) -> None:
    """Refuse to send a key unencrypted to another machine.

    Raises
    ------
    ModelError
        When it would be.
    """
    if key and not place.loopback and not place.encrypted:
        raise ModelError(
            f"the key in {key.variable} would travel unencrypted to {place.address}: use https://, "
            "a tunnel to this machine, or leave out --key-env if the server needs no key"
        )
