"""What lies where in a deployment: its log by url, topics, decisions, dead letters, versions, the run folder.

Opens and closes; starts nothing. Which settings the log was folded with is checked here, before any process starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from checkpoints.locations import Location, store_at
from checkpoints.store import VersionStore
from headrace.configuration import NEW_LOG, agree, configured, differing, refuse_new_log
from headrace.feature_settings import declared_of
from headrace.log_places import logs_of
from headrace.options import now, who
from headrace.settings import Settings
from headrace.settings_file import BadSettings
from learners.fields import Declared
from learners.label_losses import label_loss, unusual
from learners.learn_settings import LearnSettings
from learners.row_terms import check
from learners.schema import Schema
from serving.fold_rules import FoldRules
from streams import dead_letters as letters_topic
from streams import decisions as decisions_topic
from streams.dead_letters import DeadLetters
from streams.decisions import DecisionLog
from streams.log import Log, Logs
from streams.rules import Label, Rules
from streams.topics import NAMES, SINGLE


@contextmanager
def open_logs(settings: Settings) -> Iterator[Logs]:
    """Every topic of the log that the settings name. Raises BadSettings where its kind is not known."""
    logs = logs_of(settings)
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
    """Each topic that exists, with the first offset that retention left and the next one of each of its partitions."""
    with open_logs(settings) as logs:
        opened = [logs.open(topic, SINGLE.get(topic, settings.partitions)) for topic in NAMES]
        return [
            {
                "topic": log.topic,
                "begins": [*map(log.begin, range(log.partitions))],
                "ends": [*map(log.end, range(log.partitions))],
            }
            for log in opened
        ]


def version_store(settings: Settings) -> VersionStore:
    """The versions where the settings say. Raises PlaceError where nothing here can speak with that place."""
    return store_at(location_of(settings))


def location_of(settings: Settings) -> Location:
    """Where versions lie, and where copies of them do if that is far away."""
    url = settings.store.versions.replace("{var}", str(settings.var))
    return Location(url, str(settings.var / "versions-copies"), settings.store.options)


def run_folder(settings: Settings) -> Path:
    return settings.var / "run"


def rules_of(settings: Settings) -> Rules:
    """What the joiner judges by. Raises BadSettings where a label can't be."""
    try:
        labels = tuple(Label(name, **label.joined) for name, label in settings.labels.items())
        join = settings.join
        return Rules(labels, join.grace, join.out_of_orderness, join.history, join.impressions, join.history_of)
    except ValueError as error:
        raise BadSettings(f"{error}; see [labels.NAME] and [join] in docs/settings.md") from None


def fold_rules_of(settings: Settings) -> FoldRules:
    """What the server's folds are made with: where it matters, what the joiner is made with."""
    rules = rules_of(settings)
    return FoldRules(
        history=rules.history,
        history_of=rules.history_of,
        out_of_orderness=rules.out_of_orderness,
        horizon=rules.lifespan,
        impressions=rules.impressions,
        feedback=settings.gorse.feedback if settings.gorse.on else 0,
        follow_window=settings.serving.watch_next.window,
    )


def learn_settings_of(settings: Settings) -> LearnSettings:
    """What shapes the model."""
    told = settings.trainer
    return LearnSettings(
        told.model,
        tuple(settings.labels),
        context=told.context,
        seed=told.seed,
        bucket_ms=told.bucket,
        batch_size=told.batch_size,
        features=features_of(settings),
        losses=losses_of(settings),
        updates={str(stage): told for stage, told in told.updates.items()},
        rows=rows_of(settings),
        guard=guard_of(settings),
    )


def losses_of(settings: Settings) -> dict[str, dict[str, Any]]:
    """By label what differs from the usual loss; settings have checked it."""
    losses = [label_loss(label.loss, label.loss_options) for label in settings.labels.values()]
    return unusual(tuple(settings.labels), losses)


def rows_of(settings: Settings) -> dict[str, Any]:
    """Which ids have rows, checked against the spaces that there are. Raises BadSettings."""
    told = settings.trainer.rows.told
    try:
        check(told, Schema(tuple(settings.labels), settings.trainer.context, features_of(settings)).spaces)
    except ValueError as error:
        raise BadSettings(f"trainer.{error}. See docs/learning.md") from None
    return told


def guard_of(settings: Settings) -> dict[str, str | int]:
    """What is judged before it is learned. Raises BadSettings."""
    try:
        return settings.trainer.guard.told(settings.labels, grace=settings.join.grace)
    except ValueError as error:
        raise BadSettings(f"trainer.{error}. See docs/guard.md") from None


def features_of(settings: Settings) -> dict[str, Declared]:
    """The declared features, checked. Raises BadSettings."""
    told = {name: declared_of(one) for name, one in settings.features.items()}
    try:
        return dict(Schema(tuple(settings.labels), settings.trainer.context, told).features)
    except ValueError as error:
        raise BadSettings(f"{error}. See docs/features.md") from None


def fold_settings(settings: Settings) -> dict[str, str]:
    """The settings that folds depend on, as they stand in a configure line."""
    return {
        "join": rules_of(settings).text,
        "serve": fold_rules_of(settings).text,
        "learn": learn_settings_of(settings).text,
        NEW_LOG: str(settings.partitions),
    }


def check_configuration(settings: Settings) -> None:
    """Start a new log with today's settings, or check those that it is folded with. Raises OtherSettings."""
    with decision_log(settings) as decisions:
        agree(fold_settings(settings), decisions, who=who(), at=now())


@contextmanager
def open_events(settings: Settings, wanted: dict[str, str]) -> Iterator[tuple[Log, DecisionLog]]:
    """The events and the decisions of a deployment. Raises OtherSettings where another number of partitions is wanted
    than the log has: it can't even be opened with that."""
    with open_logs(settings) as logs:
        decisions = DecisionLog(logs.open(decisions_topic.TOPIC, 1))
        refuse_new_log(tuple(differing(wanted, configured(decisions) or {})))
        yield logs.open("events", settings.partitions), decisions
