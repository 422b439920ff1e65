"""Reads a `.hu` mesh source: vertex attributes by name, indices and bones.

    mesh: {
        name: cube
        vertices: {
            pos: [[-0.5 -0.5 0.5] ...]      // one row per vertex, any number of attributes
            frameIdxs: [16 16 ...]          // one number per vertex needs no rows
        }
        indices: [[0 1 2] [0 2 3] ...]      // or one flat list
        bones: [{ name: root  rotation: [0 0 0 1]  translation: [0 0 0]  scale: 1 }
                { name: tip  parent: root }]
    }

`targets` beside `vertices` are shapes to morph to, see `morph/source.py`. Several levels of detail are in
`lods: [{ vertices: { ... }  indices: [ ... ] } ...]` instead of `vertices` and `indices`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets.codes import AssetCode
from engine.assets.importers.morph.source import MORPH, SourceDeltas, gather, read_targets
from engine.assets.importers.numbers import rows_of
from engine.assets.limits import MAX_BONES, MAX_INDICES, MAX_VERTICES
from engine.humon import (
    Document,
    Kind,
    Node,
    Place,
    Problem,
    ProblemCollector,
    Severity,
    expect,
    failure,
    number,
    required,
    suggestion,
    text,
    vector,
)

NO_PARENT = 0xFFFF
"""The parent of a bone without a parent."""

_KNOWN_KEYS = ("name", "version", "vertices", "indices", "targets", "lods", "bones")


@dataclass(frozen=True, slots=True)
class Bone:
    """A bone: index of its parent or NO_PARENT, unit quaternion x y z w, metres, uniform scale."""

    name: str
    parent: int
    rotation: tuple[float, ...] = (0.0, 0.0, 0.0, 1.0)
    translation: tuple[float, ...] = (0.0, 0.0, 0.0)
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class SourceLod:
    """One level of detail: numbers [vertices, channels] by attribute name, indices, and their nodes.

    `numbers` are those that its vertices have in the source, where they are in another order.
    """

    attributes: dict[str, npt.NDArray[Any]]
    indices: npt.NDArray[Any]
    nodes: dict[str, Place]
    index_node: Place
    count: int
    numbers: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class MeshSource:
    """A mesh source, with all checks that do not depend on the vertex and index formats.

    `ordered` keeps levels of detail in an order that is quick to draw, by their numbers, and `completed`
    those with normals and tangents that were made, by the id of the level and whether it has tangents.
    `joints` is how many bones a skin has that is another part of the file, 0 without one. `faults` see
    `Imported`.
    """

    lods: tuple[SourceLod, ...]
    bones: tuple[Bone, ...]
    node: Place
    warnings: tuple[Problem, ...] = field(default=())
    morph: SourceDeltas | None = None
    joints: int = 0
    faults: tuple[Problem, ...] = ()
    ordered: dict[int, SourceLod] = field(default_factory=dict, compare=False, repr=False)
    completed: dict[tuple[int, bool], SourceLod] = field(default_factory=dict, compare=False, repr=False)


def read_mesh_source(document: Document) -> MeshSource:
    """Read and check a mesh source; several errors are reported together.

    Raises InputError: `mesh.empty`, `mesh.attribute`, `mesh.index`, `mesh.bone`, and those of values.
    """
    root = expect(document.root, Kind.DICT)
    mesh = expect(required(root, "mesh"), Kind.DICT)
    problems = ProblemCollector()
    for key, child in mesh.items():
        if key not in _KNOWN_KEYS:
            problem = document.problem(
                AssetCode.MESH_KEY, f"a mesh source has no '{key}'", child, suggestion(key, _KNOWN_KEYS)
            )
            problems.add(problem)
    lods, targets = [], []
    for node in expect(mesh["lods"], Kind.LIST) if "lods" in mesh else [mesh]:
        with problems.catching():
            lod = _read_lod(node)
            targets.append(read_targets(node["targets"], lod.count, problems) if "targets" in node else ())
            lods.append(lod)
    bones: tuple[Bone, ...] = ()
    if "bones" in mesh:
        with problems.catching():
            bones = _read_bones(mesh["bones"], problems)
    if not lods and not problems.problems:
        problems.add(
            document.problem(
                AssetCode.MESH_EMPTY, "the mesh has no level of detail", mesh, "add `vertices` and `indices`"
            )
        )
    problems.check()
    morph = gather(lods, targets, problems, mesh)
    return MeshSource(tuple(lods), bones, mesh, problems.warnings, morph)


def _read_lod(node: Node) -> SourceLod:
    vertices = expect(required(node, "vertices"), Kind.DICT)
    problems = ProblemCollector()
    attributes: dict[str, npt.NDArray[np.float64]] = {}
    nodes = dict(vertices.items())
    for name, child in nodes.items():
        with problems.catching():
            attributes[name] = rows_of(child, MAX_VERTICES)
    problems.check()
    if MORPH in attributes:
        hint = "take it out, and give the mesh `targets`"
        raise failure(AssetCode.MESH_ATTRIBUTE, f"'{MORPH}' is made of targets", nodes[MORPH], hint)
    if "pos" not in attributes:
        raise failure(
            AssetCode.MESH_ATTRIBUTE,
            "the mesh has no attribute 'pos'",
            vertices,
            "write a place for each vertex: `pos: [[0 0 0] [1 0 0] [0 1 0]]`",
        )
    count = len(attributes["pos"])
    if count == 0:
        raise failure(
            AssetCode.MESH_EMPTY,
            "the mesh has no vertices",
            nodes["pos"],
            "write a place for each vertex: `pos: [[0 0 0] [1 0 0] [0 1 0]]`",
        )
    if attributes["pos"].shape[1] != 3:
        raise failure(
            AssetCode.MESH_ATTRIBUTE,
            "a 'pos' is three numbers: x y z",
            nodes["pos"],
            "write three numbers for each vertex, such as `[0 1 0]`",
        )
    for name, values in attributes.items():
        if len(values) != count:
            message = f"'{name}' has {len(values)} entries, 'pos' has {count}"
            problems.add(
                node.document.problem(
                    AssetCode.MESH_ATTRIBUTE, message, nodes[name], "give one entry for each vertex"
                )
            )
    problems.check()
    index_node = required(node, "indices")
    return SourceLod(attributes, _read_indices(index_node, count), {**nodes}, index_node, count)


def _read_indices(node: Node, vertex_count: int) -> npt.NDArray[np.int64]:
    values = rows_of(node, MAX_INDICES).reshape(-1)
    if len(values) == 0:
        raise failure(
            AssetCode.MESH_EMPTY,
            "the mesh has no indices",
            node,
            "write the vertices of each triangle: `indices: [[0 1 2]]`",
        )
    wrong = np.flatnonzero((values != np.floor(values)) | (values < 0) | (values >= vertex_count))
    if len(wrong):
        first = int(wrong[0])
        message = f"index {values[first]:g} (number {first}) has no vertex: there are {vertex_count}"
        raise failure(
            AssetCode.MESH_INDEX,
            message,
            _entry(node, first),
            f"vertices are counted from 0: write whole numbers from 0 to {vertex_count - 1}",
        )
    return values.astype(np.int64)


def _entry(node: Node, flat: int) -> Node:
    """Return the node of number `flat` in a list of numbers or of rows of equal length."""
    first = node[0]
    if first.kind is not Kind.LIST:
        return node[flat]
    return node[flat // len(first)][flat % len(first)]


def _read_bones(node: Node, problems: ProblemCollector) -> tuple[Bone, ...]:
    expect(node, Kind.LIST)
    if len(node) > MAX_BONES:
        raise failure(
            AssetCode.MESH_BONE,
            f"{len(node)} bones; a skeleton has at most {MAX_BONES}",
            node,
            "divide the mesh, or leave out bones that move nothing",
        )
    bones: list[Bone] = []
    numbers: dict[str, int] = {}
    later = {text(child["name"]) for child in node if child.kind is Kind.DICT and "name" in child}
    for index, child in enumerate(node):
        expect(child, Kind.DICT)
        name = text(child["name"]) if "name" in child else f"bone{index}"
        if name in numbers:
            raise failure(
                AssetCode.MESH_BONE,
                f"bones {numbers[name]} and {index} are both named '{name}'",
                child,
                "give one of them another name",
            )
        bones.append(_read_bone(child, name, numbers, later, problems))
        numbers[name] = index
    return tuple(bones)


def _lost_parent(name: str, node: Node, numbers: dict[str, int], later: set[str]) -> tuple[str, Node, str]:
    """Return why a bone has no parent among those before it: message, node and hint of the problem."""
    parent = text(node)
    if parent == name:
        return f"bone '{name}' is its own parent", node, "leave `parent` out for a bone without one"
    if parent in later:
        message = f"bone '{name}' comes before its parent '{parent}'"
        return message, node, "list a bone behind its parent; they form no circles"
    hint = suggestion(parent, numbers) or "add it before this one, or leave `parent` out"
    return f"bone '{name}' has the parent '{parent}', and there is no such bone", node, hint


def _read_bone(
    node: Node, name: str, numbers: dict[str, int], later: set[str], problems: ProblemCollector
) -> Bone:
    parent = NO_PARENT
    if "parent" in node and text(node["parent"]) != "none":
        parent_name = text(node["parent"])
        if parent_name not in numbers:
            raise failure(AssetCode.MESH_BONE, *_lost_parent(name, node["parent"], numbers, later))
        parent = numbers[parent_name]
    rotation = vector(node["rotation"], 4) if "rotation" in node else (0.0, 0.0, 0.0, 1.0)
    length = sum(value * value for value in rotation) ** 0.5
    if length < 1e-12:
        _warn(problems, node["rotation"], f"the rotation of bone '{name}' is zero; the identity is used")
        rotation, length = (0.0, 0.0, 0.0, 1.0), 1.0
    scale = number(node["scale"]) if "scale" in node else 1.0
    if scale == 0.0:
        _warn(problems, node["scale"], f"the scale of bone '{name}' is zero; 1 is used")
        scale = 1.0
    translation = vector(node["translation"], 3) if "translation" in node else (0.0, 0.0, 0.0)
    return Bone(name, parent, tuple(value / length for value in rotation), translation, scale)


def _warn(problems: ProblemCollector, node: Node, message: str) -> None:
    problems.add(
        node.document.problem(
            AssetCode.MESH_TRANSFORM,
            message,
            node,
            severity=Severity.WARNING,
            help="write `rotation: [0 0 0 1]` and `scale: 1` for a bone as it is, or leave them out",
        )
    )
