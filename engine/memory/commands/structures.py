"""Arrays of C structs as numpy columns: thousands of copy regions are filled and recorded in one call."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.vk.binding import ffi
from engine.vk.errors import DioramaInternalError
from engine.vk.structs import new, pointer


@cache
def dtype_of(type_name: str) -> np.dtype[np.void]:
    """Return the dtype with the memory layout of a C struct, nested structs and padding included.

    Pointers and handles become uint64.
    """
    return _dtype(ffi.typeof(type_name))


def rows(type_name: str, count: int) -> NDArray[np.void]:
    """Return `count` zeroed structs with sType set."""
    made = np.zeros(count, dtype_of(type_name))
    kind = _structure_type(type_name)
    if kind is not None:
        made["sType"] = kind
    return made


@cache
def _structure_type(type_name: str) -> int | None:
    has_one = "sType" in (dtype_of(type_name).names or ())
    return int(new(type_name).sType) if has_one else None


def join(type_name: str, *parts: NDArray[np.void]) -> NDArray[np.void]:
    """Concatenate rows of one struct; np.concatenate would drop the padding."""
    made = np.empty(sum(len(part) for part in parts), dtype_of(type_name))
    begin = 0
    for part in parts:
        made[begin : begin + len(part)] = part
        begin += len(part)
    return made


def as_pointer(type_name: str, made: NDArray[np.void]) -> Any:
    """View rows as a C array. Raises DioramaInternalError where the dtype is another struct's."""
    if made.dtype != dtype_of(type_name):
        raise DioramaInternalError(f"the dtype of these rows is not that of {type_name}")
    return pointer(type_name, made)


def number(handle: Any) -> int:
    """Return a handle as an integer, for a row."""
    return int(ffi.cast("uintptr_t", handle))


def _dtype(ctype: Any) -> np.dtype[Any]:
    if ctype.kind == "struct":
        names = [name for name, _ in ctype.fields]
        formats = [_dtype(field.type) for _, field in ctype.fields]
        offsets = [field.offset for _, field in ctype.fields]
        size = int(ffi.sizeof(ctype))
        return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": size})
    if ctype.kind == "array":
        return np.dtype((_dtype(ctype.item), (ctype.length,)))
    if ctype.kind in ("pointer", "function"):
        return np.dtype(np.uint64)
    if ctype.kind == "enum":
        return np.dtype(np.uint32)
    if ctype.cname in ("float", "double"):
        return np.dtype(f"f{ffi.sizeof(ctype)}")
    signed = int(ffi.cast(ctype, -1)) < 0
    return np.dtype(f"{'i' if signed else 'u'}{ffi.sizeof(ctype)}")
