import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from headrace.forked import can_fork
from tests.headrace.test_supervisor import is_alive, wait_until

ALONE = """
import signal, sys, time
from pathlib import Path
from threading import Event
from headrace.forked import Forked
asked = Event()
signal.signal(signal.SIGTERM, lambda *_: asked.set())
words = Path(sys.argv[1]).open("ab")
"""


def alone(words: Path, body: str) -> "subprocess.Popen[bytes]":
    """A program that forks, in a process which does nothing else."""
    command = [sys.executable, "-c", ALONE + body, str(words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def said(process: "subprocess.Popen[bytes]") -> list[str]:
    out, _ = process.communicate(timeout=60)
    return out.decode().split()


def test_what_stood_before_the_fork_is_shared_and_what_comes_after_is_not(tmp_path: Path) -> None:
    words = tmp_path / "words"
    body = """
stood = ["before"]
def work():
    stood.append("after")
    print(*stood, flush=True)
print(Forked(work, words).wait(30), *stood)
"""
    assert said(alone(words, body)) == ["0", "before"]
    assert words.read_text() == "before after\n"


def test_a_stop_ends_a_fork_however_early_it_comes_and_though_its_parent_hears_it_otherwise(tmp_path: Path) -> None:
    body = """
child = Forked(lambda: time.sleep(99), words)
child.terminate()
print(child.wait(30), asked.is_set())
"""
    assert said(alone(tmp_path / "words", body)) == [str(-signal.SIGTERM), "False"]


def test_a_fork_that_does_not_end_in_time_says_so_and_can_be_killed(tmp_path: Path) -> None:
    body = """
import subprocess
child = Forked(lambda: time.sleep(99), words)
try:
    child.wait(.1)
except subprocess.TimeoutExpired:
    child.kill()
print(child.wait(30), child.poll())
"""
    assert said(alone(tmp_path / "words", body)) == [str(-signal.SIGKILL)] * 2


def test_a_fork_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = alone(tmp_path / "words", "print(Forked(lambda: time.sleep(99), words).pid, flush=True)\ntime.sleep(99)\n")
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.kill()
    parent.communicate()
    wait_until(lambda: not is_alive(child))


def test_the_cause_of_its_end_stands_in_the_words_of_a_fork(tmp_path: Path) -> None:
    body = """
from streams.errors import HeadraceError
def work():
    raise HeadraceError("no port")
print(Forked(work, words).wait(30))
"""
    words = tmp_path / "words"
    assert said(alone(words, body)) == ["1"]
    assert words.read_text() == "headrace: no port\n"


def test_a_process_with_threads_is_not_to_be_forked() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    assert not can_fork()
    over.set()
    thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")
def test_a_function_is_started_again_like_a_command(tmp_path: Path) -> None:
    body = f"""
import os
from headrace.supervisor import Supervisor
from headrace.telemetry import Telemetry, read_status
run = Path({str(tmp_path)!r})
def work():
    Telemetry("serve", run, clock=lambda: 0).write()
    time.sleep(99)
tree = Supervisor({{"serve": work}}, run)
tree.start()
first = tree.wait_ready(30)["serve"].pid
os.kill(first, signal.SIGKILL)
deaths = []
while not deaths:
    deaths = tree.watch()
    time.sleep(.01)
second = tree.wait_ready(30)["serve"].pid
tree.stop()
print(deaths[0].name, deaths[0].status, first != second, os.path.exists(f"/proc/{{second}}"))
"""
    assert said(alone(tmp_path / "words", body)) == ["serve", str(-signal.SIGKILL), "True", "False"]
