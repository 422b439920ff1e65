"""Reads the nodes of a scene: trees of transforms with meshes, skins, cameras, lights and instances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from engine.gltf.accessors import Floats, read_floats
from engine.gltf.codes import GltfCode
from engine.gltf.item import Item
from engine.gltf.limits import MAX_DEPTH, MAX_NODES
from engine.math import compose, decompose

INSTANCING, LIGHTS = "EXT_mesh_gpu_instancing", "KHR_lights_punctual"
_UNIT = 1e-6
_SHORTEST = 1e-6
_SHEAR = 1e-3
"""By how much a matrix may differ from translation, rotation and scale, as a part of its largest entry."""


@dataclass(frozen=True, slots=True)
class Transform:
    """A scale, then a rotation by a unit quaternion x y z w, then a translation in metres."""

    translation: tuple[float, ...] = (0.0, 0.0, 0.0)
    rotation: tuple[float, ...] = (0.0, 0.0, 0.0, 1.0)
    scale: tuple[float, ...] = (1.0, 1.0, 1.0)

    def checked(self, item: Item) -> Transform:
        """Return this with a rotation of length 1. Raises `gltf.node` where it has no length."""
        length = sum(value * value for value in self.rotation) ** 0.5
        if length < _SHORTEST:
            raise item.failure(GltfCode.NODE, "the rotation is a quaternion of length 0")
        return replace(self, rotation=tuple(value / length for value in self.rotation))


@dataclass(frozen=True, slots=True)
class GltfNode:
    """A node: its number, its transform below its parent, what it shows, and its children's numbers.

    `instances` are transforms below the node at which its mesh is drawn, None for one at the node itself.
    """

    item: Item
    transform: Transform
    children: tuple[int, ...] = ()
    mesh: int | None = None
    skin: int | None = None
    camera: Item | None = None
    light: Item | None = None
    instances: tuple[Transform, ...] | None = None
    weights: tuple[float, ...] = field(default=())

    @property
    def index(self) -> int:
        """The number of the node."""
        return self.item.index


def read_nodes(root: Item) -> tuple[dict[int, GltfNode], tuple[int, ...]]:
    """Return the nodes of the file's scene by number, parents before children, and the numbers of its roots.

    That is the scene that `scene` names, else the first; without scenes, all nodes that are no child. Raises
    InputError: `gltf.node` for a node with two parents or below itself, `gltf.reference`, `gltf.limit`.
    """
    items = root.children("nodes", MAX_NODES)
    roots = _roots(root, items)
    found: dict[int, GltfNode] = {}
    todo: list[tuple[Item, int]] = [(item, 0) for item in reversed(roots)]
    while todo:
        item, depth = todo.pop()
        if item.index in found:
            message = f"nodes[{item.index}] is below two nodes, or below itself"
            raise item.failure(GltfCode.NODE, message, "each node has one parent")
        if depth > MAX_DEPTH:
            raise item.failure(GltfCode.LIMIT, f"more than {MAX_DEPTH} nodes are below each other")
        node = _node(item)
        found[item.index] = node
        todo += [(items[child], depth + 1) for child in reversed(node.children)]
    return found, tuple(item.index for item in roots)


def _roots(root: Item, items: list[Item]) -> list[Item]:
    given = root.get("scene")
    scenes = root.children("scenes")
    if given is not None:
        scene = given.reference("scenes")
    elif scenes:
        scene = scenes[0]
    else:
        below = {child.integer() for item in items for child in item.children("children")}
        return [item for item in items if item.index not in below]
    return [child.reference("nodes") for child in scene.children("nodes")]


def _node(item: Item) -> GltfNode:
    mesh, skin, camera = item.get("mesh"), item.get("skin"), item.get("camera")
    light = item.extension(LIGHTS)
    weights = item.get("weights")
    return GltfNode(
        item,
        _transform(item),
        tuple(child.reference("nodes").index for child in item.children("children")),
        None if mesh is None else mesh.reference("meshes").index,
        None if skin is None else skin.reference("skins").index,
        None if camera is None else camera.reference("cameras"),
        None if light is None else _light(light),
        _instances(item),
        () if weights is None else tuple(each.number() for each in weights.elements()),
    )


def _light(extension: Item) -> Item:
    """Return the light that a node's extension names, of the list in the root's own."""
    lights: list[Item] = []
    holder = extension.document.root.extension(LIGHTS)
    if holder is not None:
        lights = holder.children("lights")
    index = extension.required("light")
    number = index.integer()
    if number >= len(lights):
        raise index.failure(GltfCode.REFERENCE, f"the file has {len(lights)} lights; number {number} is used")
    return lights[number]


def _transform(item: Item) -> Transform:
    matrix = item.get("matrix")
    if matrix is not None:
        given = np.array(matrix.vector(16)).reshape(4, 4)
        translation, rotation, scale = decompose(given)
        rest = np.abs(compose(translation[None], rotation[None], scale[None])[0] - given).max()
        if rest > _SHEAR * max(np.abs(given[:3, :3]).max(), _SHORTEST):
            message = "the matrix shears, which no translation, rotation and scale does; the nearest is used"
            matrix.warn(GltfCode.NODE, message, "export the model with transforms applied")
        return Transform(*(tuple(part.tolist()) for part in (translation, rotation, scale)))
    own = Transform(
        item.vector_or("translation", (0.0,) * 3),
        item.vector_or("rotation", (0.0, 0.0, 0.0, 1.0), -1.0 - _UNIT, 1.0 + _UNIT),
        item.vector_or("scale", (1.0,) * 3),
    )
    return own.checked(item)


def _instances(item: Item) -> tuple[Transform, ...] | None:
    """Return where EXT_mesh_gpu_instancing draws the mesh of a node."""
    extension = item.extension(INSTANCING)
    if extension is None:
        return None
    named = dict(extension.required("attributes").members())
    columns: dict[str, Floats] = {}
    for key, kind in (("TRANSLATION", "VEC3"), ("ROTATION", "VEC4"), ("SCALE", "VEC3")):
        if key in named:
            columns[key] = read_floats(named[key].reference("accessors"), kind)
    counts = {len(values) for values in columns.values()}
    if len(counts) != 1:
        message = "its attributes have different lengths" if counts else "it has no transform"
        raise extension.failure(GltfCode.NODE, f"instances cannot be made: {message}")
    count = counts.pop()
    if count > MAX_NODES:
        raise extension.failure(GltfCode.LIMIT, f"there are {count} instances; at most {MAX_NODES} are made")
    return tuple(
        Transform(place, turn, size).checked(extension)
        for place, turn, size in zip(
            _rows(columns.get("TRANSLATION"), (0.0,) * 3, count),
            _rows(columns.get("ROTATION"), (0.0, 0.0, 0.0, 1.0), count),
            _rows(columns.get("SCALE"), (1.0,) * 3, count),
            strict=True,
        )
    )


def _rows(values: Floats | None, default: tuple[float, ...], count: int) -> Iterator[tuple[float, ...]]:
    if values is None:
        return iter([default] * count)
    return (tuple(row) for row in values.tolist())
