"""A command line as tests run it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace import cli

Run = tuple[int, str, str]
Headrace = Callable[..., Run]


def runner(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Headrace:
    """Runs command lines in `folder`, where `var` is the run-time folder; status, stdout, stderr."""
    monkeypatch.chdir(folder)

    def run(*words: str) -> Run:
        monkeypatch.setattr(sys, "argv", ["headrace", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else int(bool(code))), out.out, out.err

    return run
