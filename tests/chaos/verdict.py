"""What a run must have come to, whatever its schedule: the single pass over the log without the masked events."""

from __future__ import annotations

from random import Random

from checkpoints.manifest import Manifest
from streams.examples import ExampleFrame, decode
from streams.given import Given
from streams.in_force import InForce
from tests.chaos.chain import content
from tests.chaos.reference import Reference, examples_of, single_pass, told
from tests.chaos.scheduler import Run
from tests.chaos.world import PARTITIONS


class Mismatch(AssertionError):
    """Two things that must be equal are not."""


def judge(run: Run) -> None:
    """Every check; Mismatch, or an error of the streams, where one fails."""
    decisions = run.site.decisions().fold
    reference = single_pass(run.world, decisions.masking(), run.habits.plan, Random(run.seed))
    _one_content_per_identity(run)
    for p in range(PARTITIONS):
        _rows(run, p, reference)
        _served(run, p, reference)
    _learned(run, reference)
    _versions(run, reference)


def _one_content_per_identity(run: Run) -> None:
    for p, records in enumerate(run.site.examples.ever):
        seen: dict[tuple[str, int], bytes] = {}
        for record in records:
            frame = decode(record.value)
            if seen.setdefault((frame.lineage, frame.input), record.value) != record.value:
                raise Mismatch(f"examples[{p}]: input {frame.input} of lineage {frame.lineage!r} has two contents")


def _rows(run: Run, partition: int, reference: Reference) -> None:
    """The rows in force; the chain of `prev` is proven by the rule itself."""
    rule = InForce(partition, run.site.decisions().fold)
    rows = []
    for record in run.site.examples.ever[partition]:
        frame = decode(record.value)
        if rule.accept(record.offset, frame, record.value):
            rows += [content(example) for example in examples_of(_given(frame), partition)]
    _equal(f"rows in force of partition {partition}", rows, reference.rows[partition])


def _served(run: Run, partition: int, reference: Reference) -> None:
    known = run.seen.known
    if known is None:
        raise Mismatch("no server ever ran")
    part = known.parts[partition]
    _equal(f"frames folded by the server in partition {partition}", part.next, len(run.world.frames[partition]))
    _equal(f"what the server knows of partition {partition}", told(part), reference.parts[partition])


def _learned(run: Run, reference: Reference) -> None:
    trained, learner = run.seen.trained, run.seen.learner
    if trained is None or learner is None:
        raise Mismatch("no trainer ever ran")
    _equal(
        "examples, steps and digest of the model", (trained.examples, trained.steps, learner.digest()), reference.end
    )


def _versions(run: Run, reference: Reference) -> None:
    decisions = run.site.decisions().fold
    for manifest in run.site.store.manifests():
        if decisions.valid(manifest.decisions, manifest.input):
            run.counts["valid versions"] += 1
            name = f"examples, steps and digest of version {manifest.version}, which is valid"
            _equal(name, _end(manifest), (manifest.examples, *reference.chain.get(manifest.examples, (None, None))))
        else:
            run.counts["tainted versions"] += 1


def _end(manifest: Manifest) -> tuple[object, ...]:
    return manifest.examples, manifest.steps, manifest.digest


def _given(frame: ExampleFrame) -> Given:
    return Given.of(frame)


def _equal(name: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Mismatch(f"{name}: {_first(found, wanted)}")


def _first(found: object, wanted: object) -> str:
    """Where two values part."""
    if isinstance(found, list) and isinstance(wanted, list):
        at = next((i for i, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), None)
        if at is not None:
            return f"number {at} of {len(found)} is {found[at]}, wanted {wanted[at]}"
        return f"there are {len(found)}, wanted {len(wanted)}"
    return f"{str(found)[:300]}, wanted {str(wanted)[:300]}"
