"""Search through a mapped generation beside raw hnswlib: the same graph, the same queries, the same run.

`python benchmarks/index.py [--quick] [--json] [--items N]`. Ratios are ours over hnswlib's queries per second (of the
median query), one thread, k = 100. The searches take turns and the best of several rounds counts, so that what else the
machine does hits them alike. `recall` is against an exact scan, as is hnswlib's, `recall_peer`. The last line of
`--json` is one flat object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.build import canary_of
from serving.generation import Generation, write
from serving.generation_files import About
from serving.graph import Graph
from serving.hnsw_index import Shape, flat, raw_index

Floats = NDArray[np.float32]
Search = Callable[[Floats], Any]
DIM, K, EF, TAIL = 64, 100, 200, 1_000


def mixture(count: int, *, random: np.random.Generator, middle_CD: NDArray[np.float64], wider: float = 1.0) -> Floats:
    """Unit vectors around shared middles, their spread decaying over the dimensions."""
    spread_D = wider * np.linspace(1.4, 0.4, DIM)
    vec = middle_CD[random.integers(0, len(middle_CD), count)] + random.normal(size=(count, DIM)) * spread_D
    unit: Floats = (vec / np.linalg.norm(vec, axis=1, keepdims=True)).astype(np.float32)
    return unit


def with_tail(graph: Graph, new_TD: Floats) -> Graph:
    """The graph, and as many new items without links."""
    new = np.arange(graph.items, graph.items + len(new_TD), dtype=np.int32)
    return replace(
        graph,
        labels_R=np.concatenate([graph.labels_R, new]),
        vec_RD=np.concatenate([graph.vec_RD, new_TD]),
        items=graph.items + len(new_TD),
    )


def mapped(graph: Graph, folder: Path, version: int) -> Generation:
    """The graph as a generation on a disk, opened as a server opens it."""
    folder.mkdir()
    about = About(version=version, parent=None, items=graph.items, dim=DIM, entry=graph.entry, ef=EF)
    write(folder, graph, canary_of(graph.vec_RD[np.argsort(graph.labels_R)], seed=1, count=8), about)
    generation = Generation.open(folder)
    generation.warm()
    return generation


def microseconds(query_QD: Floats, searches: list[Search], rounds: int) -> NDArray[np.float64]:
    """Time of each search of each query, the best of the rounds.

    Every search has all the queries to itself before the next one has them, or one would find in the cache what another
    just read.
    """
    random, taken_RQS = np.random.default_rng(0), np.empty((rounds, len(query_QD), len(searches)))
    for round_ in range(rounds):
        for which in random.permutation(len(searches)):
            for row, query_D in enumerate(query_QD):
                start = time.perf_counter()
                searches[which](query_D)
                taken_RQS[round_, row, which] = 1e6 * (time.perf_counter() - start)
    best_QS: NDArray[np.float64] = taken_RQS.min(axis=0)
    return best_QS


def recall(found: list[NDArray[Any]], wanted: list[NDArray[Any]]) -> float:
    return float(np.mean([len(np.intersect1d(f, w)) / len(w) for f, w in zip(found, wanted, strict=True)]))


def measure(items: int, queries: int, rounds: int, place: Path) -> dict[str, float]:
    random = np.random.default_rng(7)
    middle_CD = random.normal(size=(items // 200, DIM))
    vec_ID = mixture(items, random=random, middle_CD=middle_CD)
    query_QD = mixture(queries, random=random, middle_CD=middle_CD, wider=1.1)
    start = time.perf_counter()
    peer = raw_index(vec_ID, Shape(), threads=2)
    build_s = time.perf_counter() - start
    peer.set_ef(EF)
    peer.save_index(str(place / "peer"))
    graph = flat(place / "peer")
    plain = mapped(graph, place / "00000001", 1)
    tailed = mapped(with_tail(graph, mixture(TAIL, random=random, middle_CD=middle_CD)), place / "00000002", 2)
    half = (random.random(items) < 0.5).astype(np.uint8)
    rare = (random.random(items) >= 0.01).astype(np.uint8)
    taken_QS = microseconds(
        query_QD,
        [
            lambda q: peer.knn_query(q, k=K, num_threads=1),
            lambda q: plain.search(q, K),
            lambda q: tailed.search(q, K),
            lambda q: plain.search(q, K, half),
            lambda q: plain.search(q, K, rare),
        ],
        rounds,
    )
    told = {"items": items, "build_s": build_s} | speeds(taken_QS)
    return told | answers(query_QD, plain, lambda q: peer.knn_query(q, k=K, num_threads=1)[0][0], rare)


def speeds(taken_QS: NDArray[np.float64]) -> dict[str, float]:
    theirs, ours, delta, hidden, few = np.median(taken_QS, axis=0)
    return {
        "qps": 1e6 / ours,
        "qps_peer": 1e6 / theirs,
        "qps_ratio": theirs / ours,
        "qps_ratio_delta_1000": theirs / delta,
        "qps_ratio_half_hidden": theirs / hidden,
        "qps_ratio_filter_1pct": theirs / few,
        "p99_us": float(np.percentile(taken_QS[:, 1], 99)),
        "p99_us_peer": float(np.percentile(taken_QS[:, 0], 99)),
    }


def answers(query_QD: Floats, plain: Generation, theirs: Search, rare_I: NDArray[np.uint8]) -> dict[str, float]:
    exact = [plain.exact(q, K)[0] for q in query_QD]
    found = [plain.search(q, K)[0] for q in query_QD]
    peers = [theirs(q) for q in query_QD]
    found_rare = [plain.search(q, K, rare_I)[0] for q in query_QD]
    return {
        "recall": recall(found, exact),
        "recall_peer": recall(peers, exact),
        "recall_filter_1pct": recall(found_rare, [plain.exact(q, K, rare_I)[0] for q in query_QD]),
        "same_answers": float(np.mean([set(f) == set(p) for f, p in zip(found, peers, strict=True)])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer queries; ends within a minute")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--items", type=int, default=100_000)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        figures = measure(told.items, *((400, 8) if told.quick else (2_000, 10)), Path(place))
    rounded = {name: round(value, 4) for name, value in figures.items()}
    if told.json:
        print(json.dumps(rounded))
    else:
        print("\n".join(f"{name:24} {value:>14,}" for name, value in rounded.items()))


if __name__ == "__main__":
    main()
