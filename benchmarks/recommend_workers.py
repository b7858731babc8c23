"""What several server processes behind one port weigh together: `headrace serve --workers 3` over mapped generations.

    python -m benchmarks.recommend_workers [--quick] [--json] [--items N] [--workers N] [--ground DIR]

Each is asked until all have answered some hundred requests. `pss_mb` is the proportional memory of all of them and of
the process that started them, in which a page that W processes share counts 1/W for each; the bar is 1.1 generations
and 120 MB a worker. `parent_mb` is of that the part of the one who started them. `failed` answers had another status
than 200.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_threads}_NUM_THREADS", "1")

from benchmarks.recommend_ground import RANKED, Asked, asking_of, ground_of, laid_out  # noqa: E402
from benchmarks.recommend_load import ask  # noqa: E402
from benchmarks.report_rows import Row, as_json, at_most, told  # noqa: E402
from benchmarks.rollback import wait_for  # noqa: E402
from benchmarks.rollback_ground import OLD, PATIENCE, Ground  # noqa: E402
from headrace.settings_file import without_settings  # noqa: E402
from headrace.telemetry import Status, read_status  # noqa: E402
from headrace.tree import SINGLE_THREADED  # noqa: E402

GENERATIONS, EACH = 1.1, 120.0
ENOUGH = 300


@contextmanager
def workers(ground: Ground, count: int) -> Iterator[tuple[Path, int]]:
    """So many behind one port, ready; their run folder, and the pid of who started them."""
    settings = laid_out(ground, RANKED)
    command = [sys.executable, "-m", "headrace", "serve", "--settings", str(settings), "--workers", str(count)]
    process = subprocess.Popen(command, env=SINGLE_THREADED | without_settings(os.environ))
    run = settings.parent / "run"
    try:
        wait_for("all workers", lambda: len(read_status(run)) == count or process.poll() is not None)
        yield run, process.pid
    finally:
        process.terminate()
        process.wait(PATIENCE)


def measure(ground: Ground, count: int) -> list[Row]:
    """Every figure."""
    failed = 0
    with workers(ground, count) as (run, pid):
        request = asking_of("/v1/recommend", n=10, surface="home", dry_run=True)
        while min(_answered(status) for status in read_status(run).values()) < ENOUGH:
            one = read_status(run)["serve"]
            failed += ask(Asked(one.port or 0, one.pid), 4 * count, 1.0, request).failed
        parent = _pss(pid)
        together = parent + sum(_pss(status.pid) for status in read_status(run).values())
    folder = ground.generations / f"{OLD:08d}"
    generation = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    return [
        Row("items", ground.size.items),
        Row("workers", count),
        Row("generation_mb", generation),
        at_most("pss_mb", together, GENERATIONS * generation + EACH * count),
        Row("pss_mb_beyond_each", (together - GENERATIONS * generation) / count),
        Row("parent_mb", parent),
        at_most("failed", failed, 0),
    ]


def _answered(status: Status) -> int:
    return int(status.last.get("rungs", {}).get("model", 0))


def _pss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1e3
    raise RuntimeError(f"the machine does not say how much memory process {pid} has")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="100,000 items")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--items", type=int)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--ground", type=Path, help="where versions and indices stay for the next run")
    asked = parser.parse_args()
    with ExitStack() as stack:
        place = asked.ground or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headrace-workers-")))
        rows = measure(ground_of(place, asked.items or (100_000 if asked.quick else 1_000_000)), asked.workers)
    print("\n".join(told(row) for row in rows))
    if asked.json:
        print(as_json(rows))


if __name__ == "__main__":
    main()
