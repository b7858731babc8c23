"""The exact map (space, key) -> row, on one device.

Open addressing over int64 pairs, vectorised on CUDA, a loop of kernels on the CPU; a probe's steps grow, so that the
longest one is short. Keys are compared, never their hashes, so two ids never share a row. Rows are numbered in order
of first appearance and never move; a forgotten row leaves a hole. Lookups create nothing. The first rows are the
fallbacks, one for each space, read for unknown ids.
"""

from __future__ import annotations

import torch
from torch import Tensor

from learners.tables.id_kernels import Longs, add_rows, find_rows, place_rows
from learners.tables.mixing import mixed

FALLBACK, HOLE = -1, -2
"""Spaces of rows that no id reads: a fallback (its key is the space it stands for), a hole (its key is its row)."""
_FAR = torch.iinfo(torch.int64).max


class IdMap:
    """Exact ids to rows; `vectorised` takes the way of CUDA on the CPU too.

    >>> ids = IdMap(spaces=1)
    >>> ids.add(torch.tensor([0, 0, 1]), torch.tensor([7, 7, 7])).tolist(), len(ids)
    ([1, 1, 2], 3)
    >>> ids.find(torch.tensor([0, 0]), torch.tensor([7, 8])).tolist(), len(ids)
    ([1, -1], 3)
    """

    def __init__(self, *, spaces: int, device: torch.device | str = "cpu", vectorised: bool = False) -> None:
        self._device = torch.device(device)
        self._on_host = self._device.type == "cpu" and not vectorised
        self._fallbacks = spaces
        self._size = 0
        self._space_R = torch.empty(64, dtype=torch.int64, device=self._device)
        self._key_R = torch.empty(64, dtype=torch.int64, device=self._device)
        self.load(
            torch.full((spaces,), FALLBACK, dtype=torch.int64),
            torch.arange(spaces, dtype=torch.int64),
        )

    def __len__(self) -> int:
        return self._size

    @property
    def spaces(self) -> Tensor:
        """Space of each row, in order of rows."""
        return self._space_R[: self._size]

    @property
    def keys(self) -> Tensor:
        return self._key_R[: self._size]

    def find(self, space_N: Tensor, key_N: Tensor) -> Tensor:
        """Rows of ids, -1 where there is none."""
        if self._on_host:
            row_N = torch.empty_like(key_N, memory_format=torch.contiguous_format)
            find_rows(*self._arrays(), *_arrays(space_N, key_N, row_N))
            return row_N
        slot_N = mixed(space_N, key_N) & self._mask
        row_N = self._row_C[slot_N]
        same_N = (self._key_R[row_N] == key_N) & (self._space_R[row_N] == space_N)
        todo = torch.nonzero((row_N >= 0) & ~same_N).squeeze(1)
        step = 0
        while len(todo):
            step += 1
            slot = (slot_N[todo] + step) & self._mask
            slot_N[todo] = slot
            row = self._row_C[slot]
            row_N[todo] = row
            same = (self._key_R[row] == key_N[todo]) & (self._space_R[row] == space_N[todo])
            todo = todo[(row >= 0) & ~same]
        return row_N

    def or_fallback(self, row_N: Tensor, space_N: Tensor) -> Tensor:
        """Rows to read: those found, the fallback of the space for the rest."""
        return torch.where(row_N >= 0, row_N, space_N >> 1)

    def add(self, space_N: Tensor, key_N: Tensor) -> Tensor:
        """Rows of ids, made where there is none, in order of first appearance."""
        if self._on_host:
            return self._added(space_N, key_N)
        row_N = self.find(space_N, key_N)
        new = torch.nonzero(row_N < 0).squeeze(1)
        if len(new):
            row_N[new] = self._insert(space_N[new], key_N[new])
        return row_N

    def forget(self, space: int, key: int) -> int:
        """Make the row of an id a hole; its number, or -1."""
        one = torch.tensor([space, key], dtype=torch.int64, device=self._device)
        row = int(self.find(one[:1], one[1:]))
        if row >= 0:
            self.dig(torch.tensor([row], device=self._device))
        return row

    def dig(self, rows: Tensor) -> None:
        """Make holes of rows."""
        self._space_R[rows] = HOLE
        self._key_R[rows] = rows
        self._rebuild(len(self._row_C))

    def load(self, space_R: Tensor, key_R: Tensor) -> None:
        """Become the map of these ids, all distinct, in order of rows."""
        self._size = 0
        self._reserve(len(space_R))
        self._size = len(space_R)
        self._space_R[: self._size] = space_R.to(self._device)
        self._key_R[: self._size] = key_R.to(self._device)
        self._rebuild(_slots(self._size))

    def _added(self, space_N: Tensor, key_N: Tensor) -> Tensor:
        """`add` on the host, one id after the other."""
        row_N = torch.empty_like(key_N, memory_format=torch.contiguous_format)
        asked = _arrays(space_N, key_N, row_N)
        missing = find_rows(*self._arrays(), *asked)
        if missing:
            self._make_room(missing)
            self._reserve(self._size + missing)
            self._size = add_rows(*self._arrays(), self._size, *asked)
        return row_N

    def _make_room(self, more: int) -> None:
        """Slots for as many rows more."""
        if _slots(self._size + more) > len(self._row_C):
            self._rebuild(_slots(self._size + more))

    def _arrays(self) -> tuple[Longs, Longs, Longs]:
        row_C, space_R, key_R = _arrays(self._row_C, self._space_R, self._key_R)
        return row_C, space_R, key_R

    def _insert(self, space_M: Tensor, key_M: Tensor) -> Tensor:
        """Rows for absent ids that may repeat. Equal ids probe in step, so the least place that wins a slot is the
        first appearance of its id."""
        self._make_room(len(key_M))
        winner_M, slot_M = self._contend(space_M, key_M)
        place_M = torch.arange(len(key_M), device=self._device)
        first = torch.nonzero(winner_M == place_M).squeeze(1)
        made = self._size + len(first)
        self._reserve(made)
        self._space_R[self._size : made] = space_M[first]
        self._key_R[self._size : made] = key_M[first]
        row_M = torch.empty_like(key_M)
        row_M[first] = torch.arange(self._size, made, device=self._device)
        self._row_C[slot_M[first]] = row_M[first]
        self._size = made
        return row_M[winner_M]

    def _contend(self, space_M: Tensor, key_M: Tensor) -> tuple[Tensor, Tensor]:
        """For each of these ids the place of its first appearance, and the slot that it won, marked as taken. A claim
        stands in the slot itself, below every row and below "empty"; each is overwritten in its own round."""
        slot_M = mixed(space_M, key_M) & self._mask
        winner_M = torch.full_like(key_M, -1)
        todo = torch.arange(len(key_M), device=self._device)
        step = 0
        while len(todo):
            step += 1
            slot = slot_M[todo]
            empty = self._row_C[slot] < 0
            self._row_C.scatter_reduce_(0, slot[empty], todo[empty] - _FAR, "amin")
            best = torch.where(empty, self._row_C[slot] + _FAR, todo)
            won = empty & (key_M[best] == key_M[todo]) & (space_M[best] == space_M[todo])
            winner_M[todo[won]] = best[won]
            self._row_C[slot[won]] = _FAR
            todo = todo[~won]
            slot_M[todo] = (slot_M[todo] + step) & self._mask
        return winner_M, slot_M

    def _rebuild(self, slots: int) -> None:
        self._mask = slots - 1
        self._row_C = torch.full((slots,), -1, dtype=torch.int64, device=self._device)
        if self._on_host:
            place_rows(*_arrays(self._row_C, self.spaces, self.keys))
            return
        winner_R, slot_R = self._contend(self.spaces, self.keys)
        self._row_C[slot_R] = winner_R

    def _reserve(self, size: int) -> None:
        if size > len(self._key_R):
            more = max(size, 2 * len(self._key_R)) - len(self._key_R)
            self._space_R = torch.cat([self._space_R, self._space_R.new_zeros(more)])
            self._key_R = torch.cat([self._key_R, self._key_R.new_zeros(more)])


def _arrays(*tensors: Tensor) -> list[Longs]:
    return [tensor.contiguous().numpy() for tensor in tensors]


def _slots(size: int) -> int:
    """A power of two, at most three eighths full: vectorised probes wait for the longest one."""
    return 1 << max(7, (8 * size // 3).bit_length())
