"""Dead letters for operators: which ones a command means, and taking them again with a bar and a report.

What taking again means is in `streams/letters_again.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from headrace.deployment import open_logs
from headrace.options import now
from headrace.settings import Settings
from streams.dead_letters import PARTITIONS, TOPIC, DeadLetter, DeadLetters, Standing, Wanted
from streams.errors import HeadraceError
from streams.intake import Intake
from streams.letters_again import Again, Tried

BATCH = 500
SHOWN = 20
"""How many letters that failed again are shown; the rest is counted."""


class BadLetters(HeadraceError):
    """What names letters, or changes to them, can't be read."""


@dataclass(slots=True)
class Replayed:
    """What became of the letters. `passed_over` were named, but are taken or replaced already."""

    letters: int = 0
    accepted: int = 0
    passed_over: int = 0
    rejected: list[Tried] = field(default_factory=list)


def numbers_in(written: Iterable[str]) -> list[range]:
    """Numbers and ranges, both ends included.

    >>> numbers_in(["7", "10-12"])
    [range(7, 8), range(10, 13)]
    >>> numbers_in(["last"])
    Traceback (most recent call last):
    headrace.letters.BadLetters: 'last' is no number of a letter; write 7 or 10-20
    """
    found = []
    for word in written:
        first, dash, last = word.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise BadLetters(f"{word!r} is no number of a letter; write 7 or 10-20")
        found.append(range(int(first), int(last if dash else first) + 1))
    return found


def changes_in(written: Iterable[str]) -> dict[str, Any]:
    """What `--set` says: values are JSON where they can be, else text; an empty one takes the field out.

    >>> changes_in(["type=click", "ts=5", "v="])
    {'type': 'click', 'ts': 5, 'v': None}
    """
    changes: dict[str, Any] = {}
    for word in written:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise BadLetters(f"{word!r} changes nothing; write FIELD=VALUE, or FIELD= to take the field out")
        changes[name.strip()] = _value(value) if value else None
    return changes


def chosen_letters(
    letters: DeadLetters, numbers: Sequence[range], wanted: Wanted
) -> Iterator[tuple[int, DeadLetter, Standing]]:
    """The letters that are meant, as far as they are wanted: those of `numbers`, without any all that are open."""
    found = letters.standing(wanted)
    if not numbers:
        return (one for one in found if one[2] == "open")
    return (one for one in found if any(one[0] in some for some in numbers))


@contextmanager
def letters_of(settings: Settings) -> Iterator[tuple[DeadLetters, Again]]:
    """The dead letters of a deployment, and the way in."""
    with open_logs(settings) as logs:
        letters = DeadLetters(logs.open(TOPIC, PARTITIONS))
        yield letters, Again(letters, Intake(logs, partitions=settings.partitions, clock=now), clock=now)


def replay(
    again: Again,
    letters: Iterable[tuple[int, DeadLetter, Standing]],
    changes: Mapping[str, Any],
    *,
    dry_run: bool,
) -> Iterator[Replayed]:
    """Take the open ones of these letters again, batch after batch; each turn yields how far it got."""
    done = Replayed()
    left = iter(letters)
    while part := list(islice(left, BATCH)):
        batch = [(n, letter) for n, letter, standing in part if standing == "open"]
        tried = again.take(batch, changes, dry_run=dry_run)
        done.letters += len(batch)
        done.passed_over += len(part) - len(batch)
        done.accepted += sum(one.taken for one in tried)
        done.rejected += [one for one in tried if not one.taken]
        yield done


def shown_replay(turns: Iterable[Replayed], console: Console) -> Replayed:
    """Run a replay with a bar."""
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    done = Replayed()
    with Progress(*shown, console=console, transient=True) as bar:
        task = bar.add_task("letters", total=None)
        for done in turns:
            bar.update(task, completed=done.letters)
    return done


def report(done: Replayed, console: Console, *, dry_run: bool) -> None:
    """What was taken, what failed again, and what to do about it."""
    would = "would be " if dry_run else ""
    console.print(
        f"{done.letters:,} letters: {done.accepted:,} {would}taken, {len(done.rejected):,} {would}rejected again"
        + (f"; {done.passed_over:,} passed over, they were taken or replaced before" if done.passed_over else "")
    )
    for one in done.rejected[:SHOWN]:
        console.print(f"  {one.number}: {one.field}: {one.reason}", markup=False, highlight=False, soft_wrap=True)
    if len(done.rejected) > SHOWN:
        console.print(f"  and {len(done.rejected) - SHOWN:,} more")
    if done.rejected:
        console.print("Mend them: headrace dead-letters replay NUMBER --set FIELD=VALUE", highlight=False)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
