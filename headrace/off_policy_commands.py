"""The command that judges a version, or settings, by slates that were logged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from headrace.deployment import fold_rules_of
from headrace.experiment_ground import ground_at
from headrace.experiment_reports import Pages, Version
from headrace.options import AsJson, LogUrl, Sets, SettingsFile, Var, chosen, pairs_of
from headrace.terminal import progress_console, say, tell_json, tell_table

Label = Annotated[str, typer.Option("--label", help="The label whose sum by page is estimated.")]


def judge_off_policy(
    version: Version,
    sets: Sets = None,
    pages: Pages = 5_000,
    label: Label = "click",
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """What a version or other settings would have earned on slates that others filled, without serving anybody.

    By the logged chances of each place: slates weigh as much as the version would have shown them more often. Of slates
    that it had not learned from; the more is left to chance (serving.epsilon), the more they say.
    """
    from headrace.off_policy import Question, judged
    from headrace.process_terms import policy_of

    use = chosen(settings, var=var, log=log)
    asked = Question(version, pairs_of(sets or []), pages=pages, label=label)
    with ground_at(use) as ground, _counting() as tell:
        found = judged(asked, ground, fold_rules_of(use), policy_of(use), tell=tell)
    if as_json:
        tell_json(found)
        return
    names = {"logged": "what was shown", "ips": "IPS", "snips": "SNIPS", "dr": "DR"}
    rows = [(name, *(found[key][figure] for figure in ("value", "low", "high"))) for key, name in names.items()]
    tell_table((f"{label} by page", "value", "low", "high"), rows, nothing="")
    told = f"{found['pages']:,} slates, of which {found['effective']:,.0f} speak of it"
    say(f"{told}; the largest weight is {found['largest']:,.1f}.")
    if found["effective"] < found["least"]:
        say(
            f"Below {found['least']:g} no interval is told: too often it would show another list than was shown. Judge "
            "more slates, or let serving.epsilon leave more to chance, or start an experiment."
        )


@contextmanager
def _counting() -> Iterator[Callable[[int], None]]:
    with progress_console(stderr=True).status("reading the log") as status:
        yield lambda count: status.update(f"{count:,} slates judged")
