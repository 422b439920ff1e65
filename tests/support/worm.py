"""A model that is bent by a clip: a tube of four joints, as a glTF file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from support.gltf_features import clip
from support.gltf_files import GltfFile

RINGS, AROUND, RADIUS, LENGTH, JOINTS = 49, 24, 0.6, 6.0, 4


def worm(file: GltfFile) -> list[int]:
    """Add a tube along Y, which joints two metres above each other bend; return the nodes of these."""
    places, normals = _tube()
    joints, weights = _followed(places[:, 1])
    first = (np.arange(RINGS - 1)[:, None] * (AROUND + 1) + np.arange(AROUND)).ravel()
    across = first + AROUND + 1
    corners = np.stack((first, first + 1, across + 1, first, across + 1, across), axis=-1)
    bind = np.tile(np.eye(4, dtype=np.float32), (JOINTS, 1, 1))
    bind[:, 3, 1] = LENGTH / 2 - LENGTH / (JOINTS - 1) * np.arange(JOINTS)
    chain: list[int] = []
    for number in reversed(range(JOINTS)):
        place = [0, -LENGTH / 2 if number == 0 else LENGTH / (JOINTS - 1), 0]
        below = {"children": chain[:1]} if chain else {}
        chain.insert(0, file.node(top=number == 0, name=f"joint{number}", translation=place, **below))
    matrices = file.accessor(bind.reshape(JOINTS, 16), "MAT4")
    skin = file.add("skins", {"joints": chain, "inverseBindMatrices": matrices})
    paint = {"baseColorFactor": [0.6, 0.2, 0.05, 1], "metallicFactor": 0.0, "roughnessFactor": 0.4}
    material = file.add("materials", {"pbrMetallicRoughness": paint, "doubleSided": True})
    attributes = {
        "POSITION": file.positions(places),
        "NORMAL": file.accessor(normals),
        "JOINTS_0": file.accessor(joints),
        "WEIGHTS_0": file.accessor(weights),
    }
    indices = file.accessor(corners.ravel().astype(np.uint16))
    mesh = file.mesh({"attributes": attributes, "indices": indices, "material": material})
    file.node(name="worm", mesh=mesh, skin=skin)
    return chain


def bent_worm() -> bytes:
    """The tube with a clip of two seconds: all three interpolations of what moves, turns and grows."""
    file = GltfFile()
    chain = worm(file)
    bent = [_turned(0, 0, 0), _turned(0.3, 0.2, 0.7), _turned(-0.4, 0, -0.8)]
    smooth = np.zeros((3, 3, 4))
    smooth[:, 1], smooth[1, ::2] = bent, (0.1, -0.2, 0.3, 0.1)
    clip(
        file,
        (chain[1], "rotation", "LINEAR", [0, 1, 2], bent),
        (chain[2], "rotation", "CUBICSPLINE", [0, 1, 2], smooth.reshape(-1, 4)),
        (chain[3], "scale", "STEP", [0, 0.5, 1.5], [[1, 1, 1], [1.4, 1, 1.4], [0.7, 1, 0.7]]),
        (chain[0], "translation", "LINEAR", [0, 2], [[0, -3, 0], [2, -3.4, 1]]),
    )
    return file.glb()


def _tube() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return positions and normals of the tube, whose ends are round."""
    up, turn = np.meshgrid(
        np.linspace(-LENGTH / 2, LENGTH / 2, RINGS), np.linspace(0, 2 * np.pi, AROUND + 1), indexing="ij"
    )
    wide = np.sqrt(1.02 - (2 * up / LENGTH) ** 2)
    normals = np.stack((np.sin(turn), RADIUS * up * (2 / LENGTH) ** 2 / wide, np.cos(turn)), axis=-1)
    places = np.stack((np.sin(turn) * RADIUS * wide, up, np.cos(turn) * RADIUS * wide), axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return places.reshape(-1, 3).astype(np.float32), normals.reshape(-1, 3).astype(np.float32)


def _followed(height: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Return the joints below and above each height, and how much a vertex there follows them."""
    along = np.clip((height + LENGTH / 2) * (JOINTS - 1) / LENGTH, 0, JOINTS - 1.001)
    joints = np.zeros((len(height), 4), np.uint8)
    joints[:, 0], joints[:, 1] = along, along + 1
    weights = np.zeros((len(height), 4), np.float32)
    weights[:, 1] = along - np.floor(along)
    weights[:, 0] = 1 - weights[:, 1]
    return joints, weights


def _turned(x: float, y: float, z: float) -> list[float]:
    """Return the quaternion of a turn about an axis by its length in radians."""
    axis, angle = np.array([x, y, z]), float(np.linalg.norm((x, y, z))) or 1e-9
    return [*(axis / angle * np.sin(angle / 2)).tolist(), float(np.cos(angle / 2))]
