"""What lies where in a deployment: its log by url, topics, decisions, dead letters, versions, the run folder.

Opens and closes; starts nothing. Which settings the log was folded with is checked here, before any process starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from checkpoints.store import VersionStore
from headrace.configuration import agree, fold_settings
from headrace.options import now, who
from headrace.settings import Settings
from headrace.settings_file import BadSettings
from streams import dead_letters as letters_topic
from streams import decisions as decisions_topic
from streams.dead_letters import DeadLetters
from streams.decisions import DecisionLog
from streams.events import RAW_TOPICS
from streams.log import Logs
from streams.rules import Label, Rules
from streams.sqlite_log import SqliteLogs

TOPICS = (*RAW_TOPICS, "events", "examples", decisions_topic.TOPIC, letters_topic.TOPIC)


@contextmanager
def open_logs(settings: Settings) -> Iterator[Logs]:
    """Every topic of the log that the settings name. Raises BadSettings where its kind is not known."""
    kind, _, place = settings.log_url.partition("://")
    if kind != "sqlite" or not place:
        raise BadSettings(
            f"log is {settings.log_url!r}, but this version of Headrace reads and writes the embedded log alone. "
            "Write sqlite://FOLDER; a broker can't be used yet."
        )
    logs = SqliteLogs(Path(place), synchronous=settings.synchronous)
    try:
        yield logs
    finally:
        logs.close()


@contextmanager
def decision_log(settings: Settings) -> Iterator[DecisionLog]:
    """The decisions of a deployment."""
    with open_logs(settings) as logs:
        yield DecisionLog(logs.open(decisions_topic.TOPIC, 1))


@contextmanager
def dead_letters(settings: Settings) -> Iterator[tuple[DeadLetters, int]]:
    """The dead letters, and the number that the next one will have."""
    with open_logs(settings) as logs:
        log = logs.open(letters_topic.TOPIC, letters_topic.PARTITIONS)
        yield DeadLetters(log), log.end(0)


def topics(settings: Settings) -> list[dict[str, Any]]:
    """Each topic that exists, with the next offset of each of its partitions."""
    single = {decisions_topic.TOPIC, letters_topic.TOPIC}
    with open_logs(settings) as logs:
        opened = [logs.open(topic, 1 if topic in single else settings.partitions) for topic in TOPICS]
        return [{"topic": log.topic, "ends": [log.end(p) for p in range(log.partitions)]} for log in opened]


def version_store(settings: Settings) -> VersionStore:
    return VersionStore(settings.var / "versions")


def run_folder(settings: Settings) -> Path:
    return settings.var / "run"


def rules_of(settings: Settings) -> Rules:
    """What the joiner judges by. Raises BadSettings where a label can't be."""
    try:
        labels = tuple(Label(name, **dict(label)) for name, label in settings.labels.items())
        join = settings.join
        return Rules(labels, join.grace, join.out_of_orderness, join.history, join.impressions)
    except ValueError as error:
        raise BadSettings(f"{error}; see [labels.NAME] and [join] in docs/settings.md") from None


def fold_digests(settings: Settings) -> dict[str, str]:
    """The settings that folds depend on, as they stand in a configure line."""
    return fold_settings(settings, rules=rules_of(settings).digest())


def check_configuration(settings: Settings) -> None:
    """Start a new log with today's settings, or check those it was started with. Raises OtherSettings."""
    with decision_log(settings) as decisions:
        agree(fold_digests(settings), decisions, who=who(), at=now())
