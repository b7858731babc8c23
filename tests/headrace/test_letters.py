from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.deployment import open_logs
from streams.dead_letters import PARTITIONS, TOPIC, DeadLetter, DeadLetters
from streams.frames import decode_event
from tests.headrace import deployments
from tests.headrace.command_line import Headrace, runner

CLICK = b'{"type": "click", "user_id": "ana", "item_id": "tea", "ts": 5}'
CLIK = b'{"type": "clik", "user_id": "ana", "item_id": "jam"}'


@pytest.fixture
def headrace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Headrace:
    with open_logs(deployments.of(tmp_path / "var")) as logs:
        DeadLetters(logs.open(TOPIC, PARTITIONS)).bury(
            [
                DeadLetter(1_000, "is 2; this Headrace reads version 1", "v", "gateway", CLICK),
                DeadLetter(2_000, "is 'clik'", "type", "interactions[0]@3", CLIK),
                DeadLetter(3_000, "is missing", "user_id", "gateway", b'{"type": "click"}'),
            ]
        )
    return runner(tmp_path, monkeypatch, capsys)


def clicks(folder: Path) -> list[str | None]:
    with open_logs(deployments.of(folder / "var")) as logs:
        log = logs.open("interactions", 4)
        return [decode_event(record.value).item_id for p in range(4) for record in log.read(p, 0)]  # type: ignore[union-attr]


def standings(headrace: Headrace) -> dict[int, str]:
    return {row["n"]: row["standing"] for row in json.loads(headrace("dead-letters", "list", "--json")[1])}


def test_all_open_letters_are_taken_again_and_the_rest_is_told(headrace: Headrace, tmp_path: Path) -> None:
    status, out, _ = headrace("dead-letters", "replay")
    assert (status, "3 letters: 1 taken, 2 rejected again" in out, "2: item_id: is missing" in out) == (1, True, True)
    assert clicks(tmp_path) == ["tea"]
    assert standings(headrace) == {0: "taken", 1: "replaced", 2: "replaced", 3: "open", 4: "open"}


def test_numbers_and_filters_say_which_letters(headrace: Headrace, tmp_path: Path) -> None:
    assert json.loads(headrace("dead-letters", "replay", "0-1", "--field", "v", "--json")[1])["accepted"] == 1
    assert json.loads(headrace("dead-letters", "replay", "0", "--json")[1])["passed_over"] == 1
    assert headrace("dead-letters", "replay", "--reason", "nothing like it")[0] == 0
    assert clicks(tmp_path) == ["tea"]


def test_a_field_is_set_before_a_letter_is_tried(headrace: Headrace, tmp_path: Path) -> None:
    assert headrace("dead-letters", "replay", "--field", "type", "--set", "type=click")[0] == 0
    assert clicks(tmp_path) == ["jam"]


def test_a_letter_goes_out_into_a_file_and_comes_back_mended(headrace: Headrace, tmp_path: Path) -> None:
    raw = headrace("dead-letters", "show", "1", "--raw")[1]
    assert raw.encode() == CLIK
    (tmp_path / "mended.json").write_text(raw.replace("clik", "click"))
    assert headrace("dead-letters", "replay", "--from", "mended.json")[0] == 1
    assert headrace("dead-letters", "replay", "1", "--from", "mended.json")[0] == 0
    assert clicks(tmp_path) == ["jam"]
    assert standings(headrace)[1] == "taken"


def test_a_dry_run_writes_nothing(headrace: Headrace, tmp_path: Path) -> None:
    assert "would be taken" in headrace("dead-letters", "replay", "--dry-run")[1]
    assert clicks(tmp_path) == []
    assert set(standings(headrace).values()) == {"open"}


def test_lists_are_filtered(headrace: Headrace) -> None:
    headrace("dead-letters", "replay", "0")
    for words, numbers in (
        (("--open",), [1, 2]),
        (("--origin", "interactions"), [1]),
        (("--since", "1m"), []),
        (("--since", "1970-01-01T00:00:02Z"), [1, 2]),
        (("--limit", "1"), [2]),
    ):
        rows = json.loads(headrace("dead-letters", "list", *words, "--json")[1])
        assert [row["n"] for row in rows] == numbers, words


def test_what_names_no_letter_is_told_in_one_paragraph(headrace: Headrace) -> None:
    for words in (("9",), ("last",), ("0", "--set", "v")):
        status, _, told = headrace("dead-letters", "replay", *words)
        assert (status, "Traceback" in told) == (1, False), words
