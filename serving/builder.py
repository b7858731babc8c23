"""The process that builds generations: a line in is a job, a line out what came of it, the end of input is the end.

It stays for many jobs, so that imports and compilation are paid once; it dies with its parent, also after a kill -9.
What is built is for `build.py`; who asks, for `builder_child.py`.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import TextIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from learners.deriving import Deriver
from serving.build import NICE, RULES, OpenExport, Rules, attempt
from serving.build_job import Job
from serving.generation import Generation

PR_SET_PDEATHSIG = 1


def serve(lines: Iterable[str], out: TextIO, open_export: OpenExport, rules: Rules) -> None:
    """Answer every job with one line. What the last version had learned is kept for the next one."""
    deriver = Deriver()
    for line in lines:
        built = attempt(msgspec.json.decode(line, type=Job), open_export, rules, deriver)
        out.write(msgspec.json.encode(built).decode() + "\n")
        out.flush()


@dataclass(slots=True)
class Rehearsed:
    """An export that is in no file."""

    tower_version: int
    item_ids: list[str]
    item_vectors: NDArray[np.float32]


def rehearse(rules: Rules) -> None:
    """Build, open and search a generation of a few items, so that every kernel is compiled before the first job."""
    export = Rehearsed(0, [str(row) for row in range(200)], np.eye(200, dtype=np.float32))
    with tempfile.TemporaryDirectory() as place:
        for links_from in (0, len(export.item_ids) + 1):
            job = Job(0, place, f"{place}/{links_from}")
            built = attempt(job, lambda _: export, replace(rules, links_from=links_from))
            if not built.error:
                Generation.open(Path(built.aside)).warm()


def main() -> None:
    parser = argparse.ArgumentParser(prog="serving.builder", description=__doc__)
    parser.add_argument("--parent", type=int, required=True, help="the process to die with")
    parser.add_argument(
        "--export", default="serving.exported:Indexed.open", help="module:callable that opens an export"
    )
    parser.add_argument("--links-from", type=int, default=RULES.links_from, help="items from which links are built")
    told = parser.parse_args()
    _die_with(told.parent)
    os.setpriority(os.PRIO_PROCESS, 0, NICE)
    module, _, name = told.export.partition(":")
    open_export: OpenExport = attrgetter(name)(importlib.import_module(module))
    rules = replace(RULES, links_from=told.links_from)
    rehearse(rules)
    # hnswlib and numba may print: only answers go where answers are read
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)
        serve(sys.stdin, out, open_export, rules)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before it could be asked for word of its death
        raise SystemExit(f"the parent, process {parent}, is gone; nothing to build for")


if __name__ == "__main__":
    main()
