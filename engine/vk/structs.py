"""Build C structs that own everything they point at.

`new` returns the owning cffi pointer, which any call accepts. Everything its fields point at (nested
structs, lists, strings, buffers, pNext) stays alive as long as that pointer; without this, nested structs
that are built inline dangle nearly every time. Building takes a few microseconds, so structs for every
frame are built once and changed in place.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from engine.vk.binding import NULL, ffi

_keep: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()
_layouts: dict[str, tuple[Any, dict[str, tuple[Any, str]], dict[str, str], int | None]] = {}
_structure_types: dict[str, int] = {}
_HANDLE = "handle"
"""The kind of a field that holds a handle of an object: a pointer that is stored as it is."""


def new(type_name: str, **fields: Any) -> Any:
    """Build one struct and return the pointer that owns it.

    Sets sType. A list for a pointer field also sets the element count, if the struct has a `...Count` field
    before it that is not given. A pointer field takes None, another pointer (also a result of `new`), a
    string, a list, or any buffer (bytes, memoryview, numpy array). A nested struct takes a pointer, a tuple
    or a dict. Raises AttributeError for an unknown field.
    """
    pointer_type, types, counts, structure_type = _layouts.get(type_name) or _layout(type_name)
    made = ffi.new(pointer_type)
    if structure_type is not None:
        made.sType = structure_type
    kept: list[Any] = []
    for name, value in fields.items():
        field = types.get(name)
        if field is None:
            raise AttributeError(f"{type_name} has no field {name!r}")
        if value is None:
            continue
        ctype, kind = field
        if kind == "pointer" or (kind == _HANDLE and not isinstance(value, ffi.CData)):
            value, held, count = _pointer(ctype, value)
            if held is not None:
                kept.append(held)
            if count is not None and name in counts and counts[name] not in fields:
                setattr(made, counts[name], count)
        elif kind == "struct" and isinstance(value, ffi.CData) and ffi.typeof(value).kind == "pointer":
            kept.append(value)
            value = value[0]
        setattr(made, name, value)
    if kept:
        _keep[made] = kept
    return made


def array(type_name: str, items: Sequence[Any]) -> Any:
    """Build a C array of structs (from pointers, tuples or dicts), strings, handles or numbers."""
    made = ffi.new(f"{type_name}[]", len(items))
    kept: list[Any] = []
    item_type = ffi.typeof(type_name)
    for index, item in enumerate(items):
        if isinstance(item, str):
            item = ffi.new("char[]", item.encode())
            kept.append(item)
        elif item_type.kind == "struct" and isinstance(item, ffi.CData) and _points(item):
            kept.append(item)
            item = item[0]
        made[index] = NULL if item is None else item
    if kept:
        _keep[made] = kept
    return made


def pointer(type_name: str, buffer: Any) -> Any:
    """View a buffer (numpy array, bytes, memoryview) as `type_name *`, without a copy."""
    held = ffi.from_buffer(buffer)
    made = ffi.cast(f"{type_name} *", held)
    _keep[made] = [held]
    return made


def chain(*links: Any) -> Any:
    """Link structs by pNext in this order, without None, and return the first, or None."""
    present = [link for link in links if link is not None]
    for front, back in itertools.pairwise(present):
        front.pNext = back
        _keep.setdefault(front, []).append(back)
    return present[0] if present else None


def text(chars: Any) -> str:
    """Return a C string as str; NULL is the empty string."""
    return "" if chars == NULL else ffi.string(chars).decode("utf-8", "replace")


def as_dict(value: Any) -> dict[str, Any]:
    """Return a struct as plain Python: numbers, strings, tuples and dicts, without pointers."""
    ctype = ffi.typeof(value)
    fields = ctype.item.fields if ctype.kind == "pointer" else ctype.fields
    read = {}
    for name, field in fields:
        if name == "sType" or field.type.kind == "pointer":
            continue
        item = getattr(value, name)
        if field.type.kind == "array":
            is_text = field.type.item.cname == "char"
            read[name] = ffi.string(item).decode("utf-8", "replace") if is_text else tuple(item)
        else:
            read[name] = as_dict(item) if field.type.kind in ("struct", "union") else item
    return read


def _layout(type_name: str) -> tuple[Any, dict[str, tuple[Any, str]], dict[str, str], int | None]:
    """Return the pointer type, (type, kind) of each field, the fields that count lists, and the sType."""
    ctype = ffi.typeof(type_name)
    types, counts = {}, {}
    count = None
    for name, field in ctype.fields:
        types[name] = field.type, _HANDLE if _is_handle(field.type) else field.type.kind
        if name.endswith("Count") and field.type.kind == "primitive":
            count = name
        elif field.type.kind == "pointer" and count is not None:
            counts[name] = count
    structure_type = _structure_type(type_name) if "sType" in types else None
    _layouts[type_name] = (ffi.typeof(f"{type_name} *"), types, counts, structure_type)
    return _layouts[type_name]


def _structure_type(type_name: str) -> int:
    if not _structure_types:
        for enumerant, value in ffi.typeof("VkStructureType").relements.items():
            _structure_types[enumerant.removeprefix("VK_STRUCTURE_TYPE_").replace("_", "")] = value
    return _structure_types[type_name.removeprefix("struct ").removeprefix("Vk").upper()]


def _pointer(ctype: Any, value: Any) -> tuple[Any, Any, int | None]:
    """Return (value to store, object to keep alive, element count of a list)."""
    if isinstance(value, ffi.CData):
        return value, value, None
    if isinstance(value, str):
        held = ffi.new("char[]", value.encode())
        return held, held, None
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        if not value:
            return NULL, None, 0
        held = array(ctype.item.cname, value)
        return held, held, len(value)
    if isinstance(value, Mapping):
        held = new(ctype.item.cname, **value)
        return held, held, None
    held = ffi.from_buffer(value)
    return ffi.cast(ctype, held), held, None


def _is_handle(ctype: Any) -> bool:
    is_pointer = ctype.kind == "pointer"
    return bool(is_pointer and ctype.item.kind == "struct" and ctype.item.cname.endswith("_T"))


def _points(value: Any) -> bool:
    return bool(ffi.typeof(value).kind == "pointer")
