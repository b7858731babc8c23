"""A two-tower learner of what is wanted next in a session, on columns: score a batch of clicks, then learn it.

Everything is a function of the rules, the seed and the clicks: no clock, no threads, the same bytes each time. A batch
is learned whole or, where a gradient is not finite, not at all (its new rows have their start then). Items and
circumstances are numbers from 0 in order of first sight; ids, histories and versions belong to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path

import numpy as np

from learners.blas_threads import one_blas_thread
from learners.keeping import Arrays, digest_of, keep, kept
from learners.learner import Floats, Ints, Learned
from learners.optimizers.clipping import scale_of
from learners.optimizers.host_steps import HostDense, HostRows
from learners.optimizers.rules import Adagrad, Clip, DenseRules, RowRules
from learners.retrieval_pool import Candidates, Pool, PoolRules
from learners.retrieval_towers import Asked, Slopes, items, slopes, summed, users
from learners.tables.table import Table

RESERVE = 1 << 24
"""Rows for which addresses are reserved; a table with more copies itself once."""


@dataclass(frozen=True, slots=True)
class TowerRules:
    """The shape of the towers and how they are updated.

    `lags` items of a session are read; the matrix of each starts as `fade` times that of the one after it. With
    `own_rows` an item has a row as what came before besides the one as what is wanted. Rows of wanted items move in
    a few clicks: news are found while they are new. No row is longer than 1, or old ones would no longer turn.
    """

    dim: int = 64
    lags: int = 3
    fade: float = 0.5
    temperature: float = 0.08
    own_rows: bool = True
    wanted: RowRules = field(default_factory=lambda: RowRules(Adagrad(0.04, 0.99, 1e-3), largest_norm=1.0))
    before: RowRules = field(default_factory=lambda: RowRules(Adagrad(0.03, 0.99, 1e-3), largest_norm=1.0))
    about: RowRules = field(default_factory=lambda: RowRules(Adagrad(0.003, 0.99, 1e-3)))
    matrices: DenseRules = field(default_factory=lambda: DenseRules(Adagrad(0.003, 0.99, 1e-6)))
    clip: Clip = field(default_factory=Clip)
    pool: PoolRules = field(default_factory=PoolRules)


@dataclass(frozen=True, slots=True)
class Clicks:
    """B clicks with something before them: the items before in the session, latest first, -1 where there is none; the
    circumstances; and what was clicked, at times up to `at` (ms)."""

    before_BL: Ints
    about_BA: Ints
    item_B: Ints
    at: int


class Rows:
    """Rows of one kind and how they move."""

    def __init__(self, rules: RowRules, *, dim: int, scale: float) -> None:
        self._steps = HostRows(rules, (dim,))
        self._floor = self._steps.starts[0]
        self._dim = dim
        self.table = Table(width=dim, state=1, scale=[scale] * dim, reserve=RESERVE)

    def grow(self, rows: int) -> None:
        """Give every row its start."""
        self.table.grow(rows, self._floor)

    def read(self, row_N: Ints) -> Floats:
        """Weights of rows; 0 for those that do not exist, -1 among them. Makes none."""
        there_N = (row_N >= 0) & (row_N < len(self.table))
        if there_N.all():
            weights: Floats = self.table.lines[row_N, : self._dim]
            return weights
        weights = np.zeros((*row_N.shape, self._dim), np.float32)
        weights[there_N] = self.table.lines[row_N[there_N], : self._dim]
        return weights

    def move(self, row_U: Ints, grad_UX: Floats, scale: float) -> None:
        """Update distinct rows by their gradients, which are used up."""
        self._steps.move(self.table.lines, row_U, grad_UX, len(row_U), scale=scale)

    @property
    def both(self) -> Floats:
        """Weights and state."""
        return np.concatenate([self.table.weight.numpy(), self.table.state.numpy()], axis=1)

    def load(self, both_RX: Floats) -> None:
        """Become what `both` gave."""
        self.table.load(both_RX[:, : self._dim], both_RX[:, self._dim :])


class SessionTowers:
    """Learns clicks in their order.

    >>> towers = SessionTowers(TowerRules(dim=8, pool=PoolRules(recent=0, uniform=0)), seed=1)
    >>> two = Clicks(np.array([[0, -1, -1], [1, 0, -1]]), np.zeros((2, 1), np.int64), np.array([1, 2]), at=5)
    >>> towers.see(np.array([0, 1, 2]), at=5); towers.learn(two).rows, towers.embed_items().shape
    (2, (3, 8))
    """

    def __init__(self, rules: TowerRules, *, seed: int) -> None:
        one_blas_thread()
        self._rules, dim = rules, rules.dim
        self.wanted = Rows(rules.wanted, dim=dim, scale=sqrt(3 / dim))
        self.before = Rows(rules.before, dim=dim, scale=0.0) if rules.own_rows else self.wanted
        self.about = Rows(rules.about, dim=dim, scale=0.1 / sqrt(dim))
        eye = np.eye(dim, dtype=np.float32)
        self._matrix_LDD: Floats = np.stack([eye * np.float32(rules.fade**lag) for lag in range(rules.lags)])
        self._dense = HostDense(rules.matrices, [(dim, dim)] * rules.lags)
        self.pool = Pool(rules.pool, seed=seed)
        self.steps = 0

    def see(self, item_N: Ints, *, at: int) -> None:
        """Count clicks, those that begin a session too; from then on the items are on offer."""
        self.pool.see(item_N, at=at)
        self.wanted.grow(len(self.pool))
        self.before.grow(len(self.pool))

    def embed_users(self, clicks: Clicks) -> Floats:
        """Unit vectors of those who clicked, as of before they did, [B, D]."""
        return self._asked(clicks).user_BD

    def embed_items(self) -> Floats:
        """Unit vectors of all items that were seen, [E, D]."""
        return items(self.wanted.read(np.arange(len(self.pool)))).item_CD

    def learn(self, clicks: Clicks) -> Learned:
        """One update, or none: 1. draw candidates; 2. all gradients; 3. refuse what is not finite; 4. write."""
        if not len(clicks.item_B):
            return Learned(0, True, 0.0, 0.0)
        drawn = self.pool.draw(clicks.item_B, at=clicks.at)
        most = max(int(drawn.entry_C[-1]), int(clicks.before_BL.max()))
        self.wanted.grow(most + 1)
        self.before.grow(most + 1)
        self.about.grow(int(clicks.about_BA.max(initial=-1)) + 1)
        asked = self._asked(clicks)
        offered = items(self.wanted.read(drawn.entry_C))
        told = slopes(asked, offered, self._matrix_LDD, drawn.target_P, drawn.log_q_C, self._rules.temperature)
        squares = sum(
            float(np.square(part, dtype=np.float64).sum()) for part in (told.item_CD, told.line_BLD, told.matrix_LDD)
        )
        scale = scale_of(self._rules.clip, squares, weight=len(clicks.item_B))
        if scale is None or not np.isfinite(told.loss):
            return Learned(0, False, sqrt(squares) if squares >= 0 else float("nan"), told.loss)
        self._move(clicks, drawn, told, scale)
        self.steps += 1
        rows = len(clicks.item_B)
        return Learned(rows, True, sqrt(squares) / rows, told.loss / rows)

    def snapshot(self, folder: Path) -> None:
        """Write everything that was learned."""
        keep(folder, self._state(), {"steps": self.steps})

    def restore(self, folder: Path) -> None:
        """Become what `snapshot` wrote; the rules are those of its writer."""
        arrays, document = kept(folder)
        for name, rows in self._rows().items():
            rows.load(arrays[name])
        self._matrix_LDD = arrays["matrices"].copy()
        self._dense.state_SP[:] = arrays["matrices.state"]
        self.pool.load(arrays)
        self.steps = document["steps"]

    def digest(self) -> str:
        """Of everything that was learned: equal learners give equal digests."""
        return digest_of(self._state(), {"steps": self.steps})

    def _asked(self, clicks: Clicks) -> Asked:
        line_BLD = self.before.read(clicks.before_BL[:, : self._rules.lags])
        return users(line_BLD, self._matrix_LDD, self.about.read(clicks.about_BA).sum(axis=1))

    def _move(self, clicks: Clicks, drawn: Candidates, told: Slopes, scale: float) -> None:
        before_N, dim = clicks.before_BL[:, : self._rules.lags].ravel(), self._rules.dim
        line_ND = told.line_BLD.reshape(-1, dim)
        about_N = clicks.about_BA.ravel()
        about_ND = np.repeat(told.sum_BD, clicks.about_BA.shape[1], axis=0)
        if self.before is self.wanted:
            both_N, both_ND = np.concatenate([drawn.entry_C, before_N]), np.concatenate([told.item_CD, line_ND])
            self.wanted.move(*summed(both_N, both_ND, dim), scale)
        else:
            self.wanted.move(drawn.entry_C, told.item_CD, scale)
            self.before.move(*summed(before_N, line_ND, dim), scale)
        self.about.move(*summed(about_N, about_ND, dim), scale)
        flat_P, grad_P = self._matrix_LDD.reshape(-1), told.matrix_LDD.reshape(-1)
        self._dense.move(flat_P, grad_P, scale=scale, step=self.steps + 1)

    def _rows(self) -> dict[str, Rows]:
        own = {"before": self.before} if self.before is not self.wanted else {}
        return {"wanted": self.wanted, **own, "about": self.about}

    def _state(self) -> Arrays:
        told = {name: rows.both for name, rows in self._rows().items()}
        return told | {"matrices": self._matrix_LDD, "matrices.state": self._dense.state_SP} | self.pool.dump()
