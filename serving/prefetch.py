"""One machine hint for numba kernels: fetch a row of a matrix before it is needed. It changes no result."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils as _cgutils
from numba.core import types
from numba.extending import intrinsic

LINE = 64
LINES = 4
cgutils: Any = _cgutils


def _emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, args[0])
    wide, narrow, byte = ir.IntType(64), ir.IntType(32), ir.IntType(8).as_pointer()
    row = builder.zext(args[1], wide) if args[1].type.width < 64 else args[1]
    stride = cgutils.unpack_tuple(builder, array.strides, 2)[0]
    start = builder.gep(builder.bitcast(array.data, byte), [builder.mul(row, stride)])
    kind = ir.FunctionType(ir.VoidType(), [byte, narrow, narrow, narrow])
    fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    read_keep_data = [ir.Constant(narrow, value) for value in (0, 3, 1)]
    for line in range(LINES):
        builder.call(fetch, [builder.gep(start, [ir.Constant(wide, LINE * line)]), *read_keep_data])
    return context.get_dummy_value()


def _typed(_typing: Any, array: Any, row: Any) -> Any:
    return types.void(array, row), _emit


touch: Any = intrinsic(_typed)
"""touch(array, row): ask for the first cache lines of one row of a two-dimensional C-contiguous array."""
