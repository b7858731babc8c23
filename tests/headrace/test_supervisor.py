import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headrace.supervisor import GaveUp, Supervisor
from headrace.telemetry import read_status

CHILD = """
import sys, time
from pathlib import Path
from headrace.lifeline import hold_on_to
from headrace.telemetry import Telemetry
name, run, parent = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
hold_on_to(parent)
Telemetry(name, run, clock=lambda: 0, port=7).write()
import signal
def stop(*_):
    with (run / "stopped").open("a") as file:
        file.write(name + " ")
    sys.exit()
signal.signal(signal.SIGTERM, stop)
print("ready", name, flush=True)
time.sleep(100)
"""


def child(name: str, run: Path, parent: int) -> list[str]:
    return [sys.executable, "-c", CHILD, name, str(run), str(parent)]


def wait_until(true: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def tree(run: Path, *names: str) -> Supervisor:
    return Supervisor({name: child(name, run, os.getpid()) for name in names}, run)


def test_children_start_say_that_they_are_ready_and_stop_in_order(tmp_path: Path) -> None:
    supervisor = tree(tmp_path, "serve", "join", "train")
    supervisor.start()
    ready = supervisor.wait_ready(30)
    assert [ready[name].port for name in ("serve", "join", "train")] == [7, 7, 7]
    wait_until(lambda: all(supervisor.log_of(name).read_text() for name in ready))
    supervisor.stop()
    supervisor.stop()
    assert (tmp_path / "stopped").read_text().split() == ["serve", "join", "train"]
    assert not any(is_alive(status.pid) for status in ready.values())


def test_a_child_that_is_killed_is_started_again_and_the_death_is_told(tmp_path: Path) -> None:
    supervisor = tree(tmp_path, "join")
    supervisor.start()
    first = supervisor.wait_ready(30)["join"].pid
    os.kill(first, signal.SIGKILL)
    deaths = []
    wait_until(lambda: deaths.extend(supervisor.watch()) or deaths)
    assert supervisor.wait_ready(30)["join"].pid != first
    assert [(death.name, death.status) for death in deaths] == [("join", -signal.SIGKILL)]
    supervisor.stop()


def test_five_deaths_end_it_naming_where_the_last_words_are(tmp_path: Path) -> None:
    supervisor = Supervisor({"join": [sys.executable, "-c", "raise SystemExit('no disk')"]}, tmp_path)
    supervisor.start()
    with pytest.raises(GaveUp, match=r"join died 5 times in 60 s, the last time with status 1.*join\.log"):
        supervisor.wait_ready(60)
    assert supervisor.log_of("join").read_text().split("\n")[:5] == ["no disk"] * 5
    supervisor.stop()


def test_who_does_not_stop_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(99)"
    supervisor = Supervisor({"join": [sys.executable, "-c", deaf]}, tmp_path)
    supervisor.start()
    wait_until(lambda: supervisor.log_of("join").read_text())
    supervisor.stop(patience=0.1)
    assert supervisor.ready() == {}


def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = f"""
import os, sys, time
from pathlib import Path
from headrace.supervisor import Supervisor
run = Path({str(tmp_path)!r})
command = lambda name: [sys.executable, "-c", {CHILD!r}, name, str(run), str(os.getpid())]
supervisor = Supervisor({{name: command(name) for name in ("join", "train")}}, run)
supervisor.start()
supervisor.wait_ready(30)
print("ready", flush=True)
time.sleep(100)
"""
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    pids = [status.pid for status in read_status(tmp_path).values()]
    assert [is_alive(pid) for pid in pids] == [True, True]
    process.kill()
    process.wait()
    process.stdout.close()
    wait_until(lambda: not any(is_alive(pid) for pid in pids))


def test_the_word_of_an_older_life_does_not_count_as_ready(tmp_path: Path) -> None:
    (tmp_path / "join.json").write_text('{"process": "join", "pid": 1, "started_at": 0, "updated_at": 0}')
    supervisor = Supervisor({"join": [sys.executable, "-c", "import time; time.sleep(99)"]}, tmp_path)
    supervisor.start()
    assert supervisor.ready() == {}
    with pytest.raises(GaveUp, match="join not ready"):
        supervisor.wait_ready(0.2)
    supervisor.stop()
