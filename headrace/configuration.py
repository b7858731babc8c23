"""Whether today's settings are those that the log was folded with.

What a fold computes depends on some settings: windows, labels, the model, how batches are cut. Their digests stand in
the decisions as a `configure` line. Other settings with the same log would give other bytes without a word, so a
process with other ones refuses to start.
"""

from __future__ import annotations

import hashlib

import msgspec

from headrace.settings import Settings
from streams.decisions import Decision, DecisionLog
from streams.errors import HeadraceError


class OtherSettings(HeadraceError):
    """The settings differ from those that the log was folded with."""


def fold_settings(settings: Settings, *, rules: str) -> dict[str, str]:
    """The settings that folds depend on; `rules` is the digest of the joiner's.

    >>> sorted(fold_settings(Settings(), rules="f00"))
    ['join', 'learn', 'partitions']
    """
    trainer = settings.trainer
    learned = (trainer.model, trainer.context, trainer.seed, trainer.bucket, trainer.batch_size, tuple(settings.labels))
    digest = hashlib.sha256(msgspec.msgpack.encode(learned)).hexdigest()[:16]
    return {"join": rules, "learn": digest, "partitions": str(settings.partitions)}


def configured(decisions: DecisionLog) -> dict[str, str] | None:
    """What the newest configure line says; None where there is none."""
    decisions.follow()
    lines = [line for line in decisions.fold.lines if line.kind == "configure"]
    return lines[-1].settings if lines else None


def agree(wanted: dict[str, str], decisions: DecisionLog, *, who: str, at: int) -> None:
    """Start a new log with these settings, or check those that it was started with. Raises OtherSettings."""
    stands = configured(decisions)
    if stands is None:
        apply(wanted, decisions, who=who, why="the first start", at=at)
    elif stands != wanted:
        told = ", ".join(
            f"{name} ({stands.get(name)} there, {wanted[name]} here)" for name in differing(wanted, stands)
        )
        raise OtherSettings(
            f"the log was folded with other settings: {told} differ. Put the old ones back, "
            "or accept the new ones from here on: headrace configure apply --why TEXT"
        )


def differing(wanted: dict[str, str], stands: dict[str, str]) -> list[str]:
    """The names whose digests are not the same.

    >>> differing({"join": "a", "learn": "b"}, {"join": "a", "learn": "c"})
    ['learn']
    """
    return sorted(name for name in wanted if wanted[name] != stands.get(name))


def apply(wanted: dict[str, str], decisions: DecisionLog, *, who: str, why: str, at: int) -> int:
    """Append the configure line; its number."""
    line = Decision("configure", at, who, why, seen=decisions.fold.position, settings=wanted)
    return decisions.decide(line)[0]
