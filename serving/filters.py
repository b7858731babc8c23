"""What a request wants of items, as text: parsed, checked and told what is wrong with it, by column.

    (categories = "tea" OR tags IN ("new", "sale")) AND price BETWEEN 5 AND 20 AND NOT author = "ana"

Knows no items: what a filter lets through is computed in `filtering.py`.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from serving.filter_grammar import parser, what_is_wrong
from serving.filter_terms import LISTS, TIMES, AnyOf, BadFilter, Every, Filter, Has, Is, Not, Term, Value, Within

MAX_CHARACTERS = 5_000
MAX_DEPTH = 20


@lru_cache(maxsize=1_024)
def parsed(text: str) -> Filter:
    """The filter that a text says. Raises BadFilter.

    >>> parsed("price < 5 and not author = 'ana'").term.terms[1]
    Not(term=Is(name='author', values=('ana',), column=19))
    >>> parsed("price < 5 5")
    Traceback (most recent call last):
    serving.filter_terms.BadFilter: at column 11 stands '5', but AND, OR or the end was expected
    """
    if len(text) > MAX_CHARACTERS:
        raise BadFilter(f"has {len(text):,} characters; at most {MAX_CHARACTERS:,} are taken")
    if not text.strip():
        raise BadFilter("is empty; leave it out where everything may be recommended")
    try:
        tree = parser().parse(text)
    except UnexpectedInput as error:
        raise BadFilter(what_is_wrong(error, text)) from None
    return Filter(text, _term(tree, 0))


def _term(tree: Tree[Token], depth: int) -> Term:
    if depth > MAX_DEPTH:
        raise BadFilter(f"is nested more than {MAX_DEPTH} deep")
    if tree.data in ("every", "any"):
        terms = tuple(_term(one, depth + 1) for one in tree.children if isinstance(one, Tree))
        return Every(terms) if tree.data == "every" else AnyOf(terms)
    if tree.data == "negated":
        return Not(_term(_tree(tree.children[0]), depth + 1))
    return _condition(str(tree.data), [one for one in tree.children if isinstance(one, Token)])


def _condition(kind: str, tokens: list[Token]) -> Term:
    name, column = str(tokens[0]).strip("`"), tokens[0].column or 0
    if kind == "has":
        return Has(name, column)
    if kind == "compared":
        return _compared(name, str(tokens[1]), _value(name, tokens[2]), column)
    values = tuple(_value(name, token) for token in tokens[1:])
    if kind == "between":
        if isinstance(values[0], str) != isinstance(values[1], str):
            raise BadFilter(f"at column {column} {name} is between a number and a text; write two of one kind")
        return Within(name, values[0], values[1], column=column)
    found = Is(name, values, column)
    return Not(found) if kind == "none_of" else found


def _compared(name: str, sign: str, value: Value, column: int) -> Term:
    if sign in ("=", "=="):
        return Is(name, (value,), column)
    if sign in ("!=", "<>"):
        return Not(Is(name, (value,), column))
    low, high = (None, value) if sign[0] == "<" else (value, None)
    return Within(name, low, high, "=" not in sign, column)


def _value(name: str, token: Token) -> Value:
    """The value as the field keeps it: text where it holds text, ms where it holds times."""
    if token.type == "TEXT":
        text = _unquoted(token)
        return _moment(name, text, token.column or 0) if name in TIMES else text
    if name in ("author", *LISTS):
        raise BadFilter(f'at column {token.column} stands {token}, but {name} holds text: write "{token}"')
    number = float(token.type == "TRUE") if token.type in ("TRUE", "FALSE") else float(token)
    if not math.isfinite(number):
        raise BadFilter(f"at column {token.column} {token} is too large for a number")
    return number


def _unquoted(token: Token) -> str:
    return str(token)[1:-1].replace("\\" + token[0], token[0]).replace("\\\\", "\\")


def _moment(name: str, text: str, column: int) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadFilter(
            f"at column {column} {name} is compared with {text!r}; write ms since 1970, or a time such as "
            '"2026-11-30T12:00:00Z"'
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000


def _tree(child: Any) -> Tree[Token]:
    assert isinstance(child, Tree)
    return child
