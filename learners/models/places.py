"""The bags of a batch as tensors: which distinct rows there are, and which of them each place of a bag reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from learners.models.bags import Places
from learners.reading import Reading


@dataclass(frozen=True, slots=True)
class Read:
    """Distinct rows with their statistics, and the rest of a reading, on the device of the model."""

    row_U: Tensor
    stat_US: Tensor
    places: Places
    shot_R: Tensor
    item_R: Tensor
    cross_RX: Tensor
    base_L: Tensor


def read_on(reading: Reading, device: torch.device) -> Read:
    """A reading as tensors; rows in the order of their numbers."""
    order_N = np.argsort(reading.row_N, kind="stable")
    sorted_N = reading.row_N[order_N]
    new_N = np.diff(sorted_N, prepend=-1) > 0
    row_U, slot_N = sorted_N[new_N], np.empty_like(reading.row_N)
    slot_N[order_N] = np.cumsum(new_N) - 1
    owner_N = np.repeat(np.arange(len(reading.count_G)), reading.count_G)

    def on(array: Any) -> Tensor:
        return torch.from_numpy(array).to(device)

    places = Places(
        slot_N=on(slot_N),
        start_G=on(reading.start_G),
        share_N=on(reading.weight_N),
        back_N=on(owner_N[order_N]),
        back_start_U=on(np.flatnonzero(new_N)),
        back_share_N=on(reading.weight_N[order_N]),
    )
    told = (reading.shot_R, reading.item_R, reading.cross_RX, reading.base_L)
    return Read(on(row_U), on(reading.stats(row_U)), places, *(on(array) for array in told))
