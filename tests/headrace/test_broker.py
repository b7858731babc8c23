"""A real broker: it stays when its command ends, keeps what it acknowledged, and opens its doors to the right ones."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError

from headrace.broker import Broker
from headrace.broker_jars import BrokerError
from headrace.broker_ports import answers
from streams.kafka_connection import Connection
from tests.brokers import SecureBroker

LIMIT_S = 30_000


def headrace(var: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "headrace", "broker", *words, "--var", str(var)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One that the command started, and that its own process has left alone since."""
    var = tmp_path_factory.mktemp("daemon")
    done = headrace(var, "start", "--port", "0")
    broker = Broker(var / "broker", port=0)
    assert done.returncode == 0, done
    running = broker.start()  # learns the port of the one that runs
    assert f"headrace up --log kafka://localhost:{running.port}" in done.stdout
    yield broker
    broker.kill()


def append(connection: Connection, topic: str, *values: bytes) -> None:
    producer = KafkaProducer(**connection.client(), acks="all")
    for value in values:
        producer.send(connection.topic(topic), value, partition=0).get(timeout=30)
    producer.close()


def read(connection: Connection, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(**connection.client(), auto_offset_reset="earliest", consumer_timeout_ms=LIMIT_S)
    consumer.assign([TopicPartition(connection.topic(topic), 0)])
    found = [record.value for _, record in zip(range(count), consumer, strict=False)]
    consumer.close()
    return found


def make(connection: Connection, topic: str, **settings: Any) -> None:
    admin = KafkaAdminClient(**connection.client())
    admin.create_topics([NewTopic(connection.topic(topic), 1, 1, topic_configs=settings)])
    admin.wait_for_topics([connection.topic(topic)])
    admin.close()


def test_the_command_ends_and_its_broker_stays(daemon: Broker) -> None:
    told = headrace(daemon.folder.parent, "status", "--json")
    said = json.loads(told.stdout)
    assert (told.returncode, said["runs"], said["port"]) == (0, True, daemon.port)
    assert answers(daemon.port)
    assert os.getsid(said["pid"]) == said["pid"]


def test_a_second_start_says_that_it_runs(daemon: Broker) -> None:
    before = daemon.running()
    done = headrace(daemon.folder.parent, "start", "--port", str(daemon.port))
    assert done.returncode == 0
    assert done.stdout.startswith("Kafka runs already")
    assert daemon.running() == before


def test_another_port_than_that_of_the_running_one_is_refused(daemon: Broker) -> None:
    done = headrace(daemon.folder.parent, "start", "--port", "9")
    assert done.returncode == 1
    assert f"listens on port {daemon.port}, not 9. Stop it first: headrace broker stop" in done.stderr


def test_a_port_that_another_program_has_is_refused(daemon: Broker, tmp_path: Path) -> None:
    other = Broker(tmp_path, port=daemon.port)
    with pytest.raises(BrokerError, match=rf"listens on 127\.0\.0\.1:{daemon.port}.*--log kafka://localhost"):
        other.start()
    assert other.running() is None


@pytest.mark.parametrize("end", [Broker.stop, Broker.kill])
def test_what_was_acknowledged_outlives_a_stop_and_a_kill(daemon: Broker, end: Any) -> None:
    connection = Connection.of(daemon.url(end.__name__))
    make(connection, "events")
    append(connection, "events", b"one", b"two")
    assert end(daemon)
    assert daemon.running() is None
    assert not answers(daemon.port)
    daemon.start()
    assert read(connection, "events", 2) == [b"one", b"two"]


def test_stop_is_fine_twice_and_status_says_so(daemon: Broker) -> None:
    var = daemon.folder.parent
    assert [headrace(var, "stop").stdout.split()[0] for _ in range(2)] == ["Kafka", "No"]
    assert headrace(var, "status").returncode == 1


def test_in_the_foreground_it_stays_and_ctrl_c_stops_it(daemon: Broker) -> None:
    daemon.stop()
    port, var = str(daemon.port), str(daemon.folder.parent)
    command = [sys.executable, "-m", "headrace", "broker", "start", "--foreground", "--port", port, "--var", var]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as foreground:
        assert foreground.stdout is not None
        assert foreground.stdout.readline().startswith("Kafka is up")
        assert answers(daemon.port)
        foreground.send_signal(signal.SIGINT)
    assert foreground.returncode == 0
    assert daemon.running() is None


def test_topics_come_only_when_they_are_made_and_large_records_fit(broker: Broker) -> None:
    connection = Connection.of(broker.url("large"))
    admin = KafkaAdminClient(**connection.client())
    assert not [topic for topic in admin.list_topics() if topic.startswith("large")]
    admin.close()
    make(connection, "events")
    producer = KafkaProducer(**connection.client(), max_request_size=9 << 20)
    producer.send(connection.topic("events"), bytes(7 << 20), partition=0).get(timeout=30)
    producer.close()


def test_the_first_secure_door_opens_to_the_right_password_alone(secure_broker: SecureBroker) -> None:
    login = secure_broker.password_login
    connection = Connection.of(secure_broker.url("mine"), **login)
    make(connection, "events")
    append(connection, "events", b"one")
    assert read(connection, "events", 1) == [b"one"]
    wrong = Connection.of(secure_broker.url(), **(login | {"password": "coffee"}))
    with pytest.raises(KafkaError):
        KafkaAdminClient(**wrong.client(), bootstrap_timeout_ms=3_000)


def test_the_second_secure_door_opens_to_a_certificate_alone(secure_broker: SecureBroker) -> None:
    login = secure_broker.certificate_login
    connection = Connection.of(secure_broker.certificate_url("signed"), **login)
    make(connection, "events")
    append(connection, "events", b"one")
    assert read(connection, "events", 1) == [b"one"]
    unsigned = Connection.of(secure_broker.certificate_url(), **(login | {"cert": None, "key": None}))
    with pytest.raises(KafkaError):
        KafkaAdminClient(**unsigned.client(), bootstrap_timeout_ms=3_000)
