"""The builder's process as its parent sees it: started when there is a job, kept for the next, replaced when it died.

Never waits: an answer is looked for, not awaited. Start it from a thread that lives as long as the parent, since the
kernel takes the death of that thread for the parent's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from serving.build_job import Built, Job

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class ChildBuilder:
    """`build_job.Builder` over a child process; `options` go to `python -m serving.builder`."""

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None
        self._job: Job | None = None
        self._heard = b""

    @property
    def pid(self) -> int | None:
        """The child's process, while there is one."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Have the child import and compile before there is work."""
        self._process = self._process or self._start()

    def begin(self, job: Job) -> None:
        """Hand over a job; there must be none under way."""
        if self._job is not None:
            raise RuntimeError(f"version {self._job.version} is being built; poll or abandon it before {job.version}")
        if self._process is not None and self._process.poll() is not None:
            self.abandon()
        self.start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        self._job, self._heard = job, b""
        with suppress(BrokenPipeError):  # it died just now: the next poll finds the end of its answers
            process.stdin.write(msgspec.json.encode(job) + b"\n")

    def poll(self) -> Built | None:
        """What came of the job, once; None while it is under way."""
        if self._job is None or self._process is None:
            return None
        assert self._process.stdout is not None
        try:
            heard = os.read(self._process.stdout.fileno(), 1 << 16)
        except BlockingIOError:
            return None
        job, self._heard = self._job, self._heard + heard
        if not heard:
            status = self._process.wait()
            self.abandon()
            return Built(
                version=job.version,
                aside=job.aside,
                error=f"the builder's process ended with status {status} at its work; the next job starts a new one",
            )
        if not self._heard.endswith(b"\n"):
            return None
        self._job = None
        return msgspec.json.decode(self._heard, type=Built)

    def abandon(self) -> None:
        """End the child, whatever it is at."""
        process, self._process, self._job, self._heard = self._process, None, None, b""
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def close(self) -> None:
        self.abandon()

    def _start(self) -> subprocess.Popen[bytes]:
        home = str(Path(__file__).parents[1])
        known = os.environ.get("PYTHONPATH")
        process = subprocess.Popen(
            [sys.executable, "-m", "serving.builder", "--parent", str(os.getpid()), *self._options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=os.environ | ONE_THREAD | {"PYTHONPATH": f"{home}{os.pathsep}{known}" if known else home},
        )
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        return process
