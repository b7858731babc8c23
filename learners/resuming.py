"""Which version a trainer goes on from: the newest that today's mask leaves as it is, or nothing learned at all.

Valid versions are prefixes of one fold, so the one with the most examples is right whatever was rolled back. Opens
versions; learns nothing and decides nothing about who serves what.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from checkpoints.errors import DamagedVersion, NoSuchVersion
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.store import Opened, VersionStore
from learners.errors import NothingLeft, OtherSettings
from streams.decisions import Decisions
from streams.log import Log


def newest_valid(
    store: VersionStore, decisions: Decisions, *, partitions: int, configs: Collection[str]
) -> Opened | None:
    """The version to go on from; what can't be opened is passed over.

    `configs` are the digests of the settings that the log was learned with so far. Raises OtherSettings where that
    version was made with none of them; PlaceError where the place does not answer, which no older version makes good.
    """
    passed: list[str] = []
    for manifest in _candidates(store, decisions):
        try:
            folders = store.chain(manifest.version)
        except (DamagedVersion, NoSuchVersion) as error:
            passed.append(str(error))  # damaged, or taken away since it was listed
            continue
        if len(manifest.positions) != partitions:
            raise OtherSettings(
                f"version {manifest.version} stands in {len(manifest.positions)} partitions, the log has {partitions}. "
                "A log with another number of partitions is a new log: give it an empty folder for its versions."
            )
        if manifest.config not in configs:
            known = ", ".join(sorted(config or "none" for config in configs))
            raise OtherSettings(
                f"version {manifest.version} was made with settings {manifest.config or 'none'}, today's are {known}. "
                "Labels, model, batches or joiner were changed in between. Put the settings back, "
                "or give the versions another folder to start anew."
            )
        return Opened(manifest, folders, tuple(passed))
    return None


def beginning(examples: Log) -> dict[int, TrainerPosition]:
    """Positions of nothing learned. Raises NothingLeft where the log's begin is gone."""
    for p in range(examples.partitions):
        if examples.begin(p) > 0:
            raise NothingLeft(
                f"no version is valid under today's mask, and {examples.topic}[{p}] begins at {examples.begin(p):,}, "
                "not at 0. The mask reaches below every version that retention kept. Lift the quarantine, or close it: "
                "headrace quarantine list"
            )
    return {p: TrainerPosition() for p in range(examples.partitions)}


def _candidates(store: VersionStore, decisions: Decisions) -> Iterator[Manifest]:
    """Versions to go on from, most examples first; a version that is not sound is none."""
    good = (m for m in store.manifests() if m.sound and decisions.valid(m.decisions, m.input))
    return iter(sorted(good, key=lambda m: (m.examples, m.version), reverse=True))
