"""A machine that lacks something, or has too much of it: programs of a few lines stand for Java and Maven."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headrace.broker import Broker
from headrace.broker_jars import BrokerError, cache_folder, jars, kafka_version


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
