"""The exact map (space, key) -> row, wherever its rows are: loops on the host, vectors on a device, the same rows.

Keys are compared, never their hashes, so two ids never share a row. Rows are numbered in order of first appearance
and never move; a freed one is given out again, the oldest first. Lookups create nothing. The first rows are the
fallbacks, one for each space, read for unknown ids.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learners.tables.device_ids import DeviceIds
from learners.tables.host_ids import HostIds
from learners.tables.owners import FALLBACK, HOLE

__all__ = ["FALLBACK", "HOLE", "IdMap"]

Longs = NDArray[np.int64]


class IdMap:
    """Exact ids to rows; `vectorised` takes the way of CUDA on the CPU too. `host` is the map in numpy, without
    torch on the way, where it lives on the host.

    >>> ids = IdMap(spaces=1)
    >>> ids.add(torch.tensor([0, 0, 1]), torch.tensor([7, 7, 7])).tolist(), len(ids)
    ([1, 1, 2], 3)
    >>> ids.find(torch.tensor([0, 0]), torch.tensor([7, 8])).tolist(), len(ids)
    ([1, -1], 3)
    """

    def __init__(self, *, spaces: int, device: torch.device | str = "cpu", vectorised: bool = False) -> None:
        self._device = torch.device(device)
        self._ids: HostIds | DeviceIds = (
            HostIds(fallbacks=spaces)
            if self._device.type == "cpu" and not vectorised
            else DeviceIds(fallbacks=spaces, device=self._device)
        )

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def host(self) -> HostIds:
        if isinstance(self._ids, HostIds):
            return self._ids
        raise ValueError(f"this map is vectorised, on {self._device}: ask it in tensors, by `find` and `add`")

    @property
    def spaces(self) -> Tensor:
        """Space of each row, in order of rows."""
        return torch.as_tensor(self._ids.spaces)

    @property
    def keys(self) -> Tensor:
        return torch.as_tensor(self._ids.keys)

    @property
    def free(self) -> int:
        """How many rows are holes."""
        return self._ids.free

    def find(self, space_N: Tensor, key_N: Tensor) -> Tensor:
        """Rows of ids, -1 where there is none."""
        return self._asked("find", space_N, key_N)

    def or_fallback(self, row_N: Tensor, space_N: Tensor) -> Tensor:
        """Rows to read: those found, the fallback of the space for the rest."""
        return torch.where(row_N >= 0, row_N, space_N >> 1)

    def add(self, space_N: Tensor, key_N: Tensor) -> Tensor:
        """Rows of ids, made where there is none, in order of first appearance, provisionally."""
        return self._asked("add", space_N, key_N)

    def settle(self) -> None:
        """Keep what was added."""
        self._ids.settle()

    def withdraw(self) -> None:
        """Take back what was added since the last `settle`: map, free rows and size are as they were."""
        self._ids.withdraw()

    def remove(self, row_M: Tensor) -> tuple[Tensor, Tensor]:
        """Free distinct rows, in this order; the ids that they had. What was added before is settled by it."""
        space_M, key_M = self._ids.remove(self._given(row_M))
        return torch.as_tensor(space_M), torch.as_tensor(key_M)

    def forget(self, space: int, key: int) -> int:
        """Free the row of an id; its number, or -1."""
        one = torch.tensor([space, key], dtype=torch.int64, device=self._device)
        row = self.find(one[:1], one[1:])
        if int(row) >= 0:
            self.remove(row)
        return int(row)

    def load(self, space_R: Tensor, key_R: Tensor) -> None:
        """Become the map of these ids, all distinct, in order of rows; holes as `spaces` and `keys` gave them."""
        self._ids.load(self._given(space_R), self._given(key_R))

    def _asked(self, verb: str, space_N: Tensor, key_N: Tensor) -> Tensor:
        return torch.as_tensor(getattr(self._ids, verb)(self._given(space_N), self._given(key_N)))

    def _given(self, numbers: Tensor) -> Any:
        return numbers.contiguous().numpy() if isinstance(self._ids, HostIds) else numbers
