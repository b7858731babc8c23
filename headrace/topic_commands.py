"""Commands about the topics of a broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from headrace.log_places import broker_of, broker_topics, connection_of, on_broker
from headrace.options import AsJson, LogUrl, SettingsFile, Var, chosen
from headrace.settings import Settings
from headrace.terminal import say, tell_fields, tell_json, tell_table
from streams.errors import LogMismatch
from streams.topics import Difference, told

topics = typer.Typer(no_args_is_help=True, help="Topics of the log, where it is on a broker.")

Alter = Annotated[bool, typer.Option("--alter", help="Also set right the configs of topics that exist.")]


@topics.command("init")
def init(
    settings: SettingsFile = None, var: Var = None, log: LogUrl = None, alter: Alter = False, as_json: AsJson = False
) -> None:
    """Make the topics that are missing, with partitions and retention from the settings. May be called again.

    Ends with status 1 where a topic exists and is not as it shall be; with --alter its configs are set right, but not
    its partitions: they can't be changed without losing where keys are.
    """
    use = chosen(settings, var=var, log=log)
    if _embedded(use, as_json):
        return
    wanted = broker_topics(use)
    with broker_of(use) as broker:
        found = broker.found(wanted)
        missing = [topic for topic in wanted if topic.name not in found]
        broker.create(missing)
        wrong = broker.unlike(wanted)
        altered = [one for one in wrong if alter and one.config]
        broker.alter(altered)
        left = broker.unlike(wanted) if altered else wrong
    done = {"made": [topic.name for topic in missing], "altered": sorted({one.topic for one in altered})}
    if as_json:
        tell_json(done | _fields(use, left))
    else:
        tell_fields(done | {"log": use.log_url})
    _refuse(left, as_json)


@topics.command("check")
def check(settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False) -> None:
    """Whether all topics are there and as they shall be; status 1 if not, with what to do for each difference."""
    use = chosen(settings, var=var, log=log)
    if _embedded(use, as_json):
        return
    wanted = broker_topics(use)
    with broker_of(use) as broker:
        found, wrong = broker.found(wanted), broker.unlike(wanted)
    if as_json:
        tell_json(_fields(use, wrong))
    else:
        bad = {one.topic for one in wrong}
        rows = [
            (connection_of(use).topic(name), is_now.partitions, is_now.replication,
             is_now.configs.get("retention.ms"), name not in bad)
            for name, is_now in found.items()
        ]  # fmt: skip
        tell_table(("topic", "partitions", "replication", "retention.ms", "good"), rows, nothing="There is no topic.")
    _refuse(wrong, as_json)


def _embedded(settings: Settings, as_json: bool) -> bool:
    """The embedded log has nothing to make or to check beforehand."""
    if on_broker(settings):
        return False
    if as_json:
        tell_json({"log": settings.log_url, "good": True, "differences": []})
    else:
        say(f"{settings.log_url} is the embedded log: it makes its topics when they are first written.")
    return True


def _fields(settings: Settings, wrong: Sequence[Difference]) -> dict[str, object]:
    return {"log": settings.log_url, "good": not wrong, "differences": [asdict(one) for one in wrong]}


def _refuse(wrong: Sequence[Difference], as_json: bool) -> None:
    if wrong and as_json:
        raise typer.Exit(1)
    if wrong:
        raise LogMismatch(told(wrong))
