"""docs/labels.md says what happens: its settings are read, its timeline is run, its causes are those there are."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from headrace.deployment import losses_of, rules_of
from headrace.settings import Settings
from headrace.settings_file import load
from learners.loss_kinds import LOSSES
from streams import joiner
from streams.events import Event, Impression, Interaction, Shown, Tick
from streams.given import resolved
from streams.rules import MODES, Rules
from tests.streams.join_runs import fed

PAGE = (Path(__file__).parents[2] / "docs" / "labels.md").read_text()
SETTINGS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
FIRST, LEARNED, TIMELINE, HISTORY = SETTINGS
S, SHOWN_AT = 1000, 10**8


def settings(text: str, folder: Path) -> Settings:
    (folder / "headrace.toml").write_text(text)
    return load(folder / "headrace.toml", {})


def rules(text: str, folder: Path) -> Rules:
    return rules_of(settings(text, folder))


def did(at: int, kind: str, item: str = "tea", value: float | None = None) -> Interaction:
    return Interaction(f"{kind}{at}", SHOWN_AT + at * S, "ana", kind, item_id=item, request_id="r", value=value)


def test_every_setting_on_the_page_is_read(tmp_path: Path) -> None:
    first, timeline, history = (rules(text, tmp_path) for text in (FIRST, TIMELINE, HISTORY))
    assert first.labels[0].window_on("mail") == 24 * 3600 * S
    assert [label.mode for label in timeline.labels] == ["fast", "wait", "wait", "delayed"]
    assert history.history_of == {"purchase": 10}
    assert losses_of(settings(LEARNED, tmp_path)) == {
        "stars": {"loss": "squared", "centre": 3.5, "spread": 1.2, "low": 1.0, "high": 5.0}
    }


def test_every_loss_is_on_the_page_with_options_that_it_has() -> None:
    table = PAGE[PAGE.index("| loss |") : PAGE.index("Every loss has `weight`")]
    rows = [[re.findall(r"`(\w+)", cell) for cell in line.split("|")[1:5]] for line in table.splitlines()[2:] if line]
    assert sorted(name for names, *_ in rows for name in names) == sorted(LOSSES)
    for names, _, _, options in rows:
        assert set(options) <= {field.name for name in names for field in fields(LOSSES[name])} | {*MODES}


def test_the_timeline_is_what_a_joiner_tells(tmp_path: Path) -> None:
    passes = {at: Tick(SHOWN_AT + at * S) for at in (200, 700, 5 * 3600, 8 * 3600)}
    events: list[Event] = [
        Impression("v", SHOWN_AT, "ana", "r", (Shown("tea", 0), Shown("jam", 1))),
        did(5, "click"),
        did(40, "dwell", value=31.0),
        did(90, "dwell", value=85.0),
        passes[200],
        did(100, "click", "jam"),
        passes[700],
        passes[5 * 3600],
        did(5 * 3600, "purchase"),
        passes[8 * 3600],
    ]
    frames, counts = fed([events], rules(TIMELINE, tmp_path))
    rows = [row for row, _, _ in resolved(frames)]
    assert [((row.decided_at - SHOWN_AT) // S, row.kind, row.item_id, row.labels) for row in rows] == [
        (-5, "label", "tea", {"buy": 0.0}),
        (-5, "label", "jam", {"buy": 0.0}),
        (0, "label", "tea", {"tap": 1.0}),
        (121, "label", "tea", {"click": 1.0}),
        (121, "label", "jam", {"tap": 0.0, "click": 0.0}),
        (195, "correction", "jam", {"click": 1.0}),
        (601, "label", "tea", {"seconds": 85.0}),
        (601, "label", "jam", {"seconds": 0.0}),
        (17_995, "correction", "tea", {"buy": 1.0}),
    ]
    assert [row.weight for row in rows] == [1, 1, 0, 1, 1, 1, 1, 1, 1]
    assert [row.first for row in rows] == [True, True, *[False] * 7]
    assert (counts["late"], counts["newer"]) == (1, 1)


def test_every_cause_is_on_the_page() -> None:
    counted = re.search(r"counts by cause: ([\w\s,]+)\.", joiner.__doc__ or "")
    assert counted is not None
    table = PAGE[PAGE.index("| cause |") :]
    named = {name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert named == set(re.split(r",\s+", counted.group(1)))
