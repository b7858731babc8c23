"""What only the embedded log has: a file that another program, a kill or a full disk may get at."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from streams import sqlite_log
from streams.errors import LogError, LogMismatch
from streams.sqlite_log import SqliteLog, SqliteLogs

FULL_DISK = """
import resource, sys
from pathlib import Path
from streams.errors import LogError
from streams.sqlite_log import SqliteLogs

log = SqliteLogs(Path(sys.argv[1])).open("events", 1)
log.append(0, [b"first"], at=1)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
try:
    log.append(0, [b"x" * 1000] * 1000, at=2)
except LogError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print(log.append(0, [b"second"], at=3))
"""

KILLED = """
import os, sys
from pathlib import Path
from streams.sqlite_log import SqliteLogs

log = SqliteLogs(Path(sys.argv[1])).open("events", 1)
while True:
    print(log.append(0, [os.urandom(500) for _ in range(3)], at=1), flush=True)
"""


def test_a_full_disk_is_told_with_the_file_and_takes_nothing_half(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True)
    told, after = done.stdout.splitlines()
    assert str(tmp_path / "events.sqlite") in told
    assert after == "2"
    log = SqliteLogs(tmp_path).open("events", 1)
    assert [record.value for record in log.read(0, 0)] == [b"first", b"second"]
    log.close()


def test_what_append_returned_for_outlives_the_kill_of_its_process(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        returned = [int(writer.stdout.readline()) for _ in range(50)][-1]
        writer.send_signal(signal.SIGKILL)
    log = SqliteLogs(tmp_path).open("events", 1)
    assert log.end(0) >= returned == 150
    assert log.end(0) % 3 == 0
    log.close()


def test_a_mismatch_names_both_numbers_and_what_to_do(tmp_path: Path) -> None:
    SqliteLogs(tmp_path).open("events", 4)
    with pytest.raises(LogMismatch, match=r"partitions 4, but partitions 8 .*`headrace up --log sqlite://"):
        SqliteLogs(tmp_path).open("events", 8)


def test_a_log_of_another_partitioner_is_refused(tmp_path: Path) -> None:
    SqliteLogs(tmp_path).open("events", 4).close()
    with sqlite3.connect(tmp_path / "events.sqlite") as other:
        other.execute("UPDATE meta SET value = 'crc32' WHERE name = 'partitioner'")
    other.close()
    with pytest.raises(LogMismatch, match="partitioner crc32"):
        SqliteLogs(tmp_path).open("events", 4)


@pytest.mark.parametrize("content", [b"not a database at all" * 99, b""])
def test_a_file_that_is_no_log_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "events.sqlite").write_bytes(content)
    with pytest.raises(LogError, match=r"events\.sqlite"):
        SqliteLogs(tmp_path).open("events", 1)


def test_a_closed_log_says_so(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "events.sqlite", "events", 1)
    log.close()
    with pytest.raises(LogError, match="closed"):
        log.read(0, 0)


def test_nothing_is_left_aside_when_a_log_is_made(tmp_path: Path) -> None:
    logs = SqliteLogs(tmp_path)
    logs.open("events", 1)
    logs.close()
    assert [path.name for path in tmp_path.iterdir()] == ["events.sqlite"]


def test_a_trim_in_pieces_lets_others_write_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_log, "PIECE", 10)
    logs, others = SqliteLogs(tmp_path), SqliteLogs(tmp_path)
    log, other = logs.open("events", 1), others.open("events", 1)
    log.append(0, [b"x"] * 200, at=1)
    begins: list[int] = []

    def between(_: float) -> None:
        begins.append(other.begin(0))
        other.append(0, [b"y"], at=2)

    monkeypatch.setattr("streams.sqlite_log.time.sleep", between)
    log.trim(0, 55)
    assert begins == [10, 20, 30, 40, 50]
    assert (log.begin(0), log.end(0)) == (55, 205)
    logs.close()
    others.close()


def test_what_was_trimmed_makes_room_for_what_comes(tmp_path: Path) -> None:
    logs = SqliteLogs(tmp_path)
    log = logs.open("events", 1)
    sizes = []
    for n in range(6):
        log.append(0, [b"x" * 5_000] * 200, at=n)
        log.trim(0, log.end(0) - 200)
        logs.close()
        log = logs.open("events", 1)
        sizes.append((tmp_path / "events.sqlite").stat().st_size)
    assert sizes[-1] == sizes[1], "the file does not shrink, and does not grow"
    logs.close()
