"""The demo as people see it: a live page on a terminal, elsewhere a line every few seconds. Counts nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from headrace.demo_incident import APP, Phase
from headrace.demo_report import Delays, Quality
from headrace.demo_return import Command, Return
from headrace.demo_tally import Counted, Quantiles
from headrace.world_oracle import Rates

LINE_EVERY_MS = 5_000
BARS = "▁▂▃▄▅▆▇█"
WIDEST = 40


@dataclass(frozen=True, slots=True)
class Course:
    """How far an incident is: what is being done, in a few words, and what there is to know."""

    doing: str
    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything on the page. `trend` is Headrace's click rate over popular's, one figure per stretch, oldest first."""

    address: str
    ms: int
    counted: Counted
    events_per_second: float
    pages_per_second: float
    busy: float | None
    lag_ms: int | None
    quality: Quality
    delays: Delays
    recent: Rates
    trend: Sequence[float]
    doing: str
    incident: str = ""


class View:
    """Shows moments until it is closed. With `as_json` everything but the result goes to stderr."""

    def __init__(self, *, as_json: bool) -> None:
        self._console = Console(stderr=as_json, highlight=False)
        self._live: Live | None = None
        self._line_at: int | None = None
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()

    def show(self, moment: Moment) -> None:
        """Now, on a terminal; else at most one line every 5 s."""
        if self._live is not None:
            self._live.update(page_of(moment), refresh=True)
        elif self._line_at is None or moment.ms - self._line_at >= LINE_EVERY_MS:
            self._line_at = moment.ms
            self.say(line_of(moment))

    def say(self, text: str) -> None:
        """One line or more that stay."""
        self._console.print(text, markup=False, soft_wrap=True)
        self._console.file.flush()

    def close(self) -> None:
        """Leave the last page standing; may be called twice."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()


def line_of(moment: Moment) -> str:
    """A moment in one line."""
    counted, rates = moment.counted, moment.recent
    return (
        f"{moment.ms / 1000:6.1f} s  {moment.doing}  {counted.events:,} events ({moment.events_per_second:,.0f}/s)  "
        f"version {counted.version}  clicks per view {rates.headrace:.3f}, popular {rates.popular:.3f}, "
        f"random {rates.random:.3f}, oracle {rates.oracle:.3f}  AUC {_number(moment.quality.auc)}  "
        f"to slate {_delay(moment.delays.slate)}  to weights {_delay(moment.delays.weights)}  "
        f"failed {counted.failed}  mixed {counted.mixed}{moment.incident and '  '}{moment.incident}"
    )


def page_of(moment: Moment) -> Group:
    """A moment as a page of a terminal."""
    counted, quality = moment.counted, moment.quality
    head = Text.assemble(
        ("Headrace ", "bold"), (moment.address, "cyan"), f"   {moment.ms / 1000:.0f} s   {moment.doing}"
    )
    facts = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    facts.add_row("events", f"{counted.events:,}", f"{moment.events_per_second:,.0f}/s", f"lag {_ms(moment.lag_ms)}")
    busy = "" if moment.busy is None else f"{moment.busy:.0%} of the cores"
    facts.add_row("pages", f"{moment.pages_per_second:.0f}/s", f"answers {_delay(counted.latency)}", busy)
    facts.add_row("version", f"{counted.version}", f"{counted.swaps} swaps", " ".join(_rungs(counted)))
    figures = f"NE {_number(quality.ne)}", f"calibration {_number(quality.calibration)}"
    facts.add_row("progressive", f"AUC {_number(quality.auc)}", *figures)
    facts.add_row("click to slate", _delay(moment.delays.slate), "click to weights", _delay(moment.delays.weights))
    style = "bold red" if counted.failed or counted.mixed else "green"
    facts.add_row(
        Text(f"failed {counted.failed}", style), Text(f"mixed {counted.mixed}", style), counted.complaint[:80]
    )
    trend = Text.assemble("over popular  ", (sparkline(moment.trend), "green"))
    told = [Text.assemble("incident      ", (moment.incident, "bold yellow"))] if moment.incident else []
    return Group(head, facts, _rates(moment.recent), trend, *told)


def summary_of(report: Mapping[str, Any]) -> str:
    """The result in a few lines.

    >>> result = {"events": 20_000, "seconds": 70.2, "seconds_to_first_slate": 21.5, "auc": 0.78, "ne": 0.85}
    >>> result |= {"calibration": 1.02, "versions": 30, "swaps": 28, "requests": 9_000, "failed_requests": 0}
    >>> result |= {"ctr": {"headrace": 0.3, "popular": 0.2, "random": 0.1, "oracle": 0.6}, "mixed_answers": 0}
    >>> result |= {"click_to_slate_ms": {"p50": 90, "p95": 150}, "click_to_weights_ms": {"p50": 2500, "p95": None}}
    >>> print(summary_of(result))
    20,000 events in 70.2 s, the first personalised slate after 21.5 s
    clicks per view, last 40 %: headrace 0.300, popular 0.200, random 0.100, oracle 0.600: 1.50 x popular
    progressive AUC 0.780, NE 0.850, calibration 1.020
    click to next slate 90 ms / 150 ms, click to weights 2.5 s / - (median / 95 %)
    30 versions, 28 swaps, 9,000 requests, 0 failed, 0 answers mixed versions
    """
    ctr, slate, weights = report["ctr"], report["click_to_slate_ms"], report["click_to_weights_ms"]
    first, incident = report["seconds_to_first_slate"], report.get("incident")
    rates = ", ".join(f"{name} {rate:.3f}" for name, rate in ctr.items())
    names = {"AUC": "auc", "NE": "ne", "calibration": "calibration"}
    figures = (f"{name} {_number(report[key])}" for name, key in names.items())
    return (
        f"{report['events']:,} events in {report['seconds']} s, "
        f"{'no personalised slate' if first is None else f'the first personalised slate after {first} s'}\n"
        f"clicks per view, last 40 %: {rates}: {ctr['headrace'] / max(ctr['popular'], 1e-9):.2f} x popular\n"
        f"progressive {', '.join(figures)}\n"
        f"click to next slate {_ms(slate['p50'])} / {_ms(slate['p95'])}, "
        f"click to weights {_ms(weights['p50'])} / {_ms(weights['p95'])} (median / 95 %)\n"
        f"{report['versions']:,} versions, {report['swaps']:,} swaps, {report['requests']:,} requests, "
        f"{report['failed_requests']:,} failed, {report['mixed_answers']:,} answers mixed versions"
        + ("" if incident is None else f"\n{_incident_of(incident)}")
    )


def _incident_of(told: Mapping[str, Any]) -> str:
    rates = ", ".join(f"{told[f'ctr_{when}']:.3f} {when}" for when in ("before", "during", "after"))
    old, caught_up = told["seconds_to_old_version"], told["seconds_to_caught_up"]
    return (
        f"incident: clicks per view {rates}; old version after {'-' if old is None else f'{old} s'}, "
        f"caught up after {'-' if caught_up is None else f'{caught_up} s'}; "
        f"{told['masked_events']:,} events masked, {told['tainted_versions']:,} versions tainted"
    )


def course_of(phase: Phase, command: Command | None, back: Return, trouble: str) -> Course:
    """An incident in words, from what the world knows and what the operator's command came to.

    >>> course_of("learning", None, Return(None, None), "")
    Course(doing='learning', text='app 1.2 is not out yet')
    """
    if command is not None and back.to_caught_up is not None:
        return Course(
            "caught up",
            f"version {command.version} again after {_ms(back.to_old_version)}, everything but the bad events learned "
            f"after {_ms(back.to_caught_up)}",
        )
    if command is not None:
        return Course(
            f"rolled back to version {command.version}", f"{command.tainted} versions tainted; learning the rest again"
        )
    match phase:
        case "learning":
            return Course("learning", f"app {APP} is not out yet")
        case "bug":
            return Course("bug", f"app {APP} reports a click for what was left, and none for what was clicked")
        case "repaired":
            return Course("bug is over", f"app {APP} is repaired; what it reported is in the weights")
        case "back":
            return Course("rolling back", f"refused: {trouble}" if trouble else "the command is on its way")


def sparkline(values: Sequence[float]) -> str:
    """Bars between 0 and the largest of the last values, and the last one as a number.

    >>> sparkline([0.5, 1.0, 2.0])
    '▂▄█ 2.00 x'
    """
    shown = values[-WIDEST:]
    if not shown:
        return ""
    most = max(*shown, 1e-9)
    return "".join(BARS[min(7, int(value / most * 7.99))] for value in shown) + f" {shown[-1]:.2f} x"


def _rates(rates: Rates) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    top = max(rates.oracle, 1e-9)
    for name, style in (("headrace", "green"), ("popular", "yellow"), ("random", "white"), ("oracle", "magenta")):
        rate = float(getattr(rates, name))
        table.add_row(name, f"{rate:.3f}", Text("█" * round(WIDEST * rate / top), style))
    return table


def _rungs(counted: Counted) -> list[str]:
    return [f"{rung} {n:,}" for rung, n in sorted(counted.rungs.items(), key=lambda pair: -pair[1])]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"


def _delay(measured: Quantiles) -> str:
    return f"{_ms(measured.p50)} / {_ms(measured.p95)}"
