"""A board is what it would be if it were made of the whole stock now, and looks at the whole stock once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from serving.boards import LIFE, LISTED, Boards
from serving.filter_terms import Term
from serving.filtering import MOST_CHANGES
from serving.filters import parsed
from serving.letting import Lets
from serving.stock import Stock
from serving.view import View
from streams.events import Item

KINDS = ("tea", "jam")
MANY = 5 * LISTED

items = st.builds(
    lambda number, **fields: Item("e", 5, f"i{number}", **fields),
    st.integers(0, 12),
    categories=st.sampled_from(((), ("tea",), ("jam",), ("tea", "jam"))),
    available_from=st.none() | st.integers(0, 3 * LIFE),
    deleted=st.sampled_from((False, False, True)),
)
moments = st.integers(0, 4 * LIFE)


class Watched(Stock):
    """A stock that remembers how many items were looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.looked: list[int] = []

    def let(self, term: Term, codes: NDArray[np.int64] | None = None) -> Lets:
        self.looked.append(len(self.item_ids) if codes is None else len(codes))
        return super().let(term, codes)


def view(at: int = 5, *, turn: int = 1, items: int = MANY) -> View:
    """Rates that fall with the code, or rise with it."""
    return View(at=at, rate_C=np.arange(items, 0, -1)[::turn] / items)


def best(boards: Boards, stock: Stock, seen: View, kind: str = "tea") -> list[str]:
    return stock.named(boards.of_category(kind, stock, seen))


def of_many(stock: Stock, kind: str = "tea") -> None:
    for number in range(MANY):
        stock.put(Item("e", 5, f"i{number}", categories=(kind,)))


@settings(max_examples=150, deadline=None)
@given(st.lists(items | moments, max_size=40))
def test_a_board_is_what_a_new_one_would_be(changes: list[Item | int]) -> None:
    stock, boards, at = Stock(), Boards(), 0
    for change in changes:
        if isinstance(change, Item):
            stock.put(change)
        else:
            at = change
        seen = view(at - at % LIFE, items=13)  # within its life the time of a board stands
        for kind in KINDS:
            assert best(boards, stock, seen, kind) == best(Boards(), stock, seen, kind)


def test_upserts_of_others_are_looked_at_and_nothing_else() -> None:
    stock, boards = Watched(), Boards()
    of_many(stock, "jam")
    stock.put(Item("e", 5, "one", categories=("tea",)))
    assert best(boards, stock, view()) == ["one"]
    stock.looked.clear()
    for number in range(9):
        stock.put(Item("f", 6, f"i{number}", categories=("jam", "oil")))
    assert best(boards, stock, view()) == ["one"]
    stock.put(Item("f", 7, "i5", categories=("tea",)))
    assert best(boards, stock, view(5 + LIFE)) == ["i5", "one"]
    assert stock.looked == [9, 1]


def test_an_old_board_is_ordered_anew_among_its_own() -> None:
    stock, boards = Watched(), Boards()
    of_many(stock)
    assert best(boards, stock, view()) == [f"i{n}" for n in range(LISTED)]
    assert best(boards, stock, view(4 + LIFE, turn=-1)) == [f"i{n}" for n in range(LISTED)]
    turned = [f"i{MANY - 1 - n}" for n in range(LISTED)]
    assert best(boards, stock, view(5 + LIFE, turn=-1)) == turned
    assert stock.looked == [MANY, 0]


@pytest.mark.parametrize("gone", [LISTED // 2, LISTED * 3 // 2, 2 * LISTED, MANY - 3])
def test_places_of_items_that_are_gone_are_filled(gone: int) -> None:
    stock, boards = Stock(), Boards()
    of_many(stock)
    best(boards, stock, view())
    for number in range(gone):
        stock.put(Item("f", 6, f"i{number}", deleted=True))
    told = best(boards, stock, view(5 + LIFE))
    assert told == [f"i{n}" for n in range(gone, min(MANY, gone + LISTED))]


def test_items_whose_time_has_not_come_stand_on_it_later() -> None:
    stock, boards = Stock(), Boards()
    stock.put(Item("e", 5, "soon", categories=("tea",), available_from=LIFE))
    assert best(boards, stock, view()) == []
    assert best(boards, stock, view(5 + LIFE)) == ["soon"]


def test_a_fold_that_went_back_finds_no_board_of_the_future() -> None:
    stock, boards = Stock(), Boards()
    of_many(stock)
    best(boards, stock, view(9 * LIFE))
    assert best(boards, stock, view(5, turn=-1))[0] == f"i{MANY - 1}"


def test_where_too_much_changed_to_be_known_all_is_looked_at() -> None:
    stock, boards = Watched(), Boards()
    stock.put(Item("e", 5, "one", categories=("tea",)))
    assert best(boards, stock, view()) == ["one"]
    stock.put(Item("f", 6, "two", categories=("tea",)))
    other = Item("e", 5, "other")
    for _ in range(2 * MOST_CHANGES):
        stock.put(other)
    assert best(boards, stock, view()) == ["one", "two"]
    assert stock.looked == [1, 3]


def test_a_promotion_is_of_its_filter() -> None:
    stock, boards, cheap = Stock(), Boards(), parsed("price < 3")
    for price in range(5):
        stock.put(Item("e", 5, f"i{price}", attributes={"price": float(price)}))
    assert stock.named(boards.of("cheap", cheap.term, stock, view(items=5))) == ["i0", "i1", "i2"]


def test_items_as_good_as_each_other_stand_as_they_were_heard_of() -> None:
    stock, boards = Stock(), Boards()
    for name in ("one", "two", "three"):
        stock.put(Item("e", 5, name, categories=("tea",)))
    assert best(boards, stock, View(at=5)) == ["one", "two", "three"]
