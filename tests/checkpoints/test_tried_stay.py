"""A version that an experiment tries is never taken away before the experiment is over."""

from __future__ import annotations

from pathlib import Path

from streams.experiments import Trial
from tests.checkpoints.chained_site import Site


def test_what_is_tried_stays_with_its_chain_until_the_experiment_is_over(quick: Path) -> None:
    site = Site(quick)
    site.commit(3)
    site.decide("experiment", version=2, trial=Trial("two", "start", share=0.1, metric="page_ctr"))
    site.decide("experiment", trial=Trial("two", "pause"))
    site.commit(9)
    site.retention().turn()
    assert site.versions == [1, 2, 9, 10, 11, 12]
    site.decide("experiment", trial=Trial("two", "abort"))
    site.retention().turn()
    assert site.versions == [9, 10, 11, 12]


def test_what_is_tried_meanwhile_stays_with_its_chain(quick: Path) -> None:
    site = Site(quick)
    site.commit(12)
    running = site.retention().effects()
    while next(running) != "removed":
        pass
    site.decide("experiment", version=3, trial=Trial("three", "start", share=0.1, metric="page_ctr"))
    list(running)
    assert site.versions == [1, 2, 3, 9, 10, 11, 12]
