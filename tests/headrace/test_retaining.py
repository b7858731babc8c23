import json
import subprocess
import sys
from pathlib import Path

import pytest

from checkpoints.floors import Policy
from headrace import cli
from headrace.demo_settings import demo_settings
from headrace.deployment import decision_log, version_store
from headrace.retaining import aside, policy_of
from headrace.settings import Settings
from serving.fold_rules import FoldRules
from serving.part import Part
from serving.part_files import snapshot
from streams.events import Tick
from streams.join_disk import Snapshot
from streams.rocks_join_state import RocksDisk
from tests.headrace.deployments import commit


def test_snapshots_are_found_by_their_names_and_heads(tmp_path: Path) -> None:
    assert aside(tmp_path, 2) == {"join": {0: [], 1: []}}
    disk = RocksDisk(tmp_path / "p1", tmp_path / "join" / "p1")
    disk.switch(None, [(b"key", b"value")])
    disk.snapshot(Snapshot(120, 3, "c0ffee"))
    disk.close()
    (tmp_path / "join" / "p1" / ".000000000130-000003-c0ffee").mkdir()
    part = Part(0, 2, FoldRules())
    part.feed(0, 6, [Tick(1)])
    part.decisions = 4
    snapshot(part, tmp_path / "serve" / "p0")
    assert aside(tmp_path, 2) == {"join": {0: [], 1: [(120, 3)]}, "serve": {0: [(7, 4)], 1: []}}


def test_whatever_the_span_the_floor_leaves_room_to_mask_what_was_learned_last(tmp_path: Path) -> None:
    policy = policy_of(demo_settings(tmp_path, retention={"span": 0, "versions": 2, "pinned": [7]}))
    assert (policy.span, policy.versions, policy.pinned) == (0, 2, frozenset({7}))
    assert policy.lifespan >= 5_000 + 500 + 1_000


@pytest.fixture
def retained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Runs `headrace retain` over versions of long ago; what it printed."""
    monkeypatch.chdir(tmp_path)
    Path("headrace.toml").write_text("partitions = 1\n[retention]\nspan = 0\nversions = 2\n")
    store = version_store(Settings())
    for upto in (10, 20, 30, 40):
        commit(store, upto=upto)
    monkeypatch.setattr("headrace.retaining.policy_of", lambda settings: Policy(span=0, versions=2))

    def run(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["headrace", "retain", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code
        return capsys.readouterr().out

    return run


def test_one_turn_says_what_it_did_and_a_dry_run_only_what_it_would(retained) -> None:  # type: ignore[no-untyped-def]
    settings = Settings(partitions=1)
    assert json.loads(retained("--dry-run", "--json")) == {"base": 3, "floor": {"0": 30}, "gone": [1, 2]}
    assert "1-2" in retained("--dry-run")
    assert [manifest.version for manifest in version_store(settings).manifests()] == [1, 2, 3, 4]
    done = json.loads(retained("--once", "--json"))
    assert (done["base"], done["floor"], done["gone"], done["expired"]) == (3, {"0": 30}, [1, 2], 0)
    assert [manifest.version for manifest in version_store(settings).manifests()] == [3, 4]
    with decision_log(settings) as decisions:
        decisions.follow()
        assert decisions.fold.floor() == {0: 30}
    assert "no valid version is old enough" in retained("--once")


def test_retention_stays_light(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom headrace.cli import main\nsys.argv = ['headrace', 'retain', '--once']\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code, ended.code\n"
        "heavy = {'torch', 'numba', 'numpy', 'fastapi', 'pyarrow', 'rocksdict'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, timeout=120)
