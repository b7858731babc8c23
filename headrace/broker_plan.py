"""How a broker of our own is set up: one Kafka node that is broker and controller at once, as a properties file.

Pure text; ports and folders are chosen by `broker.py`. For one machine and one person: no replicas, no door beyond
loopback. Paths are relative to the broker's folder, so that no character of its name has to be escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
DATA = "data"
MOST_BYTES = 8 << 20
"""Largest record batch; as large as the largest body that the gateway takes."""
MECHANISM = "SCRAM-SHA-512"

ALWAYS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "log.dirs": DATA,
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "controlled.shutdown.enable": "true",
    # After a kill the node waits for the end of its own former session before it serves again.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "message.max.bytes": str(MOST_BYTES),
    "replica.fetch.max.bytes": str(MOST_BYTES),
    # Topics say themselves for how long they keep what; what says nothing loses nothing.
    "log.retention.ms": "-1",
    # A trim frees whole segments only.
    "log.segment.bytes": str(128 << 20),
    # The default is a quarter of the heap.
    "log.cleaner.dedupe.buffer.size": str(16 << 20),
}


@dataclass(frozen=True, slots=True)
class Security:
    """Two doors more, both with TLS: one asks for a password (SASL_SSL), one for a certificate (SSL).

    `keystore` (the broker's key and its certificate) and `truststore` (who signs) are PEM files; `users` has passwords.
    """

    sasl_port: int
    tls_port: int
    keystore: Path
    truststore: Path
    users: Mapping[str, str]

    @property
    def scram(self) -> list[str]:
        """The users, as the formatter of a broker's data takes them.

        >>> Security(1, 2, Path("k"), Path("t"), {"ana": "tea"}).scram
        ['--add-scram', 'SCRAM-SHA-512=[name=ana,password=tea]']
        """
        told = [f"{MECHANISM}=[name={name},password={password}]" for name, password in self.users.items()]
        return [word for one in told for word in ("--add-scram", one)]


@dataclass(frozen=True, slots=True)
class BrokerPlan:
    """What differs from one broker to the next.

    >>> text = BrokerPlan(9092, 9093).properties
    >>> [line for line in text.splitlines() if "listeners" in line]
    ['listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093', 'advertised.listeners=PLAINTEXT://127.0.0.1:9092']
    """

    port: int
    controller_port: int
    security: Security | None = None

    @property
    def properties(self) -> str:
        """The text of `server.properties`."""
        doors = {"PLAINTEXT": self.port} | self._secure_doors()
        advertised = [f"{name}://{HOST}:{port}" for name, port in doors.items()]
        controller = f"CONTROLLER://{HOST}:{self.controller_port}"
        ours = {
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            "listeners": ",".join([advertised[0], controller, *advertised[1:]]),
            "advertised.listeners": ",".join(advertised),
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT," + ",".join(f"{name}:{name}" for name in doors),
        }
        return "".join(f"{name}={value}\n" for name, value in (ALWAYS | ours | self._secure()).items())

    def _secure_doors(self) -> dict[str, int]:
        return {"SASL_SSL": self.security.sasl_port, "SSL": self.security.tls_port} if self.security else {}

    def _secure(self) -> dict[str, str]:
        if self.security is None:
            return {}
        login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        return {
            "sasl.enabled.mechanisms": MECHANISM,
            f"listener.name.sasl_ssl.{MECHANISM.lower()}.sasl.jaas.config": login,
            "listener.name.ssl.ssl.client.auth": "required",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.security.keystore),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.security.truststore),
        }
