"""Searches beside hnswlib's: plain, with changed rows, with filters, with two threads, beside a writer."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event, Thread
from typing import Any

import hnswlib
import numpy as np
from numpy.typing import NDArray

from benchmarks.index_ground import DIM, Ground, K
from benchmarks.report_rows import Row, at_least, at_most
from serving.delta import Delta
from serving.graph_kernels import Mask
from serving.graph_search import Searcher

Floats = NDArray[np.float32]
Search = Callable[[Floats], Any]
SHARES = (0.9, 0.5, 0.1, 0.02, 0.01)
BATCH, RATE = 500, 100_000


def microseconds(query_QD: Floats, searches: list[Search], rounds: int) -> NDArray[np.float64]:
    """Processor time of each search of each query, the best of the rounds: the machine may have other work.

    Every search has all the queries to itself before the next one has them, or one would find in the cache what another
    just read.
    """
    random, taken_RQS = np.random.default_rng(0), np.empty((rounds, len(query_QD), len(searches)))
    for round_ in range(rounds):
        for which in random.permutation(len(searches)):
            for row, query_D in enumerate(query_QD):
                start = time.thread_time()
                searches[which](query_D)
                taken_RQS[round_, row, which] = 1e6 * (time.thread_time() - start)
    best_QS: NDArray[np.float64] = taken_RQS.min(axis=0)
    return best_QS


def overlap(found: list[NDArray[Any]], wanted: list[NDArray[Any]]) -> float:
    """Share of the wanted rows that were found."""
    return float(np.mean([len(np.intersect1d(f, w)) / max(1, len(w)) for f, w in zip(found, wanted, strict=True)]))


def changed(ground: Ground, ef: int, rows: int) -> Searcher:
    """The same graph with so many rows beside it: half are new, half have moved far."""
    searcher, half = Searcher(ground.graph, ef=ef), rows // 2
    items = ground.graph.items
    moved = np.linspace(0, items - 1, half).astype(np.int32)
    searcher.delta.put(np.concatenate([moved, np.arange(items, items + rows - half)]), ground.new_TD[:rows])
    return searcher


def speed(ground: Ground, plain: Searcher, *, queries: int, rounds: int) -> list[Row]:
    """All searches in turns, one thread."""
    query_QD, peer, ef = ground.query_QD[:queries], ground.peer, plain.ef
    random, items = np.random.default_rng(1), ground.graph.items
    deltas = [changed(ground, ef, rows) for rows in (1_000, 2_000)]
    masks = [(random.random(items) >= share).astype(np.uint8) for share in SHARES]
    searches: list[Search] = [
        lambda q: peer.knn_query(q, k=K, num_threads=1),
        lambda q: plain.search(q, K),
        *(partial(_searched, searcher, None) for searcher in deltas),
        *(partial(_searched, plain, mask) for mask in masks),
    ]
    taken_QS = microseconds(query_QD, searches, rounds)
    half = np.median(taken_QS, axis=0)
    theirs, ours = half[:2]
    large = items >= 500_000
    return [
        Row("qps", 1e6 / ours),
        Row("qps_peer", 1e6 / theirs),
        at_least("qps_ratio", theirs / ours, 0.95),
        at_most("p50_by_peers", ours / theirs, 1.08),
        at_most("p99_by_peers", _p99(taken_QS[:, 1]) / _p99(taken_QS[:, 0]), 1.10),
        at_least("qps_ratio_delta_1000", theirs / half[2], 0.80),
        at_most("p50_delta_1000", half[2] / theirs, 1.15 if large else 1.20),
        at_most("p50_delta_2000", half[3] / theirs, 1.30),
        *_filters(half[4:] / theirs),
        *_answers(ground, plain, deltas, masks, query_QD[:400]),
    ]


def _searched(searcher: Searcher, hide: Mask | None, query_D: Floats) -> Any:
    return searcher.search(query_D, K, hide)


def _p99(taken: NDArray[np.float64]) -> float:
    return float(np.percentile(taken, 99))


def _filters(ratio_S: NDArray[np.float64]) -> list[Row]:
    bars = {0.9: 1.2, 0.5: 2.1}
    return [
        at_most(f"p50_allowed_{share:g}", ratio, bars[share]) if share in bars else Row(f"p50_allowed_{share:g}", ratio)
        for share, ratio in zip(SHARES, ratio_S.tolist(), strict=True)
    ]


def _answers(ground: Ground, plain: Searcher, deltas: list[Searcher], masks: list[Mask], query_QD: Floats) -> list[Row]:
    exact = [plain.exact(q, K)[0] for q in query_QD]
    found = [plain.search(q, K)[0] for q in query_QD]
    peers = [ground.peer.knn_query(q, k=K, num_threads=1)[0][0] for q in query_QD]
    sealed, same = overlap(found, exact), [set(f) == set(p) for f, p in zip(found, peers, strict=True)]
    rows = [
        Row("recall", sealed),
        Row("recall_peer", overlap(peers, exact)),
        at_least("same_answers", float(np.mean(same)), 0.999),
        at_least("recall_delta_1000_by_sealed", _recall(deltas[0], None, query_QD) - sealed, -0.005),
    ]
    for share, mask in zip(SHARES, masks, strict=True):
        got = _recall(plain, mask, query_QD)
        name = "recall_filter_1pct" if share == 0.01 else f"recall_allowed_{share:g}"
        rows.append(at_least(name, got, 1.0 if share < 0.02 else 0.95 if share == 0.02 else 0.90))
    least = min(len(plain.search(q, K, mask)[0]) for q in query_QD[:50] for mask in masks)
    return [*rows, at_least("answers_with_filters", least, min(K, int((masks[-1] == 0).sum())))]


def _recall(searcher: Searcher, hide: Mask | None, query_QD: Floats) -> float:
    found = [searcher.search(q, K, hide)[0] for q in query_QD]
    return overlap(found, [searcher.exact(q, K, hide)[0] for q in query_QD])


def two_threads(ground: Ground, plain: Searcher, *, seconds: float) -> list[Row]:
    """Queries per second of two Python threads by those of one, ours and the peer's in turns."""
    peer = ground.peer
    ways: list[Search] = [lambda q: plain.search(q, K), lambda q: peer.knn_query(q, k=K, num_threads=1)]
    best = np.zeros((2, 2))
    for _ in range(3):
        for which, search in enumerate(ways):
            for threads in (1, 2):
                done = sum(_spin(search, ground.query_QD, threads, seconds / 3))
                best[which, threads - 1] = max(best[which, threads - 1], done)
    ours, theirs = best[:, 1] / best[:, 0]
    return [
        at_least("two_threads", ours, 1.8),
        Row("two_threads_peer", theirs),
        at_least("two_threads_by_peers", best[0, 1] / best[1, 1], 0.95),
    ]


def _spin(search: Search, query_QD: Floats, threads: int, seconds: float) -> list[int]:
    def run(first: int) -> int:
        end, done = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            search(query_QD[(first + done) % len(query_QD)])
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, [0, len(query_QD) // 2][:threads]))


def upserts(ground: Ground, ef: int, *, seconds: float) -> list[Row]:
    """From a put to the search that finds it, rows a second, and hnswlib's own updates on an index of its own."""
    searcher, items = Searcher(ground.graph, ef=ef), ground.graph.items
    random, new_TD = np.random.default_rng(2), ground.new_TD[:BATCH]
    labels = np.arange(items - BATCH, items, dtype=np.int32)
    searcher.delta.put(labels, new_TD)
    visible, put = [], []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        vec = new_TD[random.permutation(BATCH)]
        start = time.thread_time()
        searcher.delta.put(labels, vec)
        put.append(time.thread_time() - start)
        found = searcher.search(vec[7], 1)[0][0]
        visible.append(time.thread_time() - start)
        assert found == labels[7], f"row {labels[7]} was put, {found} was found"
    rate, theirs = BATCH / float(np.median(put)), _peers_updates(ground, seconds)
    return [
        at_most("upsert_visible_p99_ms", 1e3 * float(np.percentile(visible, 99)), 10),
        at_least("upserts_per_s", rate, 100_000),
        at_most("overwrite_500_us", 1e6 * float(np.median(put)), 100),
        Row("updates_per_s_peer", theirs),
        at_least("upserts_by_peers_updates", rate / theirs, 20),
    ]


def _peers_updates(ground: Ground, seconds: float) -> float:
    index = hnswlib.Index("ip", DIM)
    index.load_index(str(ground.place / "peer"), max_elements=ground.graph.items)
    done, start, end = 0, time.thread_time(), time.perf_counter() + seconds
    while time.perf_counter() < end and done + 50 <= len(ground.new_TD):
        index.add_items(ground.new_TD[done : done + 50], np.arange(done, done + 50), num_threads=1)
        done += 50
    return done / (time.thread_time() - start)


def beside_a_writer(ground: Ground, ef: int, *, seconds: float) -> list[Row]:
    """Two readers, quiet and beside 100,000 puts a second: answers that were short, double or failed, and their p99."""
    searcher = Searcher(ground.graph, ef=ef)
    quiet, wrong = _read(searcher, ground.query_QD, seconds / 3)
    over = Event()
    writer = Thread(target=_write, args=(searcher.delta, ground, over))
    writer.start()
    try:
        busy, more = _read(searcher, ground.query_QD, seconds)
    finally:
        over.set()
        writer.join()
    ratio = _p99(np.array(busy)) / _p99(np.array(quiet))
    return [at_most("wrong_beside_writer", wrong + more, 0), at_most("p99_beside_writer", ratio, 2.0)]


def _write(delta: Delta, ground: Ground, over: Event) -> None:
    random, items, due = np.random.default_rng(3), ground.graph.items, time.perf_counter()
    moving = random.choice(items, 1_500, replace=False).astype(np.int32)
    while not over.is_set():
        delta.put(random.choice(moving, BATCH, replace=False), ground.new_TD[random.integers(0, 1_000, BATCH)])
        due += BATCH / RATE
        time.sleep(max(0.0, due - time.perf_counter()))


def _read(searcher: Searcher, query_QD: Floats, seconds: float) -> tuple[list[float], int]:
    def run(first: int) -> tuple[list[float], int]:
        taken, wrong, end = list[float](), 0, time.perf_counter() + seconds
        while (start := time.perf_counter()) < end:
            try:
                rows = searcher.search(query_QD[(first + len(taken)) % len(query_QD)], K)[0]
                taken.append(time.perf_counter() - start)
                wrong += len(np.unique(rows)) != K
            except Exception:  # whatever it is, it is what is counted
                wrong += 1
        return taken, wrong

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(run, [0, len(query_QD) // 2])
    return one[0] + two[0], one[1] + two[1]
