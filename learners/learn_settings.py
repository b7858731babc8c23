"""The settings that shape what is learned, and which of them hold where a trainer stands.

A batch is learned with settings that were changed from `start` on iff the state before it relied on a frame at or
beyond `start` in any partition. So a state that no edge has reached was made without what lies beyond it, whenever
its trainer heard of that: the test of validity and this rule are one. Nothing here makes a model.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec import Struct

from learners.errors import OtherSettings
from learners.fields import Declared
from streams.mask import Masking
from streams.positions import Positions

FOLD = "learn"
CODE = 2
"""Raised whenever the trainer gives other bytes for the same examples and settings."""


class LearnSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Which model with which inputs, and how batches are cut.

    >>> told = LearnSettings("two_tower_deepfm", labels=("click",), context=("hour",), bucket_ms=500, batch_size=16)
    >>> LearnSettings.of(told.text) == told
    True
    """

    model: str
    labels: tuple[str, ...]
    context: tuple[str, ...] = ()
    seed: int = 0
    bucket_ms: int = 1000
    batch_size: int = 1024
    code: int = CODE
    features: dict[str, Declared] = {}
    losses: dict[str, dict[str, str | float | bool]] = {}
    """By label what differs from the usual loss, as `heads.py` tells it."""
    updates: dict[str, dict[str, Any]] = {}
    """By stage what differs in how weights move, as `optimizers/told_rules.py` reads it."""
    rows: dict[str, Any] = {}
    """Which ids have rows, where not all of them do and for ever, as `row_terms.py` reads it."""
    guard: dict[str, str | int] = {}
    """What is judged before it is learned, as `guarded_learner.py` reads it; empty: nothing is."""

    @property
    def text(self) -> str:
        """The settings as a configure line says them: JSON in one order of keys; of what is in tables only where
        there is any, so that a line of before says the same."""
        told = msgspec.structs.asdict(self)
        features = {name: declared.written for name, declared in sorted(told.pop("features").items())}
        losses = {name: dict(sorted(loss.items())) for name, loss in sorted(told.pop("losses").items())}
        free = {name: some for name in ("updates", "rows", "guard") if (some := told.pop(name))}
        told |= {name: some for name, some in (("features", features), ("losses", losses)) if some}
        told |= {name: msgspec.Raw(msgspec.json.encode(some, order="sorted")) for name, some in free.items()}
        return msgspec.json.encode(told).decode()

    @property
    def digest(self) -> str:
        """16 hex digits: the same for equal settings."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    @property
    def learner(self) -> tuple[object, ...]:
        """What a learner is made with: where it stays as it is, what was learned goes on."""
        return *self.carried, self.context, self.features, self.guard

    @property
    def carried(self) -> tuple[object, ...]:
        """What may not change for a model to be carried over to other features."""
        return self.model, self.labels, self.losses, self.updates, self.rows, self.seed

    @classmethod
    def of(cls, text: str) -> LearnSettings:
        """The settings that a `text` says. Raises OtherSettings where this code can't follow them."""
        try:
            told = _decode(text)
            if told.code == CODE:
                return told
            fault = f"they are for code {told.code}, this trainer is code {CODE}"
        except msgspec.MsgspecError as error:
            fault = f"{error}"
        raise OtherSettings(
            f"the decisions hold settings of the trainer that can't be followed here: {fault}. They were written by "
            "another version of Headrace. Use that one for this log, or start a new log: `headrace configure show`"
        )


def settings_at(mask: Masking, input: Positions) -> LearnSettings | None:
    """By which the batch after a state is learned that relied on everything before `input`; None: no line says.

    >>> old, new = (LearnSettings("m", ("click",), batch_size=n).text for n in (1, 2))
    >>> mask = Masking(()).configured_by({}, {"learn": old}).configured_by({0: 5, 1: 5}, {"learn": new})
    >>> [settings_at(mask, {0: at, 1: 0}).batch_size for at in (0, 5, 6)]
    [1, 1, 2]
    """
    for start, text in reversed(mask.settings_of(FOLD)):
        if start is None or any(offset > start.get(p, 0) for p, offset in input.items()):
            return LearnSettings.of(text)
    return None


def settings_told(mask: Masking) -> dict[str, LearnSettings]:
    """All settings that the log was ever told to learn with, by digest."""
    told = (LearnSettings.of(text) for _, text in mask.settings_of(FOLD))
    return {one.digest: one for one in told}


_decode = msgspec.json.Decoder(LearnSettings).decode
