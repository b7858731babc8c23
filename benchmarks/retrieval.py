"""How well the next click of a session is foreseen, by two towers that learn from each click, through the live index.

Prequential: a block of clicks is answered by what was learned before it, then learned. A target is a click with another
before it in its session; all items that were seen so far are ranked, nothing is hidden, an item never seen is a miss.
`hr10` and `mrr10` are of an exact search; `of_exact` is the share of its hits that ten answers of the live index
give, on the blocks that it serves. Floors are of the same targets: `popular` the ten most clicked of the last hour,
`covisitation` what was clicked right after the last item, `covisitation_fading` the same with a half-life of 2 h.

The ablation is on a first part of the stream: negatives from the batch alone, then corrected by their chances, then
mixed with recent and uniform ones, which is the learner; and the learner with one row for an item as what came before
and as what is wanted. Deciles are of clicks, rarest items first. `--quick` takes a first part of the stream.
`product` is the learner that ships, taught the same clicks as organic visits, on the served blocks.

    python benchmarks/retrieval.py [PATH] [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import retrieval_floor as floor
from benchmarks.retrieval_clicks import Longs, Stream, blocks, read
from benchmarks.retrieval_live import LiveIndex
from benchmarks.retrieval_product import answered_by_product
from benchmarks.retrieval_tally import Answered, K, Tally, deciles, ranks
from learners.retrieval_learner import Clicks, SessionTowers, TowerRules
from learners.retrieval_pool import PoolRules

BLOCK = 128
BARS = {"hr10": 0.50, "mrr10": 0.235, "of_exact": 0.99}
BARS |= {f"product_{name}": bar for name, bar in BARS.items()}
RULES = TowerRules()
ARMS = {
    "in_batch": replace(RULES, pool=PoolRules(recent=0, uniform=0, corrected=False)),
    "logq": replace(RULES, pool=PoolRules(recent=0, uniform=0)),
    "mixed": RULES,
    "mixed_shared_rows": replace(RULES, own_rows=False),
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: clicks in all, in the ablation and of the shipped learner (None: all), every how many
    blocks are ranked, and served."""

    clicks: int | None = None
    ablation: int = 1_000_000
    ranked: int = 4
    served: int = 128
    product: int | None = None


QUICK = Scale(clicks=250_000, ablation=80_000, served=64, product=60_000)


def answered(stream: Stream, rules: TowerRules, every: int) -> Iterator[Answered]:
    """Learn the stream; every so many blocks, tell what the towers say before they learn it."""
    towers = SessionTowers(rules, seed=1)
    for number, (part, target_B) in enumerate(blocks(stream, BLOCK)):
        at = int(stream.at_N[part][-1])
        before_BL, about_BA = stream.before_NL[target_B], stream.about_NA[target_B]
        clicks = Clicks(before_BL, about_BA, stream.item_N[target_B], at)
        if number % every == 0 and len(target_B):
            yield Answered(number, target_B, clicks.item_B, towers.embed_users(clicks), towers.embed_items())
        if not towers.learn(clicks).finite:
            raise RuntimeError(f"block {number}: a gradient is not finite; the weights before it were")
        towers.see(stream.item_N[part], at=at)


def whole(stream: Stream, scale: Scale, place: Path) -> dict[str, Any]:
    """The learner beside the floors, and through the index."""
    start, part_E, live = time.perf_counter(), deciles(stream.item_N), LiveIndex(place)
    plain_N2, fading_N2 = floor.ranks(stream), floor.ranks(stream, half_life=2 * floor.HOUR)
    ours, exact, found = Tally(part_E), Tally(part_E), Tally(part_E)
    popular, covisited, fading = Tally(part_E), Tally(part_E), Tally(part_E)
    for block in answered(stream, RULES, scale.ranked):
        rank_B = ranks(block.user_BD, block.vec_ED, block.item_B)
        ours.add(rank_B, block.item_B)
        popular.add(plain_N2[block.target_B, 0], block.item_B)
        covisited.add(plain_N2[block.target_B, 1], block.item_B)
        fading.add(fading_N2[block.target_B, 1], block.item_B)
        if block.number % scale.served == 0 and len(block.vec_ED) > K:
            exact.add(rank_B, block.item_B)
            found.add(through(live, block), block.item_B)
    return {
        "clicks": len(stream.at_N),
        "items": len(part_E),
        "targets": ours.targets,
        "hr10": ours.hr,
        "mrr10": ours.mrr,
        "hr10_popular": popular.hr,
        "mrr10_popular": popular.mrr,
        "hr10_covisitation": covisited.hr,
        "mrr10_covisitation": covisited.mrr,
        "hr10_covisitation_fading": fading.hr,
        "mrr10_covisitation_fading": fading.mrr,
        "hr10_ratio": ours.hr / max(covisited.hr, 1e-9),
        "mrr10_ratio": ours.mrr / max(covisited.mrr, 1e-9),
        "of_exact": found.hr / max(exact.hr, 1e-9),
        "of_exact_mrr10": found.mrr / max(exact.mrr, 1e-9),
        "served_targets": found.targets,
        "served_hr10": found.hr,
        "generations": live.generations,
        "generations_linked": live.linked,
        "generations_rebuilt": live.rebuilt,
        "canary_recall": float(np.mean(live.recalls or [1.0])),
        "generation_s": live.seconds / max(1, live.generations),
        "seconds": time.perf_counter() - start,
    }


def through(live: LiveIndex, block: Answered) -> Longs:
    """Ranks in the ten answers of the index; 0 where the item is none of them."""
    generation = live.publish(block.vec_ED)
    shown_BK = np.stack([generation.search(user_D, K)[0] for user_D in block.user_BD])
    is_it_BK = shown_BK == block.item_B[:, None]
    return np.where(is_it_BK.any(axis=1), is_it_BK.argmax(axis=1) + 1, 0)


def product(stream: Stream, scale: Scale, place: Path) -> dict[str, Any]:
    """The learner that ships, on the blocks that are served."""
    stream = stream.first(scale.product or len(stream.at_N))
    start, part_E, live = time.perf_counter(), deciles(stream.item_N), LiveIndex(place)
    exact, found = Tally(part_E), Tally(part_E)
    for block in answered_by_product(stream, scale.served, block=BLOCK):
        exact.add(ranks(block.user_BD, block.vec_ED, block.item_B), block.item_B)
        found.add(through(live, block), block.item_B)
    return {
        "product_targets": exact.targets,
        "product_hr10": exact.hr,
        "product_mrr10": exact.mrr,
        "product_of_exact": found.hr / max(exact.hr, 1e-9),
        "product_s": time.perf_counter() - start,
    }


def ablation(stream: Stream, scale: Scale) -> dict[str, Any]:
    """Each arm over a first part of the stream, with recall and exposure by deciles of its clicks."""
    stream = stream.first(scale.ablation)
    part_E, told = deciles(stream.item_N), dict[str, Any]()
    for name, rules in ARMS.items():
        start, tally = time.perf_counter(), Tally(part_E)
        for block in answered(stream, rules, 2 * scale.ranked):
            rank_B = ranks(block.user_BD, block.vec_ED, block.item_B)
            tally.add(rank_B, block.item_B, best(block).ravel())
        told |= {f"{name}_hr10": tally.hr, f"{name}_mrr10": tally.mrr} | tally.by_part(name)
        told |= {f"{name}_s": time.perf_counter() - start}
    return told


def best(block: Answered) -> Longs:
    """The ten items that each user would be shown."""
    if len(block.vec_ED) <= K:
        return np.zeros((0, K), np.int64)
    score_BE = block.user_BD @ block.vec_ED.T
    return np.argpartition(score_BE, -K, axis=1)[:, -K:]


def measure(path: Path, scale: Scale) -> dict[str, Any]:
    """One flat object."""
    stream = read(path, clicks=scale.clicks)
    with tempfile.TemporaryDirectory() as place:
        told = whole(stream, scale, Path(place))
    told |= ablation(stream, scale)
    with tempfile.TemporaryDirectory() as place:
        told |= product(stream, scale, Path(place))
    return told | {"bars_met": all(told[name] >= bar for name, bar in BARS.items())}


def table(told: dict[str, Any]) -> str:
    """The figures for eyes: the ablation as a table, the rest line by line."""
    plain = {name: value for name, value in told.items() if "decile" not in name}
    lines = [f"{name:28} {value:>14,}" for name, value in plain.items()]
    for what in ("hr10", "exposure"):
        lines.append(f"\n{what} by decile of clicks, rarest items first")
        for arm in ARMS:
            parts = [told[f"{arm}_{what}_decile_{part + 1}"] for part in range(10)]
            lines.append(f"{arm:20}" + "".join(f"{part:7.3f}" for part in parts))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("path", type=Path, nargs="?", help="clicks.csv.xz, or the folder that holds it")
    parser.add_argument("--quick", action="store_true", help="a first part; ends within a minute")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    told = parser.parse_args()
    path: Path = told.path or Path(os.environ.get("HEADRACE_DATA", "../shared/data")) / "globo-clicks"
    path = path / "clicks.csv.xz" if path.is_dir() else path
    if not path.is_file():
        sys.exit(f"there is no {path}: name the file of clicks, or the folder above its own in HEADRACE_DATA")
    figures = measure(path, QUICK if told.quick else Scale())
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}
    print(json.dumps(rounded) if told.json else table(rounded))


if __name__ == "__main__":
    main()
