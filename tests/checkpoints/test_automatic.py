"""The way back that nobody asked for: late enough, far enough, seldom enough."""

from __future__ import annotations

from dataclasses import dataclass, field

from checkpoints.automatic import DAY, WHO, Answer, Reading, Terms, Watcher, Window, line_of
from checkpoints.manifest import Manifest, TrainerPosition
from streams.decisions import Decision, Decisions, Kind
from streams.mask import Entry

BAD, FINE, SILENT = Reading("ne", True, "worse"), Reading("ne", False, ""), Reading("ne", None, "")


@dataclass
class Site:
    """Versions 1 to 3, published at 1,000, 2,000 and 3,000; a window each 100 from then on."""

    terms: Terms
    decisions: Decisions = field(default_factory=Decisions)
    manifests: list[Manifest] = field(default_factory=list)
    now: int = 3_000

    def __post_init__(self) -> None:
        self.watcher = Watcher(self.terms)
        for version in (1, 2, 3):
            positions = {0: TrainerPosition(input=10 * version)}
            self.manifests.append(Manifest(version, None, 0, positions, verdict="pass"))
            self.say("publish", version, at=1_000 * version)

    def say(self, kind: Kind, version: int | None = None, *, at: int | None = None, who: str = "ana") -> None:
        input = {} if version is None else self.manifests[version - 1].input
        line = Decision(kind, at or self.now, who, "so", self.decisions.position, version=version, input=input)
        self.decisions.feed(line)

    def see(self, *readings: Reading) -> Answer:
        """A window for each; the last answer, followed where it says so."""
        answer = Answer()
        for reading in readings:
            self.watcher.take(Window(self.now, self.now + 100, (reading,)))
            self.now += 100
            answer = self.watcher.decide(self.now, self.decisions, self.manifests)
            if answer.version is not None:
                self.decisions.feed(line_of(answer, self.manifests[answer.version - 1], self.decisions, self.now))
                self.watcher.forget()
        return answer


def site(**changes: int) -> Site:
    return Site(Terms(**{"windows": 4, "bad": 3, "bake": 0} | changes))


def test_few_bad_windows_and_silent_ones_move_nothing() -> None:
    assert site().see(BAD, FINE, BAD, FINE, FINE, BAD, SILENT, BAD) == Answer()


def test_enough_of_them_go_back_to_the_version_that_served_before_the_first() -> None:
    answer = site().see(FINE, BAD, BAD, BAD)
    assert (answer.version, answer.why) == (2, "3 of 4 windows beyond the limit: worse")


def test_labels_that_come_late_send_it_further_back() -> None:
    assert site(lag=1_500).see(BAD, BAD, BAD).version == 1


def test_a_version_that_is_tainted_held_or_rolled_back_is_none_to_go_back_to() -> None:
    held = site()
    held.say("hold", 2)
    assert held.see(BAD, BAD, BAD).version == 1
    tainted = site()
    tainted.decisions.feed(Decision("mask", 3_000, "ana", "bug", 3, add=(Entry("q", start={0: 15}),)))
    assert tainted.see(BAD, BAD, BAD).version == 1
    failed = site()
    failed.manifests[1] = Manifest(2, None, 0, failed.manifests[1].positions, verdict="inconclusive")
    assert failed.see(BAD, BAD, BAD).version == 1


def test_without_an_older_good_version_it_only_warns() -> None:
    alone = site()
    for version in (1, 2):
        alone.say("hold", version)
    answer = alone.see(BAD, BAD, BAD)
    assert (answer.version, "no good version" in answer.warning) == (None, True)


def test_after_a_move_there_is_time_to_bake_twice_as_long_after_each_of_its_own() -> None:
    baking = site(bake=1_000)
    baking.now = 3_900
    baking.say("resume")
    assert "bakes" in baking.see(*[BAD] * 5).warning
    assert baking.see(*[BAD] * 5).version == 2
    moved_at = baking.now
    while baking.see(BAD).version is None:
        assert baking.now < moved_at + 3_000
    assert baking.now >= moved_at + 2_000


def test_the_trainer_holding_or_publishing_on_does_not_begin_the_baking_anew() -> None:
    steady = site(bake=1_000)
    steady.now = 4_000
    steady.say("hold", 3, at=3_950, who="trainer")
    steady.say("publish", 3, at=3_960, who="trainer")
    assert steady.see(BAD, BAD, BAD).version is not None


def test_after_so_many_in_a_day_it_stops_and_says_so_until_the_day_is_over() -> None:
    weary = site(most=1)
    weary.see(BAD, BAD, BAD)
    assert [line.who for line in weary.decisions.lines if line.kind == "rollback"] == [WHO]
    assert "nothing is decided any more" in weary.see(BAD, BAD, BAD).warning
    weary.now += DAY
    assert weary.see(BAD).version == 1
