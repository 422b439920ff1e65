"""An animation of a glTF file as a clip: its channels move nodes by their paths."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.assets.cache.facts import AnimationFacts, ChannelFacts
from engine.assets.codes import AssetCode
from engine.assets.formats import AnimatedProperty, Interpolation
from engine.assets.importers import Imported
from engine.assets.limits import MAX_CHANNELS, MAX_KEYS
from engine.gltf import Channel, Gltf, Item, read_clip, read_nodes
from engine.gltf.naming import drawn_names, node_names, node_paths
from engine.humon import InputError

_WAYS = {"LINEAR": Interpolation.LINEAR, "STEP": Interpolation.STEP, "CUBICSPLINE": Interpolation.CUBIC}


def import_gltf_clip(gltf: Gltf, place: Item) -> Imported:
    """Pack an element of `animations` as `import_animation` does.

    Channels of nodes outside of the scene are left out, and wrong ones, with warnings. Raises InputError:
    `animation.channel` where none is left or there are too many, `animation.times`, those of `read_clip`, and
    what is wrong with the channels where all are left out.
    """
    nodes = read_nodes(gltf.root)
    names, taken = node_names(nodes.by_number)
    paths = node_paths(nodes, names)
    with gltf.noting() as notes:
        read = read_clip(place)
    drawn = drawn_names(gltf.root, nodes.by_number, taken)
    channels = [
        (path, channel)
        for channel in read
        if channel.node in paths
        for path in _targets(channel, paths[channel.node], drawn)
    ]
    if not channels and notes.warnings:
        raise InputError(notes.warnings)
    if not 0 < len(channels) <= MAX_CHANNELS:
        message = f"the clip has {len(channels)} channels that move nodes of the scene"
        raise place.failure(AssetCode.ANIMATION_CHANNEL, message, f"1 to {MAX_CHANNELS} are read")
    if sum(len(channel.times) for _, channel in channels) > MAX_KEYS:
        raise place.failure(AssetCode.ANIMATION_TIMES, f"the clip has more than {MAX_KEYS} keys")
    facts, parts = [], []
    for path, channel in channels:
        moves = AnimatedProperty(channel.path)
        width = channel.values.shape[-1]
        facts.append(ChannelFacts(path, moves, _WAYS[channel.way], len(channel.times), width))
        parts += [channel.times, channel.values.reshape(-1)]
    duration = max(float(channel.times[-1]) for _, channel in channels)
    data = np.concatenate(parts).astype("<f4", copy=False)
    made = AnimationFacts(duration, tuple(facts))
    return Imported(data.tobytes(), made, tuple(notes.warnings), tuple(notes.faults))


def _targets(channel: Channel, path: str, drawn: Mapping[int, list[str]]) -> list[str]:
    """Return the paths of the objects that a channel moves: weights move all that draws its node's mesh."""
    if channel.path != "weights" or channel.node not in drawn:
        return [path]
    return [f"{path}/{name}" for name in drawn[channel.node]]
