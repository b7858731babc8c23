"""The map of the source: each file with the first sentence that it says of itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("streams", "checkpoints", "learners", "learners/models", "serving", "headrace")


def files_page(mark: str, source: Path | None = None) -> str:
    """A page of all packages; `mark` says who wrote it, `source` is the folder of the packages (this one's, if None).

    >>> "| `log.py` | An append-only record of bytes in partitions" in files_page("")
    True
    """
    root = source or Path(__file__).parent.parent
    return f"# Files\n\n{mark}" + "".join(_folder(root, name) for name in FOLDERS)


def _folder(root: Path, name: str) -> str:
    rows = "".join(f"| `{file}` | {said} |\n" for file, said in _said(root / name))
    return f"\n## {name}/\n\n{_first(root / name / '__init__.py')}\n\n| file | what it is |\n|---|---|\n{rows}"


def _said(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.py")):
        if not path.name.startswith("__"):
            yield path.name, _first(path)


def _first(path: Path) -> str:
    told = ast.get_docstring(ast.parse(path.read_text())) or ""
    paragraph = " ".join(told.split("\n\n")[0].split())
    sentence, stop, _ = paragraph.partition(". ")
    return (sentence + stop.strip()).replace("|", "\\|")
