"""The exact map (space, key) -> row on a device, vectorised: the rows that the host's loops would give.

Probing takes growing steps, so that the longest probe, for which all others wait, is short. A slot whose id was
removed stays marked until the map is laid out anew, which happens when marks and ids fill half of it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from learners.tables.mixing import mixed
from learners.tables.owners import FALLBACK, HOLE

EMPTY, GONE = -1, -2
_FAR = torch.iinfo(torch.int64).max


class DeviceIds:
    """Exact ids to rows; says and refuses what `HostIds` does, in tensors of one device.

    >>> ids = DeviceIds(fallbacks=1, device="cpu")
    >>> ids.add(torch.tensor([0, 0, 1]), torch.tensor([7, 7, 7])).tolist(), len(ids)
    ([1, 1, 2], 3)
    """

    def __init__(self, *, fallbacks: int, device: torch.device | str) -> None:
        self._device = torch.device(device)
        self._size, self._settled, self._mask, self._gone = 0, 0, 0, 0
        nothing = torch.empty(0, dtype=torch.int64, device=self._device)
        self._row_C, self._space_R, self._key_R, self._free, self._reused = [nothing] * 5
        self.load(torch.full((fallbacks,), FALLBACK, dtype=torch.int64), torch.arange(fallbacks, dtype=torch.int64))

    def __len__(self) -> int:
        return self._size

    @property
    def spaces(self) -> Tensor:
        return self._space_R[: self._size]

    @property
    def keys(self) -> Tensor:
        return self._key_R[: self._size]

    @property
    def free(self) -> int:
        return len(self._free)

    @property
    def provisional(self) -> Tensor:
        """Rows made since the last `settle`, in order."""
        return torch.cat([self._reused, torch.arange(self._settled, self._size, device=self._device)])

    def find(self, space_N: Tensor, key_N: Tensor) -> Tensor:
        """Rows of ids, -1 where there is none."""
        slot_N = mixed(space_N, key_N) & self._mask
        row_N = self._row_C[slot_N]
        todo = self._wrong(row_N, space_N, key_N)
        step = 0
        while len(todo):
            step += 1
            slot = (slot_N[todo] + step) & self._mask
            slot_N[todo] = slot
            row = self._row_C[slot]
            row_N[todo] = row
            todo = todo[self._wrong(row, space_N[todo], key_N[todo])]
        return row_N

    def add(self, space_N: Tensor, key_N: Tensor) -> Tensor:
        """Rows of ids, made where there is none, in order of first appearance, provisionally."""
        row_N = self.find(space_N, key_N)
        new = torch.nonzero(row_N < 0).squeeze(1)
        if len(new):
            row_N[new] = self._insert(space_N[new], key_N[new])
        return row_N

    def settle(self) -> None:
        """Keep what was added."""
        self._reused = torch.empty(0, dtype=torch.int64, device=self._device)
        self._settled = self._size

    def withdraw(self) -> None:
        """Take back what was added since the last `settle`."""
        self._mark(self.provisional)
        self._space_R[self._settled : self._size] = 0
        self._key_R[self._settled : self._size] = 0
        self._free, self._size = torch.cat([self._reused, self._free]), self._settled
        self._space_R[self._free] = HOLE
        self._link(self._free)
        self.settle()

    def remove(self, row_M: Tensor) -> tuple[Tensor, Tensor]:
        """Free distinct rows, in this order; the ids that they had. What was added before is settled by it."""
        space_M, key_M = self._space_R[row_M], self._key_R[row_M]
        if bool((space_M < 0).any()) or len(torch.unique(row_M)) < len(row_M):
            raise ValueError("a row to remove is a fallback, was removed before, or is named twice")
        self.settle()
        self._mark(row_M)
        self._space_R[row_M] = HOLE
        self._link(torch.cat([self._free[-1:], row_M]))
        self._free = torch.cat([self._free, row_M])
        return space_M, key_M

    def load(self, space_R: Tensor, key_R: Tensor) -> None:
        """Become the map of these ids, all distinct, in order of rows; holes as `spaces` and `keys` gave them."""
        self._size = len(space_R)
        spare = torch.zeros(64, dtype=torch.int64, device=self._device)  # lookups read line 0 in any case
        self._space_R = torch.cat([space_R.to(self._device), spare])
        self._key_R = torch.cat([key_R.to(self._device), spare])
        self._free = _queue(space_R.cpu(), key_R.cpu()).to(self._device)
        self._rebuild(_slots(self._size))
        self.settle()

    def _wrong(self, row_N: Tensor, space_N: Tensor, key_N: Tensor) -> Tensor:
        """Places at which to probe on: another id, or a mark."""
        there_N = row_N.clamp(min=0)
        same_N = (self._key_R[there_N] == key_N) & (self._space_R[there_N] == space_N) & (row_N >= 0)
        return torch.nonzero((row_N != EMPTY) & ~same_N).squeeze(1)

    def _insert(self, space_M: Tensor, key_M: Tensor) -> Tensor:
        """Rows for absent ids that may repeat. Equal ids probe in step, so the least place that wins a slot is the
        first appearance of its id."""
        if bool((space_M < 0).any()):
            raise ValueError(f"spaces go from 0 on, one of these is {int(space_M.min())}: number the fields anew")
        if _slots(self._size + self._gone + len(key_M)) > len(self._row_C):
            self._rebuild(_slots(self._size + len(key_M)))
        winner_M, slot_M = self._contend(space_M, key_M)
        place_M = torch.arange(len(key_M), device=self._device)
        first = torch.nonzero(winner_M == place_M).squeeze(1)
        made = self._rows_for(len(first))
        self._space_R[made], self._key_R[made] = space_M[first], key_M[first]
        row_M = torch.empty_like(key_M)
        row_M[first] = made
        self._row_C[slot_M[first]] = made
        return row_M[winner_M]

    def _rows_for(self, count: int) -> Tensor:
        """So many rows: free ones, then more."""
        old, self._free = self._free[:count], self._free[count:]
        self._reused = torch.cat([self._reused, old])
        size = self._size + count - len(old)
        if size > len(self._key_R):
            more = max(size, 2 * len(self._key_R)) - len(self._key_R)
            self._space_R = torch.cat([self._space_R, self._space_R.new_zeros(more)])
            self._key_R = torch.cat([self._key_R, self._key_R.new_zeros(more)])
        fresh = torch.arange(self._size, size, device=self._device)
        self._size = size
        return torch.cat([old, fresh])

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

    def _mark(self, row_M: Tensor) -> None:
        """Mark the slots of rows as gone."""
        slot_M = mixed(self._space_R[row_M], self._key_R[row_M]) & self._mask
        todo, step = torch.nonzero(self._row_C[slot_M] != row_M).squeeze(1), 0
        while len(todo):
            step += 1
            slot_M[todo] = (slot_M[todo] + step) & self._mask
            todo = todo[self._row_C[slot_M[todo]] != row_M[todo]]
        self._row_C[slot_M] = GONE
        self._gone += len(row_M)
        if 2 * (self._size + self._gone) > len(self._row_C):
            self._space_R[row_M] = HOLE
            self._rebuild(_slots(self._size))

    def _link(self, row_M: Tensor) -> None:
        """Let each of these holes name the next; the last is the newest."""
        if len(row_M):
            self._key_R[row_M[:-1]] = row_M[1:]
            self._key_R[row_M[-1]] = -1

    def _rebuild(self, slots: int) -> None:
        self._mask, self._gone = slots - 1, 0
        self._row_C = torch.full((slots,), EMPTY, dtype=torch.int64, device=self._device)
        row_A = torch.nonzero(self.spaces >= 0).squeeze(1)
        winner_A, slot_A = self._contend(self._space_R[row_A], self._key_R[row_A])
        self._row_C[slot_A] = row_A[winner_A]


def _queue(space_R: Tensor, key_R: Tensor) -> Tensor:
    """Free rows in the order in which they became free, from the holes' links.

    >>> _queue(torch.tensor([-2, 0, -2]), torch.tensor([-1, 9, 0])).tolist()
    [2, 0]
    """
    next_of = {int(row): int(key_R[row]) for row in torch.nonzero(space_R == HOLE).squeeze(1)}
    row, queue = next(iter(next_of.keys() - set(next_of.values())), -1), list[int]()
    while row >= 0 and len(queue) < len(next_of):
        queue.append(row)
        row = next_of[row]
    if len(queue) < len(next_of):
        raise ValueError(
            f"of {len(next_of)} holes only {len(queue)} hang together: the map was not written whole; go back"
        )
    return torch.tensor(queue, dtype=torch.int64)


def _slots(size: int) -> int:
    """A power of two, at most three eighths full: vectorised probes wait for the longest one."""
    return 1 << max(7, (8 * size // 3).bit_length())
