import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError

from headrace.broker import Broker
from headrace.broker_jars import BrokerError, cache_folder, jars, kafka_version
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


# A machine that lacks something: programs of a few lines stand for Java and Maven.


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it but a shell; what is put into the folder is in its PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "sleep", "mkdir", "touch", "echo"):
        (programs / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return programs


def put(programs: Path, name: str, script: str) -> None:
    (programs / name).write_text(f"#!/bin/sh\n{script}\n")
    (programs / name).chmod(0o755)


JAVA_17 = """[ "$1" = -version ] && echo 'openjdk version "17.0.1"' >&2 && exit 0"""
AT_KAFKA = "for word; do case $word in kafka.Kafka)"
MAVEN = """
for word; do case $word in -DoutputDirectory=*) jars="${word#*=}"; esac; done
mkdir -p "$jars"; sleep .2; touch "$jars/a.jar"
"""
HOLDER = """
import fcntl, sys, time
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(99)
"""


def test_without_java_the_next_command_is_named(machine: Path, tmp_path: Path) -> None:
    with pytest.raises(
        BrokerError, match=r"no `java` in PATH.*17 or newer.*apt-get install default-jre-headless maven"
    ):
        Broker(tmp_path / "broker", port=0).start()


def test_a_java_that_is_too_old_is_named_with_its_version(machine: Path, tmp_path: Path) -> None:
    put(machine, "java", """echo 'openjdk version "11.0.2"' >&2""")
    with pytest.raises(BrokerError, match="bin/java is Java 11, but Kafka needs 17 or newer"):
        Broker(tmp_path / "broker", port=0).start()


def test_without_maven_jars_can_not_be_fetched(machine: Path, tmp_path: Path) -> None:
    put(machine, "java", JAVA_17)
    with pytest.raises(BrokerError, match=r"jars are not in .*kafka-.*no `mvn` in PATH.*apt-get install"):
        Broker(tmp_path / "broker", port=0).start()


def test_what_maven_complains_of_is_told_and_nothing_is_left(machine: Path) -> None:
    put(machine, "mvn", "echo '[INFO] so far'; echo '[ERROR] no way to the repository'; exit 1")
    with pytest.raises(BrokerError, match=r"status 1:\n\[ERROR\] no way to the repository"):
        jars(os.environ, lambda _: None)
    assert list(cache_folder(os.environ).parent.iterdir()) == []


def test_two_that_fetch_at_once_do_each_other_no_harm(machine: Path) -> None:
    put(machine, "mvn", MAVEN)
    with ThreadPoolExecutor(2) as pool:
        places = list(pool.map(lambda _: jars(os.environ, lambda _: None), range(2)))
    assert places == [cache_folder(os.environ)] * 2
    assert [path.name for path in places[0].iterdir()] == ["a.jar"]
    assert [path.name for path in places[0].parent.iterdir()] == [f"kafka-{kafka_version()}"]


def test_a_broker_that_dies_at_its_start_says_its_last_words(machine: Path, tmp_path: Path) -> None:
    put(machine, "mvn", MAVEN)
    put(machine, "java", f"{JAVA_17}\n{AT_KAFKA} echo 'no memory'; exit 3;; esac; done")
    broker = Broker(tmp_path / "broker", port=0)
    with pytest.raises(BrokerError, match="ended at its start with status 3:\nno memory"):
        broker.start()
    assert broker.running() is None


def test_a_start_that_waits_in_vain_leaves_nothing_behind(machine: Path, tmp_path: Path) -> None:
    put(machine, "mvn", MAVEN)
    put(machine, "java", f"{JAVA_17}\n{AT_KAFKA} exec sleep 100;; esac; done")
    broker = Broker(tmp_path / "broker", port=0)
    with pytest.raises(BrokerError, match="does not answer after 0 s"):
        broker.start(patience=0.2)
    assert broker.running() is None


def test_the_broker_of_a_dead_process_is_told_from_one_with_its_pid(tmp_path: Path) -> None:
    broker = Broker(tmp_path, port=0)
    (tmp_path / "running.json").write_text(json.dumps({"pid": os.getpid(), "port": 1, "started_at": 0}))
    assert broker.running() is None
    assert broker.stop() is False


def test_while_another_process_starts_it_one_is_told_to_wait(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(BrokerError, match="another process is starting a broker"):
            Broker(tmp_path, port=0).start()
        other.send_signal(signal.SIGKILL)
