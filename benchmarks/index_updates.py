"""What is left of recall after many updates with deletes, on the product's own path: the delta of the generation that
serves, and the next generation, with kept links or built anew as the builder's rules have it.

Vectors drift a little at every version, as those of a trained tower do; some items move far, some go, some come.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.index_ground import K, World, unit
from benchmarks.index_speed import overlap
from benchmarks.report_rows import Row, at_least, at_most
from serving.build import RULES, make
from serving.build_job import Built, Job
from serving.generation import Generation

Floats = NDArray[np.float32]
DRIFT, FAR, SHARE = 0.1, 0.5, 0.01
PUT = 800
ROUND, ROUNDS = 0.2, 10


@dataclass(slots=True)
class Shop:
    """Items as of now, and the folders of their versions; an export that is in no file."""

    place: Path
    item_ids: list[str]
    item_vectors: Floats
    tower_version: int = 0
    generation: Generation | None = None
    told: list[Built] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    """The items of the last generation."""

    @classmethod
    def of(cls, vec_ID: Floats, place: Path) -> Shop:
        """A shop that opened today."""
        (place / "export").mkdir(parents=True)
        return cls(place, [str(row) for row in range(len(vec_ID))], vec_ID)

    def publish(self, *, anew: bool = False) -> float:
        """The generation of the items as they are, opened and warm; how many seconds that took."""
        self.tower_version += 1
        start, old = time.perf_counter(), self.generation
        job = Job(
            version=self.tower_version,
            export=str(self.place / "export"),
            aside=str(self.place / f"{self.tower_version:08d}"),
            previous=None if anew or old is None else str(old.folder),
        )
        before = Shop(self.place, self.listed, self.item_vectors, self.tower_version - 1)
        built = make(job, open_export=lambda folder: self if folder == Path(job.export) else before, rules=RULES)
        self.generation = Generation.open(Path(built.aside))
        self.generation.warm()
        self.told.append(built)
        self.listed = list(self.item_ids)
        taken = time.perf_counter() - start
        if old is not None:
            shutil.rmtree(old.folder)
        return taken


def after_updates(items: int, updates: int, place: Path) -> list[Row]:
    """Recall of the last generation after so many vectors were updated, a hundredth of the items replaced per round."""
    random, world = np.random.default_rng(5), World(items, seed=11)
    shop = Shop.of(world.draw(items), place)
    query_QD = world.draw(400, wider=1.1)
    shop.publish()
    done, served, least = 0, list[float](), 1.0
    while done < updates:
        live, far = shop.generation, random.choice(items, int(SHARE * items), replace=False)
        assert live is not None
        gone, moved = np.split(far, [len(far) // 2])
        shop.item_vectors = drifted(random, shop.item_vectors, DRIFT)
        shop.item_vectors[moved] = drifted(random, shop.item_vectors[moved], FAR)
        shop.item_vectors[gone] = world.draw(len(gone))
        served.append(_served(live, moved[:PUT], gone, shop.item_vectors, query_QD[:100]))
        for row in gone.tolist():  # another item, in the place of the one that went
            shop.item_ids[row] = f"{shop.item_ids[row]}+"
        shop.publish()
        done += items
        least = min(least, _recall(shop, query_QD[:100]))
    return [
        Row("updates", done),
        Row("rebuilds", sum(not built.reused for built in shop.told) - 1),
        at_least("recall_after_updates", _recall(shop, query_QD), 0.95),
        at_least("recall_while_updating", least, 0.94),
        at_least("recall_with_delta", min(served), 0.95),
    ]


def _served(
    live: Generation, moved_N: NDArray[np.int64], gone: NDArray[np.int64], vec: Floats, query_QD: Floats
) -> float:
    """Recall of what serves, with far moves in its delta and what went hidden, against all that it holds."""
    live.searcher.delta.put(moved_N, vec[moved_N])
    hide = np.zeros(live.items, np.uint8)
    hide[gone] = 1
    found = [live.search(q, K, hide)[0] for q in query_QD]
    assert all(len(rows) == K and not hide[rows].any() for rows in found), "a deleted item, or too few items"
    return overlap(found, [live.exact(q, K, hide)[0] for q in query_QD])


def _recall(shop: Shop, query_QD: Floats) -> float:
    live = shop.generation
    assert live is not None
    return overlap([live.search(q, K)[0] for q in query_QD], [live.exact(q, K)[0] for q in query_QD])


def drifted(random: np.random.Generator, vec: Floats, step: float) -> Floats:
    """Every vector a random step further."""
    return unit(vec + step * unit(random.normal(size=vec.shape).astype(np.float32)))


def beside_rebuilds(items: int, place: Path) -> list[Row]:
    """Ten times a fifth of the items moves far: the most that the product's path loses to links built anew."""
    random, world = np.random.default_rng(6), World(items, seed=12)
    ours, anew = (Shop.of(world.draw(items), place / name) for name in ("kept", "anew"))
    anew.item_vectors = ours.item_vectors
    query_QD, lost = world.draw(200, wider=1.1), list[float]()
    ours.publish()
    for _ in range(ROUNDS):
        moved = random.choice(items, int(ROUND * items), replace=False)
        ours.item_vectors = ours.item_vectors.copy()
        ours.item_vectors[moved] = drifted(random, ours.item_vectors[moved], DRIFT)
        anew.item_vectors = ours.item_vectors
        ours.publish()
        anew.publish(anew=True)
        lost.append(_recall(anew, query_QD) - _recall(ours, query_QD))
    kept = sum(built.reused for built in ours.told)
    return [Row("rounds_that_kept_links", kept), at_most("recall_lost_in_10_rounds", max(lost), 0.01)]


def at_once(vec_ID: Floats, place: Path) -> list[Row]:
    """All vectors move a little and the links stay; and whether they are built anew where they moved more."""
    random, shop = np.random.default_rng(8), Shop.of(vec_ID, place)
    query_QD = drifted(random, vec_ID[random.choice(len(vec_ID), 200)], 0.7)
    build_s = shop.publish()
    before = _recall(shop, query_QD)
    shop.item_vectors = drifted(random, vec_ID, DRIFT)
    taken = shop.publish()
    kept = shop.told[-1]
    rows = [
        at_most("republish_s", taken, 2.0),
        Row("republish_by_build", taken / build_s),
        at_most("republish_recall_lost", before - _recall(shop, query_QD), 0.015),
        at_least("republish_kept_links", float(kept.reused), 1),
        Row("republish_cosine", kept.cosine),
    ]
    if len(vec_ID) > 200_000:
        return rows
    shop.item_vectors = drifted(random, vec_ID, 3 * DRIFT)
    shop.publish()
    return [*rows, at_least("rebuilt_below_cosine_.99", float(not shop.told[-1].reused), 1)]
