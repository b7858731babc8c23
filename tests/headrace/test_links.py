"""Pages lead somewhere: every link between them, and every benchmark to its figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
FIGURES = [ROOT / "docs" / "benchmarks.md", *ROOT.glob("docs/benchmarks/*.md")]


def links(text: str) -> list[str]:
    outside_code = re.sub(r"```.*?```", "", text, flags=re.S)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", outside_code) if "://" not in link]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    for link in links(page.read_text()):
        file = link.partition("#")[0]
        assert not file or (page.parent / file).exists(), f"{page.name} links to {link}, which is not there"


def test_every_page_of_figures_stands_in_the_table_of_the_bars() -> None:
    index = links(FIGURES[0].read_text())
    for page in FIGURES[1:]:
        assert f"benchmarks/{page.name}" in index, f"docs/benchmarks.md has no line for {page.name}"


def test_every_benchmark_has_its_figures_on_a_page() -> None:
    told = "\n".join(page.read_text() for page in FIGURES)
    scripts = [script for script in sorted(ROOT.glob("benchmarks/*.py")) if '"--json"' in script.read_text()]
    missing = [script.name for script in scripts if not re.search(rf"benchmarks[./]{script.stem}\b", told)]
    assert not missing, f"no page under docs/benchmarks tells what {missing} measured; add a line with the command"
