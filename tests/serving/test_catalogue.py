"""The catalogue: items as they are now, whatever order their events came in."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from serving.catalogue import Catalogue
from serving.fold_rules import FoldRules
from serving.known import Known
from streams.events import Item
from tests.worlds import Telling


@given(st.permutations([Item(f"e{n}", n // 2, "tea", tags=(str(n),), deleted=n == 3) for n in range(6)]))
def test_the_latest_upsert_wins_in_any_order(events: list[Item]) -> None:
    catalogue = Catalogue(partition=0, partitions=1)
    for event in events:
        catalogue.put(event)
    assert catalogue.items["tea"].tags == ("5",)


def test_an_item_is_kept_in_one_partition_alone() -> None:
    known, telling = Known(partitions=4, rules=FoldRules()), Telling()
    item = telling.item("tea")
    for part in known.parts:
        part.feed(part.partition, 0, [item])
    assert sum("tea" in part.catalogue.items for part in known.parts) == 1


def test_the_newest_items_come_first_and_an_upsert_makes_none_new() -> None:
    known, telling = Known(partitions=1, rules=FoldRules()), Telling()
    known.parts[0].feed(0, 0, [telling.item("tea"), telling.item("jam"), telling.item("tea", tags=("green",))])
    known.restock()
    known.refresh()
    assert known.view.latest == ("jam", "tea")
    assert known.stock.item("tea").tags == ("green",)


def test_a_deleted_item_is_not_among_the_newest() -> None:
    known, telling = Known(partitions=1, rules=FoldRules()), Telling()
    known.parts[0].feed(0, 0, [telling.item("tea"), telling.item("jam"), telling.gone("jam")])
    known.restock()
    known.refresh()
    assert known.view.latest == ("tea",)


def test_equal_lists_of_many_items_are_kept_once() -> None:
    catalogue = Catalogue(partition=0, partitions=1)
    for n in range(2):
        catalogue.put(decoded(Item(f"e{n}", 5, f"i{n}", ("jazz", "live"), ("new",), author="ana")))
    one, other = catalogue.items.values()
    assert one.categories is other.categories
    assert one.tags is other.tags
    assert one.author is other.author
    assert one.attributes is other.attributes


def decoded(item: Item) -> Item:
    """The item as it comes out of a log, with objects of its own."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(item), type=Item)


@given(st.permutations([("tea", 5), ("jam", 9), ("oil", 5), ("rye", 1), ("tea", 7), ("jam", 9)]))
def test_the_newest_items_come_first_in_whatever_order_they_were_heard_of(told: list[tuple[str, int]]) -> None:
    catalogue = Catalogue(partition=0, partitions=1)
    for item_id, born in told:
        catalogue.take(Item("e", 1, item_id), born)
    assert catalogue.newest(9) == sorted(catalogue.born.items(), key=lambda one: (one[1], one[0]), reverse=True)
    assert catalogue.newest(2) == catalogue.newest(9)[:2]
