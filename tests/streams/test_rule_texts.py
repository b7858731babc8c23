"""Rules that several threads are the first to read, each at the same moment."""

from __future__ import annotations

import subprocess
import sys

READ_AT_ONCE = """
import sys
from dataclasses import make_dataclass
from threading import Barrier, Thread
from streams.rule_texts import rules_of, text_of

def read():
    together.wait()
    said.append(rules_of(text, Rules, code=1, whose="a test") == rules)

sys.setswitchinterval(1e-6)
for _ in range(1000):
    Label = make_dataclass("Label", [(f"window_{n}", int, n) for n in range(6)])
    Rules = make_dataclass("Rules", [("labels", tuple[Label, ...], ()), *((f"grace_{n}", int, n) for n in range(6))])
    rules = Rules((Label(7), Label(8)))
    text, said, together = text_of(rules, code=1), [], Barrier(3)
    threads = [Thread(target=read) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert said == [True] * 3
"""


def test_rules_that_several_threads_are_first_to_read_crash_nothing() -> None:
    """In a process of its own: a crash of msgspec would end the tests."""
    command = [sys.executable, "-c", READ_AT_ONCE]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr
