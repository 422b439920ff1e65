"""Reads the nodes of a scene: trees of transforms with meshes, skins, cameras, lights and instances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from engine.gltf.accessors import Floats, read_floats
from engine.gltf.codes import GltfCode
from engine.gltf.item import Item, Members
from engine.gltf.limits import MAX_DEPTH, MAX_DISTANCE, MAX_NODES, MAX_TARGETS, MAX_WEIGHT
from engine.humon import Problem, ProblemCollector
from engine.math import compose, decompose

INSTANCING, LIGHTS = "EXT_mesh_gpu_instancing", "KHR_lights_punctual"
T = TypeVar("T")

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
    `wrong` are the names of those fields in place of which another value was taken.
    """

    item: Item
    transform: Transform
    children: tuple[int, ...] = ()
    mesh: int | None = None
    skin: int | None = None
    camera: Item | None = None
    light: Item | None = None
    instances: tuple[Transform, ...] | None = None
    weights: tuple[float, ...] = ()
    wrong: frozenset[str] = frozenset()

    @property
    def index(self) -> int:
        """The number of the node."""
        return self.item.index


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of a scene by number, parents before children; the numbers of its roots; and what is broken.

    A broken part of a node costs that part: its transform, its mesh, or one of its children. `lacks_roots` is
    whether one of the roots is broken.
    """

    by_number: Mapping[int, GltfNode]
    roots: tuple[int, ...]
    problems: tuple[Problem, ...]
    lacks_roots: bool = False


def read_nodes(root: Item, earlier: Sequence[int] = ()) -> Nodes:
    """Return the nodes of the file's scene; they are read once.

    That is the scene that `scene` names, else the first; without scenes, all nodes that are no child. Where
    one of these is wrong, the roots are the `earlier` ones, if there are any, else as without it. A node
    below two others, or below itself, stays where it was met first. Raises InputError where there is no list
    of nodes, or with `earlier` roots one is no object, `gltf.limit` for too many.
    """
    if root.document.nodes is None:
        root.document.nodes = _read(root, earlier)
    return root.document.nodes


def _read(root: Item, earlier: Sequence[int]) -> Nodes:
    items = root.children("nodes", MAX_NODES)
    problems = ProblemCollector()
    found: dict[int, GltfNode] = {}
    for item in items if earlier else ():
        item.get("name")  # what is no node has no name by which it could stay as it was
    found_roots = _roots(root, items, problems, earlier)
    known = len(problems.problems)
    roots = _taken(found_roots, set(), problems)
    lacks_roots = len(problems.problems) > known
    met = {item.index for item in roots}
    todo = [(item, 0) for item in reversed(roots)]
    places = len(items)
    while todo:
        item, depth = todo.pop()
        node = _node(item, MAX_NODES - places, problems)
        places += len(node.instances or ())
        children: list[Item] = []
        known = len(problems.problems)
        with problems.catching():
            children = _taken(item.children("children"), met, problems)
            if children and depth >= MAX_DEPTH:
                children.clear()
                message = f"more than {MAX_DEPTH} nodes are below each other; the rest is left out"
                raise item.failure(GltfCode.LIMIT, message)
        wrong = node.wrong | ({"children"} if len(problems.problems) > known else set())
        found[item.index] = replace(node, children=tuple(child.index for child in children), wrong=wrong)
        met.update(child.index for child in children)
        todo += [(child, depth + 1) for child in reversed(children)]
    return Nodes(found, tuple(item.index for item in roots), tuple(problems.problems), lacks_roots)


def _taken(children: Iterable[Item], met: set[int], problems: ProblemCollector) -> list[Item]:
    """Return the nodes that numbers name, without those that stand at another place already."""
    found: dict[int, Item] = {}
    for child in children:
        with problems.catching():
            node = child.reference("nodes")
            if node.index in met or node.index in found:
                message = f"nodes[{node.index}] is below two nodes, or below itself"
                raise child.failure(GltfCode.NODE, message, "each node has one parent; the first is used")
            found[node.index] = node
    return list(found.values())


def _roots(root: Item, items: list[Item], problems: ProblemCollector, earlier: Sequence[int]) -> list[Item]:
    """Return the numbers of the nodes at the top, as items."""
    known = len(problems.problems)
    none: list[Item] = []
    scenes = problems.attempt(lambda: root.children("scenes"), none)
    given = root.get("scene")
    scene = scenes[0] if scenes else None
    if given is not None and len(problems.problems) == known:
        scene = problems.attempt(lambda: given.reference("scenes"), scene)
    if scene is not None and (len(problems.problems) == known or not earlier):
        with problems.catching():
            return scene.children("nodes")
    if len(problems.problems) > known and earlier:
        return [_number_of(items[number]) for number in earlier if number < len(items)]
    below: set[int] = set()
    for item in items:
        with problems.catching():
            below.update(child.integer() for child in item.children("children"))
    return [_number_of(item) for item in items if item.index not in below]


def _number_of(node: Item) -> Item:
    return Item(node.document, node.index, node.path)


def _node(item: Item, room: int, problems: ProblemCollector) -> GltfNode:
    """Return a node without its children; `room` is how many instances it may have."""
    nowhere: tuple[Transform, ...] | None = ()
    faults = item.document.notes.faults
    wrong: set[str] = set()

    def attempt(name: str, read: Callable[[], T], default: T) -> T:
        known = len(problems.problems) + len(faults)
        found = problems.attempt(read, default)
        if len(problems.problems) + len(faults) > known:
            wrong.add(name)
        return found

    skin = attempt("skin", lambda: _number(item, "skin", "skins"), None)
    return GltfNode(
        item,
        attempt("transform", lambda: _transform(item), Transform()),
        mesh=attempt("mesh", lambda: _number(item, "mesh", "meshes"), None),
        skin=skin,
        camera=attempt("camera", lambda: _referred(item, "camera", "cameras"), None),
        light=attempt("light", lambda: _light(item.extension(LIGHTS)), None),
        instances=attempt("instances", lambda: _instances(item, room, is_skinned=skin is not None), nowhere),
        weights=attempt("weights", lambda: read_weights(item), ()),
        wrong=frozenset(wrong),
    )


def _referred(item: Item, key: str, array: str) -> Item | None:
    found = item.get(key)
    return None if found is None else found.reference(array)


def _number(item: Item, key: str, array: str) -> int | None:
    found = _referred(item, key, array)
    return None if found is None else found.index


def read_weights(item: Item) -> tuple[float, ...]:
    """Return the weights of morph targets that a node or a mesh gives. Raises InputError."""
    return tuple(each.number(-MAX_WEIGHT, MAX_WEIGHT) for each in item.children("weights", MAX_TARGETS))


def _light(extension: Item | None) -> Item | None:
    """Return the light that a node's extension names, of the list in the root's own; None without one."""
    if extension is None:
        return None
    lights: list[Item] = []
    holder = extension.document.root.extension(LIGHTS)
    if holder is not None:
        lights = holder.children("lights")
    index = extension.required("light")
    number = index.integer()
    if number >= len(lights):
        message = f"there is no lights[{number}]: the file has {len(lights)} lights"
        raise index.failure(GltfCode.REFERENCE, message)
    return lights[number]


def _transform(item: Item) -> Transform:
    matrix = item.get("matrix")
    if matrix is not None:
        beside = [key for key in ("translation", "rotation", "scale") if item.get(key) is not None]
        if beside:
            message = f"the node has a matrix and {' and '.join(beside)}; the matrix is used"
            hint = "a node has either a matrix, or translation, rotation and scale"
            item.warn(GltfCode.NODE, message, hint)
        given = np.array(matrix.vector(16, -MAX_DISTANCE, MAX_DISTANCE)).reshape(4, 4)
        if given[:, 3].tolist() != [0.0, 0.0, 0.0, 1.0]:
            message = "the last row of the matrix is not 0 0 0 1, which is used"
            matrix.warn(GltfCode.NODE, message, "export the model with transforms applied")
            given[:, 3] = (0.0, 0.0, 0.0, 1.0)
        translation, rotation, scale = decompose(given)
        rest = np.abs(compose(translation[None], rotation[None], scale[None])[0] - given).max()
        if rest > _SHEAR * max(np.abs(given[:3, :3]).max(), _SHORTEST):
            message = "the matrix shears, which no translation, rotation and scale does; the nearest is used"
            matrix.warn(GltfCode.NODE, message, "export the model with transforms applied")
        return Transform(*(tuple(part.tolist()) for part in (translation, rotation, scale)))
    own = Transform(
        item.vector_or("translation", (0.0,) * 3, -MAX_DISTANCE, MAX_DISTANCE),
        item.vector_or("rotation", (0.0, 0.0, 0.0, 1.0), -MAX_DISTANCE, MAX_DISTANCE),
        item.vector_or("scale", (1.0,) * 3, -MAX_DISTANCE, MAX_DISTANCE),
    )
    return own.checked(item)


def _instances(item: Item, room: int, *, is_skinned: bool) -> tuple[Transform, ...] | None:
    """Return where EXT_mesh_gpu_instancing draws the mesh of a node, at most `room` places.

    An attribute that is wrong is as if absent, with a warning, and so is an extension without one that is
    right, and that of a skinned mesh: all its instances would be where the joints are, on top of each other.
    Raises InputError `gltf.limit` for too many.
    """
    extension = item.extension(INSTANCING)
    if extension is None:
        return None
    named = Members(extension).required("attributes", lambda found: Members(found.as_object()), Members(None))
    columns: dict[str, Floats] = {}
    count = 0
    for key, kind in (("TRANSLATION", "VEC3"), ("ROTATION", "VEC4"), ("SCALE", "VEC3")):
        column = named.read(key, lambda found: _column(found, kind, count), None)  # noqa: B023 (called at once)
        if column is not None:
            columns[key], count = column, len(column)
    if not columns:
        message = "it has no transform of an instance that can be read; the mesh is drawn once"
        extension.warn(GltfCode.NODE, message, "export the model with TRANSLATION, ROTATION or SCALE")
        return None
    if is_skinned:
        message = "the mesh has a skin, so all of its instances are where its joints are; it is drawn once"
        extension.warn(GltfCode.NODE, message, "give each instance a node, and a skin with joints of its own")
        return None
    if count > room:
        message = f"with {count} instances there are more than {MAX_NODES} nodes"
        raise extension.failure(GltfCode.LIMIT, message)
    return tuple(
        Transform(place, turn, size)
        for place, turn, size in zip(
            _rows(columns.get("TRANSLATION"), (0.0,) * 3, count),
            _rows(columns.get("ROTATION"), (0.0, 0.0, 0.0, 1.0), count),
            _rows(columns.get("SCALE"), (1.0,) * 3, count),
            strict=True,
        )
    )


def _column(item: Item, kind: str, count: int) -> Floats:
    """Return one attribute of all instances; `count` is how many there are, 0 where that is not known.

    Rotations have length 1; those of length 0 turn nothing, with a warning. Raises InputError.
    """
    values = read_floats(item.reference("accessors"), kind)
    if count and len(values) != count:
        message = f"there are {len(values)} elements for {count} instances"
        raise item.failure(GltfCode.NODE, message)
    if np.abs(values).max() > MAX_DISTANCE:
        raise item.failure(GltfCode.NODE, f"a number of an instance is beyond {MAX_DISTANCE:g}")
    if kind == "VEC4":
        lengths = np.linalg.norm(values.astype(np.float64), axis=1, keepdims=True)
        wrong = np.flatnonzero(lengths < _SHORTEST)
        if len(wrong):
            message = f"{len(wrong)} rotations are quaternions of length 0, the first of instance {wrong[0]}"
            item.warn(GltfCode.NODE, f"{message}; they turn nothing")
        lengths[wrong] = 1.0
        values = values / lengths
        values[wrong] = (0.0, 0.0, 0.0, 1.0)
    return values


def _rows(values: Floats | None, default: tuple[float, ...], count: int) -> Iterator[tuple[float, ...]]:
    if values is None:
        return iter([default] * count)
    return (tuple(row) for row in values.tolist())
