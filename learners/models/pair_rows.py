"""The exact map of pairs of rows, for counters that live on the host: an `IdMap` spoken to in numpy."""

from __future__ import annotations

import torch

from learners.learner import Ints
from learners.tables.id_map import IdMap


class PairRows:
    """An `IdMap` over pairs of rows, spoken to in numpy."""

    def __init__(self) -> None:
        self.ids = IdMap(spaces=0)

    def __len__(self) -> int:
        return len(self.ids)

    def both(self) -> tuple[Ints, Ints]:
        """User row (negative for a hole) and value row of each line."""
        user: Ints = self.ids.spaces.numpy()
        value: Ints = self.ids.keys.numpy()
        return user, value

    def find(self, user_N: Ints, value_N: Ints) -> Ints:
        """Lines of pairs, -1 where there is none."""
        found: Ints = self.ids.find(torch.from_numpy(user_N), torch.from_numpy(value_N)).numpy()
        return found

    def add(self, user_N: Ints, value_N: Ints) -> Ints:
        """Lines of pairs, made where there is none."""
        lines: Ints = self.ids.add(torch.from_numpy(user_N), torch.from_numpy(value_N)).numpy()
        return lines

    def load(self, user: Ints, value: Ints) -> None:
        """Become the map of these lines."""
        self.ids.load(torch.from_numpy(user), torch.from_numpy(value))

    def forget(self, user: int) -> Ints:
        """Make holes of all pairs of a user; which lines they were."""
        lines = torch.nonzero(self.ids.spaces == user).squeeze(1)
        if len(lines):
            self.ids.dig(lines)
        rows: Ints = lines.numpy()
        return rows
