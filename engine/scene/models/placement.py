"""Where the nodes of a glTF file are: as fields of objects, and as matrices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.gltf import Nodes, Transform
from engine.math import compose
from engine.scene.models.description import Plain


def placed(transform: Transform) -> Plain:
    """Return the fields of a transform that differ from the identity."""
    usual = Transform()
    found: Plain = {}
    for name in ("translation", "rotation", "scale"):
        value = getattr(transform, name)
        if value != getattr(usual, name):
            found[name] = [rounded(number) for number in value]
    return found


def rounded(number: float) -> float:
    """Return a number with all the digits that 32 bits hold."""
    return float(f"{number:.9g}")


def matrix_of(transform: Transform) -> npt.NDArray[np.float64]:
    """Return the stored matrix [4, 4] of a transform: points are rows to its left."""
    matrices = compose(
        np.array([transform.translation]),
        np.array([transform.rotation]),
        np.array([transform.scale], np.float32),
    )
    return np.asarray(matrices[0], np.float64)


def worlds_of(nodes: Nodes) -> dict[int, npt.NDArray[np.float64]]:
    """Return the stored matrix of each node to the space of the scene."""
    by_number = nodes.by_number
    found = {root: matrix_of(by_number[root].transform) for root in nodes.roots}
    with np.errstate(over="ignore", invalid="ignore"):  # of long chains of scales: what is so far is refused
        for index, node in by_number.items():  # parents before children
            for child in node.children:
                found[child] = matrix_of(by_number[child].transform) @ found[index]
    return found
