"""Keys and certificates of a test, made by openssl in PEM: an authority, a broker on loopback, a client."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

NEW_KEY = ("-newkey", "rsa:2048", "-nodes")


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files. `broker` holds its key and certificate together, as Kafka reads them."""

    authority: Path
    broker: Path
    client_key: Path
    client: Path

    @classmethod
    def made(cls, folder: Path) -> Certificates:
        """New ones, in a folder that exists."""
        _openssl(
            folder, "req", "-x509", *NEW_KEY, "-keyout", "authority.key", "-out", "authority.pem",
            "-days", "2", "-subj", "/CN=authority",
        )  # fmt: skip
        for name in ("broker", "client"):
            _signed(folder, name)
        both = folder / "broker.both.pem"
        both.write_text((folder / "broker.key").read_text() + (folder / "broker.pem").read_text())
        return cls(folder / "authority.pem", both, folder / "client.key", folder / "client.pem")


def _signed(folder: Path, name: str) -> None:
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    _openssl(folder, "req", *NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    _openssl(
        folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "authority.pem", "-CAkey", "authority.key",
        "-CAcreateserial", "-out", f"{name}.pem", "-days", "2", "-extfile", "names",
    )  # fmt: skip


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
