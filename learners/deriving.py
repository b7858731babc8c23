"""The serving files of a version that holds none: made from what was learned, as the learner itself would make them.

For whoever serves, so that a trainer writes only what changed. Same arrays in, same bytes out as the export of a
learner that holds them, whether a version is put together from its whole chain or from what changed since one that is
held. Reads the files of a chain; knows no store, no optimizer and no torch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from checkpoints.errors import DamagedVersion
from checkpoints.journal import uncollected
from learners.exports import export
from learners.standing import NotTold, Standing

LEARNED = "learned"
OF = "of.json"
"""Beside the files: the digest of what they were derived from."""
MOST = 6 << 30
"""Bytes that may be held from version to version; a larger model is put together anew each time."""


class Step(Struct, frozen=True):
    """One version of a chain: its folder, and the digest of what it had learned, "" where nobody knows."""

    folder: str
    digest: str = ""


class Deriver:
    """Derives one version after the other. What the last one had learned stays, and the next one that stands on it
    costs what changed; any other is put together anew.

    Promised: the files are those of a new deriver, whatever was derived before, and also after an error. Not promised:
    how much memory is taken while files are written. For one thread.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._held: tuple[str, Standing] | None = None

    @property
    def held(self) -> str:
        """The digest of what is held, "" where nothing is."""
        return "" if self._held is None else self._held[0]

    @uncollected()
    def derive(self, chain: Sequence[Step], into: Path, *, version: int, steps: Sequence[Step] = ()) -> bool:
        """Write the serving files of the last of a chain, the whole one first; whether what is held was brought along.
        `steps` are another way to the same version, from one that may be held. Raises DamagedVersion."""
        held, self._held = self._held, None
        standing = _brought(held, next((way for way in (steps, chain) if _passes(way, held)), ()))
        took = standing is not None
        if standing is None:
            held = None  # it was used up
            standing = Standing.of([Path(step.folder) / LEARNED for step in chain])
        digest = chain[-1].digest
        export(into, standing.served(), version=version, orders=standing.orders)
        (into / OF).write_text(json.dumps({"digest": digest}))
        if standing.bytes <= self._most and digest:
            self._held = digest, standing
        return took


def derive(chain: Sequence[Path], into: Path, *, version: int, digest: str) -> None:
    """Write the serving files of a version, given the folders of its chain, the whole one first."""
    steps = [Step(str(folder)) for folder in chain[:-1]]
    Deriver(most=0).derive([*steps, Step(str(chain[-1]), digest)], into, version=version)


def derived_of(folder: Path) -> str | None:
    """The digest of what serving files were derived from; None where a version brought them along."""
    path = folder / OF
    told: str | None = json.loads(path.read_text())["digest"] if path.exists() else None
    return told


def _passes(way: Sequence[Step], held: tuple[str, Standing] | None) -> bool:
    return held is not None and any(step.digest == held[0] for step in way)


def _brought(held: tuple[str, Standing] | None, way: Sequence[Step]) -> Standing | None:
    """What is held as the last version of a way that passes it, where it can be brought along."""
    if held is None or not way:
        return None
    digests = [step.digest for step in way]
    steps = way[len(digests) - digests[::-1].index(held[0]) :]
    try:
        for step in steps:
            held[1].take(Path(step.folder) / LEARNED)
        if not steps:
            held[1].stay(Path(way[-1].folder) / LEARNED)
    except (NotTold, DamagedVersion):
        return None  # a damaged file is named when all is put together
    return held[1]
