"""Many questions in one request, each answered as by itself: what is wrong with one costs the others nothing.

A few are worked on at once, so that requests beside them get their turns. No HTTP, and nothing is decided here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from serving.questions import BadQuestion, RecommendBody, body_of
from serving.refusals import KINDS, TITLE, question_of
from serving.replies import Answer, Batch, One, Problem

MOST = 100
AT_ONCE = 4


class BatchBody(Struct, forbid_unknown_fields=True):
    """`POST /v1/recommend/batch`: up to 100 requests, each as for `POST /v1/recommend`."""

    requests: Annotated[list[RecommendBody], Meta(min_length=1, max_length=MOST)]


class _Cut(Struct, forbid_unknown_fields=True):
    requests: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MOST)]


async def answered_together(data: bytes, answer: Callable[[RecommendBody], Awaitable[Answer]]) -> Batch:
    """The answers to the questions in `data`, in their order. Raises BadQuestion where these can't be told apart."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(raw: msgspec.Raw) -> One:
        async with turns:
            try:
                return One(await answer(body_of(bytes(raw), RecommendBody)))
            except Exception as error:
                bad = question_of(error)
                if bad is None:
                    raise
                return One(problem=_problem(bad))

    answers = await asyncio.gather(*(one(raw) for raw in body_of(data, _Cut).requests))
    answered = sum(told.answer is not None for told in answers)
    return Batch(answered, len(answers) - answered, answers)


def _problem(bad: BadQuestion) -> Problem:
    kind = KINDS.get(bad.status, "bad-request")
    return Problem(f"urn:headrace:problem:{kind}", TITLE, bad.status, str(bad), bad.field)
