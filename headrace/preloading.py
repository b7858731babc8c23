"""What the servers of one machine have in common, made once, before they are forked: then they share its memory.

That is the libraries, the kernels, and what the log said until now. It is shared page by page, until a server writes to
one; what comes later each of them folds for itself. No thread and no log may be open at a fork: both end here.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from threading import Event

from headrace.deployment import fold_rules_of, open_logs
from headrace.forked import Work, can_fork
from headrace.log_places import on_broker
from headrace.options import now
from headrace.process_terms import policy_of
from headrace.settings import Settings
from headrace.wiring import NEVER, run_serve
from serving.answers import Ask
from serving.folding import fold
from serving.generation import Generation
from serving.generation_files import folder_of, versions_in
from serving.known import Known
from serving.live import Bundle, Live
from serving.recommend import Recommender
from serving.scorer import Scorer

SERVING = (
    "headrace.admin_doors", "headrace.experiment_watch", "headrace.guarding", "headrace.metrics", "headrace.taking",
    "headrace.web", "serving.api", "serving.arms_keeper", "serving.newcomers", "serving.recall_monitor",
)  # fmt: skip
"""What `run_serve` imports beside what is used here."""


def forkable(settings: Settings, names: Sequence[str], asked: Event) -> Mapping[str, Work]:
    """Servers by name, as functions for forks of this process; none where it can't be forked. The log is read no
    further once a stop is `asked` for."""
    for module in SERVING:
        import_module(module)
    known = Known(partitions=settings.partitions, rules=fold_rules_of(settings))
    if not on_broker(settings):
        _read_up(settings, known, asked)
    _rehearse(settings, known)
    gc.collect()
    gc.freeze()  # what a collector marks is not shared any more
    return {name: partial(run_serve, settings, worker=name, known=known) for name in names} if can_fork() else {}


def _read_up(settings: Settings, known: Known, asked: Event) -> None:
    """Fold the log to its end."""
    with open_logs(settings) as logs:
        folder = settings.var / "snapshots" / "serve"
        for _ in fold(logs, known, folder=folder, clock=now, snapshot_every=NEVER):
            if known.caught_up or asked.is_set():
                return


def _rehearse(settings: Settings, known: Known) -> None:
    """Answer once from the newest version, so that every kernel is there; what is wrong with it, the servers say."""
    live, generations = Live(), settings.var / "generations"
    with suppress(Exception):
        generation = Generation.open(folder_of(generations, max(versions_in(generations))))
        live.swap(Bundle(generation.version, Scorer.open(generation.export), generation))
        generation.warm()
        recommender = Recommender(known, live, policy_of(settings))
        recommender.recommend(Ask("", 10, now()), chance=bytes(8), elapsed=lambda: 0.0, keep=False)
