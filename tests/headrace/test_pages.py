from pathlib import Path

import pytest
import typer

from headrace.cli import application
from headrace.feature_settings import Feature
from headrace.pages import groups, pages
from headrace.settings import Settings
from headrace.stream_settings import Label

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["settings.md", "cli.md"])
def test_the_generated_pages_are_not_stale(name: str) -> None:
    stands = (DOCS / name).read_text() if (DOCS / name).exists() else ""
    assert stands == pages(typer.main.get_command(application()))[name], f"docs/{name} is stale; run: make docs"


def test_every_setting_is_described() -> None:
    inside = dict(groups(Settings.model_fields)) | {
        "labels.NAME": Label.model_fields,
        "features.NAME": Feature.model_fields,
    }
    top = {name: field for name, field in Settings.model_fields.items() if name not in inside}
    for group, fields in (inside | {"": top}).items():
        for name, field in fields.items():
            assert field.description, f"{group}.{name}"
            assert not field.description.endswith("."), f"{group}.{name} is a phrase, not a sentence"


def test_every_setting_and_command_is_on_its_page() -> None:
    made = pages(typer.main.get_command(application()))
    for word in (
        "`serving.quotas.popular` | `60`",
        "`labels.NAME.window` | (needed)",
        "`features.NAME.from` | none",
        "`join.out_of_orderness` | `5s`",
    ):
        assert word in made["settings.md"]
    for word in ("## `headrace rollback VERSION`", "## `headrace dead-letters show NUMBER`", "`--until-end`"):
        assert word in made["cli.md"]
    assert "--parent" not in made["cli.md"]
