"""A real Kafka broker in a folder: started, stopped, started again, for one machine that has no broker of its own.

Not for production: one node, loopback alone. Who runs a folder's broker is told by a lock that the broker itself holds,
so neither a kill nor a pid that was given out again can deceive. Order of effects of a start: 1 take the lock; 2 find
Java and the jars, see that the ports are free; 3 write the properties; 4 format the data, once; 5 start Java, which
inherits the lock; 6 write down its pid; 7 wait until it answers.
"""

from __future__ import annotations

import base64
import fcntl
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from headrace.broker_jars import LAST_LINES, BrokerError, classpath, jars, java
from headrace.broker_plan import DATA, HOST, BrokerPlan, Security
from headrace.broker_ports import answers, free_port, is_free
from headrace.lifeline import tied_to_us

PORT = 9092
PAUSE = 0.05
LONG_LIVED = ("-Xmx512m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20")
SHORT_LIVED = ("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Half the work for a program that ends before it could be optimised."""
JVM = (
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss",
)


class Running(Struct, frozen=True):
    """The broker of a folder."""

    pid: int
    port: int
    started_at: int


class Broker:
    """The broker of `folder`; port 0 takes a free one, and keeps it over a stop.

    Promised: one broker per folder; what it acknowledged survives stop and kill. A `tied` one dies with this process
    and must be started from a thread that lives as long as it; the others are daemons.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = PORT,
        security: Security | None = None,
        tied: bool = False,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder = folder.absolute()
        self.port = port or free_port()
        self._any_port = not port
        self.log = self.folder / "broker.log"
        self._security = security
        self._tied = tied
        self._tell = tell
        self._said = self.folder / "running.json"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def servers(self) -> str:
        """Where clients without TLS begin."""
        return f"{HOST}:{self.port}"

    def url(self, prefix: str = "") -> str:
        """What `--log` takes."""
        return f"kafka://{self.servers}" + (f"/{prefix}" if prefix else "")

    def running(self) -> Running | None:
        """The broker that runs in this folder now, this one or another's. Raises BrokerError while one is started."""
        with self._lock() as free:
            if free is not None:
                return None
        try:
            return msgspec.json.decode(self._said.read_bytes(), type=Running)
        except (OSError, msgspec.MsgspecError):
            raise BrokerError(
                f"another process is starting a broker in {self.folder} at this moment; wait for it, or end it"
            ) from None

    def start(self, patience: float = 180.0) -> Running:
        """Start it, and wait until it serves; what runs already, if it has the same port. Raises BrokerError."""
        with self._lock() as lock:
            if lock is not None:
                return self._start(lock, patience)
        running = self.running()
        if running is None:
            return self.start(patience)
        if self._any_port:
            self.port = running.port
        if running.port != self.port:
            raise BrokerError(
                f"the broker in {self.folder} listens on port {running.port}, not {self.port}. "
                "Stop it first: headrace broker stop"
            )
        return running

    def stop(self, patience: float = 30.0) -> bool:
        """Ask it to stop, kill it if it does not within `patience` seconds; False where none ran."""
        return self._end(signal.SIGTERM, patience)

    def kill(self) -> bool:
        """End it at once, as a crash would; False where none ran."""
        return self._end(signal.SIGKILL, 0)

    def wait(self, seconds: float) -> int | None:
        """Wait for the end of one that was started here: its status, None if it still runs."""
        try:
            return None if self._process is None else self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def last_words(self) -> str:
        """The end of its log, without the places in Java's code."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([line for line in lines if not line.startswith("\tat ")][-LAST_LINES:])

    @contextmanager
    def _lock(self) -> Iterator[int | None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield lock
        finally:
            os.close(lock)

    def _start(self, lock: int, patience: float) -> Running:
        self._said.unlink(missing_ok=True)
        program = java(os.environ)
        kafka = [*JVM, "-cp", classpath(jars(os.environ, self._tell))]
        self._refuse_taken_ports()
        self._tell(f"Starting Kafka on port {self.port}")
        plan = BrokerPlan(self.port, free_port(), self._security)
        (self.folder / "server.properties").write_text(plan.properties)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".old.log"))
        if not (self.folder / DATA / "meta.properties").exists():
            self._format([program, *SHORT_LIVED, *kafka])
        command = [program, *LONG_LIVED, *kafka, "kafka.Kafka", "server.properties"]
        with self.log.open("ab") as words:
            process = subprocess.Popen(
                tied_to_us(command) if self._tied else command, cwd=self.folder, pass_fds=[lock],
                stdin=subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=True,
            )  # fmt: skip
        try:
            running = Running(process.pid, self.port, time.time_ns() // 1_000_000)
            self._said.write_bytes(msgspec.json.encode(running))
            self._wait_until_it_answers(process, patience)
        except BaseException:
            process.kill()
            process.wait()
            raise
        self._process = process
        return running

    def _refuse_taken_ports(self) -> None:
        secure = [] if self._security is None else [self._security.sasl_port, self._security.tls_port]
        for port in (self.port, *secure):
            if not is_free(port):
                raise BrokerError(
                    f"another program listens on {HOST}:{port}. If it is a broker, use it: headrace up --log "
                    f"kafka://localhost:{port}. Else choose another port with --port; 0 takes any free one"
                )

    def _format(self, program: list[str]) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "_")
        users = [] if self._security is None else self._security.scram
        command = [*program, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", "server.properties", *users]
        with self.log.open("ab") as words:
            done = subprocess.run(command, cwd=self.folder, stdout=words, stderr=words, check=False)
        if done.returncode:
            raise BrokerError(f"Kafka's data folder {self.folder / DATA} can't be made:\n{self.last_words()}")

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes], patience: float) -> None:
        end = time.monotonic() + patience
        while not answers(self.port):
            if process.poll() is not None:
                raise BrokerError(f"Kafka ended at its start with status {process.returncode}:\n{self.last_words()}")
            if time.monotonic() > end:
                raise BrokerError(f"Kafka does not answer after {patience:.0f} s:\n{self.last_words()}")
            time.sleep(PAUSE)

    def _end(self, number: signal.Signals, patience: float) -> bool:
        running = self.running()
        if running is None:
            self._reap()
            return False
        for each, seconds in ((number, patience), (signal.SIGKILL, 30.0)):
            _signal(running.pid, each)
            if self._is_over_within(seconds):
                break
        return True

    def _is_over_within(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while True:
            with self._lock() as lock:
                if lock is not None:
                    break
            if time.monotonic() > end:
                return False
            time.sleep(PAUSE)
        self._reap()
        return True

    def _reap(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.wait()


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it ended by itself meanwhile
