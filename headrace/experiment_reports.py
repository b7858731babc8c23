"""Commands that look back over experiments and versions: offline against live gains, interleaving in replay."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace.deployment import fold_rules_of
from headrace.experiment_ground import ground_at
from headrace.options import AsJson, LogUrl, SettingsFile, Var, chosen, now
from headrace.terminal import say, tell_json, tell_table

Version = Annotated[int, typer.Argument(min=1, help="Number of a version, see `headrace versions list`.")]
Pages = Annotated[int, typer.Option("--pages", min=1, help="Pages that are read at most.")]
Count = Annotated[int, typer.Option("--count", min=1, help="Places of a page that are drafted.")]


def tell_gains(settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False) -> None:
    """What manifests promised of each version that was tried, beside what became of it: offline against live."""
    from headrace.experiment_gains import gains

    with ground_at(chosen(settings, var=var, log=log)) as ground:
        rows = gains(ground, now=now())
    if as_json:
        tell_json(rows)
        return
    names = ("name", "version", "against", "state", "auc", "ne", "metric", "change", "low", "high")
    tell_table(names, ([row[name] for name in names] for row in rows), nothing="No version was tried yet.")


def interleave_versions(
    left: Version,
    right: Version,
    pages: Pages = 2_000,
    count: Count = 10,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Which of two versions orders pages better, in replay: team-draft interleaving over what was shown.

    Of pages that neither had learned from. A version that served them is at an advantage: compare two that did not.
    """
    from headrace.interleaving import compared

    use = chosen(settings, var=var, log=log)
    with ground_at(use) as ground:
        found = compared(left, right, ground, fold_rules_of(use), most=pages, count=count)
    if as_json:
        tell_json(found)
    elif found["preference"] is None:
        say(f"{found['pages']:,} pages lie behind both versions, and none of them says which is better.")
    else:
        say(
            f"Of {found['pages']:,} pages, version {left} had more of the clicks on {found['left']:,}, version {right} "
            f"on {found['right']:,}, {found['ties']:,} were even: {right} is preferred on {found['preference']:.1%} "
            f"({found['low']:.1%} to {found['high']:.1%}) of the decided ones, by chance p = {found['p']:.3g}."
        )
