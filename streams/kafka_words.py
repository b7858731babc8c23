"""What a broker's refusals mean, in words: every error of kafka-python leaves this package as a LogError.

Says the addresses, the cause as far as it is known, and the next command; never a password.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from kafka.errors import AuthorizationError, KafkaError, RetriableError, SaslAuthenticationFailedError

from streams.errors import LogError
from streams.kafka_connection import Connection

PROBE_S = 2.0
REFUSED_WITHIN_S = 0.5


def log_error(connection: Connection, what: str, error: Exception) -> LogError:
    """`what` is what failed, e.g. "events[0] was not read"."""
    return LogError(f"{connection.servers}: {what}: {_cause(connection, error)}")


def can_wait(error: Exception) -> bool:
    """Whether it may go away by itself: a broker that restarts, a leader that moves."""
    return isinstance(error, RetriableError) and not isinstance(error, SaslAuthenticationFailedError)


@contextmanager
def opening(connection: Connection, within: int) -> Iterator[None]:
    """Around the making of a client: a server that is there and does not let us in is told from one that is away."""
    try:
        yield
    except KafkaError as error:
        cause = _unreached(connection) if isinstance(error, RetriableError) else _cause(connection, error)
        raise LogError(
            f"{connection.servers}: no connection within {within / 1000:g} s: {cause or _not_let_in(connection)}"
        ) from error


def _cause(connection: Connection, error: Exception) -> str:
    if isinstance(error, SaslAuthenticationFailedError):
        return _not_let_in(connection)
    if isinstance(error, AuthorizationError):
        return f"{_named(error)}. {_user(connection)} may not do this; give that right on the broker"
    found = _unreached(connection) if isinstance(error, KafkaError) and isinstance(error, RetriableError) else None
    return found or f"{_named(error)}. See `headrace doctor`"


def _not_let_in(connection: Connection) -> str:
    if connection.authenticated:
        return (
            f"the broker is there, but does not let in user {connection.username!r} by {connection.mechanism} over "
            f"{connection.security}. See username, password (HEADRACE_KAFKA__PASSWORD in the environment), mechanism "
            "and security in [kafka]"
        )
    return (
        f"the broker is there, but does not speak {connection.security}, or asks who we are. See security, cert and "
        "key in [kafka]"
    )


def _named(error: Exception) -> str:
    said = str(error).strip() or type(error).__doc__ or ""
    name = type(error).__name__
    return said if said.startswith(name) else f"{name}: {said}" if said else name


def _user(connection: Connection) -> str:
    return f"user {connection.username!r}" if connection.authenticated else "this client, which names no user,"


def _unreached(connection: Connection) -> str | None:
    """Why no server answers: asked by a plain socket, since the client only says that time is over."""
    reasons = [_reason(connection, server) for server in connection.servers.split(",")]
    return None if None in reasons else "; ".join(reason for reason in reasons if reason)


def _reason(connection: Connection, server: str) -> str | None:
    host, _, port = server.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), PROBE_S) as plain:
            if not connection.encrypted:
                return None
            context = ssl.create_default_context(cafile=connection.ca)
            if connection.cert:
                context.load_cert_chain(connection.cert, connection.key)
            with context.wrap_socket(plain, server_hostname=host.strip("[]")) as tls:
                tls.settimeout(REFUSED_WITHIN_S)
                tls.recv(1)  # who wants a certificate of ours says so after the handshake
                return None
    except TimeoutError:
        return None
    except ssl.SSLCertVerificationError as error:
        return (
            f"the certificate of {server} is not trusted ({error.verify_message}). See ca in [kafka], now "
            f"{connection.ca or 'the certificates of this machine'}, and the host in the log's url"
        )
    except ssl.SSLError as error:
        return f"{server} does not speak TLS with us ({error.reason}). See security, cert and key in [kafka]"
    except FileNotFoundError:
        return f"a file of ca, cert or key in [kafka] is missing: {connection.ca}, {connection.cert}, {connection.key}"
    except OSError as error:
        return (
            f"{server} does not answer ({error.strerror or error}). Start a broker: `headrace broker start`; what is "
            "wrong with one that runs is said by `headrace doctor`"
        )
