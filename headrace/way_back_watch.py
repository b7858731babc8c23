"""Watches a way back until it is done: looks, shows, sleeps. Steers nothing; to stop watching changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from headrace.telemetry import read_status
from headrace.way_back import RolledBack
from headrace.way_back_progress import Following, running
from headrace.way_back_words import told_progress
from streams.decisions import DecisionLog
from streams.positions import covers

EVERY_S = 0.25
LINE_EVERY_S = 2.0


def watch(
    back: RolledBack, decisions: DecisionLog, run: Path, *, clock: Callable[[], int], quiet: bool = False
) -> bool:
    """Show how processes follow, until all that run are there; whether they are. Ctrl-C only ends the watching.

    Where no process runs it returns at once. `quiet` shows on stderr, so that stdout stays JSON.
    """
    console = Console(stderr=quiet, highlight=False)
    began_at = clock()
    if not running(read_status(run), began_at):
        _say(console, "No process runs; each adopts the decision when it starts: headrace up")
        return False
    following = Following(back, began_at=began_at)
    show = _live(console) if console.is_terminal else _lines(console)
    try:
        return _watched(following, back, decisions, run, clock, show)
    except KeyboardInterrupt:
        _say(console, "No longer watched; it goes on. See: headrace status, headrace decisions")
        return False
    finally:
        show("", True)


def _watched(
    following: Following,
    back: RolledBack,
    decisions: DecisionLog,
    run: Path,
    clock: Callable[[], int],
    show: Callable[[str, bool], None],
) -> bool:
    while True:
        decisions.follow()
        at = clock()
        progress = following.saw(read_status(run), published=caught_up(back, decisions), at=at)
        show(told_progress(progress, back.version), progress.done)
        if progress.done or not progress.running:
            return progress.done and ("train" in progress.running or not back.frames)
        time.sleep(EVERY_S)


def caught_up(back: RolledBack, decisions: DecisionLog) -> bool:
    """Whether a version was published since that relied on all of the log as of the line."""
    fold, until = decisions.fold, back.until
    return until is not None and any(
        covers(line.until or line.input, until) and fold.valid(line.mask_position, line.input)
        for line in fold.lines[back.line + 1 :]
        if line.kind == "publish"
    )


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


def _lines(console: Console) -> Callable[[str, bool], None]:
    """A line when something has moved, at most each two seconds, and the last one."""
    told_at, told = 0.0, ""

    def show(text: str, last: bool) -> None:
        nonlocal told_at, told
        if text and text != told and (last or time.monotonic() - told_at >= LINE_EVERY_S):
            told_at, told = time.monotonic(), text
            _say(console, text)

    return show


def _live(console: Console) -> Callable[[str, bool], None]:
    """A line a process, changed in place."""
    live = Live(console=console, auto_refresh=False)
    live.start()

    def show(text: str, last: bool) -> None:
        if text:
            live.update(Text(text.replace("; ", "\n")), refresh=True)
        elif last:
            live.stop()

    return show
