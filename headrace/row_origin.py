"""What a report says of where its figures are from: versions of what computed them, and the digest of the schema."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version

import msgspec

from learners.row_schema import RowSchema

COMPUTING = ("headrace", "numpy", "numba", "pyarrow")


def versions() -> dict[str, str]:
    """Of Python, Headrace, and what figures may depend on in their last bits."""
    return {"python": platform.python_version(), **{name: version(name) for name in COMPUTING}}


def digest_of_schema(schema: RowSchema) -> str:
    """Equal for schemas that mean the same; the order of features is part of that, since a model has them in it.

    >>> from learners.fields import Declared
    >>> shops = [RowSchema(("clicked",), {"shop": Declared("category", source)}) for source in ("", "shop", "id")]
    >>> one, same, other = map(digest_of_schema, shops)
    >>> one == same, one == other, len(one)
    (True, False, 64)
    """
    told = msgspec.structs.asdict(schema)
    told["features"] = [(field.name, field.told.written) for field in schema.fields]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()
