import logging
import re
from pathlib import Path
from typing import Any

import pytest

from streams.errors import LogError
from streams.kafka_connection import Connection
from streams.kafka_log import KafkaLogs
from streams.kafka_topics import KafkaTopics
from streams.log import Record
from tests.brokers import PASSWORD, SecureBroker
from tests.certificates import Certificates
from tests.streams.kafka_ground import new_connection


@pytest.fixture(params=["password", "certificate"])
def door(request: pytest.FixtureRequest, secure_broker: SecureBroker) -> Connection:
    if request.param == "password":
        return new_connection(secure_broker.url, {"events": 2}, **secure_broker.password_login)
    return new_connection(secure_broker.certificate_url, {"events": 2}, **secure_broker.certificate_login)


def test_every_client_of_a_log_comes_through_a_guarded_door(door: Connection) -> None:
    logs = KafkaLogs(door)
    log = logs.open("events", 2)
    assert log.read(1, 0) == []
    assert log.append(1, [b"a", b"b", b"c"], at=5) == 3
    assert (log.begin(1), log.end(1), log.offset_at(1, 5), log.offset_at(1, 6)) == (0, 3, 0, 3)
    assert log.read(1, 0, limit=2) == [Record(0, 5, b"a"), Record(1, 5, b"b")]
    assert log.read(1, 2) == [Record(2, 5, b"c")]
    assert log.read(1, 3) == []
    log.append(1, [b"d"], at=6)
    assert log.read(1, 3) == [Record(3, 6, b"d")]
    log.trim(1, 2)
    assert log.begin(1) == 2
    logs.close()


WITHIN = 1_500
Refusal = tuple[dict[str, Any], str]
WRONG: dict[str, Refusal] = {
    "password": (
        {"password": "not-the-one"},
        r"does not let in user 'ana' by SCRAM-SHA-512 over SASL_SSL.*password",
    ),
    "user": ({"username": "bob"}, r"does not let in user 'bob'"),
    "mechanism": ({"mechanism": "SCRAM-SHA-256"}, r"by SCRAM-SHA-256 .*mechanism and security in \[kafka\]"),
    "authority": ({"ca": None}, r"certificate of 127\.0\.0\.1:\d+ is not trusted .*See ca in \[kafka\]"),
    "missing file": ({"ca": "/nowhere/ca.pem"}, r"a file of ca, cert or key in \[kafka\] is missing: /nowhere/ca\.pem"),
    "no encryption": ({"security": "SASL_PLAINTEXT"}, r"over SASL_PLAINTEXT.*security in \[kafka\]"),
}


def open_log(to: Connection) -> None:
    KafkaLogs(to, opening=WITHIN).open("events", 1)


def open_topics(to: Connection) -> None:
    KafkaTopics(to, within=WITHIN)


@pytest.mark.parametrize(("wrong", "client"), [*((wrong, open_log) for wrong in WRONG), ("password", open_topics)])
def test_who_is_refused_is_told_which_setting_to_look_at_and_never_the_password(
    wrong: str, client: Any, secure_broker: SecureBroker, caplog: pytest.LogCaptureFixture
) -> None:
    change, told = WRONG[wrong]
    caplog.set_level(logging.DEBUG)
    to = Connection.of(secure_broker.url(), **secure_broker.password_login | change)
    with pytest.raises(LogError) as refused:
        client(to)
    assert re.search(told, str(refused.value)), refused.value
    cause, said = refused.value.__cause__, caplog.text
    for text in (str(refused.value), repr(refused.value), str(cause), said):
        assert PASSWORD not in text
        assert "not-the-one" not in text


def test_a_certificate_of_another_authority_is_told(secure_broker: SecureBroker, tmp_path: Path) -> None:
    other = Certificates.made(tmp_path)
    login = secure_broker.certificate_login | {"ca": str(other.authority)}
    with pytest.raises(LogError, match=r"is not trusted .*See ca in \[kafka\], now .*and the host in the log's url"):
        KafkaLogs(Connection.of(secure_broker.certificate_url(), **login), opening=WITHIN).open("events", 1)


def test_a_client_without_a_certificate_is_told(secure_broker: SecureBroker) -> None:
    login = secure_broker.certificate_login | {"cert": None, "key": None}
    with pytest.raises(LogError, match=r"See .*cert"):
        KafkaLogs(Connection.of(secure_broker.certificate_url(), **login), opening=WITHIN).open("events", 1)
