"""Reads animations: channels of keys, as views of the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.gltf.accessors import Floats, read_floats
from engine.gltf.codes import GltfCode
from engine.gltf.item import Item

_PATHS = {"translation": 3, "rotation": 4, "scale": 3}
_TYPES = {"translation": "VEC3", "rotation": "VEC4", "scale": "VEC3", "weights": "SCALAR"}
_WAYS = ("LINEAR", "STEP", "CUBICSPLINE")


@dataclass(frozen=True, slots=True)
class Channel:
    """The keys of one property of a node: times [keys], values [keys, width], of cubic ones [keys, 3, width].

    `path` is translation, rotation, scale or weights. `node` is the number of the node.
    """

    node: int
    path: str
    way: str
    times: Floats
    values: Floats


def read_clip(item: Item) -> list[Channel]:
    """Return the channels of an element of `animations` that move a node.

    Raises InputError: `gltf.animation` for times that do not rise and numbers of values that do not fit, and
    those of accessors.
    """
    samplers = item.required("samplers").elements()
    channels: list[Channel] = []
    seen: dict[tuple[int, str], Item] = {}
    for child in item.required("channels").elements():
        target = child.required("target")
        node = target.get("node")
        if node is None:
            continue  # for extensions that move something else
        path = target.required("path").choice(*_PATHS, "weights")
        moved = node.reference("nodes")
        other = seen.setdefault((moved.index, path), target)
        if other is not target:
            message = f"the {path} of nodes[{moved.index}] is moved by two channels"
            raise target.failure(GltfCode.ANIMATION, message)
        index = child.required("sampler")
        number = index.integer()
        if number >= len(samplers):
            message = f"the animation has {len(samplers)} samplers; number {number} is used"
            raise index.failure(GltfCode.REFERENCE, message)
        width = _PATHS.get(path) or _weights_of(moved)
        channels.append(_channel(samplers[number], moved.index, path, width))
    return channels


def _weights_of(node: Item) -> int:
    """Return how many weights the mesh of a node has."""
    mesh = node.required("mesh").reference("meshes")
    primitives = mesh.required("primitives").elements()
    count = len(primitives[0].children("targets")) if primitives else 0
    if not count:
        raise node.failure(GltfCode.ANIMATION, "weights are moved of a mesh without morph targets")
    return count


def _channel(sampler: Item, node: int, path: str, width: int) -> Channel:
    given = sampler.get("interpolation")
    way = "LINEAR" if given is None else given.choice(*_WAYS)
    source = sampler.required("input").reference("accessors")
    times = read_floats(source, "SCALAR")[:, 0]
    if times[0] < 0.0 or (np.diff(times) <= 0.0).any():
        raise source.failure(GltfCode.ANIMATION, "the times of keys must rise from 0 or later")
    output = sampler.required("output").reference("accessors")
    values = read_floats(output, _TYPES[path])
    each = 3 if way == "CUBICSPLINE" else 1
    if values.size != len(times) * each * width:
        message = f"{len(times)} keys take {len(times) * each * width} numbers; there are {values.size}"
        raise output.failure(GltfCode.ANIMATION, message)
    shape = (len(times), each, width) if each == 3 else (len(times), width)
    return Channel(node, path, way, times, values.reshape(shape))
