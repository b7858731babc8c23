"""Commands that run: each process by itself, all of them together."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from headrace import joining, tree, wiring
from headrace.lifeline import hold_on_to
from headrace.log_places import check_topics
from headrace.options import AsJson, LogUrl, Parent, SettingsFile, Var, chosen
from headrace.quarantine_words import numbers
from headrace.settings import Settings
from headrace.terminal import tell_fields, tell_json

Port = Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes any free one.")]
Once = Annotated[bool, typer.Option("--once", help="One turn, and what it did.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what a turn would do.")]
UntilEnd = Annotated[
    bool, typer.Option("--until-end", help="Stop at the end of the log; the trainer with a last version.")
]

Workers = Annotated[
    int | None, typer.Option("--workers", min=1, max=64, help="How many server processes share the port.")
]
ServeWorker = Annotated[str | None, typer.Option("--worker", hidden=True, help="Be this one of several.")]
Worker = Annotated[
    str | None,
    typer.Option(
        "--worker", help="Name of this worker, on a broker; one that comes back under its name takes its place again."
    ),
]


def up(
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    port: Port = None,
    workers: Workers = None,
    parent: Parent = None,
) -> None:
    """Everything on one machine: sequence, join, train, follow, serve, retain. Ctrl-C stops it in order, intake first.

    The API, its pages at /docs and the door for events share one address. A process that dies is started again; one
    that dies 5 times in 60 s ends all, with status 1.
    """
    _hold(parent)
    tree.run(chosen(settings, var=var, log=log, serving=_serving(port, workers)))


def gateway(
    settings: SettingsFile = None, var: Var = None, log: LogUrl = None, port: Port = None, parent: Parent = None
) -> None:
    """The door for events by itself: POST /v1/events."""
    wiring.run_gateway(_ready(settings, var, log, parent, gateway=None if port is None else {"port": port}))


def sequence(
    settings: SettingsFile = None, var: Var = None, log: LogUrl = None, worker: Worker = None, parent: Parent = None
) -> None:
    """Make one ordered log of what producers and the API wrote.

    On a broker any number of workers share the partitions; several on one machine need a name each.
    """
    wiring.run_sequence(_ready(settings, var, log, parent), worker=worker)


def join(
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    until_end: UntilEnd = False,
    worker: Worker = None,
    parent: Parent = None,
) -> None:
    """Join what was shown with what was done, and decide the labels.

    On a broker any number of workers share the partitions, each with a name and states of its own.
    """
    joining.run_join(_ready(settings, var, log, parent), worker=worker, until_end=until_end)


def train(
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    until_end: UntilEnd = False,
    parent: Parent = None,
) -> None:
    """Learn from the examples, and commit versions."""
    wiring.run_train(_ready(settings, var, log, parent), until_end=until_end)


def follow(settings: SettingsFile = None, var: Var = None, log: LogUrl = None, parent: Parent = None) -> None:
    """Build the index of each version that shall serve."""
    wiring.run_follow(_ready(settings, var, log, parent))


def retain(
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    once: Once = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    parent: Parent = None,
) -> None:
    """Take away what no way back needs: old versions, and the log below the oldest one to go back to.

    How far back that is stands in the decisions before anything goes; `[retention]` says how far it shall be.
    """
    use = _ready(settings, var, log, parent)
    if not once and not dry_run:
        wiring.run_retain(use)
        return
    fields = wiring.retain_once(use, dry_run=dry_run)
    gone = {"gone": numbers(fields["gone"])} if "gone" in fields else {}
    tell_json(fields) if as_json else tell_fields(fields | gone)


def serve(
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    port: Port = None,
    workers: Workers = None,
    worker: ServeWorker = None,
    parent: Parent = None,
) -> None:
    """Answer with slates: POST /v1/recommend, POST /v1/rank, GET /v1/items/ID/similar; pages at /docs.

    Several workers share one port: one that dies is started again while the others answer.
    """
    use = _ready(settings, var, log, parent, serving=_serving(port, workers))
    if worker is None and use.serving.workers > 1:
        tree.run(use, (tree.SERVE,))
    else:
        wiring.run_serve(use, worker=worker)


def _serving(port: int | None, workers: int | None) -> dict[str, int] | None:
    told = {"port": port, "workers": workers}
    return {name: value for name, value in told.items() if value is not None} or None


def _ready(settings: SettingsFile, var: Var, log: LogUrl, parent: int | None, **groups: Any) -> Settings:
    """What a process runs with. Raises LogMismatch where the topics of a broker are not as they shall be."""
    _hold(parent)
    use = chosen(settings, var=var, log=log, **groups)
    check_topics(use)
    return use


def _hold(parent: int | None) -> None:
    if parent is not None:
        hold_on_to(parent)
