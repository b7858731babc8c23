"""How a broker is reached: addresses, the prefix of our topics, TLS and SASL, as plain data.

Imports nothing of any client: kafka-python, Faust and the container files all take what they need from here. It opens
no socket, and its password shows in no `repr`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from streams.errors import LogError

Security = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"]
RECONNECT_MS = 1_000
"""Longest pause between two tries to reach a broker that is away: it is found again within about a second."""

_ADDRESS = re.compile(r"[A-Za-z0-9_.\-]+:\d{1,5}|\[[0-9A-Fa-f:.]+\]:\d{1,5}")
_PREFIX = re.compile(r"[A-Za-z0-9_.\-]{0,200}")


class _Hidden(str):
    """A password as clients need it, a str, that does not show where they log all that they were given."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'...'"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the brokers are and how to speak with them.

    >>> here = Connection.of("kafka://one:9092,two:9092/shop")
    >>> here.servers, here.topic("events")
    ('one:9092,two:9092', 'shop.events')
    >>> Connection.of("kafka://one:9092").topic("events")
    'events'
    """

    servers: str
    prefix: str = ""
    security: Security = "PLAINTEXT"
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str, **security: Any) -> Connection:
        """The connection of `kafka://HOST:PORT[,HOST:PORT][/PREFIX]`. Raises LogError where it can't be one."""
        kind, _, rest = url.partition("://")
        servers, _, prefix = rest.partition("/")
        prefix = prefix.rstrip("/")
        if kind != "kafka" or not all(_ADDRESS.fullmatch(one) for one in servers.split(",")):
            raise LogError(f"log is {url!r}, but a broker is written kafka://HOST:PORT[,HOST:PORT][/PREFIX]")
        if not _PREFIX.fullmatch(prefix):
            raise LogError(f"{prefix!r} in {url!r} can't begin the name of a topic: use letters, digits, '.', '_', '-'")
        made = cls(servers, prefix, **security)
        made._check()
        return made

    def topic(self, name: str) -> str:
        """The name that one of our topics has on the broker."""
        return f"{self.prefix}.{name}" if self.prefix else name

    @property
    def encrypted(self) -> bool:
        return self.security in ("SSL", "SASL_SSL")

    @property
    def authenticated(self) -> bool:
        return self.security in ("SASL_PLAINTEXT", "SASL_SSL")

    def client(self) -> dict[str, Any]:
        """Keyword arguments of every kafka-python client."""
        told: dict[str, Any] = {
            "bootstrap_servers": self.servers.split(","),
            "security_protocol": self.security,
            "reconnect_backoff_max_ms": RECONNECT_MS,
        }
        if self.encrypted:
            told |= {"ssl_cafile": self.ca, "ssl_certfile": self.cert, "ssl_keyfile": self.key}
        if self.authenticated:
            told |= {"sasl_mechanism": self.mechanism, "sasl_plain_username": self.username}
            told |= {"sasl_plain_password": _Hidden(self.password)}
        return told

    def _check(self) -> None:
        if self.security not in get_args(Security):
            raise LogError(f"security in [kafka] is {self.security!r}; there are {', '.join(get_args(Security))}")
        if self.authenticated and not (self.username and self.password):
            raise LogError(
                f"security in [kafka] is {self.security}, but username or password is not set; set both, the password "
                "by HEADRACE_KAFKA__PASSWORD in the environment"
            )
