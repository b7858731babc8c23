"""Commands that write the generated pages of the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.pages import pages
from headrace.terminal import say

docs = typer.Typer(no_args_is_help=True, help="The pages that are generated.")


@docs.command("write")
def write(
    context: typer.Context, folder: Annotated[Path, typer.Option("--folder", help="Where the pages go.")] = Path("docs")
) -> None:
    """Write docs/settings.md and docs/cli.md anew; a test fails while they are stale."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages(context.find_root().command).items():
        (folder / name).write_text(text)
        say(f"wrote {folder / name}")
