"""The same digests for a log with masked events and for one that never had them."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.deployment import decision_log, open_logs
from headrace.digests import FOLDS, LOGS, digest_of
from headrace.settings import Settings
from serving import digests
from streams.decisions import Decision
from streams.events import Event, Impression, Interaction, Item, Shown, Tick
from streams.frames import EventFrame, encode_frame
from streams.mask import Entry

GOOD = [
    Item("n1", 100, "tea", categories=("drink",)),
    Impression("i1", 1_000, "ana", "r1", (Shown("tea", 0), Shown("jam", 1)), app_version="1"),
    Interaction("c1", 1_500, "ana", "click", item_id="tea", request_id="r1", app_version="1"),
]
BAD = [
    Impression("i2", 2_000, "bob", "r2", (Shown("tea", 0),), app_version="2"),
    Interaction("c2", 2_500, "bob", "click", item_id="jam", request_id="r2", app_version="2"),
    Interaction("c4", 2_600, "bob", "click", item_id="tea", request_id="r2", app_version="2"),
]
LATER = [Tick(3_000), Interaction("c3", 3_500, "ana", "click", item_id="jam", app_version="1"), Tick(9_000)]


def deployment(folder: Path, *frames: list[Event]) -> Settings:
    settings = Settings(var=folder, partitions=1, serving={"watch_next": {"window": "1h"}})
    with open_logs(settings) as logs:
        log = logs.open("events", 1)
        for frame in frames:
            log.append(0, [encode_frame(EventFrame(tuple(frame)))], at=frame[-1].ts)
    return settings


@pytest.fixture
def masked(tmp_path: Path) -> Settings:
    settings = deployment(tmp_path / "masked", GOOD, [*BAD, *LATER])
    with decision_log(settings) as decisions:
        entry = Entry("q0", start={0: 1}, app_version="2")
        decisions.decide(Decision("mask", 9, "ana", "a bad app", seen=0, add=(entry,)))
    return settings


def test_every_fold_of_a_server_has_a_digest() -> None:
    assert set(FOLDS) == set(digests.FOLDS)


@pytest.mark.parametrize("name", ["events", *FOLDS])
def test_masked_events_leave_no_trace_in_a_digest(masked: Settings, tmp_path: Path, name: str) -> None:
    removed = deployment(tmp_path / "removed", GOOD[:1], GOOD[1:], LATER)
    assert digest_of(masked, name) == digest_of(removed, name)


@pytest.mark.parametrize("name", ["events", "profiles", "popularity", "covisitation", "following"])
def test_without_the_mask_the_digest_is_another(masked: Settings, tmp_path: Path, name: str) -> None:
    whole = deployment(tmp_path / "whole", GOOD, [*BAD, *LATER])
    assert digest_of(masked, name) != digest_of(whole, name)


def test_an_unknown_name_has_no_digest(masked: Settings) -> None:
    with pytest.raises(KeyError):
        digest_of(masked, "weights")
    assert "examples" in LOGS
