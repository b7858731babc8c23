"""How long after one rollback the last answer of the newer version comes: three servers on this machine, under load.

Two versions of a learner with a million items, each with its generation, and three server processes over one log. All
answer with the newer one and have both warm, as after any publish; then `headrace rollback` is given, as the operation
behind the command. `seconds_to_all_old` is from before that until the last answer with another version was in hand;
`failed` answers had another status than 200, `mixed` ones stages of different versions, those `without_model` came,
once all was warm, from a lower rung: servers have the default deadline. `met`: within the bar, and none of the three.
Clients ask again as soon as they are answered, two for each server.

    python benchmarks/rollback.py [--quick] [--json] [--items N] [--rounds N] [--ground DIR]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_threads}_NUM_THREADS", "1")

from benchmarks.restore_model import Size  # noqa: E402
from benchmarks.rollback_ground import NEW, OLD, PATIENCE, Ground  # noqa: E402
from headrace.demo_tally import is_mixed  # noqa: E402
from headrace.deployment import open_logs, version_store  # noqa: E402
from headrace.operations import Operator  # noqa: E402
from headrace.options import now  # noqa: E402
from headrace.way_back import roll_back  # noqa: E402
from streams.decisions import TOPIC, DecisionLog  # noqa: E402

SERVERS, CLIENTS, BAR = 3, 2, 1.0
BEFORE, AFTER = 2.0, 3.0


@dataclass(frozen=True, slots=True)
class Answer:
    """When it was asked for and in hand (seconds), and what it was."""

    asked_at: float
    at: float
    status: int
    version: int
    mixed: bool
    rung: str


def asking(port: int, users: Iterator[int], over: threading.Event, answers: list[Answer]) -> None:
    """One client of one server."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while not over.is_set():
        asked_at, status, told = time.monotonic(), 0, dict[str, Any]()
        body = json.dumps({"user_id": str(next(users)), "n": 10, "surface": "home"})
        try:
            connection.request("POST", "/v1/recommend", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            status, told = response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            connection.close()
        good = status == 200
        version, mixed, rung = (told["version"], is_mixed(told), told["rung"]) if good else (0, False, "")
        answers.append(Answer(asked_at, time.monotonic(), status, version, mixed, rung))


@contextmanager
def load(ports: list[int], users: int) -> Iterator[list[list[Answer]]]:
    """Clients of all servers; by server, the answers so far."""
    over, answers = threading.Event(), [list[Answer]() for _ in ports]
    told = [(port, number, place) for place, port in enumerate(ports) for number in range(CLIENTS)]
    threads = [
        threading.Thread(target=asking, args=(port, _users(users, CLIENTS * place + number), over, answers[place]))
        for port, number, place in told
    ]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _users(users: int, first: int) -> Iterator[int]:
    user = first
    while True:
        yield 1 + user % users
        user += 6 * 7


def wait_for(what: str, true: Callable[[], bool]) -> None:
    """Until it is true; RuntimeError where it never is."""
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {PATIENCE:.0f} s")
        time.sleep(0.02)


def measure(ground: Ground, rounds: int) -> dict[str, Any]:
    """Rollbacks one after the other, and one flat object."""
    started = time.monotonic()
    ground.prepare()
    prepared, took, warm_at = time.monotonic() - started, list[float](), 0.0
    users, commands = ground.size.users, list[float]()
    with ground.servers(SERVERS) as ports, load(ports, users) as answers:
        for _ in range(rounds):
            ground.say("resume", OLD)
            wait_for(f"all servers at {OLD}", lambda: _all_at(answers, OLD))
            ground.say("promote", NEW)
            wait_for(f"all servers at {NEW}", lambda: _all_at(answers, NEW))
            time.sleep(BEFORE)
            warm_at = warm_at or time.monotonic()
            given_at = time.monotonic()
            back(ground)
            commands.append(time.monotonic() - given_at)
            time.sleep(AFTER)
            wait_for(f"all servers back at {OLD}", lambda: _all_at(answers, OLD))
            late = [one.at for of in answers for one in list(of) if one.at > given_at and one.version == NEW]
            took.append(max(late, default=given_at) - given_at)
    every = [one for of in answers for one in of]
    asked = sorted(one.at - one.asked_at for one in every if one.status == 200)
    without = sum(one.rung not in ("model", "") for one in every if one.asked_at > warm_at)
    failed, mixed = sum(one.status != 200 for one in every), sum(one.mixed for one in every)
    return {
        "met": max(took) <= BAR and not failed and not mixed and not without,
        "items": ground.size.items,
        "servers": SERVERS,
        "seconds_to_all_old": max(took),
        "seconds_to_all_old_median": sorted(took)[len(took) // 2],
        "command_seconds": max(commands),
        "failed": failed,
        "mixed": mixed,
        "without_model": without,
        "answers": len(every),
        "ms_p50": 1_000 * asked[len(asked) // 2],
        "ms_p99": 1_000 * asked[len(asked) * 99 // 100],
        "rounds": rounds,
        "prepared_s": prepared,
        "bar": BAR,
    }


def back(ground: Ground) -> None:
    """What `headrace rollback` does."""
    settings = ground.settings()
    with open_logs(settings) as logs:
        roll_back(
            OLD,
            store=version_store(settings),
            decisions=DecisionLog(logs.open(TOPIC, 1)),
            operator=Operator("benchmark", "a way back under load", now()),
            events=logs.open("events", 1),
            ahead=settings.sequencer.clock_ahead,
        )


def _all_at(answers: list[list[Answer]], version: int) -> bool:
    """Whether the last answers of every server are of a version."""
    return all(len(of) >= CLIENTS and all(one.version == version for one in of[-CLIENTS:]) for of in answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="20,000 items")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--items", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ground", type=Path, help="where versions and indices stay for the next run")
    told = parser.parse_args()
    items = told.items or (20_000 if told.quick else 1_000_000)
    with ExitStack() as stack:
        place = told.ground or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        figures = measure(Ground(place, Size(items, items // 2)), told.rounds)
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
    print(json.dumps(rounded) if told.json else "\n".join(f"{name:28} {value}" for name, value in rounded.items()))


if __name__ == "__main__":
    main()
