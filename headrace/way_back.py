"""The way back: an older version serves again, and what was bad is taken out of everything, by one line.

No terminal is known here, and no process is waited for: each adopts the line by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from checkpoints.errors import BadOrder, VersionError
from checkpoints.good_versions import good, last_good
from checkpoints.manifest import Manifest
from checkpoints.quarantine import Order, valid
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from headrace.operations import Operator, refuse_failed
from headrace.quarantine_amends import amend, check_read_back
from headrace.quarantine_changes import Change, change, ordered
from streams.decisions import Decision, DecisionLog, Decisions
from streams.log import Log
from streams.mask import Entry
from streams.positions import Positions

Target = int | Literal["last-good"]
Then = Literal["replay", "pause"]


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What a way back did, or would do (`line` -1). Publishing is paused until a version has relied on everything
    before `until`; None: until someone resumes. What lies between `replay_from` (None: nothing does) and `ends`, where
    the log ended as of the line, is fed again; joiners feed the last `joined` frames of it."""

    line: int
    version: int
    tainted: tuple[int, ...]
    entries: tuple[Entry, ...]
    until: Positions | None
    replay_from: Positions | None
    span_ms: int
    frames: int = 0
    ends: Positions = field(default_factory=dict)
    joined: int = 0


def roll_back(
    target: Target,
    *,
    store: VersionStore,
    decisions: DecisionLog,
    operator: Operator,
    events: Log,
    orders: tuple[Order, ...] = (),
    ripple: bool = False,
    then: Then | None = None,
    ahead: int,
    dry_run: bool = False,
) -> RolledBack:
    """Put every server on `target`, and mask what `orders` name; with `dry_run` only say what that would do.

    1. the target is whole by the word of who looked last, passed its gate, is valid under the changed mask; the floor
    allows the change; without orders it does not serve already, and a replay has something to take out;
    2. ONE line with both; 3. read back: it holds, servers take it, and the target is still there;
    4. one more line where someone published or masked in between (see `amend`).
    Raises VersionError or QuarantineError; before 2 nothing has moved.
    """
    _refuse_contradictions(orders, ripple=ripple, then=then)
    manifests = store.manifests()
    decisions.follow()
    made = _changed(orders, manifests, decisions.fold, events, operator, ahead=ahead, ripple=ripple)
    live = Registry.of(decisions.fold).live
    until = made.ends if orders and then != "pause" else None
    _refuse_empty_replay(made, live, until)
    among = manifests if orders else _older(target, manifests, live)
    manifest = _verified(target, store, among, decisions, made)
    back = RolledBack(
        -1, manifest.version, made.tainted, made.add, until, made.replay_from, made.span_ms, made.frames, made.ends,
        made.joined,
    )  # fmt: skip
    if dry_run:
        return back
    line = Decision(
        "rollback", operator.at, operator.who, operator.why, seen=made.seen, version=manifest.version,
        mask_position=manifest.decisions, input=manifest.input, until=back.until, add=made.add,
    )  # fmt: skip
    n, _ = decisions.decide(line)
    check_read_back(n, decisions.fold, manifest)
    store.vouched(manifest.version)  # retention may have thinned it away just before it read the line
    amended = amend(n, made, store=store, decisions=decisions, operator=operator, ripple=ripple)
    return replace(back, line=n, tainted=amended.tainted, entries=amended.entries)


def _changed(
    orders: tuple[Order, ...], manifests: list[Manifest], fold: Decisions, events: Log, operator: Operator,
    *, ahead: int, ripple: bool,
) -> Change:  # fmt: skip
    """What becomes of the mask."""
    if not orders:
        return change(fold, manifests, events)
    return ordered(
        orders, manifests=manifests, decisions=fold, events=events, ahead=ahead, at=operator.at, ripple=ripple
    )


def _refuse_contradictions(orders: tuple[Order, ...], *, ripple: bool, then: Then | None) -> None:
    if orders:
        return
    if then == "replay":
        raise BadOrder(
            "a replay without a quarantine gives the same model again: same log, same model. "
            "Say what is to be taken out: --quarantine 'from=10m app-version=1.1'"
        )
    if ripple:
        raise BadOrder(
            "a ripple masks what the versions caused that a quarantine taints, but none is given. "
            "Add --quarantine TERMS, or name the versions: --quarantine 'model-version=7'"
        )


def _refuse_empty_replay(made: Change, live: int | None, until: Positions | None) -> None:
    # a version that fell by an earlier entry can't be published again, so there is something to wait for
    if until is not None and made.replay_from is None and live not in made.tainted:
        raise BadOrder(
            "nothing that was learned is masked by this, or it is masked already, so a replay would publish the same "
            "version again at once. Check the times and fields of --quarantine, or stop publishing until `headrace "
            "resume`: --then pause"
        )


def _older(target: Target, manifests: list[Manifest], live: int | None) -> list[Manifest]:
    """What a way back may go to that takes nothing out: only what came before the version that serves."""
    if target == live:
        raise VersionError(
            f"version {target} serves already; name an older one (headrace versions list), or say what is bad: "
            "--quarantine TERMS"
        )
    return [manifest for manifest in manifests if live is None or manifest.version < live]


def _verified(
    target: Target, store: VersionStore, manifests: list[Manifest], decisions: DecisionLog, made: Change
) -> Manifest:
    """The target, with whole files and valid under the changed mask; of `last-good` the first that is whole."""
    if target == "last-good":
        for manifest in good(manifests, decisions.fold, made.mask):
            try:
                store.vouched(manifest.version)
            except VersionError:
                continue  # damaged, or taken away since it was listed
            return manifest
        return last_good([], decisions.fold, made.mask)
    store.vouched(target)
    manifest = store.manifest(target)
    refuse_failed(manifest)
    if not valid(decisions.fold, made.mask, manifest.decisions, manifest.input):
        raise VersionError(
            f"version {target} learned from events that are masked {'by this' if made.add else 'since'}. "
            "Choose one whose `valid` is true (headrace versions list), or let it be found: headrace rollback last-good"
        )
    return manifest
