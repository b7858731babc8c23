"""The settings of a log, from the command line: shown, refused with both values, gone on with."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace import cli
from headrace.configuration import OtherSettings
from headrace.deployment import check_configuration, decision_log, fold_settings, open_logs
from headrace.options import who
from headrace.settings import Settings
from headrace.settings_file import load
from streams.decisions import Decision

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def headrace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in `tmp_path`, where `var` is the run-time folder; status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["headrace", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out = capsys.readouterr()
        code = ended.value.code
        return (
            (code if isinstance(code, int) else int(bool(code))),
            " ".join(out.out.split()),
            " ".join(out.err.split()),
        )

    return run


def today(text: str = "") -> Settings:
    """What the file says from now on."""
    Path("headrace.toml").write_text(text)
    return load(Path("headrace.toml"), {})


def test_other_settings_are_refused_with_both_values_until_they_are_applied(headrace: Run) -> None:
    before = today()
    check_configuration(before)
    with open_logs(before) as logs:
        logs.open("events", 4).append(2, [b"x"] * 7, at=0)
    changed = today("[join]\ngrace = 7\n")
    with pytest.raises(OtherSettings, match=r"join\.grace \(1000 there, 7 here\).*headrace configure apply"):
        check_configuration(changed)
    status, out, _ = headrace("configure", "apply", "--why", "longer grace")
    assert status == 0
    assert "Changed: join.grace (1000 there, 7 here)" in out
    assert "from events {0: 0, 1: 0, 2: 7, 3: 0} on (decision 1)" in out
    assert "no label is decided again" in out or "none is decided again" in out
    assert "begins anew" not in out
    check_configuration(changed)
    with pytest.raises(OtherSettings):
        check_configuration(before)
    with decision_log(changed) as decisions:
        decisions.follow()
        lines = decisions.fold.lines
        mask = decisions.fold.masking()
    assert [(line.why, line.who, line.start) for line in lines] == [
        ("the first start", who(), {}),
        ("longer grace", who(), {0: 0, 1: 0, 2: 7, 3: 0}),
    ]
    texts = [mask.settings("join", 2, offset) for offset in (6, 7)]
    assert texts == [fold_settings(before)["join"], fold_settings(changed)["join"]]


def test_settings_that_hold_already_write_no_line(headrace: Run) -> None:
    check_configuration(today())
    assert "nothing was written" in headrace("configure", "apply", "--why", "again")[1]
    with decision_log(today()) as decisions:
        assert len(decisions.follow()) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[trainer]\nbatch_size = 7\n", "only batches are cut otherwise"),
        ("[trainer]\nseed = 7\n", "begins anew from there"),
        ('[trainer]\ncontext = ["hour", "mood"]\n', "no say until it has learned"),
        ('[features.asked_for]\nkind = "text"\nfrom = "query_text"\n', "no say until it has learned"),
        ('[labels.click]\nevent = "click"\nwindow = "9s"\n', "begins anew from there"),
        ("[join]\nhistory = 3\n", "Servers go on with what they know"),
    ],
)
def test_what_a_change_means_for_the_model_is_said(headrace: Run, text: str, sentence: str) -> None:
    check_configuration(today())
    today(text)
    assert sentence in headrace("configure", "apply", "--why", "try")[1]


def test_a_dry_run_says_what_it_means_and_writes_nothing(headrace: Run) -> None:
    check_configuration(today())
    changed = today("[trainer]\nseed = 7\n")
    status, out, _ = headrace("configure", "apply", "--why", "try", "--dry-run")
    assert (status, "begins anew from there" in out, "Nothing was written." in out) == (0, True, True)
    with decision_log(changed) as decisions:
        assert len(decisions.follow()) == 1


def test_what_it_means_is_said_before_the_line_is_written(headrace: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    check_configuration(today())
    changed = today("[trainer]\nseed = 7\n")
    said: list[tuple[str, int]] = []

    def say(text: str) -> None:
        with decision_log(changed) as decisions:
            said.append((text, len(decisions.follow())))

    monkeypatch.setattr("headrace.configure_commands.say", say)
    assert headrace("configure", "apply", "--why", "try")[0] == 0
    assert [lines for _, lines in said] == [1] * (len(said) - 1) + [2]
    assert "begins anew from there" in "".join(text for text, _ in said[:-1])


def test_another_number_of_partitions_is_a_new_log(headrace: Run) -> None:
    with open_logs(today()) as logs:
        logs.open("events", 4)
    check_configuration(today())
    today("partitions = 8\n")
    status, _, err = headrace("configure", "apply", "--why", "more")
    assert status == 1
    assert "partitions (4 there, 8 here)" in err
    assert "start a new log" in err


def test_it_shows_what_the_log_is_folded_with_and_where_today_differs(headrace: Run) -> None:
    today()
    assert json.loads(headrace("configure", "show", "--json")[1])["log"] is None
    assert "Nothing was folded yet" in headrace("configure", "show")[1]
    check_configuration(today())
    today("[join]\ngrace = 7\n[trainer]\nseed = 3\n")
    told = json.loads(headrace("configure", "show", "--json")[1])
    assert told["differing"] == ["join.grace", "learn.guard.grace", "learn.seed", "serve.horizon"]
    assert (told["log"]["join.grace"], told["settings"]["join.grace"]) == (1000, 7)
    assert [line["why"] for line in told["lines"]] == ["the first start"]
    assert "join.grace (1000 there, 7 here)" in headrace("configure", "show")[1]


def test_a_log_that_holds_digests_alone_is_told_apart(headrace: Run) -> None:
    settings = today()
    with decision_log(settings) as decisions:
        old = {"join": "4be0c2d0a8cf0a29", "learn": "57", "partitions": "4"}
        decisions.decide(Decision("configure", 0, "ana", "old", 0, settings=old))
    with pytest.raises(OtherSettings, match="older version of Headrace"):
        check_configuration(settings)
    assert headrace("configure", "apply", "--why", "new")[0] == 1
