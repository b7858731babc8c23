"""What an operator can see and do about versions: composed of the version store and the decisions, nothing more.

Everything that moves a server is one appended line, and its target is verified before that line is written. The way
back, which may also change the mask, is in `way_back.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from checkpoints.chain_plan import chains_of
from checkpoints.errors import VersionError
from checkpoints.manifest import Manifest
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from streams.decisions import Decision, DecisionLog, Decisions
from streams.mask import equal_below


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts, when, and why."""

    who: str
    why: str
    at: int


def version_rows(
    store: VersionStore, decisions: DecisionLog | None, pinned: Collection[int] = ()
) -> list[dict[str, Any]]:
    """One row per committed version, oldest first; without decisions `valid`, `live`, `standing` and `pinned` are None.

    `kind` says how its files are kept, `chain` is how many versions are opened for it (None: one of them is gone),
    `size` the bytes of its own files; `pinned` counts those of the settings.
    """
    if decisions is not None:
        decisions.follow()
    registry = None if decisions is None else Registry.of(decisions.fold)
    manifests, compacted = store.manifests(), store.compacted()
    chains, sizes = chains_of(manifests, compacted), store.sizes(manifests, compacted)
    kept = None if registry is None else registry.pinned | {*pinned}
    return [
        _row(manifest, decisions, registry)
        | {
            "kind": _kind(manifest, compacted),
            "chain": len(chains.get(manifest.version, ())) or None,
            "size": sizes[manifest.version],
            "pinned": None if kept is None else manifest.version in kept,
        }
        for manifest in manifests
    ]


def _kind(manifest: Manifest, compacted: Collection[int]) -> str:
    if manifest.base is None:
        return "full"
    return "delta, compacted" if manifest.version in compacted else "delta"


def _row(manifest: Manifest, decisions: DecisionLog | None, registry: Registry | None) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(manifest, str_keys=True)
    row |= {"valid": None, "live": None, "standing": None}
    if decisions is not None and registry is not None:
        row["valid"] = decisions.fold.valid(manifest.decisions, manifest.input)
        row["live"] = registry.live == manifest.version
        row["standing"] = registry.standing(manifest.version)
    return row


def promote(
    version: int,
    store: VersionStore,
    decisions: DecisionLog,
    operator: Operator,
    *,
    dry_run: bool = False,
    anyway: bool = False,
) -> int | None:
    """Let `version` serve, paused or not; the number of the line, None where it was only tried.

    1. the version's files are what its manifest says; 2. it is valid under today's mask and did not fail its gate, or
    `anyway` only by figures; 3. one line. Raises VersionError, and then nothing has moved.
    """
    store.open(version)
    manifest = store.manifest(version)
    decisions.follow()
    if not decisions.fold.valid(manifest.decisions, manifest.input):
        raise VersionError(
            f"version {version} learned from events that are masked since. "
            "Choose one whose `valid` is true: headrace versions list"
        )
    if not (anyway and manifest.sound):
        refuse_failed(manifest)
    if dry_run:
        return None
    line = Decision(
        "promote", operator.at, operator.who, operator.why,
        seen=decisions.fold.position, version=version, mask_position=manifest.decisions, input=manifest.input,
    )  # fmt: skip
    return decisions.decide(line)[0]


def refuse_failed(manifest: Manifest) -> None:
    """Raise VersionError where a version did not pass its gate."""
    if manifest.verdict == "fail":
        raise VersionError(
            f"version {manifest.version} failed its gate: {manifest.reason}. Choose another one: headrace versions list"
            + ("; or let it serve all the same: headrace publish N --anyway --why TEXT" if manifest.sound else "")
        )


def paused_by(decisions: DecisionLog) -> int | None:
    """The number of the line by which publishing is paused; None where it is not."""
    decisions.follow()
    fold = decisions.fold
    if not Registry.of(fold).paused:
        return None
    pauses = (n for n, line in enumerate(fold.lines) if line.kind in ("pause", "rollback") and fold.effective[n])
    taken = (n for n in pauses if _taken(n, fold))
    return max(taken, default=None)


def _taken(n: int, fold: Decisions) -> bool:
    """Whether servers took a line: one whose version is not valid after it is passed over."""
    line = fold.lines[n]
    return equal_below(fold.masking(line.mask_position), fold.masking(n + 1), line.input)


def resume(decisions: DecisionLog, operator: Operator, *, dry_run: bool = False) -> int | None:
    """Let the trainer publish again; the number of the line, None where it was only tried.

    Raises VersionError where nothing is paused.
    """
    decisions.follow()
    if not Registry.of(decisions.fold).paused:
        raise VersionError("publishing is not paused, so there is nothing to resume; see `headrace decisions`")
    if dry_run:
        return None
    line = Decision("resume", operator.at, operator.who, operator.why, seen=decisions.fold.position)
    return decisions.decide(line)[0]


def pause(decisions: DecisionLog, operator: Operator, *, dry_run: bool = False) -> int | None:
    """Let nothing new serve until `resume`; the number of the line, None where it was only tried.

    Raises VersionError where it is paused like that already. A pause that waits for a replay becomes one of this kind.
    """
    decisions.follow()
    registry = Registry.of(decisions.fold)
    if registry.paused and registry.until is None:
        raise VersionError(
            f"publishing is paused already, by decision {paused_by(decisions)}. Go on with: headrace resume --why TEXT"
        )
    if dry_run:
        return None
    line = Decision("pause", operator.at, operator.who, operator.why, seen=decisions.fold.position)
    return decisions.decide(line)[0]


def hold(
    version: int, store: VersionStore, decisions: DecisionLog, operator: Operator, *, dry_run: bool = False
) -> tuple[int | None, int | None]:
    """Have a version not serve, now and when it is published; the number of the line, None where nothing was written,
    and the version that serves after it.

    1. where it serves, the newest good one before it is whole and valid; 2. one line. Raises VersionError.
    """
    store.manifest(version)
    decisions.follow()
    registry, before = Registry.of(decisions.fold), Registry.of(decisions.fold).live
    if version in registry.held:
        return None, before
    line = Decision("hold", operator.at, operator.who, operator.why, seen=decisions.fold.position, version=version)
    registry.feed(line)
    if before == version:
        _check_successor(version, registry.live, store, decisions)
    return (None if dry_run else decisions.decide(line)[0]), registry.live


def _check_successor(version: int, live: int | None, store: VersionStore, decisions: DecisionLog) -> None:
    if live is None or live == version:
        raise VersionError(
            f"version {version} serves, and no good one was published before it, so nothing could serve instead. "
            "Choose another one: headrace publish N --why TEXT"
        )
    store.open(live)
    manifest = store.manifest(live)
    if not decisions.fold.valid(manifest.decisions, manifest.input):
        raise VersionError(
            f"version {version} serves, and version {live}, published before it, learned from events that are masked "
            "since. Go back further: headrace rollback last-good --why TEXT"
        )


def pin(
    version: int, store: VersionStore, decisions: DecisionLog, operator: Operator, *, dry_run: bool = False
) -> int | None:
    """Have a version stay for good, with all that it stands on; the number of the line, None where it is pinned
    already. 1. its files are what its manifest says; 2. one line. Raises VersionError."""
    store.open(version)
    return _pinned(version, decisions, operator, "pin", dry_run)


def unpin(version: int, decisions: DecisionLog, operator: Operator, *, dry_run: bool = False) -> int | None:
    """Let a version go when its time has come; the number of the line, None where no decision pins it."""
    return _pinned(version, decisions, operator, "unpin", dry_run)


def _pinned(
    version: int, decisions: DecisionLog, operator: Operator, kind: Literal["pin", "unpin"], dry_run: bool
) -> int | None:
    decisions.follow()
    fold = decisions.fold
    if dry_run or (version in Registry.of(fold).pinned) == (kind == "pin"):
        return None
    line = Decision(kind, operator.at, operator.who, operator.why, seen=fold.position, version=version)
    return decisions.decide(line)[0]
