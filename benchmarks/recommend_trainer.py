"""A trainer beside a server: a learner of the ground's size learns rows at a rate, while it is let.

    python -m benchmarks.recommend_trainer ITEMS USERS

Its process stands still (SIGSTOP) but in `at_work`. Nothing is joined, committed or published: what is meant is the
cores and the memory that learning takes from a server on the same machine.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.restore_model import Size, Traffic, fresh, grown
from benchmarks.rollback_ground import Ground
from headrace.tree import SINGLE_THREADED

RATE, BATCH, READY = 2_000, 200, "learning"
SETTLE = 0.2


@dataclass(frozen=True, slots=True)
class Trainer:
    """The process, which stands still."""

    process: subprocess.Popen[str]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """It learns as long as the block lasts."""
        self.process.send_signal(signal.SIGCONT)
        time.sleep(SETTLE)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGSTOP)


@contextmanager
def training(ground: Ground) -> Iterator[Trainer]:
    """A trainer that has begun, standing still when the block begins."""
    command = [sys.executable, "-m", "benchmarks.recommend_trainer", str(ground.size.items), str(ground.size.users)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | SINGLE_THREADED, cwd=Path(__file__).parents[1]
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != READY:
            raise RuntimeError("the trainer did not start; see its words above")
        process.send_signal(signal.SIGSTOP)
        yield Trainer(process)
    finally:
        process.kill()
        process.wait()


def main() -> None:
    size = Size(int(sys.argv[1]), int(sys.argv[2]))
    learner, traffic = fresh(), Traffic(size)
    with tempfile.TemporaryDirectory() as folder:
        grown(Path(folder), size)
        learner.restore(Path(folder))
    batches = [traffic.batch(BATCH) for _ in range(50)]
    learner.learn(batches[0])
    print(READY, flush=True)
    due, number = time.monotonic(), 0
    while True:
        learner.learn(batches[number % len(batches)])
        number += 1
        due = max(due + BATCH / RATE, time.monotonic() - 1)  # what it missed while it stood is not made up for
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main()
