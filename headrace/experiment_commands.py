"""Commands about experiments: a version or settings for a share of the users. Numpy comes in when one of them runs."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from headrace import experiment_reports
from headrace.durations import milliseconds
from headrace.experiment_ground import ground_at, mirrored
from headrace.off_policy_commands import judge_off_policy
from headrace.options import AsJson, DryRun, LogUrl, Sets, SettingsFile, Var, Why, chosen, now, operator, pairs_of
from headrace.settings import Settings
from headrace.terminal import say, tell_json, tell_table

experiment = typer.Typer(no_args_is_help=True, help="A version or settings of serving, for a share of the users.")
Name = Annotated[str, typer.Argument(help="Name of an experiment; who takes part follows from it.")]
Tried = Annotated[int | None, typer.Option("--version", min=1, help="Number of the version that is tried.")]
Share = Annotated[float | None, typer.Option("--share", help="Share of the users, e.g. .05.")]
Mirrored = Annotated[
    bool, typer.Option("--mirror", help="Answer the share's requests once more, measure that, and throw it away.")
]
Metric = Annotated[
    str, typer.Option("--metric", help="What stops it: page_ctr, click_rate, watch_time, return_rate, latency.")
]
AbortBelow = Annotated[
    float, typer.Option("--abort-below", help="Relative difference that is borne: -.05 is five percent worse.")
]
Horizon = Annotated[
    str | None,
    typer.Option("--horizon", help="Read it once, after so long (7d): narrower intervals, but none before that."),
]


@experiment.command("start")
def start_experiment(
    name: Name,
    why: Why,
    version: Tried = None,
    sets: Sets = None,
    share: Share = None,
    mirror: Mirrored = False,
    metric: Metric = "",
    abort_below: AbortBelow = -0.05,
    horizon: Horizon = None,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Give a share of the users another version or other settings; with the name alone, go on with what was paused.

    The same users have it on every server and after every restart. It is aborted by itself where the metric is surely
    worse, by more than is borne.
    """
    from headrace.experiment_terms import Wanted
    from headrace.experiments import start

    lasts = 0 if horizon is None else _lasting(horizon)
    wanted = Wanted(name, version, pairs_of(sets or []), share, mirror, metric, abort_below, lasts)
    with ground_at(chosen(settings, var=var, log=log)) as ground:
        line = start(wanted, ground, operator(why), dry_run=dry_run)
    if as_json:
        tell_json({"line": line, "name": name, "dry_run": dry_run})
    elif line is None:
        say(f"Experiment {name} can start. Nothing was written.")
    else:
        say(f"Experiment {name} runs (decision {line}). See it: headrace experiment show {name}")
        if lasts:
            say(f"It is read ONCE, {horizon} from now: figures before that decide nothing, except to abort it.")


@experiment.command("list")
def list_experiments(
    settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False
) -> None:
    """Every experiment there ever was, oldest first."""
    from headrace.experiment_words import cells_of
    from headrace.experiments import rows

    with ground_at(chosen(settings, var=var, log=log)) as ground:
        found = rows(ground.decisions)
    if as_json:
        tell_json(found)
        return
    names = ("name", "state", "tries", "share", "metric", "started", "why")
    tell_table(names, map(cells_of, found), nothing="Nothing was tried yet: headrace experiment start --help")


@experiment.command("show")
def show_experiment(
    name: Name, settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False
) -> None:
    """What became of the pages of each arm, read from the log: figures, differences, whether users are split evenly."""
    from headrace.experiment_words import tell
    from headrace.experiments import reading, reading_told, told

    use = chosen(settings, var=var, log=log)
    with ground_at(use) as ground:
        one, found, cut = reading(name, ground, now=now())
    counted = mirrored(use, name)
    if as_json:
        fields = {**told(one), **reading_told(found), "cut": cut, "mirrored": counted}
        tell_json(fields)
        return
    tell(one, told(one), found)
    if cut:
        say("Retention took a part of its pages before they were read: the figures are of the rest.")
    if counted:
        say(f"Mirrored by the server on this machine, since its start: {counted}")


@experiment.command("pause")
def pause_experiment(
    name: Name,
    why: Why,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Serve everybody as ever until it is started again; its users stay the same."""
    _move(name, "pause", why, chosen(settings, var=var, log=log), dry_run, as_json)


@experiment.command("promote")
def promote_experiment(
    name: Name,
    why: Why,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Give it to everybody: the version is published, settings stand over those of the file from now on."""
    _move(name, "promote", why, chosen(settings, var=var, log=log), dry_run, as_json)


@experiment.command("abort")
def abort_experiment(
    name: Name,
    why: Why,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """End it for good; settings that were promoted no longer stand over those of the file."""
    _move(name, "abort", why, chosen(settings, var=var, log=log), dry_run, as_json)


def _move(
    name: str, action: Literal["pause", "promote", "abort"], why: str, use: Settings, dry_run: bool, as_json: bool
) -> None:
    from headrace.experiments import find, move

    with ground_at(use) as ground:
        line = move(name, action, ground, operator(why), dry_run=dry_run)
        tried = find(name, ground.decisions).trial.settings
    if as_json:
        tell_json({"line": line, "name": name, "dry_run": dry_run})
        return
    done = {"pause": "is paused", "promote": "is for everybody", "abort": "is over"}[action]
    say("Nothing was written." if line is None else f"Experiment {name} {done} (decision {line}).")
    if action == "promote" and tried and line is not None:
        said = ", ".join(f"{key.removeprefix('serving.')} = {value}" for key, value in tried.items())
        say(f"It stands in the log, over the settings file. Write it there too, under [serving]: {said}")


experiment.command("gains")(experiment_reports.tell_gains)
experiment.command("interleave")(experiment_reports.interleave_versions)
experiment.command("off-policy")(judge_off_policy)


def _lasting(horizon: str) -> int:
    try:
        return int(milliseconds(horizon))
    except ValueError as error:
        raise typer.BadParameter(f"--horizon: {error}") from None
