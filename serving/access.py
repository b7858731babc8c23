"""Who may listen where, and which role a route asks for: what nobody named is for operators alone."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from serving.keys import Role
from streams.errors import HeadraceError

OPEN = ("/healthz", "/readyz", "/docs", "/redoc", "/openapi.json", "/api/health/")
"""What anybody may ask: it says that a server is there, and what could be asked of it."""
ASKED = ("/v1/recommend", "/v1/rank", "/v1/items/", "/v1/version", "/api/session/recommend")
TOLD = ("/v1/events",)
BOTH = "/api/"
"""Reading is for consumers, writing for producers."""


class OpenToAll(HeadraceError):
    """A server without keys would listen beyond this machine."""


def check_host(host: str, keys: Collection[object]) -> None:
    """Refuse to listen on other than a loopback address without keys.

    >>> check_host("127.0.0.1", []), check_host("localhost", []), check_host("0.0.0.0", ["a-key"])
    (None, None, None)
    >>> check_host("0.0.0.0", [])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    serving.access.OpenToAll: 0.0.0.0 is open to other machines, but no API key is set: ...
    """
    if keys or is_loopback(host):
        return
    raise OpenToAll(
        f"{host or 'every address'} is open to other machines, but no API key is set: anyone could post events and "
        "read what users did. Add one with `headrace keys add NAME --role consumer`, or listen on 127.0.0.1 and put "
        "a proxy that checks who asks before it"
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def role_of(method: str, path: str) -> Role | None:
    """The role that a request needs; None where anybody may ask.

    >>> [role_of("POST", path) for path in ("/v1/events", "/v1/recommend/batch", "/v1/admin/rollback", "/strange")]
    ['producer', 'consumer', 'operator', 'operator']
    >>> [role_of(method, "/api/item/7") for method in ("GET", "PATCH")], role_of("GET", "/healthz")
    (['consumer', 'producer'], None)
    """
    if _below(path, OPEN):
        return None
    if _below(path, TOLD):
        return "producer"
    if _below(path, ASKED):
        return "consumer"
    if path.startswith(BOTH):
        return "consumer" if method in ("GET", "HEAD") else "producer"
    return "operator"


def _below(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(place.rstrip("/") + "/") for place in places)
