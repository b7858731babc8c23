from pathlib import Path

import pytest

from headrace.demo_settings import demo_settings
from headrace.settings import Settings
from headrace.settings_file import BadSettings, load, save, secrets_of, without_settings


def written(folder: Path, text: str) -> Path:
    path = folder / "headrace.toml"
    path.write_text(text)
    return path


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    file = written(tmp_path, "[serving]\nport = 1\ndeadline = 7\n[trainer]\nseed = 3\n")
    environ = {"HEADRACE_SERVING__PORT": "2", "HEADRACE_TRAINER__SEED": "4", "HEADRACE_DATA": "/data"}
    settings = load(file, environ, {"serving": {"port": 3}})
    assert (settings.serving.port, settings.serving.deadline, settings.trainer.seed) == (3, 7, 4)


def test_settings_made_by_hand_read_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_SERVING__PORT", "2")
    assert Settings().serving.port == 8710


def test_a_label_is_read_with_its_durations_and_surfaces(tmp_path: Path) -> None:
    file = written(
        tmp_path, '[labels.long_view]\nevent = "dwell"\nwindow = "10m"\nmin_value = 18\nsurfaces = {tv = "1h"}\n'
    )
    label = load(file, {}).labels["long_view"]
    assert (label.window, label.min_value, label.surfaces) == (600_000, 18, {"tv": 3_600_000})


def test_naming_a_label_drops_those_that_are_there_without() -> None:
    assert list(
        load(None, {"HEADRACE_LABELS__CLICK__EVENT": "click", "HEADRACE_LABELS__CLICK__WINDOW": "5s"}).labels
    ) == ["click"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[trainer]\nbatchsize = 5\n", "trainer.batchsize is no setting. Did you mean batch_size?"),
        ("[servin]\nport = 5\n", "servin is no setting. Did you mean serving?"),
        ('[labels.click]\nevent = "click"\nwindow = "2m"\nhorizont = "1m"\n', "Did you mean horizon?"),
        (
            '[labels.click]\nevent = "click"\nwindow = "soon"\n',
            "labels.click.window is \"soon\": 'soon' is no duration",
        ),
        (
            '[features.mood]\nkind = "category"\nform = "surface"\n',
            "mood.form is no setting. Did you mean from?",
        ),
        ('[features.mood]\nkind = "number"\nfrom = "surface"\n', "features.mood: a number can't be from 'surface'"),
        ("[serving]\nport = 99999\n", "serving.port is 99999"),
        ("[serving]\nweights = {buy = 1}\n", "weights.buy names 'buy', but labels are click, long_view, purchase"),
        ('[serving.bid]\nattribute = "bid"\nlabel = "buy"\n', "bid.label names 'buy', but labels are click"),
        ('[serving.promotion]\nfilter = "ad ="\n', 'serving.promotion.filter is "ad =": at column 5 the filter ends'),
        (
            "[serving.watch_next]\nweight = 0.5\n",
            "serving.watch_next.weight is 0.5: nothing that follows is counted; set [serving.watch_next] window too",
        ),
        ('[serving.watch_next]\nwindow = "1h"\nweight = 1\nlabel = "buy"\n', "watch_next.label names 'buy', but"),
        ("port = = 5", "can't be read"),
    ],
)
def test_a_wrong_setting_is_named_with_its_fault_and_the_nearest(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BadSettings) as raised:
        load(written(tmp_path, text), {})
    assert told in str(raised.value)


@pytest.mark.parametrize("name", ["HEADRACE_SERVIN__PORT", "HEADRACE_SERVING__PROT", "headrace_servin"])
def test_a_wrong_name_in_the_environment_is_an_error_too(name: str) -> None:
    with pytest.raises(BadSettings, match="Did you mean"):
        load(None, {name: "5"})


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="there is no"):
        load(tmp_path / "absent.toml", {})


def test_what_is_saved_for_children_is_read_back_the_same(tmp_path: Path) -> None:
    settings = demo_settings(tmp_path, serving={"port": 0, "weights": {"click": 2.0}})
    save(settings, tmp_path / "run" / "settings.json")
    assert load(tmp_path / "run" / "settings.json", {}) == settings


def test_the_log_lies_in_the_var_folder_unless_it_is_said_otherwise() -> None:
    assert Settings(var=Path("/x")).log_url == "sqlite:///x/log"
    assert Settings(var=Path("/x"), log="sqlite:///y").log_url == "sqlite:///y"


def test_a_password_travels_by_environment_and_stands_in_no_file_and_no_repr(tmp_path: Path) -> None:
    environ = {"HEADRACE_KAFKA__PASSWORD": "tea-and-cake", "HEADRACE_KAFKA__USERNAME": "ana"}
    settings = load(None, environ)
    save(settings, tmp_path / "settings.json")
    assert "tea-and-cake" not in (tmp_path / "settings.json").read_text() + repr(settings) + settings.model_dump_json()
    child = load(tmp_path / "settings.json", without_settings(environ) | secrets_of(settings))
    assert child == settings
    assert secrets_of(Settings()) == {}


def test_a_password_that_can_not_be_is_not_told() -> None:
    with pytest.raises(BadSettings, match=r"kafka\.password is not shown") as raised:
        load(None, {}, {"kafka": {"password": ["tea-and-cake"]}})
    assert "tea-and-cake" not in str(raised.value)
