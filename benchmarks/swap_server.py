"""The server that `swap.py` asks: `headrace serve` as it is, with a thread beside it that ticks every millisecond.

With `--peer` it also does what a server with hnswlib in it does at a swap: for each line on its standard input it loads
an index in a thread, puts it in the place of the last one, and says so.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_threads}_NUM_THREADS", "1")

from benchmarks.ticking import tick  # noqa: E402
from headrace.settings_file import load  # noqa: E402
from headrace.wiring import run_serve  # noqa: E402


def swapping(path: Path, dim: int) -> None:
    """Load, assign, let the old one go."""
    import hnswlib

    index = None
    for _ in sys.stdin:
        fresh = hnswlib.Index("ip", dim)
        fresh.load_index(str(path))
        index = fresh
        print(index.element_count, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", type=Path)
    parser.add_argument("ticks", type=Path)
    parser.add_argument("--peer", type=Path, help="a file that hnswlib saved")
    parser.add_argument("--dim", type=int, default=0)
    told = parser.parse_args()
    with told.ticks.open("w", buffering=1) as out:
        tick(out)
        if told.peer:
            threading.Thread(target=swapping, args=(told.peer, told.dim), daemon=True).start()
        run_serve(load(told.settings, {}))


if __name__ == "__main__":
    main()
