"""A version whose index was refused: what to compare it with, and the line that says that it does not serve."""

from __future__ import annotations

from pathlib import Path

from checkpoints.manifest import Manifest
from serving.generation_files import DamagedGeneration, folder_of, read_about, versions_in
from streams.decisions import Decision, DecisionLog, Decisions


def items_beside(generations: Path, version: int) -> int | None:
    """How many items are in the newest generation of another version; None where there is none that can be read."""
    others = [one for one in versions_in(generations) if one != version]
    try:
        return read_about(folder_of(generations, max(others))).items if others else None
    except DamagedGeneration:
        return None  # it is found, and replaced, when it is needed


def is_wished(version: int, decisions: Decisions) -> bool:
    """Whether an operator had it serve, knowing why it was held."""
    return any(line.kind == "promote" and line.version == version for line in decisions.lines)


def hold(decisions: DecisionLog, manifest: Manifest, why: str, *, at: int) -> None:
    """Say once that a version does not serve, and why."""
    lines = decisions.fold.lines
    if not any(line.kind == "hold" and line.version == manifest.version for line in lines):
        line = Decision(
            "hold", at, "follower", why, seen=len(lines), version=manifest.version,
            mask_position=manifest.decisions, input=manifest.input,
        )  # fmt: skip
        decisions.decide(line)
