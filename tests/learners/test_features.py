"""Features: shared things stand once, absent ones nowhere, and training and serving read the same."""

from __future__ import annotations

import hashlib

import numpy as np
from msgspec import structs

from learners.asked import asked
from learners.catalogue import Catalogue
from learners.features import Features, features
from learners.names import Names
from learners.ordering import Batch, Example
from learners.schema import Schema
from serving.scorer import Asker
from streams.examples import Attributes, Past, Row, Shot
from tests.learners.lessons import ITEMS, batch, lesson, random_batch

SCHEMA = Schema(("click", "long"), ("hour",))


def told(made: Batch) -> tuple[Features, Names]:
    names = Names(SCHEMA.spaces)
    catalogue = Catalogue(names)
    for example in made.examples:
        if example.attributes is not None:
            catalogue.feed(example.attributes)
    return features(made, SCHEMA, names, catalogue), names


def bag(made: Features, names: Names, field: str, owner: int) -> list[str | None]:
    """The texts in one bag."""
    asker = SCHEMA.asker_fields
    if field in asker:
        at = asker.index(field) * made.shots + owner
    else:
        at = len(asker) * made.shots + ("item", "author", "categories", "tags").index(field) * len(made.entry_I) + owner
    count = made.bags.count_G
    start = int(count[:at].sum())
    places = range(start, start + int(count[at]))
    return [names.text(int(made.bags.space_N[n]), int(made.bags.key_N[n])) for n in places]


def test_a_shot_and_an_asker_have_the_same_fields() -> None:
    history = (Past("item1", "click", 3), Past("item3", "dismiss", 4), Past("", "search", 5), Past("2", "like", 6))
    shot = Shot("ana", 9, surface="home", context={"hour": 7.0, "other": 1.0}, history=history, query_item_id="item5")
    asker = Asker("ana", history, "home", {"hour": "7"}, 9, "item5")
    assert asked([shot], SCHEMA) == asked([asker], SCHEMA)
    assert asked([shot], SCHEMA)[1].texts_S == [("item1", "2")]


def test_rows_of_one_page_share_its_shot_and_items() -> None:
    shot = Shot("ana", 9, history=(Past("item1", "click", 3),))
    rows = [Row(1, 9, "label", "e", {"click": 0.0}, item_id=ITEMS[i % 2].item_id, position=i) for i in range(4)]
    made, _ = told(Batch(tuple(Example(row, shot, ITEMS[i % 2], 0) for i, row in enumerate(rows)), 9))
    assert (made.shots, len(made.entry_I)) == (1, 2)
    assert made.shot_R.tolist() == [0, 0, 0, 0]
    assert made.item_R.tolist() == [0, 1, 0, 1]


def test_how_a_log_was_cut_into_frames_leaves_no_trace_in_features() -> None:
    """Rows of one page that came in two frames have a shot each; it says the same, so it stands once."""
    shot = Shot("ana", 9, history=(Past("item1", "click", 3),))
    rows = [Row(1, 9, "label", "e", {"click": 0.0}, item_id=ITEMS[i].item_id, position=i) for i in range(4)]
    made, apart = (
        Batch(tuple(Example(row, shot_of(), ITEMS[i], 0) for i, row in enumerate(rows)), 9)
        for shot_of in (lambda: shot, lambda: structs.replace(shot))
    )
    one, other = told(made)[0], told(apart)[0]
    assert one.shots == other.shots
    assert one.shot_R.tolist() == other.shot_R.tolist()


def test_shots_of_one_request_that_say_other_things_stand_apart() -> None:
    pages = [lesson("ana", n, request_id="r", history=(Past("item1", "click", 3),) * n) for n in (0, 1)]
    assert told(batch(*pages))[0].shot_R.tolist() == [0, 1]


def test_bags_hold_what_the_example_says() -> None:
    history = (Past(ITEMS[4].item_id, "click", 1), Past(ITEMS[7].item_id, "click", 2))
    made, names = told(batch(lesson("bob", 4), lesson("ana", 7, history=history, query_item_id=ITEMS[4].item_id)))
    assert bag(made, names, "user", 1) == ["ana"]
    assert bag(made, names, "history", 0) == []
    assert bag(made, names, "history", 1) == [ITEMS[4].item_id, ITEMS[7].item_id]
    assert bag(made, names, "history_tags", 1) == [*ITEMS[4].tags, *ITEMS[7].tags]
    assert bag(made, names, "query", 1) == [ITEMS[4].item_id]
    assert bag(made, names, "query_tags", 1) == [*ITEMS[4].tags]
    assert bag(made, names, "surface", 0) == ["home"]
    assert bag(made, names, "context.hour", 0) == []
    assert bag(made, names, "tags", 1) == [*ITEMS[7].tags]
    assert bag(made, names, "author", 0) == [ITEMS[4].author]


def test_facts_are_no_lessons() -> None:
    made, _ = told(batch(Example(Row(1, 9, "item", "x"), None, Attributes("x", 1), 0), lesson(labels={"long": 1.0})))
    assert made.at_R.tolist() == [1]
    assert made.decided_RL.tolist() == [[False, True]]
    assert made.value_RL.tolist() == [[0.0, 1.0]]


def test_features_are_a_function_of_the_batch() -> None:
    one, other = (told(random_batch(3))[0] for _ in range(2))
    assert np.array_equal(one.bags.key_N, other.bags.key_N)
    assert np.array_equal(one.bags.space_N, other.bags.space_N)
    assert one.finite


def test_the_features_of_before_have_the_bytes_of_before() -> None:
    """Ids and bags of six random batches, as they were when no feature could be declared."""
    names = Names(SCHEMA.spaces)
    catalogue, seen = Catalogue(names, SCHEMA), hashlib.sha256()
    for number in range(6):
        made = random_batch(number)
        for example in made.examples:
            assert example.attributes is not None
            catalogue.feed(example.attributes)
        f = features(made, SCHEMA, names, catalogue, [0, 3, 5])
        for array in (f.bags.space_N, f.bags.key_N, f.bags.count_G, f.entry_I, f.at_R, f.shot_R, f.item_R):
            seen.update(np.ascontiguousarray(array).tobytes())
        for array in (f.decided_RL, f.first_R, f.ranked_R):
            seen.update(np.ascontiguousarray(array).tobytes())
        assert f.bags.weight_N is None
    assert seen.hexdigest() == "d5fc9ed632b454333397cdf2c7989e9bd173cec93cd9ee40482d4c57ed144941"
