"""Reads animations: channels of keys, as views of the file."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from functools import partial

import numpy as np

from engine.gltf.accessors import Floats, read_floats
from engine.gltf.codes import GltfCode
from engine.gltf.item import Item
from engine.gltf.meshes import targets_of

_PATHS = {"translation": 3, "rotation": 4, "scale": 3}
_TYPES = {"translation": "VEC3", "rotation": "VEC4", "scale": "VEC3", "weights": "SCALAR"}
_SHORTEST = 1e-6
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

    One that is wrong is left out, with a warning: `gltf.animation` for times that do not rise, numbers of
    values that do not fit and what another moves already, and those of accessors. Raises InputError where
    there is no list of channels or samplers.
    """
    samplers = item.required("samplers").elements()
    channels: list[Channel] = []
    seen: set[tuple[int, str]] = set()
    for child in item.required("channels").elements():
        channel = item.document.attempt(partial(_channel, child, samplers, seen), None)
        if channel is not None:
            seen.add((channel.node, channel.path))
            channels.append(channel)
    return channels


def _channel(item: Item, samplers: list[Item], seen: Container[tuple[int, str]]) -> Channel | None:
    """Return a channel; None of one for extensions, which moves something else."""
    target = item.required("target")
    node = target.get("node")
    if node is None:
        return None
    path = target.required("path").choice(*_PATHS, "weights")
    moved = node.reference("nodes")
    if (moved.index, path) in seen:
        message = f"the {path} of nodes[{moved.index}] is moved by two channels"
        raise target.failure(GltfCode.ANIMATION, message)
    index = item.required("sampler")
    number = index.integer()
    if number >= len(samplers):
        message = f"there is no samplers[{number}]: the animation has {len(samplers)} samplers"
        raise index.failure(GltfCode.REFERENCE, message)
    width = _PATHS.get(path) or _weights_of(moved)
    return _keys(samplers[number], moved.index, path, width)


def _weights_of(node: Item) -> int:
    """Return how many weights the mesh of a node has."""
    given = node.get("mesh")
    if given is None:
        raise node.failure(GltfCode.ANIMATION, "weights are moved of a node without a mesh")
    mesh = given.reference("meshes")
    primitives = mesh.required("primitives").elements()
    count = len(targets_of(primitives[0])) if primitives else 0
    if not count:
        raise node.failure(GltfCode.ANIMATION, "weights are moved of a mesh without morph targets")
    return count


def _keys(sampler: Item, node: int, path: str, width: int) -> Channel:
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
    middle = values.reshape(len(times), each, width)[:, each // 2]
    if path == "rotation" and (np.abs(middle).max(axis=1) <= _SHORTEST).any():
        raise output.failure(GltfCode.ANIMATION, "a rotation is a quaternion of a length; one of these is 0")
    shape = (len(times), each, width) if each == 3 else (len(times), width)
    return Channel(node, path, way, times, values.reshape(shape))
