"""Which clicks retrieval is measured on: a share that does not depend on batches, marks or restarts."""

from __future__ import annotations

import numpy as np
import pytest

from learners.ordering import Batch, Example
from learners.retrieval_figures import PASSES, SPAN, Look, RetrievalFigures
from learners.sought import NOT_RETRIEVED, SEEN, SHOWN, UNKNOWN, WITHDRAWN, Served, Sought
from streams.examples import Row, RowKind, Shot
from tests.learners.lessons import batch, lesson


class Book:
    """A learner that writes down which clicks it was asked for, and knows the answer by heart."""

    def __init__(self, items: int = 50) -> None:
        self.asked: list[str] = []
        self._items = items

    def sought(self, batch: Batch, served: Served, judged: int) -> Sought:
        names = [example.row.example for example in batch.examples]
        self.asked += names
        rank_P = np.array([int(name) % 250 + 1.0 for name in names])
        return Sought(rank_P, np.where(rank_P > served.candidates, NOT_RETRIEVED, SHOWN), self._items)


def stream(rows: int) -> list[Example]:
    def row(n: int) -> Example:
        kind: RowKind = "organic" if n % 70 == 0 else "label"
        return Example(Row(n, n, kind, str(n), {"click": float(n % 10 == 0)}, item_id="x"), Shot("ana", n), None, 0)

    return [row(n) for n in range(rows)]


def follow(figures: RetrievalFigures, book: Book, rows: list[Example], size: int) -> None:
    for start in range(0, len(rows), size):
        part = Batch(tuple(rows[start : start + size]), 0)
        figures.add(len(part.examples), figures.look(book, part))


@pytest.mark.parametrize("size", [700, 1024, 5000])
def test_which_clicks_are_taken_does_not_depend_on_how_batches_are_cut(size: int) -> None:
    rows = stream(120_000)
    one, other = Book(), Book()
    figures = RetrievalFigures("click")
    follow(figures, one, rows, 1000)
    follow(RetrievalFigures("click"), other, rows, size)
    assert sorted(one.asked) == sorted(other.asked)
    assert 0 < len(one.asked) == figures.report()["sampled"] < 12_000


def test_more_items_are_looked_at_less_often() -> None:
    rows, asked = stream(400_000), []
    for items in (10, 1_000, 100_000):
        book = Book(items)
        follow(RetrievalFigures("click"), book, rows, 1024)
        asked.append(len(book.asked))
    assert asked[0] > asked[1] > asked[2] > 0


def test_tiny_batches_are_looked_at_a_few_times_a_stretch_at_most() -> None:
    book, looks = Book(), 0
    figures = RetrievalFigures("click")
    for start in range(0, SPAN, 8):
        part = Batch(tuple(stream(SPAN)[start : start + 8]), 0)
        look = figures.look(book, part)
        looks += look is not None
        figures.add(8, look)
    assert looks == PASSES


def test_figures_are_what_the_ranks_say() -> None:
    book, figures = Book(), RetrievalFigures("click")
    follow(figures, book, stream(60_000), 1000)
    told, ranks = figures.report(), np.array([int(name) % 250 + 1.0 for name in book.asked])
    for name, most in (("recall@10", 10), ("recall@100", 100), ("recall@200", 200)):
        assert told[name] == pytest.approx((ranks <= most).mean())
    assert told["mrr@10"] == pytest.approx(np.where(ranks <= 10, 1 / ranks, 0).mean())
    judged = told["judged"]
    assert sum(told["shares"].values()) == pytest.approx(1)
    assert 0 < judged < told["sampled"]
    assert told["missed"]["not_retrieved"] == round(told["shares"]["not_retrieved"] * judged)


def test_a_mark_and_a_restart_between_any_two_batches_lose_nothing() -> None:
    rows, whole, book = stream(90_000), RetrievalFigures("click"), Book()
    cut = RetrievalFigures("click")
    for start in range(0, len(rows), 900):
        part = Batch(tuple(rows[start : start + 900]), 0)
        if start == 45_000:
            whole.mark()
            cut.mark()
        whole.add(900, whole.look(book, part))
        cut.add(900, cut.look(book, part))
        again = RetrievalFigures("click")
        again.load(cut.state())
        cut = again
    assert {name: array.tobytes() for name, array in cut.state().items()} == {
        name: array.tobytes() for name, array in whole.state().items()
    }
    assert 0 < whole.report()["since"]["sampled"] < whole.report()["sampled"]


def test_a_learner_that_finds_nothing_has_no_such_figures() -> None:
    figures = RetrievalFigures("click")
    assert figures.look(object(), batch(lesson())) is None
    figures.add(1, None)
    assert figures.report() == {}


def test_filtered_is_the_sum_of_its_reasons() -> None:
    figures = RetrievalFigures("click")
    fates = np.array([SEEN, WITHDRAWN, UNKNOWN, SHOWN])
    figures.add(4, Look(Sought(np.array([np.inf, np.inf, np.inf, 1.0]), fates, 9), 4))
    told = figures.report()
    assert (told["missed"]["filtered"], told["shares"]["filtered"], told["recall@200"]) == (3, 0.75, 0.25)
