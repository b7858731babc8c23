"""What snapshots of a partition's folds there are, and which of them may go: their heads alone, never what they hold.

`{root}/p{n}/{next:016d}-{decisions:08d}/` is one; folders aside begin with a dot and are none.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from streams.decisions import Decisions
from streams.join_disk import Snapshot, base_of, thinned
from streams.positions import Positions

HEAD = "state.json"


class State(Struct, frozen=True):
    """The head of a snapshot. `digest` is over all of its other files; `cut` says that retention had taken events
    before the folds could read them; `passed` and `since` are what a change of rules left (`part.py`)."""

    partition: int
    next: int
    decisions: int
    rules: str
    newest: int
    forgotten: dict[str, int]
    covisit_origin: int
    digest: str
    cut: bool = False
    passed: int = 0
    since: int = 0

    @property
    def positions(self) -> Positions:
        return {self.partition: self.next}


def home_of(folder: Path, next: int, decisions: int) -> Path:
    """Where the snapshot of a position lies, made after so many decisions."""
    return folder / f"{next:016d}-{decisions:08d}"


def head_of(home: Path) -> State:
    """What a snapshot says of itself. Raises OSError, and msgspec.MsgspecError for what is none."""
    return _decode((home / HEAD).read_bytes())


def snapshots(folder: Path) -> Iterator[tuple[Path, State]]:
    """The snapshots of one partition, newest first; what can't be read is passed over."""
    for home in sorted(folder.glob("[0-9]*"), reverse=True):
        try:
            yield home, head_of(home)
        except (OSError, msgspec.MsgspecError):
            continue


def positions_in(folder: Path, partition: int) -> list[int]:
    """The positions of the snapshots of a partition below each numbered folder (`arm_files.py`); for who only looks."""
    return [head.next for one in folder.glob("[0-9]*") for _, head in snapshots(one / f"p{partition}")]


def prune(folder: Path, decisions: Decisions, *, keep: int, newest: int) -> None:
    """Remove the snapshots of one partition that may go.

    The newest valid one below the floor stays, and nothing below it; of the others up to position `newest` those that
    `thinned` spares. What lies beyond `newest` was made under another mask.
    """
    heads = list(snapshots(folder))
    found = {Snapshot(head.next, head.decisions, head.rules): home for home, head in heads}
    base = base_of(found, heads[0][1].partition, decisions) if heads else None
    good = [one for one in found if decisions.valid(one.decisions, {heads[0][1].partition: one.next})]
    # at one position the valid one stays: where nothing happened, one may lie there from before a mask and one after
    ordered = sorted(found, key=lambda one: (one in good, one))
    aside = {one.next: one for one in ordered if one.next <= newest or one == base}.values()
    kept = {found[one] for one in set(aside).difference(thinned(aside, keep=keep, base=base))}
    for home in folder.glob("[0-9]*"):
        if home not in kept:
            gone = folder / f".gone-{home.name}"  # in one step: what is there in part would be taken for a base
            shutil.rmtree(gone, ignore_errors=True)
            home.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)


_decode = msgspec.json.Decoder(State).decode
