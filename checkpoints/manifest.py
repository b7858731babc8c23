"""What a version says of itself. Written last: a version without its manifest was never committed."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from streams.positions import Positions

Verdict = Literal["pass", "fail", "inconclusive"]


class TrainerPosition(Struct, frozen=True):
    """Where learning stood in one partition.

    `examples`: next offset in examples after the last wholly used frame; `last`: that frame's input, -1 for none;
    `watermark` as of then; `sequence`: next row to learn; `input`: 1 + the input of the last frame of events that the
    state relied on, so "next" like every position.
    """

    examples: int = 0
    last: int = -1
    watermark: int = -(10**18)
    sequence: int = 0
    input: int = 0


class Manifest(Struct, frozen=True):
    """An immutable, numbered state of everything learned.

    `decisions` is how many decision lines the trainer had adopted, `digest` that of what was learned (content alone:
    no times, offsets or framing), `files` maps names relative to the version's folder to sha256, `config` is the
    digest of what the fold was made with, `schema_diff` names the features that were `added` and `dropped` since the
    parent, `skew` tells by feature how far what was served lay from what was learned, `guard` what was held
    back. `base` is the version that the files of a delta stand on, None where they are whole; `bytes` is how long they
    are together. `gate` is what the verdict stands on: the version compared `against`, the `measures`, and `norms`.

    >>> Manifest(version=2, parent=1, decisions=0, positions={0: TrainerPosition(input=7)}).input
    {0: 7}
    """

    version: int
    parent: int | None
    decisions: int
    positions: dict[int, TrainerPosition]
    examples: int = 0
    steps: int = 0
    config: str = ""
    digest: str = ""
    verdict: Verdict = "inconclusive"
    reason: str = ""
    created_at: int = 0
    metrics: dict[str, Any] = {}
    schema: dict[str, Any] = {}
    files: dict[str, str] = {}
    schema_diff: dict[str, list[str]] = {}
    skew: dict[str, dict[str, float]] = {}
    guard: dict[str, Any] = {}
    base: int | None = None
    bytes: int = 0
    gate: dict[str, Any] = {}

    @property
    def input(self) -> Positions:
        """Per partition the next offset in events that this version has not relied on."""
        return {p: position.input for p, position in self.positions.items()}

    @property
    def sound(self) -> bool:
        """Whether learning can go on from it: what failed for its figures alone is still what the log gives.

        >>> failed = Manifest(1, None, 0, {}, verdict="fail")
        >>> auc = {"name": "auc", "verdict": "fail"}
        >>> failed.sound, msgspec.structs.replace(failed, gate={"measures": [auc]}).sound
        (False, True)
        """
        if self.verdict != "fail":
            return True
        failed = {one["name"] for one in self.gate.get("measures", []) if one["verdict"] == "fail"}
        return bool(failed) and not failed & {"finite", "canary"}


def encode_manifest(manifest: Manifest) -> bytes:
    """Indented JSON, as it stands in a version's folder."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2)


def decode_manifest(data: bytes) -> Manifest:
    """The manifest of `encode_manifest`; msgspec.MsgspecError where the bytes are none."""
    return _decode(data)


_decode = msgspec.json.Decoder(Manifest, strict=False).decode
