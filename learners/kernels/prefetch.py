"""One machine hint for kernels: fetch a line of a matrix before it is needed. It changes no result."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils as _cgutils
from numba.core import types
from numba.extending import intrinsic

cgutils: Any = _cgutils


def _emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, args[0])
    narrow, byte = ir.IntType(32), ir.IntType(8).as_pointer()
    stride = cgutils.unpack_tuple(builder, array.strides, 2)[0]
    start = builder.gep(builder.bitcast(array.data, byte), [builder.mul(args[1], stride)])
    kind = ir.FunctionType(ir.VoidType(), [byte, narrow, narrow, narrow])
    fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(fetch, [start, *(ir.Constant(narrow, value) for value in (0, 3, 1))])
    return context.get_dummy_value()


def _typed(_typing: Any, array: Any, row: Any) -> Any:
    return types.void(array, types.int64), _emit


touch: Any = intrinsic(_typed)
"""touch(array_RX, row): ask for the first cache line of one row of a two-dimensional C-contiguous array."""
