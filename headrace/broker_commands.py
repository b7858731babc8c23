"""Commands about a Kafka broker of our own, for one machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from msgspec.structs import asdict

from headrace.broker import PORT, Broker, Running
from headrace.broker_jars import BrokerError, jars
from headrace.loop import stop_signals
from headrace.options import AsJson, SettingsFile, Var, chosen
from headrace.settings import Settings
from headrace.terminal import moment, progress_console, say, tell_fields, tell_json

broker = typer.Typer(no_args_is_help=True, help="A Kafka broker of your own, on this machine: Kafka 4, one node.")

Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on loopback; 0 takes any free one.")]
Foreground = Annotated[bool, typer.Option("--foreground", help="Stay with it: Ctrl-C stops it.")]


@broker.command("start")
def start(settings: SettingsFile = None, var: Var = None, port: Port = PORT, foreground: Foreground = False) -> None:
    """Start it, with its data in `var/broker`, and say how to use it. It goes on until `headrace broker stop`.

    Needs Java 17 or newer. Kafka itself is fetched by Maven, once.
    """
    asked = stop_signals() if foreground else None
    with _progress() as tell:
        ours = _broker(chosen(settings, var=var), port, tied=foreground, tell=tell)
        ran = ours.running() is not None
        running = ours.start()
    say(f"Kafka {'runs already' if ran else 'is up'} (pid {running.pid}): headrace up --log {_url(running)}")
    if asked is None or ran:
        return
    while not asked.is_set():
        if (status := ours.wait(0.1)) is not None:
            raise BrokerError(f"Kafka ended by itself with status {status}:\n{ours.last_words()}")
    ours.stop()


@broker.command("stop")
def stop(settings: SettingsFile = None, var: Var = None) -> None:
    """Stop it. What it holds stays, and is there when it starts again."""
    ours = _broker(chosen(settings, var=var))
    say("Kafka is stopped." if ours.stop() else f"No broker runs in {ours.folder}.")


@broker.command("status")
def status(settings: SettingsFile = None, var: Var = None, as_json: AsJson = False) -> None:
    """Whether it runs, and where; status 1 if it does not."""
    ours = _broker(chosen(settings, var=var))
    running = ours.running()
    told = {"runs": running is not None, "folder": str(ours.folder)}
    if as_json:
        tell_json(told | ({} if running is None else asdict(running)))
    elif running is None:
        say(f"No broker runs in {ours.folder}.")
    else:
        since = moment(running.started_at)
        tell_fields(told | {"log": _url(running), "pid": str(running.pid), "since": since})
    raise typer.Exit(0 if running else 1)


@broker.command("fetch")
def fetch() -> None:
    """Only fetch Kafka's jars, for a machine that shall start it later without a way out."""
    with _progress() as tell:
        place = jars(os.environ, tell)
    say(f"Kafka's jars are in {place}.")


def _broker(settings: Settings, port: int = PORT, *, tied: bool = False, tell: Callable[[str], None] = say) -> Broker:
    return Broker(settings.var / "broker", port=port, tied=tied, tell=tell)


def _url(running: Running) -> str:
    return f"kafka://localhost:{running.port}"


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """What is waited for, as a line that changes; in a pipe nothing."""
    with progress_console().status("Looking for Java and Kafka") as shown:
        yield lambda text: shown.update(text)
