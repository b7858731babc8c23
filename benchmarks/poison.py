"""What an upstream bug does to a closed loop, and what one rollback with a quarantine makes good. All in one process.

The simulated world is served by Headrace (`poison_site.py`), which learns from what one app tells of half of the users.
From 40 % of the pages on, the app is wrong for some hours of the world: it tells clicks the wrong way round
(`inverted`), or it has lost its buy button (`lost`). The guard is off, so bad versions serve, and their slates are in
the log. Then an operator goes back, once, and masks what the app told meanwhile, with the ripple or without.

`ctr_...` are clicks to be expected by item looked at, by the world's truth when the list is shown, so no luck of
clicks is in them. They are means over every page of the last quarter (`poisoned`: from bad versions on to the way back;
`soon`: the 40 s after it): the same people ask at the same moments in all runs of a seed, and all versions that serve
then count, of which single ones are worth a fifth more or less. The twin is the same run without a bug. Ratios are
means over seeds of run by twin, with their standard error. `noise`: by how much (root mean square) two clean runs
differ whose chances of exploring alone are others; `masked_of_clean`: a clean run of which the same stretch was masked.

Digests are compared with those of the same log without the masked events, framed anew, every fold from its begin:
`digests_equal` with the ripple masked, `..._without_ripple` (first seed alone) of a mask that left it out. With the
guard on nobody acts; `guard_on_corrupt_learned` counts rows of the app's wrong time that are in the model at the end.

    python benchmarks/poison.py [--quick] [--json] [--seeds 1,2,3,4,5] [--arms A,B] [--pages N] [--done FILE]

Each run is a line in FILE when it is over; runs that stand there are not run again. Progress is on stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_threads}_NUM_THREADS", "1")

from benchmarks.poison_run import Terms, ran  # noqa: E402
from benchmarks.poison_twin import twin_of  # noqa: E402
from benchmarks.poison_world import Times  # noqa: E402

PAGES, HOURS, BAR = 20_000, 3.0, 0.01
QUICK_PAGES, QUICK_HOURS, QUICK_BAR = 4_000, 0.8, 0.05
ARMS: dict[str, dict[str, Any]] = {
    "clean": {},
    "inverted": {"kind": "inverted", "back": True},
    "without_ripple": {"kind": "inverted", "back": False},
    "masked": {"back": True},
    "lost": {"kind": "lost", "back": True},
    "guard_on": {"kind": "inverted", "guard": True},
    "other_chances": {"chances": 1_000},
}
Told = dict[str, Any]
Say = Callable[[str], None]


def run_arm(
    arm: str, seed: int, times: Times, place: Path, say: Say = lambda _: None, *, plain_too: bool = True
) -> Told:
    """One run, and its figures as plain values; `plain_too`: digests of a mask that left the ripple out as well."""
    started = time.perf_counter()
    loop, told = ran(Terms(seed, times, **ARMS[arm]), place / arm, say)
    figures: Told = {"arm": arm, "seed": seed, "pages": times.pages}
    figures |= {"during": told.ctr(times.during), "after": told.ctr(times.after)}
    figures |= {"soon": told.ctr(times.soon)}
    figures |= {"buys_during": told.btr(times.during), "buys_after": told.btr(times.after)}
    figures |= {"bad_pages": told.spoilt_pages, "bad_versions": len(told.spoilt), "tainted": told.tainted}
    figures |= {"corrupt_learned": told.learned, "corrupt_learned_ever": told.learned_ever}
    figures |= {"verdicts": loop.watch.verdicts}
    if told.masked:
        entries = loop.site.decided().fold.masking().entries
        plain = [entry for entry in entries if entry.model_versions is None]
        ours = loop.site.digests()
        figures["digests"] = _equal(ours, twin_of(loop.site, entries, place / f"{arm}-twin"))
        if plain_too and len(plain) < len(entries):
            figures["digests_without_ripple"] = _equal(ours, twin_of(loop.site, plain, place / f"{arm}-plain"))
    loop.site.close()
    return figures | {"seconds": time.perf_counter() - started}


def _equal(one: dict[str, str], other: dict[str, str]) -> dict[str, bool]:
    return {name: digest == other[name] for name, digest in one.items()}


def summary(lines: list[Told], bar: float) -> Told:
    """One flat object of all runs; an arm that was not run has zeros."""
    of = {arm: [line for line in lines if line["arm"] == arm] for arm in ARMS}
    clean, inverted, guarded = of["clean"], of["inverted"], of["guard_on"]
    told: Told = {"seeds": len(clean), "pages": lines[0]["pages"], "bar": bar}
    told |= {"ctr_clean": _mean(clean, "after"), "ctr_clean_then": _mean(clean, "during")}
    told |= {"ctr_poisoned": _mean(inverted, "during"), "ctr_after": _mean(inverted, "after")}
    told |= {"ctr_after_without_ripple": _mean(of["without_ripple"], "after")}
    for name, arm in (("after", "inverted"), *((arm, arm) for arm in ("without_ripple", "masked", "lost"))):
        told |= _against(name, _ratios(clean, of[arm]))
    told |= _against("soon", _ratios(clean, inverted, "soon")) | {"noise": _noise(clean, of["other_chances"])}
    masked = inverted + of["lost"]
    told |= {"digests_equal": bool(masked) and all(all(line["digests"].values()) for line in masked)}
    fallen = [line["digests_without_ripple"] for line in masked if "digests_without_ripple" in line]
    told |= {"digests_equal_without_ripple": any(one["rows"] or one["weights"] for one in fallen)}
    told |= {f"bad_{what}": _mean(inverted, f"bad_{what}") for what in ("pages", "versions")}
    told |= {"tainted": _mean(inverted, "tainted")}
    told |= {"guard_on_corrupt_learned": sum(line["corrupt_learned"] for line in guarded)}
    told |= {"guard_on_corrupt_learned_ever": sum(line["corrupt_learned_ever"] for line in guarded)}
    told |= {"guard_on_bad_pages": sum(line["bad_pages"] for line in guarded), "ctr_guard_on": _mean(guarded, "after")}
    told |= {"lost_ctr_poisoned": _mean(of["lost"], "during"), "lost_ctr_after": _mean(of["lost"], "after")}
    told |= {"seconds": sum(line["seconds"] for line in lines)}
    near = min(told["after_of_clean"], told["lost_of_clean"]) >= 1 - bar
    nothing = bool(guarded) and told["guard_on_corrupt_learned"] == told["guard_on_bad_pages"] == 0
    return told | {"bars_met": near and told["digests_equal"] and not told["digests_equal_without_ripple"] and nothing}


def _mean(lines: list[Told], what: str) -> float:
    return float(mean([line[what] for line in lines] or [0.0]))


def _ratios(one: list[Told], other: list[Told], when: str = "after") -> list[float]:
    """The other run's rate by the first one's, of each seed that has both."""
    return [b[when] / a[when] for a in one for b in other if a["seed"] == b["seed"]]


def _against(name: str, ratios: list[float]) -> Told:
    error = stdev(ratios) / len(ratios) ** 0.5 if len(ratios) > 1 else 0.0
    return {f"{name}_of_clean": float(mean(ratios or [0.0])), f"{name}_of_clean_error": error}


def _noise(one: list[Told], other: list[Told]) -> float:
    """Root mean square of how far apart two clean runs of a seed are; 0 where there is no second one."""
    return float(mean([(ratio - 1) ** 2 for ratio in _ratios(one, other)] or [0.0]) ** 0.5)


def measured(seeds: list[int], times: Times, arms: list[str], done: Path | None) -> list[Told]:
    """All runs; those that stand in `done` are taken from there."""
    known = [json.loads(line) for line in done.read_text().splitlines()] if done and done.exists() else []
    lines = []
    for seed in seeds:
        for arm in arms:
            same = [one for one in known if (one["arm"], one["seed"], one["pages"]) == (arm, seed, times.pages)]
            if not same:
                with tempfile.TemporaryDirectory() as place:
                    say, first = _progress(f"seed {seed}, {arm}"), seed == seeds[0]
                    same = [run_arm(arm, seed, times, Path(place), say, plain_too=first)]
                print(json.dumps(_rounded(same[0])), file=sys.stderr, flush=True)
                if done:
                    with done.open("a") as file:
                        file.write(json.dumps(same[0]) + "\n")
            lines.append(same[0])
    return lines


def _progress(what: str) -> Say:
    return lambda text: print(f"{what}: {text}", file=sys.stderr, flush=True)


def _rounded(told: Told) -> Told:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in told.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_PAGES:,} pages of one seed; some minutes")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--seeds", help="separated by commas")
    parser.add_argument("--arms", help=f"separated by commas, of {', '.join(ARMS)}")
    parser.add_argument("--pages", type=int, help="pages of a run")
    parser.add_argument("--done", type=Path, help="file of runs that are over; more are added")
    told = parser.parse_args()
    pages = told.pages or (QUICK_PAGES if told.quick else PAGES)
    seeds = [int(seed) for seed in (told.seeds or ("1" if told.quick else "1,2,3,4,5")).split(",")]
    times = Times.of(pages, hours=QUICK_HOURS if told.quick else HOURS)
    quick = [arm for arm in ARMS if arm not in ("masked", "other_chances")]
    arms = told.arms.split(",") if told.arms else quick if told.quick else [*ARMS]
    figures = _rounded(summary(measured(seeds, times, arms, told.done), QUICK_BAR if told.quick else BAR))
    print(json.dumps(figures) if told.json else "\n".join(f"{name:32} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
