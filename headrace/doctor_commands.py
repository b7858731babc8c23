"""The command that says whether all is well, and what to type where it is not."""

from __future__ import annotations

import msgspec
import typer

from headrace.doctor import findings
from headrace.findings import worst
from headrace.options import AsJson, LogUrl, SettingsFile, Var, chosen, now
from headrace.terminal import say, tell_json


def doctor(settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False) -> None:
    """Is it well? Log and topics, positions, processes, locks, versions, clock and machine, with what to type next.

    Changes nothing, and may run beside everything. Ends with status 1 if something is bad.
    """
    from headrace.doctor_gather import gather

    found = findings(gather(chosen(settings, var=var, log=log), now))
    if as_json:
        tell_json(msgspec.to_builtins(found))
    else:
        for one in found:
            say(f"{one.level:<5}{one.about}: {one.told}")
            if one.next:
                say(f"     -> {one.next}")
    raise typer.Exit(1 if worst(found) == "bad" else 0)
