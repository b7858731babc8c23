"""Scoring 500 candidates of one asker: the split first layer in numpy, as a server does it, beside the trainer's model.

    python -m benchmarks.split_scoring [--json] [--items N] [--ground DIR]

Processor time, by turns, one thread each; the trainer's way begins with a batch of rows, as it reads them. That both
say the same is held by `tests/serving/test_scorer.py`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_threads}_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from benchmarks.recommend_ground import RANKED, ground_of  # noqa: E402
from benchmarks.report_rows import Row, as_json, at_least, told  # noqa: E402
from benchmarks.restore_model import fresh  # noqa: E402
from benchmarks.rollback_ground import OLD, Ground  # noqa: E402
from learners.learned_state import LEARNED  # noqa: E402
from learners.ordering import Batch, Example  # noqa: E402
from serving.scorer import Asker, Scorer  # noqa: E402
from streams import examples  # noqa: E402
from streams.examples import Past, Shot  # noqa: E402

ROUNDS, WARM, HISTORY = 40, 4, 10


def measure(ground: Ground) -> list[Row]:
    """Microseconds of both."""
    learner = fresh()
    learner.restore(ground.var / "versions" / f"{OLD:08d}" / LEARNED)
    scorer = Scorer.open(ground.generations / f"{OLD:08d}" / "serving")
    took = []
    for asker, shot, rows in _asked(scorer):
        batch = Batch(tuple(Example(_line(scorer.item_ids[row]), shot, None, 0) for row in rows.tolist()), shot.ts)
        began = time.process_time()
        learner.score(batch)
        between = time.process_time()
        scorer.score(asker, rows)
        took.append((between - began, time.process_time() - between))
    theirs, ours = (1e6 * float(np.median(one)) for one in zip(*took[WARM:], strict=True))
    return [Row("trainer_us", theirs), Row("split_us", ours), at_least("ratio", theirs / ours, 3.0)]


def _asked(scorer: Scorer) -> Iterator[tuple[Asker, Shot, np.ndarray]]:
    random, items = np.random.default_rng(0), len(scorer.item_ids)
    for user in range(1, ROUNDS + 1):
        history = tuple(Past(str(item), "click", 1) for item in random.integers(1, items, HISTORY).tolist())
        context: dict[str, str | float] = {"hour": 9.0}
        rows = random.choice(items, min(RANKED, items), replace=False).astype(np.int32)
        shot = Shot(str(user), 9, surface="home", context=context, history=history)
        yield Asker(str(user), history, "home", context, 9), shot, rows


def _line(item_id: str) -> examples.Row:
    return examples.Row(0, 9, "label", "x", {"click": 0.0}, item_id=item_id)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--ground", type=Path, help="where versions and indices stay for the next run")
    asked = parser.parse_args()
    with ExitStack() as stack:
        place = asked.ground or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headrace-split-")))
        rows = measure(ground_of(place, asked.items))
    print("\n".join(told(row) for row in rows))
    if asked.json:
        print(as_json(rows))


if __name__ == "__main__":
    main()
