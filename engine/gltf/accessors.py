"""Reads accessors as numpy arrays: views of the file's bytes wherever they are stored plainly."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.gltf.codes import GltfCode
from engine.gltf.item import Item
from engine.gltf.limits import MAX_ACCESSOR_ELEMENTS

Values = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
"""Numpy types by glTF's component types."""

_SHAPES = {
    "SCALAR": (1,),
    "VEC2": (2,),
    "VEC3": (3,),
    "VEC4": (4,),
    "MAT2": (2, 2),
    "MAT3": (3, 3),
    "MAT4": (4, 4),
}
"""Shape of an element by its type; matrices are columns of numbers."""

_COLUMN_ALIGNMENT = 4
_MAX_STRIDE = 252


def read_accessor(item: Item, *types: str) -> Values:
    """Return the elements of an accessor: [count, width], of matrices [count, columns, rows].

    The numbers are as stored, not normalized; the array is read-only and mostly a view of the file. Raises
    InputError: `gltf.accessor` where its type is none of `types`, where it is not aligned or not inside of
    its buffer view, `gltf.value`, `gltf.reference`, `gltf.buffer`, `gltf.limit`.
    """
    kind = item.required("type").choice(*_SHAPES)
    if types and kind not in types:
        raise item.failure(GltfCode.ACCESSOR, f"the accessor is a {kind}; its use needs {' or '.join(types)}")
    dtype = component_type(item)
    count = item.required("count").integer(1)
    view = item.get("bufferView")
    if view is None:
        if count > MAX_ACCESSOR_ELEMENTS:
            message = f"the accessor has {count} elements; at most {MAX_ACCESSOR_ELEMENTS} are made"
            raise item.failure(GltfCode.LIMIT, message)
        values: Values = np.broadcast_to(np.zeros(1, dtype), (count, *_SHAPES[kind]))
    else:
        start = item.get("byteOffset")
        offset = 0 if start is None else start.integer()
        values = _strided(item, view.reference("bufferViews"), offset, dtype, count, _SHAPES[kind])
    sparse = item.get("sparse")
    if sparse is not None:
        values = _replaced(sparse, values)
    values.flags.writeable = False
    return values


def normalized(item: Item, values: Values) -> Values:
    """Return elements as the accessor means them: those of a normalized one as float32, others as they are.

    Signed numbers are at least -1 (glTF 2.0, 3.11).
    """
    flag = item.get("normalized")
    if flag is None or not flag.boolean() or values.dtype.kind == "f":
        return values
    scaled: Floats = values.astype(np.float32) * np.float32(1.0 / np.iinfo(values.dtype).max)
    return np.maximum(scaled, np.float32(-1.0)) if values.dtype.kind == "i" else scaled


def read_floats(item: Item, *types: str) -> Floats:
    """Return the elements of an accessor as finite float32: a view where they are stored so.

    Raises InputError `gltf.accessor` for one that is not finite, besides those of `read_accessor`.
    """
    values = normalized(item, read_accessor(item, *types)).astype(np.float32, copy=False)
    item.check_finite(values, GltfCode.ACCESSOR, "element")
    return values


def read_indices(item: Item) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Return the numbers of a scalar accessor of unsigned integers: [count]."""
    values = read_accessor(item, "SCALAR")
    if values.dtype.kind != "u":
        message = f"indices are unsigned whole numbers, not {values.dtype.name}"
        raise item.failure(GltfCode.ACCESSOR, message)
    return values[:, 0]


def component_type(item: Item) -> np.dtype[Any]:
    """Return the numpy type of one number of an accessor."""
    found = item.required("componentType")
    code = found.integer()
    if code not in _COMPONENTS:
        known = ", ".join(str(each) for each in _COMPONENTS)
        raise found.failure(GltfCode.ACCESSOR, f"there is no component type {code}", f"known: {known}")
    return np.dtype(_COMPONENTS[code])


def _strided(
    item: Item, view: Item, offset: int, dtype: np.dtype[Any], count: int, shape: tuple[int, ...]
) -> Values:
    """Return elements that lie in a buffer view, after checking that they do."""
    data = item.document.view(view)
    inner, size = _element_layout(dtype, shape)
    given = view.get("byteStride")
    stride = size if given is None else given.integer(_COLUMN_ALIGNMENT, _MAX_STRIDE)
    if stride < size:
        message = f"elements of {size} bytes lie {stride} bytes apart in their buffer view, and overlap"
        raise item.failure(GltfCode.ACCESSOR, message)
    begin = view.get("byteOffset")
    place = offset + (0 if begin is None or item.document.is_decoded(view) else begin.integer())
    if place % dtype.itemsize or stride % dtype.itemsize:
        message = f"numbers of {dtype.itemsize} bytes begin at byte {place} of the buffer and are not aligned"
        raise item.failure(GltfCode.ACCESSOR, message)
    end = offset + (count - 1) * stride + size
    if end > len(data):
        message = f"{count} elements end at byte {end} of a buffer view of {len(data)} bytes"
        raise item.failure(GltfCode.ACCESSOR, message)
    values: Values = np.ndarray((count, *shape), dtype, data, offset, (stride, *inner))
    return values


def _element_layout(dtype: np.dtype[Any], shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """Return the strides within an element and its bytes; columns of matrices begin at multiples of 4."""
    size = dtype.itemsize
    if len(shape) == 1:
        return (size,), size * shape[0]
    column = -(-size * shape[1] // _COLUMN_ALIGNMENT) * _COLUMN_ALIGNMENT
    return (column, size), column * shape[0]


def _replaced(sparse: Item, values: Values) -> Values:
    """Return elements of which a sparse accessor replaces some."""
    count = sparse.required("count").integer(1)
    if count > len(values):
        raise sparse.failure(GltfCode.ACCESSOR, f"{count} elements are replaced of {len(values)}")
    places = sparse.required("indices")
    kind = component_type(places)
    if kind.kind != "u":
        raise places.failure(GltfCode.ACCESSOR, "the numbers of sparse elements are unsigned whole numbers")
    rows = _at(places, kind, count, (1,))[:, 0].astype(np.int64)
    if (np.diff(rows) <= 0).any() or rows[-1] >= len(values):
        message = f"the numbers of sparse elements do not rise, or one is not below {len(values)}"
        raise places.failure(GltfCode.ACCESSOR, message)
    changed = values.copy()
    changed[rows] = _at(sparse.required("values"), values.dtype, count, values.shape[1:])
    return changed


def _at(holder: Item, dtype: np.dtype[Any], count: int, shape: tuple[int, ...]) -> Values:
    view = holder.required("bufferView").reference("bufferViews")
    start = holder.get("byteOffset")
    return _strided(holder, view, 0 if start is None else start.integer(), dtype, count, shape)
