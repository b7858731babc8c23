"""A chaos test that has never failed proves nothing: with any one rule turned off it must.

The seeds were found by search. What a seed plays changes with every effect that a process gains or loses, so each rule
has several, of which one must show it; where none does any more, search again: HEADRACE_CHAOS_SEEDS=0:100 tries others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from streams.errors import HeadraceError
from tests.chaos import broken, broken_later
from tests.chaos.broken import Switch
from tests.chaos.scheduler import Shape, Stuck
from tests.chaos.told_runs import Failed, played
from tests.chaos.verdict import Mismatch

USUAL = Shape()
SPARSE = Shape(
    visits=10, chunk=2, lines=25, kill=0.002, retain=0.0, commits=(1,), acts=("by_place", "lift")
)  # a mask must begin between the last row of a batch and the frame that proved it complete
OFTEN = Shape(retain=0.01, commits=(1,), acts=("by_place", "lift"))
WIDE = Shape(acts=("by_time", "by_place", "widen"))
SLICES = Shape(acts=("by_slice", "narrow", "lift"))
ITEMS = Shape(acts=("by_time", "close"))
HASTY = Shape(steps=2500, lines=12, retain=0.2, commits=(1,), acts=("by_time", "by_place", "lift"))

RULES: dict[Switch, tuple[Shape, tuple[int, ...]]] = {
    broken.lineage_counts_rewinds: (USUAL, (7, 17, 18)),
    broken.newest_mask_stamped_on_all_frames: (USUAL, (0, 1, 2)),
    broken.any_lineage_accepted: (USUAL, (0, 1, 2)),
    broken.repeats_accepted: (USUAL, (2, 3, 4)),
    broken.edges_of_each_entry_alone: (WIDE, (3, 11, 18)),
    broken.items_left_out_of_edges: (ITEMS, (7, 12, 15)),
    broken.labels_left_out_of_edges: (SLICES, (7,)),
    broken.shut_labels_forgotten: (SLICES, (0, 5, 7)),
    broken.floor_kept_over_a_decision: (USUAL, (1, 4, 6)),
    broken.snapshots_not_tested: (USUAL, (0, 1, 2)),
    broken.snapshot_with_a_full_outbox: (USUAL, (0, 4, 6)),
    broken_later.old_watermark_kept: (USUAL, (1, 2, 4)),
    broken_later.no_watermark_proof: (SPARSE, (3, 5, 9)),
    broken_later.released_without_the_least_watermark: (USUAL, (0, 1, 2)),
    broken_later.batches_cut_at_each_poll: (USUAL, (0, 1, 2)),
    broken_later.invalid_state_kept: (OFTEN, (3, 5, 8)),
    broken_later.invalid_versions_restored: (OFTEN, (1, 3, 5)),
    broken_later.server_folds_not_rewound: (USUAL, (0, 4, 6)),
    broken_later.server_snapshots_not_tested: (USUAL, (0, 1, 2)),
    broken_later.no_floor: (HASTY, (0, 1, 2)),
    broken_later.no_seen: (HASTY, (26,)),
    broken_later.floor_not_read_back: (HASTY, (26,)),
}


@contextmanager
def turned_off(switch: Switch) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        switch(patch)
        yield


def fails(switch: Switch, shape: Shape, seed: int) -> bool:
    try:
        played(seed, shape, turned_off(switch))
    except Failed as failed:
        if isinstance(failed.__cause__, Mismatch | Stuck | HeadraceError):
            return True
        raise  # the switch itself is broken: what it patches was renamed
    return False


@pytest.mark.parametrize("switch", RULES, ids=lambda switch: switch.__name__)
def test_without_this_rule_a_run_ends_otherwise(switch: Switch) -> None:
    shape, seeds = RULES[switch]
    if wanted := os.environ.get("HEADRACE_CHAOS_SEEDS"):
        seeds = tuple(range(*map(int, wanted.split(":"))))
    red = next((seed for seed in seeds if fails(switch, shape, seed)), None)
    assert red is not None, f"{switch.__name__}: turned off, and nothing shows in seeds {seeds} of {shape}"
    played(red, shape)
