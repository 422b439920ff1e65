"""Reads the morph targets of a mesh source: what they add to the vertices that they move.

    targets: {
        smile: { weight: 0.5  vertices: [3 7]  pos: [[0 0.1 0] [0 0.2 0]]  normal: [[0 0 0.1] [0 0 0]] }
        blink: { pos: [[0 0 0] ...] }       // without `vertices` a row for each vertex
    }

A target has its number by its place among those of the first level of detail; further levels have targets of
the same names, or fewer. A target with an error keeps its number, moves nothing, and is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.assets.codes import AssetCode
from engine.assets.importers.numbers import rows_of
from engine.assets.limits import MAX_DELTAS, MAX_TARGETS, MAX_VERTICES
from engine.humon import (
    InputError,
    Kind,
    Node,
    Place,
    ProblemCollector,
    Severity,
    expect,
    failure,
    number,
    required,
    suggestion,
)

if TYPE_CHECKING:
    from engine.assets.importers.mesh_source import SourceLod

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MORPH = "morph"
"""The vertex attribute that is made of targets: which deltas a vertex has, first << COUNT_BITS | count."""

COUNT_BITS = 8

PARTS = ("pos", "normal", "tangent")
"""What a target may add to, three numbers for each vertex."""

_KEYS = ("weight", "vertices", *PARTS)
_LARGEST = {"pos": float(np.finfo(np.float32).max), "normal": 65504.0, "tangent": 65504.0}
"""The largest numbers of each part, as it is packed."""


@dataclass(frozen=True, slots=True)
class SourceTarget:
    """One target of a level of detail: its weight by default, vertices ascending, deltas float64[n, 9].

    A delta has the numbers of `PARTS`, in that order.
    """

    name: str
    weight: float
    vertices: Ints
    deltas: Doubles
    node: Place


@dataclass(frozen=True, slots=True)
class SourceDeltas:
    """The targets of all levels of detail: names and weights by number; of each delta target and numbers.

    The deltas of a vertex follow each other, target by target; `targets` is int64[n], `deltas` float64[n, 9].
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    targets: Ints
    deltas: Doubles


def read_targets(node: Node, count: int, problems: ProblemCollector) -> tuple[SourceTarget, ...]:
    """Read the targets of a level of detail with so many vertices; adds warnings. Raises InputError."""
    nodes = dict(expect(node, Kind.DICT).items())
    if len(nodes) > MAX_TARGETS:
        message = f"{len(nodes)} targets; a mesh has at most {MAX_TARGETS}"
        raise failure(AssetCode.MESH_TARGET, message, node, "leave some out, or divide the mesh")
    return tuple(_read_target(name, child, count, problems) for name, child in nodes.items())


def _read_target(name: str, node: Node, count: int, problems: ProblemCollector) -> SourceTarget:
    try:
        return _checked_target(name, node, count)
    except InputError as error:
        for problem in error.problems:
            problems.add(replace(problem, severity=Severity.WARNING))
    return SourceTarget(name, 0.0, np.zeros(0, np.int64), np.zeros((0, 9)), node)


def _checked_target(name: str, node: Node, count: int) -> SourceTarget:
    expect(node, Kind.DICT)
    for key, child in node.items():
        if key not in _KEYS:
            raise failure(AssetCode.MESH_KEY, f"a morph target has no '{key}'", child, suggestion(key, _KEYS))
    weight = number(node["weight"], -1000.0, 1000.0) if "weight" in node else 0.0
    vertices = np.arange(count)
    if "vertices" in node:
        vertices = _vertices(node["vertices"], count)
    required(node, "pos")
    deltas = np.zeros((len(vertices), 9))
    for place, part in enumerate(PARTS):
        if part in node:
            deltas[:, 3 * place : 3 * place + 3] = _part(name, part, node[part], vertices, node)
    return SourceTarget(name, weight, vertices, deltas, node)


def _vertices(node: Node, count: int) -> Ints:
    values = rows_of(node, MAX_VERTICES).reshape(-1)
    wrong = values[(np.floor(values) != values) | (values < 0) | (values >= count)]
    if len(wrong):
        message = f"a morph target moves vertex {wrong[0]:g}, but there are {count}"
        raise failure(AssetCode.MESH_TARGET, message, node, "vertices are numbered from 0")
    vertices = values.astype(np.int64)
    if (np.diff(vertices) <= 0).any():
        message = "the vertices of a morph target must rise, each once"
        raise failure(AssetCode.MESH_TARGET, message, node, "sort them, with their deltas")
    return vertices


def _part(name: str, part: str, node: Node, vertices: Ints, target: Node) -> Doubles:
    rows = rows_of(node, MAX_VERTICES)
    if rows.shape != (len(vertices), 3):
        of = "`vertices` has" if "vertices" in target else "the mesh has"
        message = (
            f"'{part}' of the target '{name}' has {rows.shape[0]} rows of {rows.shape[1]} numbers; "
            f"{of} {len(vertices)} vertices, with three numbers each"
        )
        hint = "give a row for each vertex, or name those that move in `vertices`"
        raise failure(AssetCode.MESH_TARGET, message, node, hint)
    if not (np.abs(rows) <= _LARGEST[part]).all():
        message = f"'{part}' of the target '{name}' has numbers beyond {_LARGEST[part]:g}"
        raise failure(
            AssetCode.MESH_TARGET,
            message,
            node,
            "write smaller numbers: what a target adds to a place, in metres",
        )
    return rows


def gather(
    lods: Sequence[SourceLod],
    targets: Sequence[tuple[SourceTarget, ...]],
    problems: ProblemCollector,
    mesh: Place,
) -> SourceDeltas | None:
    """Return the deltas of all levels, and give their vertices the attribute MORPH; None without targets.

    Raises InputError `mesh.target` for too many deltas.
    """
    if not any(targets):
        return None
    numbers = {target.name: place for place, target in enumerate(targets[0])}
    parts: list[tuple[Ints, Doubles]] = []
    first = 0
    for lod, of_level in zip(lods, targets, strict=True):
        known = [target for target in of_level if target.name in numbers]
        for target in of_level:
            if target.name not in numbers:
                message = f"the first level of detail has no target '{target.name}'; it moves nothing"
                hint = suggestion(target.name, numbers)
                problem = target.node.document.problem(
                    AssetCode.MESH_TARGET, message, target.node, hint, Severity.WARNING
                )
                problems.add(problem)
        vertex = np.concatenate([np.zeros(0, np.int64), *(target.vertices for target in known)])
        of = np.repeat([numbers[target.name] for target in known], [len(each.vertices) for each in known])
        deltas = np.concatenate([np.zeros((0, 9)), *(target.deltas for target in known)])
        kept = np.flatnonzero(deltas.any(axis=1))
        order = kept[np.lexsort((of[kept], vertex[kept]))]
        counts = np.bincount(vertex[order], minlength=lod.count)
        lod.attributes[MORPH] = (first + np.cumsum(counts) - counts << COUNT_BITS | counts)[:, None].astype(
            np.float64
        )
        lod.nodes[MORPH] = mesh
        parts.append((of[order].astype(np.int64), deltas[order]))
        first += len(order)
    if first > MAX_DELTAS:
        message = f"the targets move {first} vertices; at most {MAX_DELTAS} are read"
        raise failure(
            AssetCode.MESH_TARGET,
            message,
            mesh,
            "name in `vertices` the ones that a target moves, or divide the mesh",
        )
    return SourceDeltas(
        tuple(numbers),
        tuple(target.weight for target in targets[0]),
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
    )
