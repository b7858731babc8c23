"""The grammar of filters, and what is wrong with a text that does not follow it: where, and what was expected there.

The one file that imports the parser's library; what a parsed text means is in `filters.py`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput


@lru_cache(maxsize=1)
def parser() -> Lark:
    """Made at the first filter."""
    return Lark(_GRAMMAR, start="any", parser="lalr")


def what_is_wrong(error: UnexpectedInput, text: str) -> str:
    """The place and what was expected, in words."""
    told: Any = error
    expected = told.allowed if isinstance(error, UnexpectedCharacters) else told.accepts or told.expected
    names = sorted({_WORDS.get(name, name) for name in expected or ()})
    wanted = ", ".join(names[:-1]) + " or " * (len(names) > 1) + names[-1] if names else "nothing more"
    column = error.column if error.column > 0 else len(text) + 1
    token = getattr(error, "token", None)
    if token is not None and token.type == "$END":
        return f"at column {len(text) + 1} the filter ends, but {wanted} was expected"
    found = str(token) if token is not None else text[error.pos_in_stream or 0 :][:1]
    return f"at column {column} stands {found!r}, but {wanted} was expected"


_WORDS = {
    "NAME": "the name of a field",
    "SIGN": "one of = != < <= > >=",
    "NUMBER": "a number",
    "TEXT": "a text in quotes",
    "TRUE": "TRUE",
    "FALSE": "FALSE",
    "_LPAR": "(",
    "_RPAR": ")",
    "_COMMA": "a comma",
    "_AND": "AND",
    "_OR": "OR",
    "_NOT": "NOT",
    "_IN": "IN",
    "_BETWEEN": "BETWEEN",
    "_HAS": "EXISTS",
    "$END": "the end",
}

_GRAMMAR = r"""
?any: every (_OR every)*
?every: one (_AND one)*
?one: _NOT one -> negated | _LPAR any _RPAR | condition
?condition: NAME SIGN _value -> compared
          | NAME _IN _LPAR _value (_COMMA _value)* _RPAR -> one_of
          | NAME _NOT _IN _LPAR _value (_COMMA _value)* _RPAR -> none_of
          | NAME _BETWEEN _value _AND _value -> between
          | _HAS NAME -> has
_value: NUMBER | TEXT | TRUE | FALSE
_AND: "AND"i
_OR: "OR"i
_NOT: "NOT"i
_IN: "IN"i
_BETWEEN: "BETWEEN"i
_HAS: "EXISTS"i
TRUE: "TRUE"i
FALSE: "FALSE"i
_LPAR: "("
_RPAR: ")"
_COMMA: ","
SIGN: "=" | "==" | "!=" | "<>" | "<=" | "<" | ">=" | ">"
NAME: /[^\W\d][\w.\-]*|`[^`]+`/i
NUMBER: /[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?/i
TEXT: /"([^"\\]|\\.)*"|'([^'\\]|\\.)*'/s
%ignore /\s+/
"""
