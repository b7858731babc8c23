"""Whether today's settings are those that the log is folded with, and how a log goes on with others.

What a fold computes depends on some settings: windows, labels, the model, how batches are cut. They stand in the
decisions as text, in `configure` lines: the first one holds from the begin, a later one from the log ends of when it
was written. Running processes go over to it there; one that starts with other settings than the newest line refuses,
since it was probably started with the wrong file. What a setting does is for its fold to know.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from streams.decisions import Decision, DecisionLog
from streams.errors import HeadraceError
from streams.log import Log

BATCHES = frozenset({"learn.bucket_ms", "learn.batch_size"})
"""What may change of learning without the model beginning anew."""
NEW_LOG = "partitions"
"""Where a key lives depends on it, and so does the order of all: another number is another log."""


class OtherSettings(HeadraceError):
    """The settings differ from those that the log is folded with."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting, by its place in the texts; None where a side has none."""

    name: str
    stands: Any
    wanted: Any

    @property
    def told(self) -> str:
        """
        >>> Difference("join.grace", 500, 700).told, Difference("join.labels.like", None, "click").told
        ('join.grace (500 there, 700 here)', 'join.labels.like (nothing there, "click" here)')
        """
        there, here = ("nothing" if one is None else json.dumps(one) for one in (self.stands, self.wanted))
        return f"{self.name} ({there} there, {here} here)"


@dataclass(frozen=True, slots=True)
class Applied:
    """A configure line: its number, and from where on in `events` it holds."""

    line: int
    start: dict[int, int]
    changes: tuple[Difference, ...]


def configured(decisions: DecisionLog) -> dict[str, str] | None:
    """What the log is folded with at its end; None where no line says so."""
    decisions.follow()
    told = decisions.fold.masking().configured
    return told[-1].settings if told else None


def agree(wanted: dict[str, str], decisions: DecisionLog, *, who: str, at: int) -> None:
    """Start a new log with these settings, or check those that it is folded with. Raises OtherSettings."""
    stands = configured(decisions)
    if stands is None:
        decisions.decide(_line(wanted, {}, decisions, who=who, why="the first start", at=at))
    elif changes := differing(wanted, _readable(stands)):
        raise OtherSettings(
            f"the log is folded with other settings: {'; '.join(change.told for change in changes)}. Put the old ones "
            "back, or go on with the new ones from here on: headrace configure apply --why TEXT"
        )


def differing(wanted: dict[str, str], stands: dict[str, str]) -> list[Difference]:
    """The settings whose values are not the same.

    >>> [one.told for one in differing({"join": '{"grace": 7}'}, {"join": '{"grace": 5}', "learn": "{}"})]
    ['join.grace (5 there, 7 here)']
    """
    here, there = flat(wanted), flat({name: text for name, text in stands.items() if name in wanted})
    return [
        Difference(name, there.get(name), here.get(name))
        for name in sorted(here.keys() | there.keys())
        if here.get(name) != there.get(name)
    ]


def flat(settings: dict[str, str]) -> dict[str, Any]:
    """Every single value by its place; things that have a name are told by it, and the order of these beside them.

    >>> flat({"join": '{"labels": [{"name": "click", "window": 5}]}', "partitions": "4"})
    {'join.labels': ['click'], 'join.labels.click.window': 5, 'partitions': 4}
    """
    return {place: value for name, text in settings.items() for place, value in _flat(name, _read(text))}


def planned(wanted: dict[str, str], decisions: DecisionLog) -> tuple[Difference, ...] | None:
    """What `apply` would change; None where nothing. Raises OtherSettings where it would refuse."""
    stands = configured(decisions)
    changes = tuple(differing(wanted, _readable(stands or {})))
    refuse_new_log(changes)
    return None if stands is not None and not changes else changes


def apply(
    wanted: dict[str, str], decisions: DecisionLog, events: Log, *, who: str, why: str, at: int
) -> Applied | None:
    """Let the log go on with these settings from its ends on; None where they are its own already.

    1 what may not change is refused; 2 one line, with the log ends as of now; 3 it holds. Raises OtherSettings.
    """
    changes = planned(wanted, decisions)
    if changes is None:
        return None
    start = {p: events.end(p) for p in range(events.partitions)}
    n, holds = decisions.decide(_line(wanted, start, decisions, who=who, why=why, at=at))
    if not holds:
        raise OtherSettings(
            f"the line was written as decision {n}, but it is void: retention moved its floor beyond the log ends of "
            "when it was written. Nothing has changed; try again."
        )
    return Applied(n, start, changes)


def refuse_new_log(changes: tuple[Difference, ...]) -> None:
    """Raises OtherSettings where a change can't be made within a log."""
    for change in changes:
        if change.name == NEW_LOG and change.stands is not None:
            raise OtherSettings(
                f"{change.told}: the number of partitions decides where each user's events lie and in which order all "
                "is learned, so it is fixed once a log is made. Set it back, or start a new log: headrace up --var DIR"
            )


def meaning(changes: tuple[Difference, ...]) -> list[str]:
    """What changes mean for what stands, one sentence for each fold.

    >>> meaning((Difference("learn.batch_size", 1, 2),))
    ['What was learned goes on; only batches are cut otherwise.']
    """
    names = {change.name for change in changes}
    told = []
    if any(name.startswith("join.") for name in names):
        told.append(
            "Labels that are open close as the new rules say, and none is decided again; a new one is asked of what is "
            "shown from there on."
        )
    if learned := {name for name in names if name.startswith("learn.")}:
        told.append(_of_learning(learned))
    if any(name.startswith("serve.") for name in names):
        told.append("Servers go on with what they know of users and items, by the new rules.")
    return told


def _of_learning(names: set[str]) -> str:
    """
    >>> _of_learning({"learn.context", "learn.features.price.kind"})[:56]
    'What was learned goes on. A feature that is new has no s'
    """
    rest = names - BATCHES
    if not rest:
        return "What was learned goes on; only batches are cut otherwise."
    rest = {name for name in rest if not name.startswith("learn.guard.")}
    if not rest:
        return "What was learned goes on; only what is held back is judged otherwise."
    if all(name == "learn.context" or name.startswith("learn.features.") for name in rest):
        return (
            "What was learned goes on. A feature that is new has no say until it has learned; one that is dropped or "
            "declared otherwise is forgotten. The next version's manifest names them."
        )
    return (
        "The model begins anew from there; what was learned before stays in its versions, and the first new one that "
        "passes the gate takes their place."
    )


def _line(
    wanted: dict[str, str], start: dict[int, int], decisions: DecisionLog, *, who: str, why: str, at: int
) -> Decision:
    return Decision("configure", at, who, why, seen=decisions.fold.position, settings=wanted, start=start)


def _readable(stands: dict[str, str]) -> dict[str, str]:
    """Raises OtherSettings where the log holds digests of settings alone."""
    if "join" in stands and not stands["join"].startswith("{"):
        raise OtherSettings(
            "the log holds digests of the settings that it is folded with, not the settings: it was made by an older "
            "version of Headrace. Go on with that one, or start a new log and import the old one's events."
        )
    return stands


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _flat(place: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, list) and value and all(isinstance(one, dict) and "name" in one for one in value):
        inside = {one["name"]: {key: its for key, its in one.items() if key != "name"} for one in value}
        return [(place, list(inside)), *_flat(place, inside)]
    if isinstance(value, dict):
        return [pair for key, one in value.items() for pair in _flat(f"{place}.{key}", one)]
    return [(place, value)]
