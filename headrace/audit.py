"""The audit trail: what each decision did, from what to what, and why one that is void is void. Pure.

It is the log of decisions itself, folded line by line as every reader folds it, so it says the same everywhere, after
any restart. No line is ever left out: filters are for who looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from checkpoints.registry import Registry
from headrace.quarantine_words import changes_told
from streams.decisions import Decision, DecisionLog, Decisions
from streams.mask import equal_below

SERVING = frozenset(("publish", "promote", "rollback", "hold"))
"""Kinds that name a version which serves, or shall not."""


class Audit:
    """Goes along the decisions; `fresh` gives a row for each line that was not told yet.

    >>> fold = Decisions()
    >>> for n, version in enumerate((1, 2)):
    ...     _ = fold.feed(Decision("publish", n, "trainer", "passed", n, version=version))
    >>> _ = fold.feed(Decision("rollback", 9, "ana", "bad clicks", 2, version=1))
    >>> audit = Audit(fold)
    >>> [(row["n"], row["from"], row["to"], row["did"]) for row in audit.fresh()]
    [(0, None, 1, 'version 1 serves'), (1, 1, 2, 'version 2 serves'), (2, 2, 1, 'version 1 serves again; publishing \
waits for `headrace resume`')]
    >>> list(audit.fresh())
    []
    """

    def __init__(self, fold: Decisions) -> None:
        self._fold = fold
        self._registry = Registry()
        self._paused_by: int | None = None

    def fresh(self) -> Iterator[dict[str, Any]]:
        """Rows of the lines that the fold has and that were not told: the line as it stands; `from` and `to`, the
        version that served before and after it; `holds`; `void`, empty or why it changes nothing, or not what serves;
        `did`, and `mask`, in words."""
        while self._registry.position < self._fold.position:
            yield self._row(self._registry.position)

    def _row(self, n: int) -> dict[str, Any]:
        line, registry = self._fold.lines[n], self._registry
        void, before, paused = void_reason(n, self._fold), registry.live, registry.paused
        if not void:
            registry.feed(line)
        registry.position += 1
        if registry.paused and (not paused or line.kind in ("pause", "rollback")) and not void:
            self._paused_by = n
        told: dict[str, Any] = msgspec.to_builtins(line)
        return told | {
            "n": n,
            "holds": self._fold.effective[n],
            "void": void,
            "from": before,
            "to": registry.live,
            "did": "nothing" if void and not line.add else self._did(line, before, void),
            "mask": changes_told(line),
        }

    def _did(self, line: Decision, before: int | None, void: str) -> str:
        live, version = self._registry.live, line.version
        match line.kind:
            case "publish" if live != version:
                by = "it is held" if version in self._registry.held else f"paused by decision {self._paused_by}"
                return f"version {version} is published and does not serve: {by}"
            case "publish" | "promote":
                return f"version {version} serves" + (" on" if before == version else "")
            case "rollback" if not void:
                after = "until a version has caught up" if line.until else "for `headrace resume`"
                return f"version {version} serves again; publishing waits {after}"
            case "hold":
                return f"version {version} is held" + (f"; {live} serves" if before == version else "")
            case "pin" | "unpin":
                return f"version {version} is {'kept for good' if line.kind == 'pin' else 'not pinned any more'}"
            case "expire":
                floor = " ".join(f"{p}:{at}" for p, at in sorted((line.floor or {}).items()))
                return f"nothing before {floor} can be rebuilt"
            case "configure":
                return f"settings of {', '.join(sorted(line.settings)) or 'no fold'}"
            case "pause":
                return "publishing is paused"
            case "resume":
                return "publishing goes on"
            case "experiment" if line.trial is not None:
                return f"experiment {line.trial.name}: {line.trial.action}"
        return "the mask is changed"


def decision_rows(decisions: DecisionLog) -> list[dict[str, Any]]:
    """Every line up to now, in order."""
    decisions.follow()
    return list(Audit(decisions.fold).fresh())


def void_reason(n: int, fold: Decisions) -> str:
    """Why a line does not hold, or why servers pass over the version that it names; empty where neither is so."""
    line = fold.lines[n]
    if not fold.effective[n]:
        if line.kind != "expire":
            floor = max(k for k in range(n) if fold.lines[k].kind == "expire" and fold.effective[k])
            return f"it reaches below the floor that decision {floor} set"
        other = next(k for k in range(line.seen, n) if fold.masking(k) is not fold.masking(k + 1))
        return f"decision {other} changed the mask after its writer had read {line.seen} lines"
    if line.kind in SERVING and not equal_below(fold.masking(line.mask_position), fold.masking(n + 1), line.input):
        made = min(line.mask_position, n)
        other = next(
            k for k in range(made, n + 1)
            if not equal_below(fold.masking(line.mask_position), fold.masking(k + 1), line.input)
        )  # fmt: skip
        return f"version {line.version} is no longer what the log gives: decision {other} changed what it learned from"
    return ""


def chosen_rows(
    rows: Iterable[dict[str, Any]],
    *,
    kinds: Sequence[str] = (),
    who: str | None = None,
    since: int | None = None,
    until: int | None = None,
    void: bool = False,
) -> Iterator[dict[str, Any]]:
    """Those rows that one of the kinds, a part of a name, and times name; with `void` those that do not hold.

    >>> rows = [{"kind": "pin", "who": who, "at": at, "void": ""} for who, at in (("ana@x", 5), ("bo@x", 7))]
    >>> [row["at"] for row in chosen_rows(rows, who="ANA")], [row["at"] for row in chosen_rows(rows, since=6)]
    ([5], [7])
    """
    for row in rows:
        if kinds and row["kind"] not in kinds:
            continue
        if who is not None and who.lower() not in row["who"].lower():
            continue
        if (since is not None and row["at"] < since) or (until is not None and row["at"] >= until):
            continue
        if not void or row["void"]:
            yield row
