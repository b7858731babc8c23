import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headrace import cli
from headrace.deployment import dead_letters, open_logs, version_store
from headrace.durations import milliseconds
from headrace.options import who
from headrace.telemetry import Telemetry
from streams.dead_letters import DeadLetter, DeadLetters
from tests.headrace import deployments
from tests.headrace.command_line import Headrace, Run, runner


@pytest.fixture
def headrace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Headrace:
    return runner(tmp_path, monkeypatch, capsys)


@pytest.fixture
def var(tmp_path: Path) -> Path:
    return tmp_path / "var"


def rows(run: Run) -> dict[int, dict[str, object]]:
    assert run[0] == 0, run
    return {row["version"]: row for row in json.loads(run[1])}


def test_versions_say_which_serves_and_which_are_valid(headrace, var) -> None:  # type: ignore[no-untyped-def]
    deployments.published(deployments.of(var), versions=3)
    found = rows(headrace("versions", "list", "--json"))
    assert [(v, row["live"], row["valid"], row["parent"]) for v, row in found.items()] == [
        (1, False, True, None), (2, False, True, 1), (3, True, True, 2),
    ]  # fmt: skip
    assert found[2]["digest"] == "digest2"
    assert found[2]["positions"] == {
        "0": {"examples": 0, "last": -1, "watermark": -(10**18), "sequence": 0, "input": 10}
    }
    assert "3" in headrace("versions", "list")[1]


def test_a_store_by_itself_knows_nothing_of_who_serves(headrace, var) -> None:  # type: ignore[no-untyped-def]
    deployments.commit(version_store(deployments.of(var)))
    found = rows(headrace("versions", "list", "--store", str(var / "versions"), "--json"))
    assert (found[1]["valid"], found[1]["live"]) == (None, None)
    assert not (var / "log").exists()


def test_a_rollback_moves_and_pauses_and_resume_lets_go_on(headrace, var) -> None:  # type: ignore[no-untyped-def]
    deployments.published(deployments.of(var), versions=3)
    status, out, _ = headrace("rollback", "1", "--why", "inverted clicks")
    assert status == 0
    assert "version 1" in out
    found = rows(headrace("versions", "list", "--json"))
    assert [row["standing"] for row in found.values()] == ["live", "rolled back", "rolled back"]
    deployments.published(deployments.of(var), versions=1)
    assert rows(headrace("versions", "list", "--json"))[4]["standing"] == "published"
    assert headrace("resume", "--why", "repaired")[0] == 0
    deployments.published(deployments.of(var), versions=1)
    assert rows(headrace("versions", "list", "--json"))[5]["live"] is True
    lines = json.loads(headrace("decisions", "--json")[1])
    told = [(line["kind"], line["who"], line["why"]) for line in lines if line["kind"] in ("rollback", "resume")]
    assert told == [("rollback", who(), "inverted clicks"), ("resume", who(), "repaired")]


def test_a_damaged_target_is_refused_before_anything_moves(headrace, var) -> None:  # type: ignore[no-untyped-def]
    deployments.published(deployments.of(var), versions=2)
    (var / "versions" / "00000001" / "weights").write_text("torn")
    before = headrace("decisions", "--json")[1]
    status, _, told = headrace("rollback", "1", "--why", "test")
    assert status == 1
    assert "Traceback" not in told
    assert "weights" in told
    assert headrace("decisions", "--json")[1] == before


def test_a_tainted_target_is_refused_and_says_so_in_the_list(headrace, var) -> None:  # type: ignore[no-untyped-def]
    deployments.published(deployments.of(var), versions=2)
    deployments.mask(deployments.of(var), below=5)
    assert rows(headrace("versions", "list", "--json"))[1]["valid"] is False
    status, _, told = headrace("rollback", "1", "--why", "test")
    assert (status, "masked since" in told) == (1, True)


def test_a_version_that_failed_its_gate_is_not_published_by_hand(headrace, var) -> None:  # type: ignore[no-untyped-def]
    deployments.commit(version_store(deployments.of(var)), verdict="fail")
    status, _, told = headrace("publish", "1", "--why", "I want it")
    assert (status, "failed its gate" in told) == (1, True)


def test_what_is_not_there_is_told_in_one_paragraph_with_the_next_command(headrace, var) -> None:  # type: ignore[no-untyped-def]
    for words in (("versions", "show", "7"), ("rollback", "7", "--why", "x")):
        status, _, told = headrace(*words)
        assert (status, "headrace versions list" in told.replace("\n", " ")) == (1, True)
    assert headrace("resume", "--why", "x")[0] == 1


def test_a_wrong_call_ends_with_2(headrace) -> None:  # type: ignore[no-untyped-def]
    assert headrace("rollback", "7")[0] == 2
    assert headrace("rollback", "seven", "--why", "x")[0] == 2
    assert headrace("versions", "lst")[0] == 2


def test_debug_shows_where_an_error_came_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["headrace", "--debug", "versions", "show", "7"])
    with pytest.raises(Exception, match="no version 7"):
        cli.main()


@pytest.mark.parametrize("log", ["carrier-pigeon://x", "sqlite://", "kafka://", "kafka://localhost"])
def test_a_log_that_is_nowhere_is_told_with_how_it_is_written(headrace, log: str) -> None:  # type: ignore[no-untyped-def]
    status, _, told = headrace("log", "list", "--log", log)
    assert (status, repr(log) in told, "kafka://HOST:PORT" in told) == (1, True, True)


def test_dead_letters_are_listed_and_shown_with_their_bytes(headrace, var) -> None:  # type: ignore[no-untyped-def]
    with open_logs(deployments.of(var)) as logs:
        DeadLetters(logs.open("dead-letters", 1)).bury(
            [DeadLetter(5, "is missing", "user_id", "gateway", b'{"type": "click"}')] * 3
        )
    listed = json.loads(headrace("dead-letters", "list", "--limit", "2", "--json")[1])
    assert [(row["n"], row["field"], row["reason"]) for row in listed] == [
        (1, "user_id", "is missing"), (2, "user_id", "is missing"),
    ]  # fmt: skip
    assert '{"type": "click"}' in headrace("dead-letters", "show", "1")[1]
    assert headrace("dead-letters", "show", "3")[0] == 1
    with dead_letters(deployments.of(var)) as (_, end):
        assert end == 3


def test_status_says_what_each_process_said_last(headrace, var) -> None:  # type: ignore[no-untyped-def]
    Telemetry("join", var / "run", clock=lambda: 5).write()
    assert json.loads(headrace("status", "--json")[1])["join"]["pid"] == os.getpid()
    assert "join" in headrace("status")[1]


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["versions", "list"], ["status"], ["doctor"]])
def test_light_commands_never_import_torch_nor_the_heavy_rest(words: list[str], tmp_path: Path) -> None:
    script = (
        "import sys\nfrom headrace.cli import main\n"
        f"sys.argv = ['headrace', *{words!r}]\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code, ended.code\n"
        "heavy = {'torch', 'numba', 'numpy', 'fastapi', 'pyarrow', 'uvicorn', 'hnswlib', 'rocksdict'}\n"
        "heavy &= sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, timeout=60)


def test_every_command_and_option_has_help() -> None:
    import typer

    def check(command: object, path: str) -> None:
        assert command.help, path  # type: ignore[attr-defined]
        for parameter in command.params:  # type: ignore[attr-defined]
            assert parameter.help, f"{path} {parameter.name}"
        for name, inside in getattr(command, "commands", {}).items():
            check(inside, f"{path} {name}")

    check(typer.main.get_command(cli.application()), "headrace")


def test_durations_are_read_as_the_pages_write_them() -> None:
    assert milliseconds("2m") == 120_000
