"""Digests of what a deployment holds: of its log, and of what a server that starts now would know of it.

Reads, and writes nothing but a passing folder. What belongs into a digest is said in `streams/digest.py` and
`serving/digests.py`. The folds are imported when they are asked for, so that other commands start fast.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from headrace.deployment import fold_rules_of, open_logs
from headrace.options import now
from headrace.settings import Settings
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import DecisionLog
from streams.digest import digest_of_events, digest_of_examples

LOGS = ("events", "examples")
FOLDS = ("profiles", "popularity", "covisitation", "catalogue", "following")
NEVER = 1 << 40


def digest_of(settings: Settings, name: str, *, anew: bool = False) -> str:
    """sha256 (hex) of one of `LOGS` and `FOLDS`, under today's mask. KeyError for another name.

    The folds of a server are taken up where its newest valid snapshots stand, or with `anew` from the log's begin.
    """
    if name in FOLDS:
        return _digest_of_fold(settings, name, anew=anew)
    if name not in LOGS:
        raise KeyError(name)
    with open_logs(settings) as logs:
        decisions = DecisionLog(logs.open(DECISIONS, 1))
        decisions.follow()
        log = logs.open(name, settings.partitions)
        if name == "events":
            return digest_of_events(log, decisions.fold.masking())
        return digest_of_examples(log, decisions.fold)


def _digest_of_fold(settings: Settings, name: str, *, anew: bool) -> str:
    from serving.digests import digest_of_fold
    from serving.folding import fold
    from serving.known import Known

    known = Known(partitions=settings.partitions, rules=fold_rules_of(settings))
    with open_logs(settings) as logs, tempfile.TemporaryDirectory(prefix="headrace-digest-") as empty:
        snapshots = Path(empty) if anew else settings.var / "snapshots" / "serve"
        turns = fold(logs, known, folder=snapshots, clock=now, snapshot_every=NEVER, limit=1_000)
        while not next(turns).idle:
            pass
    return digest_of_fold(known.parts, name)
