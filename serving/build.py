"""Make the generation of a version: keep the last links or build new ones, and prove what they find.

It never puts a folder in place, and it trusts the version that stands in the vectors' export, not the one it was asked
for. hnswlib holds the interpreter lock and takes every core it is given, so outside of tests this runs in a process of
its own (`builder.py`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from time import perf_counter

import numpy as np

from learners.deriving import Deriver
from serving import generation_files as files
from serving.build_job import Built, Export, Job
from serving.exported import items_known
from serving.generation import Canary, Generation, write
from serving.generation_files import About, DamagedGeneration
from serving.graph import Floats, Graph, without_links
from serving.graph_search import Searcher
from serving.hnsw_index import Shape, build
from serving.late_queries import Late, late_of
from serving.late_recall import LateRecall
from serving.niceness import at_nice
from serving.reuse import Limits, keep_links, same_items

OpenExport = Callable[[Path], Export]
WIDTHS = (200, 400, 800)
"""How many nodes a search may keep in hand; the least of them that finds enough is taken."""
NICE, NICE_MANY = 5, 19
KEPT = ("links", "upper", "uoff", "base")


@dataclass(frozen=True, slots=True)
class Rules:
    """When links are worth having, and what they have to find."""

    shape: Shape = field(default_factory=Shape)
    limits: Limits = field(default_factory=Limits)
    links_from: int = 20_000
    gate: float = 0.95
    slack: float = 0.01
    politely_from: int = 50_000


RULES = Rules()


@dataclass(frozen=True, slots=True)
class Drawn:
    """A graph and what its searches find of the canary and of queries of late; `old` is the generation whose links it
    keeps."""

    graph: Graph
    ef: int
    recall: float
    late: LateRecall | None = None
    cosine: float = 1.0
    old: Generation | None = None


@dataclass(frozen=True, slots=True)
class Measures:
    """What a graph of the new vectors is asked; `late` where people asked of late."""

    canary: Canary
    late: Late | None

    def late_recall(self, searcher: Searcher, ef: int | None = None) -> LateRecall | None:
        """What it finds of the queries of late."""
        return None if self.late is None else self.late.recall(searcher, ef)


def make(job: Job, *, open_export: OpenExport, rules: Rules, deriver: Deriver | None = None) -> Built:
    """One generation, whole and sealed, in the folder aside.

    1. derive the export where the version holds none, and open it; 2. keep the previous links if their recall holds,
    else build, else go without; 3. put the shared files into the folder; 4. write the rest, the manifest last.
    """
    if job.chain:
        shutil.rmtree(job.export, ignore_errors=True)
        (deriver or Deriver()).derive(job.chain, Path(job.export), version=job.version, steps=job.steps)
    export = open_export(Path(job.export))
    if export.tower_version != job.version:
        raise ValueError(f"the vectors in {job.export} are of version {export.tower_version}, not {job.version}")
    vec_ID = np.ascontiguousarray(export.item_vectors, np.float32)
    canary, late, old = canary_of(vec_ID, seed=job.version), None, None
    if len(vec_ID) >= rules.links_from:
        opened = cache(Generation.open)  # the one before is mostly the one that was asked
        late, old = late_of(Path(job.aside).parent, job.version, vec_ID, opened), _previous(job, opened)
    measures = Measures(canary, late)
    drawn = (old and _reused(old, export, vec_ID, measures, open_export, rules)) or _built(vec_ID, measures, rules)
    aside = Path(job.aside)
    _share(job, drawn, aside)
    write(aside, drawn.graph, canary, _about(job, drawn, rules))
    return Built(
        version=job.version,
        aside=job.aside,
        recall=drawn.recall,
        cosine=drawn.cosine,
        reused=drawn.old is not None,
        linked=drawn.graph.nodes > 0,
        tail=len(drawn.graph.labels_R) - drawn.graph.nodes,
        items=drawn.graph.items,
        latency=latency_of(Searcher(drawn.graph, ef=drawn.ef), canary),
        known=items_known(Path(job.export)),
        late=drawn.late,
    )


def latency_of(searcher: Searcher, canary: Canary, *, count: int = 32) -> float:
    """The ms that a search takes, at the median over some queries of the canary; 0 where there are none."""
    taken = []
    for query_D in canary.query_QD[:count]:
        since = perf_counter()
        searcher.search(query_D, canary.row_QK.shape[1])
        taken.append(1_000 * (perf_counter() - since))
    return float(np.median(taken)) if taken else 0.0


def canary_of(vec_ID: Floats, *, seed: int, count: int = 128, k: int = 100) -> Canary:
    """Queries near single items and between three of them (as users stand), and their exact answers."""
    random, items = np.random.default_rng(seed), len(vec_ID)
    if not items:
        return Canary(np.zeros((0, vec_ID.shape[1]), np.float32), np.zeros((0, 0), np.int32))
    query_QD = vec_ID[random.integers(0, items, count)]
    query_QD[::2] += vec_ID[random.integers(0, items, (2, len(query_QD[::2])))].sum(axis=0)
    query_QD += random.normal(0, 0.3 / np.sqrt(vec_ID.shape[1]), query_QD.shape).astype(np.float32)
    query_QD /= np.linalg.norm(query_QD, axis=1, keepdims=True)
    oracle = Searcher(without_links(vec_ID))
    return Canary(query_QD, np.stack([oracle.exact(query_D, k)[0] for query_D in query_QD]))


def _previous(job: Job, opened: Callable[[Path], Generation]) -> Generation | None:
    try:
        return None if job.previous is None else opened(Path(job.previous))
    except DamagedGeneration:
        return None  # the links are a saving, never a need; the follower finds and replaces what is damaged


def _reused(
    old: Generation, export: Export, vec_ID: Floats, measures: Measures, open_export: OpenExport, rules: Rules
) -> Drawn | None:
    base_ND = np.load(old.folder / "base.npy", mmap_mode="r", allow_pickle=False)
    row_I = same_items(open_export(old.export).item_ids, export.item_ids)
    kept = keep_links(old.searcher.graph, base_ND, row_I, vec_ID, rules.limits)
    if kept is None:
        return None
    searcher = Searcher(kept.graph, ef=old.about.ef)
    recall, late = measures.canary.recall(searcher), measures.late_recall(searcher)
    if recall < max(rules.gate, old.about.recall_built - rules.slack) or (late and late.fell(rules.slack)):
        return None
    return Drawn(kept.graph, searcher.ef, recall, late, kept.cosine, old)


def _built(vec_ID: Floats, measures: Measures, rules: Rules) -> Drawn:
    """The narrowest search that finds enough of the canary, and of queries of late no less than before; where none
    does, the widest of those that find enough of the canary."""
    drawn: Drawn | None = None
    if len(vec_ID) >= rules.links_from:
        many = len(vec_ID) >= rules.politely_from
        threads = max(1, (os.cpu_count() or 1) - 1) if many else 1
        graph = at_nice(NICE_MANY if many else NICE, lambda: build(vec_ID, rules.shape, threads=threads))
        searcher = Searcher(graph)
        for ef in WIDTHS:
            recall = measures.canary.recall(searcher, ef)
            if recall >= rules.gate:
                late = measures.late_recall(searcher, ef)
                drawn = Drawn(graph, ef, recall, late)
                if late is None or not late.fell(rules.slack):
                    return drawn
    return drawn or Drawn(without_links(vec_ID, rules.shape.m), WIDTHS[0], 1.0)


class InlineBuilder:
    """The contract of `build_job.Builder` without a process: the work is done when it is begun."""

    def __init__(self, open_export: OpenExport, rules: Rules = RULES) -> None:
        self._open_export = open_export
        self._rules = rules
        self._built: Built | None = None
        self._deriver = Deriver()

    def start(self) -> None:
        """There is nothing to start."""

    def begin(self, job: Job) -> None:
        self._built = attempt(job, self._open_export, self._rules, self._deriver)

    def poll(self) -> Built | None:
        built, self._built = self._built, None
        return built

    def abandon(self) -> None:
        self._built = None

    def close(self) -> None:
        self._built = None


def attempt(job: Job, open_export: OpenExport, rules: Rules, deriver: Deriver | None = None) -> Built:
    """`make`, with what went wrong told instead of raised."""
    try:
        return make(job, open_export=open_export, rules=rules, deriver=deriver)
    except Exception as error:  # one bad version must not end the process that builds the next
        return Built(version=job.version, aside=job.aside, error=f"{type(error).__name__}: {error}")


def _share(job: Job, drawn: Drawn, aside: Path) -> None:
    aside.mkdir(parents=True)
    export = Path(job.export)
    for path in sorted(path for path in export.rglob("*") if path.is_file()):
        files.link(path, aside / files.EXPORT / path.relative_to(export))
    if drawn.old is not None:
        for name in KEPT:
            files.link(drawn.old.folder / f"{name}.npy", aside / f"{name}.npy")


def _about(job: Job, drawn: Drawn, rules: Rules) -> About:
    old = None if drawn.old is None else drawn.old.about
    shape = rules.shape
    return About(
        version=job.version,
        parent=job.parent,
        items=drawn.graph.items,
        dim=drawn.graph.vec_RD.shape[1],
        entry=drawn.graph.entry,
        m=drawn.graph.m,
        ef_construction=old.ef_construction if old else shape.ef_construction,
        seed=old.seed if old else shape.seed,
        ef=drawn.ef,
        linked=old.linked if old else job.version,
        cosine=drawn.cosine,
        recall=drawn.recall,
        recall_built=old.recall_built if old else drawn.recall,
        late=None if drawn.late is None else round(drawn.late.recall, 5),
    )
