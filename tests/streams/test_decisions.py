"""Every reader of the same lines computes the same mask, floor and validity."""

from __future__ import annotations

import pytest

from streams.decisions import Decision, DecisionLog, Decisions
from streams.events import Impression, Interaction, Item, Shown, Tick, User
from streams.log import MemoryLog
from streams.mask import Entry, Masking


def masks(*add: Entry, remove: tuple[str, ...] = (), seen: int = 0) -> Decision:
    return Decision("mask", at=0, who="ana", why="", seen=seen, add=add, remove=remove)


def expire(floor: dict[int, int], seen: int) -> Decision:
    return Decision("expire", at=0, who="retention", why="", seen=seen, floor=floor)


def test_a_state_below_the_cut_stays_valid_and_one_above_does_not() -> None:
    decisions = Decisions()
    decisions.feed(masks(Entry("q", start={0: 5, 1: 9})))
    assert decisions.valid(0, {0: 5, 1: 9})
    assert not decisions.valid(0, {0: 6, 1: 9})
    assert not decisions.valid(0, {0: 5, 1: 10})


def test_a_lift_makes_older_states_valid_again() -> None:
    decisions = Decisions()
    decisions.feed(masks(Entry("q", start={0: 5})))
    decisions.feed(masks(remove=("q",)))
    assert decisions.valid(0, {0: 100})
    assert not decisions.valid(1, {0: 100})
    assert decisions.masking().lineage(0, 100) == ""


def test_lineage_names_what_can_reach_the_offset_and_no_more() -> None:
    early, late = Entry("a", start={0: 5}), Entry("b", start={0: 9}, app_version="9")
    one, two = Masking([early]), Masking([early, late])
    assert one.lineage(0, 4) == two.lineage(0, 4) == ""
    assert one.lineage(0, 8) == two.lineage(0, 8) != ""
    assert one.lineage(0, 9) != two.lineage(0, 9)


def test_lineages_of_entries_that_name_no_labels_are_those_of_releases_before_labels() -> None:
    whole = Entry("q1", {0: 5, 1: 7}, {0: 9, 1: 9}, 100, 200, "web", "9", "mail", (3, 4))
    mask = Masking([whole, Entry("q2", {0: 5, 1: 7}, t0=5)])
    assert (mask.lineage(0, 6), mask.lineage(1, 40)) == ("d2cf0193b2dc2f4c", "d0b56bd6b1ed97e0")


def test_an_entry_of_labels_is_another_lineage_than_one_that_hides() -> None:
    hiding, shutting = Entry("q", {0: 5}, app_version="9"), Entry("q", {0: 5}, app_version="9", labels=("buy",))
    decisions = Decisions()
    decisions.feed(masks(hiding))
    assert decisions.feed(masks(shutting))
    assert not decisions.valid(1, {0: 6})
    assert decisions.valid(1, {0: 5})
    assert Masking([hiding]).lineage(0, 5) != Masking([shutting]).lineage(0, 5)


def test_lineage_is_content_so_the_order_and_the_names_of_entries_do_not_matter() -> None:
    left = Masking([Entry("a", start={0: 5}), Entry("b", start={0: 7}, surface="home")])
    right = Masking([Entry("x", start={0: 7}, surface="home"), Entry("y", start={0: 5})])
    assert left.lineage(0, 20) == right.lineage(0, 20)


def test_closing_an_open_entry_changes_nothing_before_the_close() -> None:
    decisions = Decisions()
    decisions.feed(masks(Entry("q", start={0: 5})))
    decisions.feed(masks(Entry("q2", start={0: 5}, stop={0: 30}), remove=("q",)))
    assert decisions.valid(1, {0: 30})
    assert not decisions.valid(1, {0: 31})


def test_a_quarantine_below_the_floor_is_void_for_every_reader() -> None:
    decisions = Decisions()
    assert decisions.feed(expire({0: 10}, seen=0))
    assert not decisions.feed(masks(Entry("q", start={0: 9}), seen=1))
    assert decisions.masking().entries == ()
    assert decisions.feed(masks(Entry("q", start={0: 10}), seen=1))


def test_a_floor_that_did_not_see_a_quarantine_is_void() -> None:
    decisions = Decisions()
    decisions.feed(masks(Entry("q", start={0: 5})))
    assert not decisions.feed(expire({0: 10}, seen=0))
    assert decisions.floor() is None
    assert decisions.feed(expire({0: 10}, seen=1))


@pytest.mark.parametrize(
    ("entry", "hidden"),
    [
        (Entry("q", start={0: 5}), {"impression", "click"}),
        (Entry("q", start={0: 5}, t0=10), {"impression", "click", "item"}),
        (Entry("q", start={0: 5}, t0=11), {"click", "item"}),
        (Entry("q", start={0: 5}, t0=10, stop={0: 7}), set()),
        (Entry("q", start={0: 5}, t0=10, stop={0: 7}, t1=11), {"impression"}),
        (Entry("q", start={0: 8}), set()),
        (Entry("q", start={0: 5}, app_version="9"), {"click"}),
        (Entry("q", start={0: 5}, surface="home"), {"impression"}),
        (Entry("q", start={0: 5}, model_versions=(3, 4)), {"impression"}),
    ],
)
def test_an_entry_hides_what_all_of_its_fields_name(entry: Entry, hidden: set[str]) -> None:
    events = {
        "impression": Impression("i", 10, "ana", "r", (Shown("tea", 0),), surface="home", model_version=3),
        "click": Interaction("c", 11, "ana", "click", item_id="tea", app_version="9"),
        "item": Item("t", 12, "tea"),
        "forget": User("u", 13, "ana", deleted=True),
        "tick": Tick(14),
    }
    assert {name for name, event in events.items() if entry.covers(0, 7, event)} == hidden


def configures(settings: dict[str, str], start: dict[int, int]) -> Decision:
    return Decision("configure", at=0, who="ana", why="", seen=0, settings=settings, start=start)


def test_the_first_settings_hold_from_the_begin_and_are_no_edge() -> None:
    decisions = Decisions()
    decisions.feed(configures({"join": "a", "learn": "x"}, {0: 9}))
    mask = decisions.masking()
    assert (mask.settings("join", 0, 0), mask.settings("serve", 0, 0)) == ("a", None)
    assert (mask.edges(0), mask.lineage(0, 100), decisions.valid(0, {0: 100})) == (frozenset(), "", True)


def test_other_settings_are_an_edge_and_the_same_ones_are_none() -> None:
    decisions = Decisions()
    decisions.feed(configures({"join": "a", "learn": "x"}, {}))
    decisions.feed(configures({"join": "b", "learn": "x"}, {0: 5, 1: 7}))
    decisions.feed(configures({"join": "b"}, {0: 50, 1: 50}))
    mask = decisions.masking()
    assert [mask.settings("join", 1, offset) for offset in (6, 7)] == ["a", "b"]
    assert mask.settings("learn", 1, 7) == "x"
    assert (mask.next_change(0, 4), mask.next_change(0, 5)) == (5, None)
    assert {edge[0] for edge in mask.edges(0)} == {5}
    assert mask.settings_of("join") == ((None, "a"), ({0: 5, 1: 7}, "b"))
    assert mask.settings_of("learn") == ((None, "x"),)


def test_a_state_stays_valid_up_to_the_edge_of_other_settings() -> None:
    decisions = Decisions()
    decisions.feed(configures({"join": "a"}, {}))
    decisions.feed(configures({"join": "b"}, {0: 5}))
    assert decisions.valid(1, {0: 5})
    assert not decisions.valid(1, {0: 6})
    assert decisions.masking().lineage(0, 4) == "" != decisions.masking().lineage(0, 5)


def test_going_back_to_older_settings_at_the_same_offset_is_a_change() -> None:
    decisions = Decisions()
    for text in ("a", "b", "a", "b"):
        decisions.feed(configures({"join": text}, {0: 5}))
    assert [decisions.masking(n).settings("join", 0, 5) for n in (2, 3, 4)] == ["b", "a", "b"]
    assert len({decisions.masking(n).lineage(0, 5) for n in (1, 2, 3, 4)}) == 4


def test_masks_keep_the_settings_and_settings_the_mask() -> None:
    decisions = Decisions()
    decisions.feed(configures({"join": "a"}, {}))
    decisions.feed(masks(Entry("q", start={0: 5})))
    decisions.feed(configures({"join": "b"}, {0: 9}))
    decisions.feed(masks(remove=("q",)))
    assert [len(decisions.masking(n).entries) for n in range(5)] == [0, 0, 1, 1, 0]
    assert decisions.masking().settings("join", 0, 9) == "b"


def test_settings_below_the_floor_are_void_and_a_floor_that_did_not_see_them_too() -> None:
    decisions = Decisions()
    decisions.feed(configures({"join": "a"}, {}))
    decisions.feed(expire({0: 10}, seen=1))
    assert not decisions.feed(configures({"join": "b"}, {0: 9}))
    assert decisions.masking().settings("join", 0, 9) == "a"
    assert decisions.feed(configures({"join": "b"}, {0: 10}))
    assert not decisions.feed(expire({0: 12}, seen=2))


def test_a_line_is_read_back_by_who_wrote_it_and_by_all_others() -> None:
    log = MemoryLog("decisions", 1)
    writer, reader = DecisionLog(log), DecisionLog(log)
    assert writer.decide(masks(Entry("q", start={0: 5}))) == (0, True)
    assert writer.decide(expire({0: 3}, seen=0)) == (1, False)
    assert [line.kind for line in reader.follow()] == ["mask", "expire"]
    assert reader.fold.effective == writer.fold.effective
    assert reader.fold.masking().entries == writer.fold.masking().entries
