"""Reads skins: the joints, and how each is bound to the mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.gltf.accessors import Floats, read_floats
from engine.gltf.codes import GltfCode
from engine.gltf.item import Item

_AFFINE = 1e-4


@dataclass(frozen=True, slots=True)
class GltfSkin:
    """The nodes that are joints, and float32[joints, 4, 4]: from the mesh's space to that of each joint.

    Matrices multiply columns: `matrix @ [x, y, z, 1]`.
    """

    joints: tuple[int, ...]
    bind: Floats


def read_skin(item: Item) -> GltfSkin:
    """Read an element of `skins`. Raises InputError: `gltf.skin`, and those of accessors."""
    children = item.required("joints").elements()
    joints = tuple(child.reference("nodes").index for child in children)
    if not joints:
        raise item.failure(GltfCode.SKIN, "the skin has no joints")
    if len(set(joints)) != len(joints):
        number = next(at for at, joint in enumerate(joints) if joint in joints[:at])
        raise children[number].failure(GltfCode.SKIN, f"nodes[{joints[number]}] is a joint twice")
    given = item.get("inverseBindMatrices")
    if given is None:
        bind: Floats = np.broadcast_to(np.eye(4, dtype=np.float32), (len(joints), 4, 4))
        return GltfSkin(joints, bind)
    accessor = given.reference("accessors")
    matrices = read_floats(accessor, "MAT4")
    if len(matrices) < len(joints):
        message = f"there are {len(matrices)} matrices for {len(joints)} joints"
        raise accessor.failure(GltfCode.SKIN, message)
    bind = matrices[: len(joints)].transpose(0, 2, 1)
    wrong = np.flatnonzero(np.abs(bind[:, 3] - (0.0, 0.0, 0.0, 1.0)).max(axis=1) > _AFFINE)
    if len(wrong):
        message = f"matrix {int(wrong[0])} is no affine transform: its last row is not 0 0 0 1"
        raise accessor.failure(GltfCode.SKIN, message)
    return GltfSkin(joints, bind)
