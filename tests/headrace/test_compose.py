"""The files for containers name only what there is: processes, commands, files, figures. No engine is needed."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import typer
from prometheus_client.registry import Collector

from headrace.broker_jars import kafka_version
from headrace.broker_plan import MOST_BYTES
from headrace.cli import application
from headrace.settings import Settings
from headrace.telemetry import COUNTS
from headrace.tree import PROCESSES
from learners.plan import Trained
from serving.folding import Folded
from serving.follower import Followed
from serving.serving_counts import ServingCounts
from streams.join_turn import Joined
from streams.sequencer import Sequenced

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DEPLOY = ROOT / "deploy"
REPORTS = {"sequence": Sequenced, "join": Joined, "train": Trained, "serve": Folded, "follow": Followed}
ONE_SHOT = {"topics"}


def services(text: str) -> dict[str, str]:
    """The text of each service, by its name."""
    inside = text.split("\nservices:\n")[1].split("\nvolumes:\n")[0]
    names = re.split(r"^  ([\w-]+):\n", inside, flags=re.M)[1:]
    return dict(zip(names[::2], names[1::2], strict=True))


SERVICES = services(COMPOSE)


def commands() -> Iterator[list[str]]:
    """What containers call, health checks included."""
    for words in re.findall(r"\[.*\]", COMPOSE):
        said = [word for word in json.loads(words) if word != "CMD"]
        if said[0] == "headrace":
            yield said[1:]


def figures() -> set[str]:
    """The names of all figures that /metrics can show."""
    names = {"headrace_updated_at_seconds"}
    for process, report in REPORTS.items():
        counts = COUNTS[process]
        names |= {f"headrace_{process}_{name}_total" for name in counts}
        names |= {f"headrace_{process}_{field.name}" for field in fields(report) if field.name not in counts}
    registry: Collector = ServingCounts().registry
    for family in registry.collect():
        end = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        names |= {family.name + suffix for suffix in end}
    return names


def test_each_process_has_its_service_and_the_topics_are_made_before() -> None:
    for process in (*PROCESSES, "gateway"):
        assert f'command: ["headrace", "{process}"]' in SERVICES[process]
    assert "service_completed_successfully" in COMPOSE
    assert 'command: ["headrace", "topics", "init"]' in SERVICES["topics"]


def test_each_service_that_stays_says_whether_it_is_well_and_is_started_again() -> None:
    shared = COMPOSE.split("\nservices:\n")[0]
    for name, text in SERVICES.items():
        assert ("healthcheck:" in text) == (name not in ONE_SHOT), name
        assert "restart: unless-stopped" in text or ("<<: *" in text and "restart: unless-stopped" in shared), name


def test_each_command_in_a_container_is_one_of_ours() -> None:
    root = typer.main.get_command(application())
    for words in commands():
        command = root
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        options = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options


def test_the_doors_stand_where_the_settings_have_them() -> None:
    settings = Settings()
    assert f"http://127.0.0.1:{settings.serving.port}/readyz" in SERVICES["serve"]
    assert f"http://127.0.0.1:{settings.gateway.port}/healthz" in SERVICES["gateway"]
    assert f'targets: ["127.0.0.1:{settings.serving.port}"]' in (DEPLOY / "prometheus.yml").read_text()


def test_the_broker_is_the_one_that_our_own_command_starts() -> None:
    assert f"apache/kafka:{kafka_version()}\n" in SERVICES["kafka"]
    assert f'KAFKA_MESSAGE_MAX_BYTES: "{MOST_BYTES}"' in SERVICES["kafka"]


def test_files_that_are_mounted_are_there() -> None:
    mounted = re.findall(r"- (\./\S+?):", COMPOSE)
    assert len(mounted) == 4
    assert [path for path in mounted if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("file", ["grafana/dashboards/headrace.json", "alerts.yml"])
def test_only_figures_that_exist_are_shown_and_watched(file: str) -> None:
    named = set(re.findall(r"headrace_\w+", (DEPLOY / file).read_text()))
    assert len(named) >= 5
    assert named - figures() == set()


def test_the_dashboard_asks_the_source_that_is_provisioned() -> None:
    source = (DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text()
    dashboard = json.loads((DEPLOY / "grafana/dashboards/headrace.json").read_text())
    uids = {panel["datasource"]["uid"] for panel in dashboard["panels"]}
    assert [f"uid: {uid}\n" in source for uid in uids] == [True]
    assert len({panel["title"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) > 8


def has_compose() -> bool:
    docker = shutil.which("docker")
    asked = [docker, "compose", "version"] if docker else ["false"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not has_compose(), reason="there is no `docker compose` here")
@pytest.mark.parametrize("file", ["docker-compose.yml", "docker-compose.embedded.yml"])
def test_docker_can_read_it(file: str) -> None:
    done = subprocess.run(
        ["docker", "compose", "-f", file, "config", "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
