"""A skin of a glTF file as a skeleton: each joint where it was when the mesh was bound to it."""

from __future__ import annotations

import numpy as np

from engine.assets.cache.facts import SkeletonFacts
from engine.assets.codes import AssetCode
from engine.assets.importers import Imported
from engine.assets.importers.mesh import BOUND_BONE
from engine.assets.limits import MAX_BONES
from engine.gltf import Gltf, Item, read_nodes, read_skin
from engine.gltf.naming import node_names


def import_gltf_skin(gltf: Gltf, place: Item) -> Imported:
    """Pack an element of `skins`: for each joint float32[3, 4], from the mesh's space to that of the joint.

    Raises InputError `mesh.bone` for joints outside of the scene, and those of `read_skin`.
    """
    skin = read_skin(place)
    if len(skin.joints) > MAX_BONES:
        raise place.failure(AssetCode.MESH_BONE, f"{len(skin.joints)} joints; at most {MAX_BONES} are read")
    names, _ = node_names(read_nodes(gltf.root).by_number)
    outside = [joint for joint in skin.joints if joint not in names]
    if outside:
        message = f"the joint nodes[{outside[0]}] is not in the scene"
        raise place.failure(AssetCode.MESH_BONE, message)
    rows = np.ascontiguousarray(skin.bind[:, :3], BOUND_BONE.base)
    facts = SkeletonFacts(len(skin.joints), tuple(names[joint] for joint in skin.joints), bound=True)
    return Imported(rows.tobytes(), facts)
