"""How long a way back takes, against how long it was said to take: the real processes, the real commands.

A site of 1,000 events a second, faster than it happened, is written into a log that joiner, trainer, follower and
server follow; then `headrace rollback last-good --quarantine ... --wait` takes one app version out. `expected_ms` is
what the command says beforehand, `real_ms` how long it waits until everyone has caught up, without its own start.
`ratio` is the first by the second.

    python benchmarks/foretold.py [--quick] [--json] [--seconds N] [--faster X]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.rewind_log import BAD_APP, START, S, Scene, happenings, write_log
from headrace.deployment import decision_log, run_folder
from headrace.options import now
from headrace.settings import Settings
from headrace.stream_settings import Label
from headrace.telemetry import read_status
from headrace.tree import tree_of
from streams.positions import Positions

PROCESSES = ("serve", "join", "train", "follow")
PATIENCE = 900.0
EVERY = 0.05
"""Seconds between two looks, and between two pieces of the log."""


def settings_in(place: Path) -> Settings:
    """Short windows, so that what is masked is most of the log; versions often enough that one stands before it."""
    labels = {"click": Label(event="click", window=10_000, horizon=20_000)}
    return Settings(
        var=place / "var",
        partitions=2,
        labels=labels,
        join={"snapshot_every": 5_000},  # type: ignore[arg-type]
        trainer={"commit": 2_000},  # type: ignore[arg-type]
        serving={"port": 0},  # type: ignore[arg-type]
        gate={"on": False},  # type: ignore[arg-type]
    )


def follow_live(scene: Scene, whole: Scene, faster: float, look: Callable[[], object]) -> Positions:
    """Write the log of `whole` anew, as fast as it happened or so many times faster; its ends."""
    partitions = scene.settings.partitions
    old, new = whole.logs.open("events", partitions), scene.logs.open("events", partitions)
    at, began = dict.fromkeys(range(partitions), 0), time.monotonic()
    while any(at[p] < old.end(p) for p in at):
        reached = START + int(S * faster * (time.monotonic() - began))
        for p in at:
            due = [record for record in old.read(p, at[p], 4_000) if record.at <= reached]
            for record in due:
                new.append(p, [record.value], record.at)
            at[p] += len(due)
        look()
        time.sleep(EVERY)
    return at


def measure(place: Path, seconds: int, faster: float) -> dict[str, Any]:
    """One way back, and one flat object."""
    settings = settings_in(place)
    scene, whole = (Scene(var, settings, 10, 0, 0) for var in (settings.var, place / "whole"))
    write_log(whole, happenings(START + seconds * S))
    tree = tree_of(settings, PROCESSES)
    tree.start()
    try:
        tree.wait_ready(PATIENCE)
        ends = follow_live(scene, whole, faster, tree.watch)
        _until(lambda: _covered(settings, ends), tree.watch)
        time.sleep(2)
        return {"log_s": seconds, "faster": faster} | _way_back(settings, seconds)
    finally:
        tree.stop()


def _way_back(settings: Settings, seconds: int) -> dict[str, Any]:
    """What the command said, and how long it took from its line on."""
    since = datetime.fromtimestamp((START + seconds * S // 2) / S, UTC).isoformat().replace("+00:00", "Z")
    words = ("rollback", "last-good", "--why", "bad app", "--quarantine", f"from={since} app-version={BAD_APP}")
    command = [sys.executable, "-m", "headrace", *words, "--wait", "--json"]
    command += ["--settings", str(run_folder(settings) / "settings.json")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE)
    ended, told = now(), json.loads(done.stdout)
    with decision_log(settings) as decisions:
        decisions.follow()
        real = ended - decisions.fold.lines[told["line"]].at
    figures = {name: told[name] for name in ("expected_ms", "caught_up", "span_ms", "frames")}
    return figures | {"real_ms": real, "ratio": told["expected_ms"] / real}


def _covered(settings: Settings, ends: Positions) -> bool:
    status = read_status(run_folder(settings)).get("train")
    reached = {} if status is None else status.last.get("reached", {})
    return all(int(reached.get(str(p), 0)) >= end - 20 for p, end in ends.items())


def _until(true: Callable[[], bool], look: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {PATIENCE:.0f} s")
        look()
        time.sleep(EVERY)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="four minutes of log instead of ten")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--seconds", type=int, help="how long the log is")
    parser.add_argument("--faster", type=float, default=4.0, help="so many times faster than it happened")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        figures = measure(Path(place), told.seconds or (240 if told.quick else 600), told.faster)
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
    print(json.dumps(rounded) if told.json else "\n".join(f"{name:16} {value}" for name, value in rounded.items()))


if __name__ == "__main__":
    main()
