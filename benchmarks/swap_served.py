"""The process that `swap.py` asks, and the file that its peer loads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.rollback import wait_for
from benchmarks.rollback_ground import OLD, PATIENCE, Ground
from benchmarks.ticking import Gap, gaps_of
from headrace.settings_file import save, without_settings
from headrace.telemetry import read_status
from headrace.tree import SINGLE_THREADED
from serving.generation import Generation
from serving.graph import Graph
from serving.hnsw_index import HEADER

SERVER = 1


@dataclass(frozen=True, slots=True)
class Served:
    """A server over the ground's log, with a folder of its own."""

    process: subprocess.Popen[str]
    port: int
    ticks: Path

    @classmethod
    @contextmanager
    def start(cls, ground: Ground, *, peer: Path | None = None) -> Iterator[Served]:
        """Ready when the block begins."""
        settings = ground.settings(SERVER)
        settings = settings.model_copy(update={"follower": settings.follower.model_copy(update={"keep": 1})})
        shutil.rmtree(settings.var, ignore_errors=True)
        settings.var.mkdir(parents=True)
        (settings.var / "generations").symlink_to(ground.generations)
        told, ticks = settings.var / "settings.json", settings.var / "ticks"
        save(settings, told)
        command = [sys.executable, "-m", "benchmarks.swap_server", str(told), str(ticks)]
        if peer is not None:
            command += ["--peer", str(peer), "--dim", str(_generation(ground).about.dim)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=without_settings(os.environ) | SINGLE_THREADED,
            cwd=Path(__file__).parents[1],
        )
        try:
            run = settings.var / "run"
            wait_for("the server's start", lambda: bool(read_status(run)) or process.poll() is not None)
            yield cls(process, read_status(run)["serve"].port or 0, ticks)
        finally:
            process.terminate()
            process.wait(PATIENCE)

    @property
    def resident(self) -> int:
        """Bytes in memory, mapped files too."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def gaps(self) -> list[Gap]:
        """What kept its ticking thread waiting so far."""
        return gaps_of(self.ticks.read_text().splitlines()[:-1])

    def load_peer(self) -> None:
        """Have it load hnswlib's index once more, and wait for it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.process.stdout.readline()


def peers_file(ground: Ground) -> Path:
    """The same graph as hnswlib saves it, written where no earlier run left it."""
    path = ground.var / "peer.hnsw"
    if not path.exists():
        path.write_bytes(as_saved(_generation(ground).searcher.graph))
    return path


def as_saved(graph: Graph) -> bytes:
    """A graph in hnswlib's own format: the way back of `hnsw_index.flat`."""
    nodes, width, dim = len(graph.links_NL), 4 * graph.links_NL.shape[1], graph.vec_RD.shape[1]
    head = HEADER.pack(
        *(0, nodes, nodes, width + 4 * dim + 8, width + 4 * dim, width, graph.top, graph.entry),
        *(graph.m, 2 * graph.m, graph.m, 1.0 / np.log(graph.m), 100),
    )
    parts = graph.links_NL.view(np.uint8), graph.vec_RD[:nodes].view(np.uint8), graph.labels_R[:nodes].astype(np.int64)
    rows = np.concatenate([*parts[:2], parts[2][:, None].view(np.uint8)], axis=1)
    size_N, upper = np.diff(graph.uoff), graph.upper.tobytes()
    levels = [
        int(4 * size).to_bytes(4, "little") + upper[4 * end - 4 * size : 4 * end]
        for size, end in zip(size_N.tolist(), graph.uoff[1:].tolist(), strict=True)
    ]
    return head + rows.tobytes() + b"".join(levels)


def _generation(ground: Ground) -> Generation:
    return Generation.open(ground.generations / f"{OLD:08d}")
