"""From a process that does not exist to the first right answer: hashes, ranges, mapping, compiled kernels, warm pages.

And what the generation takes: bytes per item on the disk and in memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.index_ground import Ground, K, mapped
from benchmarks.report_rows import Row, at_least, at_most

CHILD = """
import json, sys, time
started = time.perf_counter()
from pathlib import Path
import numpy as np
from serving.generation import Generation
imported = time.perf_counter()
generation = Generation.open(Path(sys.argv[1]))
opened = time.perf_counter()
generation.warm()
query_D = np.load(sys.argv[2])
rows = generation.search(query_D, 100)[0]
done = time.perf_counter()
parts = {"import": imported - started, "open": opened - imported, "warm": done - opened}
print(json.dumps({"rows": rows.tolist(), "recall": generation.recall()} | parts))
"""


def restart(ground: Ground, place: Path) -> list[Row]:
    """A server's part of it, in a process of its own, and going back to a generation that lies on the disk."""
    generation = mapped(ground.graph, place, 1)
    query = place.parent / "query.npy"
    np.save(query, ground.query_QD[0])
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", CHILD, str(place), str(query)], capture_output=True, check=True)
    taken, told = time.perf_counter() - start, json.loads(done.stdout)
    same = told["rows"] == generation.search(ground.query_QD[0], K)[0].tolist()
    start = time.perf_counter()
    type(generation).open(place).warm()
    back = time.perf_counter() - start
    return [
        at_most("restart_s", taken, 5.0),
        *(Row(f"restart_{part}_s", told[part]) for part in ("import", "open", "warm")),
        at_least("restart_same_answer", float(same), 1),
        at_least("restart_canary_recall", told["recall"], 0.95),
        at_most("rollback_from_disk_s", back, 1.0),
        Row("bytes_per_item", sum(path.stat().st_size for path in _arrays(place)) / ground.graph.items),
    ]


def _arrays(folder: Path) -> list[Path]:
    """One file under two names counts once."""
    return list({path.stat().st_ino: path for path in folder.glob("*.npy")}.values())
