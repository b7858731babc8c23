"""Who may listen where: only this machine may ask a server that has no keys."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from streams.errors import HeadraceError


class OpenToAll(HeadraceError):
    """A server without keys would listen beyond this machine."""


def check_host(host: str, keys: Collection[str]) -> None:
    """Refuse to listen on other than a loopback address without keys.

    >>> check_host("127.0.0.1", []), check_host("localhost", []), check_host("0.0.0.0", ["a-key"])
    (None, None, None)
    >>> check_host("0.0.0.0", [])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    serving.access.OpenToAll: 0.0.0.0 is open to other machines, but no API key is set: ...
    """
    if keys or _is_loopback(host):
        return
    raise OpenToAll(
        f"{host or 'every address'} is open to other machines, but no API key is set: anyone could post events and "
        "read what users did. Listen on 127.0.0.1 and put a proxy that checks who asks before it, or set keys"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
