"""What progressive evaluation costs: its share of the step, with the learner that ships, on one core.

The same batches go to two learners in turns: one is scored and learned, the other is evaluated too, with its slices and
with retrieval over all items. `evaluation_share` is the time in evaluation over the time in score and learn of the same
learner, by the processor's clock; `retrieval_share` is the part of it that looks for clicks; `on_over_off` is
the whole of one learner over the other, without challengers. The bar is a share of at most .02. `challengers_share` is
what they cost beside it, with frozen copies and alarms of drift.

    python benchmarks/evaluation.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from learners.evaluation import Evaluation
from learners.frozen_copies import FrozenCopies
from learners.learner import Learner
from learners.named_learners import make_learner
from learners.ordering import Batch, Example
from learners.progressive import evaluate, foreseen
from learners.riding_along import RidingAlong
from streams.examples import Attributes, Past, Row, Shot

ITEMS, USERS, SLATE, BATCH = 10_000, 20_000, 10, 1024
RATE = 0.12
BAR = 0.02
EVERY = 64
AGES = {"young": 30_000, "old": 120_000}
"""A batch is a second."""
DISCARDED = 20
"""Batches before the clock runs."""


@dataclass(slots=True)
class Times:
    """Seconds by what they went to, and how often."""

    spent: dict[str, float] = field(default_factory=dict)
    at: float = 0.0

    def start(self) -> None:
        self.at = time.process_time()

    def lap(self, name: str) -> None:
        """What passed since the last call went to this."""
        now = time.process_time()
        self.spent[name] = self.spent.get(name, 0.0) + now - self.at
        self.at = now

    def share(self, *names: str) -> float:
        """Of these, over scoring and learning."""
        return sum(self.spent.get(name, 0.0) for name in names) / self.spent["step"]


def items() -> list[Attributes]:
    """Things of 20 kinds, 80 tags and 500 authors."""
    return [
        Attributes(f"i{k}", 1, (f"c{k % 20}",), (f"t{k % 80}", f"t{k * 7 % 80}"), f"a{k % 500}") for k in range(ITEMS)
    ]


def batches(rows: int, stock: list[Attributes]) -> Iterator[Batch]:
    """Pages of ten by two producers, to users who like some kinds."""
    random = np.random.default_rng(1)
    for number in range(rows // BATCH):
        examples: list[Example] = []
        while len(examples) < BATCH:
            user, at = int(random.integers(USERS)), 1_000_000 + number * 1000
            near = (user % 20 + 20 * random.integers(0, ITEMS // 20, 6)).tolist()
            past = tuple(Past(f"i{item}", "click", at - 700_000) for item in near)
            about: dict[str, Any] = {
                "producer": f"app{user % 2}",
                "app_version": f"{user % 7}",
                "surface": ("home", "feed")[user % 3 > 0],
            }
            shot = Shot(
                f"u{user}", at, f"r{number}-{len(examples)}", context={"hour": float(user % 24)}, history=past, **about
            )
            for position, item in enumerate(random.integers(0, ITEMS, SLATE).tolist()):
                told = {"click": float(random.random() < RATE * (3 if item % 20 == user % 20 else 0.9))}
                name = f"{number}-{len(examples)}"
                row = Row(
                    len(examples), at, "label", name, told, item_id=stock[item].item_id, position=position, first=True
                )
                examples.append(Example(row, shot, stock[item], 0))
        yield Batch(tuple(examples[:BATCH]), 0)


def taught(stock: list[Attributes]) -> Learner:
    """A learner that knows what there is."""
    learner = make_learner(labels=("click",), context=("hour",), seed=1)
    learner.learn(
        Batch(tuple(Example(Row(0, 0, "item", one.item_id, item_id=one.item_id), None, one, 0) for one in stock), 0)
    )
    return learner


def riders() -> RidingAlong:
    """Challengers as they ride along by the settings as shipped, but that hours and days are short, and copies of any
    size."""
    made = partial(make_learner, labels=("click",), context=("hour",), seed=1)
    return RidingAlong("click", every=EVERY, context=("hour",), frozen=FrozenCopies(made, AGES, largest=1 << 30))


def step(
    learner: Learner,
    batch: Batch,
    times: Times,
    evaluation: Evaluation | None = None,
    riding: RidingAlong | None = None,
) -> None:
    """One turn as the trainer takes it."""
    times.start()
    look = evaluation.retrieval.look(learner, batch) if evaluation else None
    times.lap("look")
    scores = learner.score(batch)
    times.lap("step")
    told = foreseen(batch, scores, look) if evaluation else None
    times.lap("figures")
    learner.learn(batch)
    times.lap("step")
    if evaluation and told:
        evaluate(evaluation, told)
        times.lap("figures")
    if riding:
        riding.see(batch, scores, learner)
        times.lap("riding")


def measured(rows: int) -> dict[str, Any]:
    """The figures of one run."""
    stock = items()
    plain, evaluated, evaluation = taught(stock), taught(stock), Evaluation(("click",))
    off, on, riding = Times(), Times(), riders()
    for number, batch in enumerate(batches(rows, stock)):
        if number == DISCARDED:
            off, on = Times(), Times()
        step_of = {
            False: partial(step, plain, batch, off),
            True: partial(step, evaluated, batch, on, evaluation, riding),
        }
        for evaluates in (False, True) if number % 2 else (True, False):
            step_of[evaluates]()
    if riding.out:
        raise RuntimeError(f"challengers are out: {riding.out}")
    on.start()
    click = evaluation.report()["click"]
    on.lap("report")
    found = click["retrieval"]
    return {
        "rows": rows,
        "items": ITEMS,
        "evaluation_share": on.share("figures", "look"),
        "retrieval_share": on.share("look"),
        "challengers_share": on.share("riding"),
        "copies_taken": len(riding.told()["table"]) - 3,
        "on_over_off": sum(on.share(name) for name in ("figures", "look", "step"))
        * on.spent["step"]
        / off.spent["step"],
        "step_ms": 1000 * off.spent["step"] / (rows // BATCH - DISCARDED),
        "report_ms": 1000 * on.spent["report"],
        "clicks_sampled": found["sampled"],
        "clicks_judged": found["judged"],
        "bar": BAR,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="300,000 rows instead of 2,000,000")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    asked = parser.parse_args()
    told = measured(300_000 if asked.quick else 2_000_000)
    for name, value in told.items():
        print(f"{name:18} {value:,.4g}")
    if asked.json:
        print(json.dumps(told))


if __name__ == "__main__":
    main()
