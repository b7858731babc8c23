import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.telemetry import Status, read_status
from tests.headrace.test_supervisor import is_alive, wait_until

UP = """
import sys
from pathlib import Path
from headrace.demo_settings import demo_settings
from headrace.tree import run
run(demo_settings(Path(sys.argv[1])), processes=("sequence", "join"))
"""


@pytest.fixture
def up(tmp_path: Path):  # type: ignore[no-untyped-def]
    """The light half of `headrace up`, as a process of its own."""
    process = subprocess.Popen([sys.executable, "-c", UP, str(tmp_path)])
    yield process
    process.kill()
    process.wait()


def statuses(var: Path) -> dict[str, Status]:
    wait_until(lambda: read_status(var / "run").keys() >= {"sequence", "join"}, 60)
    return read_status(var / "run")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_that_is_asked_for_is_clean(up, tmp_path: Path, number: int) -> None:  # type: ignore[no-untyped-def]
    pids = [status.pid for status in statuses(tmp_path).values()]
    up.send_signal(number)
    assert up.wait(60) == 0
    assert not any(is_alive(pid) for pid in pids)
    assert [path.read_text() for path in sorted((tmp_path / "run").glob("*.log"))] == ["", ""]
    left = {path.name for path in (tmp_path / "log").iterdir() if not path.name.endswith(".sqlite")}
    assert not {name for name in left if name.endswith("-wal") and (tmp_path / "log" / name).stat().st_size}


def test_nothing_is_left_after_a_kill_of_the_parent(up, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pids = [status.pid for status in statuses(tmp_path).values()]
    up.kill()
    up.wait()
    wait_until(lambda: not any(is_alive(pid) for pid in pids))


def test_a_process_that_dies_is_started_again_and_goes_on(up, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    before = statuses(tmp_path)["sequence"].pid
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: read_status(tmp_path / "run").get("sequence", statuses(tmp_path)["join"]).pid != before, 60)
    assert up.poll() is None


def test_who_dies_again_and_again_ends_it_with_1_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "events.sqlite").write_text("this is no database")
    command = [sys.executable, "-m", "headrace", "up", "--var", str(tmp_path), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 1, done
    assert "died 5 times in 60 s" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
