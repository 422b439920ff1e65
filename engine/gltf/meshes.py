"""Reads primitives of meshes: attributes, indices, topology and morph targets, as views of the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.gltf.accessors import Values, component_type, normalized, read_accessor, read_floats, read_indices
from engine.gltf.codes import GltfCode
from engine.gltf.compressed import DRACO, draco_primitive
from engine.gltf.item import Item
from engine.gltf.limits import MAX_TARGETS

POSITION, NORMAL, TANGENT = "POSITION", "NORMAL", "TANGENT"

_MODES = ("points", "lines", "line_loop", "line_strip", "triangles", "triangle_strip", "triangle_fan")
_FACES = _MODES.index("triangles")
_TYPES: Mapping[str, tuple[str, ...]] = {
    POSITION: ("VEC3",),
    NORMAL: ("VEC3",),
    TANGENT: ("VEC4",),
    "TEXCOORD": ("VEC2",),
    "COLOR": ("VEC3", "VEC4"),
    "JOINTS": ("VEC4",),
    "WEIGHTS": ("VEC4",),
}
_NUMBERED = re.compile(r"(TEXCOORD|COLOR|JOINTS|WEIGHTS)_([0-9]+)")
_WIDTHS = {"VEC2": 2, "VEC3": 3, "VEC4": 4}
_MORPHED = {POSITION: 3, NORMAL: 3, TANGENT: 3}


class Draws(StrEnum):
    """What the indices of a primitive are: points, lines or triangles, each on its own."""

    POINTS = "points"
    LINES = "lines"
    TRIANGLES = "triangles"


@dataclass(frozen=True, slots=True)
class Primitive:
    """A primitive with its attributes by glTF's names, [vertices, width], and one index for each corner.

    Strips, fans and loops are lists here. Attributes are float32 but for joints, which are whole numbers.
    Each of `targets` has what it adds to some attributes. `item` is the primitive in the file.
    """

    attributes: Mapping[str, Values]
    indices: npt.NDArray[np.unsignedinteger[Any]]
    draws: Draws
    item: Item
    targets: tuple[Mapping[str, Values], ...] = field(default=())

    @property
    def count(self) -> int:
        """The number of vertices."""
        return len(self.attributes[POSITION])


def read_primitive(item: Item) -> Primitive:
    """Read an element of a mesh's `primitives`.

    Other attributes and morph targets that are wrong are left out, with warnings; the target keeps its number
    and adds nothing. Raises InputError: `gltf.mesh` without positions or for an index without a vertex, and
    those of accessors.
    """
    named = dict(item.required("attributes").members())
    if POSITION not in named:
        message = "the primitive has no POSITION, so that it draws nothing"
        raise item.failure(GltfCode.MESH, message)
    extension = item.extension(DRACO)
    packed: Mapping[str, Any] = {}
    indices: npt.NDArray[np.unsignedinteger[Any]] | None = None
    if extension is not None:
        indices, packed = draco_primitive(item, extension)
    attributes = {POSITION: _attribute(POSITION, named[POSITION], packed)}
    count = len(attributes[POSITION])
    for name, child in named.items():
        if name != POSITION and _type(name):
            values = item.document.attempt(partial(_of_vertices, name, child, packed, count), None)
            if values is not None:
                attributes[name] = values
    given = item.get("indices")
    if indices is None and given is not None:
        indices = read_indices(given.reference("accessors"))
    if indices is not None:
        _check_indices(given or item, indices, count)
    corners: npt.NDArray[np.unsignedinteger[Any]] = (
        np.arange(count, dtype=np.uint32) if indices is None else indices
    )
    draws, listed = _listed(item, corners)
    nothing: Mapping[str, Values] = {}
    targets = tuple(
        item.document.attempt(partial(_target, target, count), nothing) for target in targets_of(item)
    )
    return Primitive(attributes, listed, draws, item, targets)


def _type(name: str) -> tuple[str, ...]:
    """Return the accessor types of an attribute, none for one of an application of its own."""
    numbered = _NUMBERED.fullmatch(name)
    return _TYPES.get(numbered[1] if numbered else name, ())


def _of_vertices(name: str, child: Item, packed: Mapping[str, Any], count: int) -> Values:
    """Return an attribute of so many vertices."""
    values = _attribute(name, child, packed)
    if len(values) != count:
        message = f"{name} has {len(values)} elements, POSITION has {count}"
        raise child.failure(GltfCode.MESH, message)
    return values


def _attribute(name: str, child: Item, packed: Mapping[str, Any]) -> Values:
    accessor = child.reference("accessors")
    given, known = accessor.required("type"), _type(name)
    kind = given.text()
    if kind not in known:
        raise given.failure(GltfCode.VALUE, f"{name} is a {kind[:40]}; it must be a {' or '.join(known)}")
    if name in packed:
        values: Values = np.asarray(packed[name]).astype(component_type(accessor), copy=False)
        if values.ndim != 2 or values.shape[1] != _WIDTHS[kind]:
            message = f"the compressed {name} has {values.shape[-1]} numbers for each vertex; it is a {kind}"
            raise child.failure(GltfCode.ACCESSOR, message)
    else:
        values = read_accessor(accessor, kind)
    if name.startswith("JOINTS"):
        if values.dtype.kind != "u":
            raise accessor.failure(GltfCode.ACCESSOR, "joints are unsigned whole numbers")
        return values
    floats = normalized(accessor, values).astype(np.float32, copy=False)
    accessor.check_finite(floats, GltfCode.ACCESSOR, "element")
    return floats


def _check_indices(place: Item, indices: npt.NDArray[np.unsignedinteger[Any]], count: int) -> None:
    highest = int(indices.max()) if len(indices) else 0
    if not len(indices) or highest >= count:
        message = (
            f"index {highest} has no vertex: there are {count}" if len(indices) else "there are no indices"
        )
        raise place.failure(GltfCode.MESH, message)


def _listed(
    item: Item, corners: npt.NDArray[np.unsignedinteger[Any]]
) -> tuple[Draws, npt.NDArray[np.unsignedinteger[Any]]]:
    """Return what a primitive draws, and the corners of each point, line or triangle one after another."""
    given = item.get("mode")
    mode = _MODES[_FACES if given is None else given.integer(0, len(_MODES) - 1)]
    if mode == "points":
        return Draws.POINTS, corners
    group = 2 if mode.startswith("line") else 3
    if len(corners) < group:
        raise item.failure(GltfCode.MESH, f"{len(corners)} corners are none of its {mode}")
    if mode in ("lines", "triangles") and len(corners) % group:
        rest = len(corners) % group
        message = f"{len(corners)} corners are no whole number of {mode}; the last ones ({rest}) are left out"
        item.warn(GltfCode.MESH, message)
    return _LISTS[mode](corners)


def _lines(corners: npt.NDArray[Any]) -> tuple[Draws, npt.NDArray[Any]]:
    return Draws.LINES, corners[: len(corners) // 2 * 2]


def _line_strip(corners: npt.NDArray[Any]) -> tuple[Draws, npt.NDArray[Any]]:
    return Draws.LINES, np.stack([corners[:-1], corners[1:]], axis=1).reshape(-1)


def _line_loop(corners: npt.NDArray[Any]) -> tuple[Draws, npt.NDArray[Any]]:
    return Draws.LINES, np.stack([corners, np.roll(corners, -1)], axis=1).reshape(-1)


def _triangles(corners: npt.NDArray[Any]) -> tuple[Draws, npt.NDArray[Any]]:
    return Draws.TRIANGLES, corners[: len(corners) // 3 * 3]


def _triangle_strip(corners: npt.NDArray[Any]) -> tuple[Draws, npt.NDArray[Any]]:
    """Turn each second triangle around, so that all face the same way (glTF 2.0, 3.7.2.1)."""
    one, two, three = corners[:-2], corners[1:-1].copy(), corners[2:].copy()
    two[1::2], three[1::2] = corners[3::2], corners[2:-1:2]
    return Draws.TRIANGLES, np.stack([one, two, three], axis=1).reshape(-1)


def _triangle_fan(corners: npt.NDArray[Any]) -> tuple[Draws, npt.NDArray[Any]]:
    middle = np.full(len(corners) - 2, corners[0], corners.dtype)
    return Draws.TRIANGLES, np.stack([corners[1:-1], corners[2:], middle], axis=1).reshape(-1)


_LISTS: Mapping[str, Callable[[npt.NDArray[Any]], tuple[Draws, npt.NDArray[Any]]]] = {
    "lines": _lines,
    "line_strip": _line_strip,
    "line_loop": _line_loop,
    "triangles": _triangles,
    "triangle_strip": _triangle_strip,
    "triangle_fan": _triangle_fan,
}


def targets_of(item: Item) -> list[Item]:
    """Return the morph targets of a primitive, none with a warning where they are no list or too many."""
    return item.document.attempt(lambda: item.children("targets", MAX_TARGETS), [])


def _target(item: Item, count: int) -> Mapping[str, Values]:
    """Return what a morph target adds to attributes of `count` vertices."""
    added: dict[str, Values] = {}
    for name, child in item.members():
        if name not in _MORPHED:
            continue
        added[name] = read_floats(child.reference("accessors"), "VEC3")
        if len(added[name]) != count:
            message = f"the target's {name} has {len(added[name])} elements, POSITION has {count}"
            raise child.failure(GltfCode.MESH, message)
    return added
