"""What the guard's drill found, in a few figures, against its bars, and as tables. Measures nothing.

    python benchmarks/guard_report.py FILE...

reads the lines that benchmarks/guard.py writes while it runs (one object a case; others are passed over).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Record = dict[str, Any]
NEVER = 999
LOUD = ("flip10", "flip30", "flip100", "ones", "zeros", "random", "shuffled")
"""Faults that break the ranking or the level at once."""
STEPS = ("x0.5", "x0.6", "x0.8", "x1.3", "x1.8", "x2.5", "new")
NAMES = {"": "seeds of the bars", "other_seeds_": "other seeds", "kuairand_": "KuaiRand"}
HEAD = "| case | held at | learned | NE clean / open / guard | learned by, back after | holds, accepts | held last |\n"


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure of all cases that it is about: the worst of them, and the most it may be."""

    name: str
    most: float
    about: Callable[[Record], bool]
    figure: Callable[[Record], float]
    sums: bool = False


def _fault(record: Record, *, where: str, counted: bool = False, long: bool = False) -> bool:
    kind, _, rest = record["case"].partition(".")
    wanted = where + (".counted" if counted else "") + (".long" if long else "")
    return rest == wanted and (counted or kind in LOUD)


def _is(*names: str) -> Callable[[Record], bool]:
    return lambda record: record["case"] in names


def _known(key: str) -> Callable[[Record], float]:
    return lambda record: NEVER if record.get(key) is None else float(record[key])


def _gap(other: str) -> Callable[[Record], float]:
    return lambda record: record["ne_guard"] - record[other]


def _whole(record: Record) -> bool:
    return _fault(record, where="all")


def _part(record: Record) -> bool:
    """A slice of a drawn stream, or a tab of KuaiRand."""
    return any(_fault(record, where=where) for where in ("slice", "tab0", "tab4"))


def _lasting(record: Record) -> bool:
    return record["case"].endswith(".long") and not record["case"].startswith("lost")


BARS = (
    Bar("worst_held_at_global", 1, _whole, _known("held_at")),
    Bar("worst_learned_share_global", 0, _whole, _known("learned_share")),
    Bar("worst_ne_gap_global", 0.005, _whole, _gap("ne_clean")),
    Bar("worst_back_after_global", 3, _whole, _known("back_after")),
    Bar("worst_held_at_slice", 5, _part, _known("held_at")),
    Bar("worst_learned_share_slice", 0.15, _part, _known("learned_share")),
    Bar("worst_back_after_slice", 3, _part, _known("back_after")),
    Bar("slices_wrongly_blamed", 0, _part, lambda record: not record["right_group"], sums=True),
    Bar("worst_held_at_lost", 2, _is("lost50.all", "lost50.all.counted", "lost10.all.counted"), _known("held_at")),
    Bar("worst_held_at_lost_slice", 10, _is("lost50.slice", "lost50.slice.counted"), _known("held_at")),
    Bar("worst_learned_by_shift", 36, _is(*STEPS), _known("learned_by")),
    Bar("worst_ne_gap_shift", 0.0005, _is(*STEPS), _gap("ne_open")),
    Bar("worst_learned_by_half", 45, _is("half"), _known("learned_by")),
    Bar("worst_learned_by_all", 60, _is("all"), _known("learned_by")),
    Bar("worst_ne_gap_redrawn", 0.001, _is("half", "all"), _gap("ne_open")),
    Bar("accepts_while_lasting", 0, _lasting, _known("accepts"), sums=True),
    Bar("worst_back_after_lasting", 3, _lasting, _known("back_after")),
    Bar("any_held_at_end", 0, lambda _record: True, lambda record: bool(record["held_at_end"])),
    Bar("drift_holds", 0, _is("drift", "cycle"), _known("holds"), sums=True),
    Bar("clean_holds", 1, _is("clean"), _known("holds"), sums=True),
    Bar("clean_rows_lost", 0, _is("clean"), _known("rows_lost"), sums=True),
    Bar("guard_share", 0.15, _is("clean"), _known("guard_share")),
)
NONE = float("inf")
RARE = {0.02: 3.0, 0.001: 16.0}
"""Batches within which faults of everyone are to be held where clicks are rarer. What else is found there is no bar,
but that nothing is held in the end."""
COMMON = 0.12


def summary(records: Iterable[Record]) -> dict[str, Any]:
    """The worst of all cases, by part of the drill and by click rate."""
    return {name: value for name, value, _limit, _missed in verdicts(records)}


def verdicts(records: Iterable[Record]) -> Iterator[tuple[str, Any, float, list[str]]]:
    """(name, worst or sum, the most it may be, cases that are beyond it)."""
    records = [*records]
    for part, rate in dict.fromkeys((record["part"], record["rate"]) for record in records):
        here = [record for record in records if (record["part"], record["rate"]) == (part, rate)]
        for bar in BARS:
            about = [record for record in here if bar.about(record)]
            if not about:
                continue
            figure = [bar.figure(record) for record in about]
            worst: Any = sum(figure) if bar.sums else max(figure)
            limit = _limit(bar, rate)
            beyond = [told for told, value in zip(about, figure, strict=True) if value > (0 if bar.sums else limit)]
            missed = [_name(record) for record in beyond] if worst > limit else []
            yield _prefix(part, rate) + bar.name, bool(worst) if bar.name.startswith("any") else worst, limit, missed


def _limit(bar: Bar, rate: float) -> float:
    if rate not in RARE or bar.name in ("any_held_at_end", "clean_rows_lost"):
        return bar.most
    return RARE[rate] if bar.name == "worst_held_at_global" else NONE


def flat(records: Iterable[Record]) -> dict[str, Any]:
    """Each figure of each case under its own name."""
    told: dict[str, Any] = {}
    for record in records:
        own = {key: value for key, value in record.items() if key not in ("part", "rate", "seed", "case")}
        told |= {f"{record['part']}{_name(record)}.{key}": value for key, value in own.items()}
    return told


def tables(records: Iterable[Record]) -> Iterator[str]:
    """Markdown: the bars, then every case with its worst seed and the means of its NE."""
    records = [*records]
    yield "| figure | found | bar | missed by |"
    yield "|---|---|---|---|"
    for name, value, limit, missed in verdicts(records):
        found = f"{value:.4f}" if isinstance(value, float) else str(value)
        bar = "none" if limit == NONE else f"{limit:g}"
        yield f"| {name} | {found} | {bar} | {', '.join(missed) or '-'} |"
    for part, rate in dict.fromkeys((record["part"], record["rate"]) for record in records):
        here = [record for record in records if (record["part"], record["rate"]) == (part, rate)]
        rates = "" if part == "kuairand_" else f", click rate {rate:g}"
        yield f"\n**{NAMES[part]}{rates}** ({', '.join(dict.fromkeys(str(record['seed']) for record in here))})\n"
        yield HEAD + "|---" * (HEAD.count("|") - 1) + "|"
        for case in dict.fromkeys(record["case"] for record in here):
            yield _row(case, [record for record in here if record["case"] == case])


def read(files: Iterable[Path]) -> list[Record]:
    """The cases in these files; of a case that is there twice, the later one."""
    found: dict[tuple[str, str], Record] = {}
    for file in files:
        for line in file.read_text().splitlines():
            if line.startswith('{"part"'):
                record = json.loads(line)
                found[record["part"], _name(record)] = record
    return [*found.values()]


def _row(case: str, told: list[Record]) -> str:
    def span(key: str, form: str = "g") -> str:
        values = ["-" if record.get(key) is None else format(record[key], form) for record in told]
        return values[0] if len(set(values)) == 1 else ", ".join(values)

    def mean(key: str) -> str:
        values = [record[key] for record in told if record.get(key) is not None]
        return f"{sum(values) / len(values):.4f}" if values else "-"

    ends = span("learned_by") if "learned_by" in told[0] else span("back_after")
    nes = " / ".join(mean(key) for key in ("ne_clean", "ne_open", "ne_guard"))
    counts = f"{sum(record['holds'] for record in told)}, {sum(record['accepts'] for record in told)}"
    held = sum(record["held_at_end"] for record in told)
    return f"| {case} | {span('held_at')} | {span('learned_share', '.3f')} | {nes} | {ends} | {counts} | {held} |"


def _name(record: Record) -> str:
    rate = "" if record["rate"] == COMMON or record["part"] == "kuairand_" else f"@{record['rate']:g}"
    return f"{record['seed']}.{record['case']}{rate}"


def _prefix(part: str, rate: float) -> str:
    return part + ("" if rate == COMMON or part == "kuairand_" else f"rate{str(rate)[1:].replace('.', '')}_")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    print("\n".join(tables(read(parser.parse_args().files))))


if __name__ == "__main__":
    main()
