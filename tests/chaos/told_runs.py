"""One run of a seed, or many, each in a folder of its own; a failure names seed and schedule, and how to repeat it."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from tests.chaos.scheduler import Run, Shape
from tests.chaos.verdict import judge

MEMORY = Path("/dev/shm")
"""Where a sync costs nothing; the default of the machine where there is no such folder."""


class Failed(AssertionError):
    """A run that ended otherwise than the single pass."""


def played(seed: int, shape: Shape, during: AbstractContextManager[object] | None = None) -> Run:
    """A run that was played and judged; what is broken `during` it is broken for those who read its topics too."""
    with folder() as root:
        run = Run(seed, root, shape)
        try:
            with during or nullcontext():
                run.play()
                judge(run)
        except Exception as error:
            schedule = "\n  ".join(run.schedule)
            raise Failed(
                f"seed {seed} of {shape}: {type(error).__name__}: {error}\n  {schedule}\n"
                f"Repeat it: HEADRACE_CHAOS_SEED={seed} pytest -s tests/chaos/test_chaos.py"
            ) from error
        return run


def counted(seeds: Iterable[int], shape: Shape) -> Counter[str]:
    """What happened in all of these runs together."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        counts += played(seed, shape).counts
        counts["runs"] += 1
    return counts


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder for one run."""
    with tempfile.TemporaryDirectory(prefix="chaos", dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)
