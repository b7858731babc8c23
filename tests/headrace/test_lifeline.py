import os
import subprocess
import sys

import pytest

from headrace.lifeline import hold_on_to, is_orphan
from tests.headrace.test_supervisor import is_alive, wait_until


def test_a_parent_that_is_gone_already_ends_the_child_at_once() -> None:
    assert not is_orphan(os.getppid())
    assert is_orphan(1 if os.getppid() != 1 else 2)


def test_only_the_real_parent_can_be_held_on_to() -> None:
    child = os.fork()
    if child == 0:
        try:
            hold_on_to(999_999_999)
        except SystemExit:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_who_has_its_parent_goes_on() -> None:
    parent, child = os.getpid(), os.fork()
    if child == 0:
        try:
            hold_on_to(parent)
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("pid", [0, -1])
def test_no_process_is_no_parent(pid: int) -> None:
    assert is_orphan(pid)


def test_a_foreign_program_dies_with_a_parent_that_is_killed() -> None:
    parent = """
import subprocess, time
from headrace.lifeline import tied_to_us
child = subprocess.Popen(tied_to_us(["/bin/sh", "-c", "echo up; exec sleep 100"]), stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(100)
"""
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert is_alive(child)
        process.kill()
    wait_until(lambda: not is_alive(child))
