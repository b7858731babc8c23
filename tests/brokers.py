"""The brokers that tests share: one plain, one with TLS and passwords; both die with the process that started them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headrace.broker import Broker
from headrace.broker_plan import HOST, Security
from headrace.broker_ports import free_port
from tests.certificates import Certificates

USER, PASSWORD = "ana", "tea-and-cake"


@dataclass(frozen=True, slots=True)
class SecureBroker:
    """A broker with three doors: `broker` is the plain one; these two are for clients that know who they are."""

    broker: Broker
    certificates: Certificates
    doors: Security

    def url(self, prefix: str = "") -> str:
        """The door that asks for a password; `password_login` opens it."""
        return f"kafka://{HOST}:{self.doors.sasl_port}" + (f"/{prefix}" if prefix else "")

    def certificate_url(self, prefix: str = "") -> str:
        """The door that asks for a certificate; `certificate_login` opens it."""
        return f"kafka://{HOST}:{self.doors.tls_port}" + (f"/{prefix}" if prefix else "")

    @property
    def password_login(self) -> dict[str, str]:
        """Settings of the group `kafka`."""
        return {
            "security": "SASL_SSL",
            "ca": str(self.certificates.authority),
            "mechanism": "SCRAM-SHA-512",
            "username": USER,
            "password": PASSWORD,
        }

    @property
    def certificate_login(self) -> dict[str, str]:
        """Settings of the group `kafka`."""
        return {
            "security": "SSL",
            "ca": str(self.certificates.authority),
            "cert": str(self.certificates.client),
            "key": str(self.certificates.client_key),
        }


@contextmanager
def running(broker: Broker) -> Iterator[Broker]:
    """Started, and gone at the end, whatever the tests did to it."""
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


@contextmanager
def running_securely(folder: Path) -> Iterator[SecureBroker]:
    """A new broker with keys of its own."""
    certificates = Certificates.made(folder)
    doors = Security(free_port(), free_port(), certificates.broker, certificates.authority, {USER: PASSWORD})
    with running(Broker(folder / "broker", port=0, security=doors, tied=True)) as broker:
        yield SecureBroker(broker, certificates, doors)
