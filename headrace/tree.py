"""`up` on one machine: which processes there are, in the order of a click, and how each is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Event

from headrace.deployment import check_configuration, run_folder
from headrace.forked import Work
from headrace.joining import workers
from headrace.log_places import make_or_check_topics
from headrace.loop import stop_signals
from headrace.ports import one_port
from headrace.settings import Settings
from headrace.settings_file import save, secrets_of, without_settings
from headrace.supervisor import PAUSE, Supervisor
from headrace.telemetry import kind_of
from headrace.terminal import say

PROCESSES = ("serve", "sequence", "join", "train", "follow", "retain")
"""Stopped in this order: first the door, last what nobody waits for."""
SERVE = "serve"
AT_THE_DOOR = (SERVE, "sequence")
"""Ready, these can take events and answer; the others catch up with the log."""
SINGLE_THREADED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}
"""Small matrices: one thread is faster, and its sums always come in the same order."""


def tree_of(
    settings: Settings, processes: Sequence[str] = PROCESSES, forks: Callable[[], Mapping[str, Work]] = dict
) -> Supervisor:
    """A supervisor of our processes, not started; a broker that has none of our topics gets them. `forks` are made once
    all is checked, and run in place of commands of their names.

    Raises OtherSettings where the log was folded with others, LogMismatch where the topics of a broker are others.
    """
    make_or_check_topics(settings)
    check_configuration(settings)
    run = run_folder(settings)
    written = run / "settings.json"
    save(settings, written)
    commands: dict[str, Sequence[str] | Work]
    commands = {name: command_of(name, written) for name in _with_workers(settings, processes)}
    commands |= forks()
    for left in (*run.glob("join*.json"), *run.glob("serve-*.json")):
        left.unlink()  # of workers that there are no more
    return Supervisor(commands, run, environ=SINGLE_THREADED | without_settings(os.environ) | secrets_of(settings))


def _with_workers(settings: Settings, processes: Sequence[str]) -> list[str]:
    many = {"join": workers(settings), SERVE: servers(settings)}
    return [one for name in processes for one in many.get(name, (name,))]


def servers(settings: Settings) -> tuple[str, ...]:
    """The processes that answer at one port; the first has the name of them all."""
    return (SERVE, *(f"{SERVE}-{number}" for number in range(1, settings.serving.workers)))


def command_of(process: str, settings: Path) -> list[str]:
    """The command line of one process that dies with this one; a worker is called by its name.

    >>> command_of("join-1", Path("settings.json"))[3:6]
    ['join', '--worker', 'join-1']
    """
    command, _, number = process.partition("-")
    own = ["--worker", process] if number or command == SERVE else []
    own += ["--settings", str(settings.absolute()), "--parent", str(os.getpid())]
    return [sys.executable, "-m", "headrace", command, *own]


def run(settings: Settings, processes: Sequence[str] = PROCESSES) -> None:
    """Start all, say where the API is, keep them running until SIGTERM or Ctrl-C. Raises GaveUp."""
    with one_port(settings) as ready:
        _run(ready, processes)


def _forks(settings: Settings, processes: Sequence[str], asked: Event) -> Mapping[str, Work]:
    """Several servers, as forks of this process."""
    names = servers(settings)
    if SERVE not in processes or len(names) == 1:
        return {}
    os.environ.update(SINGLE_THREADED)  # before the libraries that read it are imported
    from headrace.preloading import forkable

    return forkable(settings, names, asked)


def _run(settings: Settings, processes: Sequence[str]) -> None:
    asked = stop_signals()
    tree = tree_of(settings, processes, partial(_forks, settings, processes, asked))
    door = [name for name in _with_workers(settings, processes) if kind_of(name) in AT_THE_DOOR]
    try:
        tree.start()
        ready = tree.wait_ready(names=door, waiting=lambda: not asked.is_set())
        if "serve" in ready:
            say(f"Headrace is up: http://{settings.serving.host}:{ready['serve'].port}/docs (Ctrl-C stops it)")
        while not asked.wait(PAUSE):
            for death in tree.watch():
                say(f"{death.name} ended with status {death.status}; it starts again in {death.restart_in} ms")
    finally:
        tree.stop()
