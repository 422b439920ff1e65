"""Imports animation clips: channels of keys that move a target, packed as 32-bit floats.

A channel is packed as its times [keys], then its values: [keys, width] numbers, of a cubic channel
[keys, 3, width]: the tangent into each key, its value, the tangent out of it.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from engine.assets.cache.facts import AnimationFacts, ChannelFacts
from engine.assets.codes import AssetCode
from engine.assets.formats import AnimatedProperty, Interpolation
from engine.assets.importers import Imported
from engine.assets.importers.numbers import rows_of
from engine.assets.limits import MAX_CHANNELS, MAX_KEYS, MAX_TARGETS
from engine.humon import (
    Document,
    Kind,
    Node,
    ProblemCollector,
    choice,
    expect,
    failure,
    integer,
    required,
    suggestion,
    text,
)

Doubles = npt.NDArray[np.float64]

_KNOWN_KEYS = ("version", "animation")
_CLIP_KEYS = ("channels",)
_CHANNEL_KEYS = ("target", "property", "interpolation", "times", "values")
_PART_KEYS = ("first", "count")
_LARGEST = float(np.finfo(np.float32).max)


def import_animation(document: Document, packed: bytes = b"") -> Imported:
    """Read a clip; `packed` has the 32-bit floats, little-endian, that `{ first: 0  count: 3 }` takes from.

    Raises InputError: `animation.channel`, `animation.times`, `animation.values`, `animation.field`, and
    those of values.
    """
    problems = ProblemCollector()
    root = expect(document.root, Kind.DICT)
    _check_keys(root, _KNOWN_KEYS, "an animation source", problems)
    clip = expect(required(root, "animation"), Kind.DICT)
    _check_keys(clip, _CLIP_KEYS, "an animation", problems)
    nodes = list(expect(required(clip, "channels"), Kind.LIST))
    if not 0 < len(nodes) <= MAX_CHANNELS:
        message = f"the clip has {len(nodes) or 'no'} channels; 1 to {MAX_CHANNELS} are read"
        raise failure(
            AssetCode.ANIMATION_CHANNEL,
            message,
            clip["channels"],
            "give it `channels: [{ property: translation  times: [0]  values: [[0 0 0]] }]`",
        )
    numbers = np.frombuffer(packed[: len(packed) // 4 * 4], "<f4").astype(np.float64)
    channels: list[ChannelFacts] = []
    parts: list[Doubles] = []
    seen: dict[tuple[str, AnimatedProperty], Node] = {}
    for node in nodes:
        with problems.catching():
            facts, times, values = _read_channel(expect(node, Kind.DICT), numbers, problems)
            moved = facts.target, facts.moves
            if moved in seen:
                message = f"the {facts.moves} of '{facts.target}' has two channels"
                hint = f"the other one is at {seen[moved].position}"
                raise failure(AssetCode.ANIMATION_CHANNEL, message, node, hint)
            seen[moved] = node
            channels.append(facts)
            parts += [times, values.ravel()]
    problems.check()
    if sum(channel.count for channel in channels) > MAX_KEYS:
        message = f"the clip has more than {MAX_KEYS} keys"
        raise failure(
            AssetCode.ANIMATION_TIMES,
            message,
            clip["channels"],
            "divide it into several clips, or give it fewer keys",
        )
    data = np.concatenate(parts).astype("<f4")
    duration = max(float(times[-1]) for times in parts[::2])
    facts_of_all = AnimationFacts(float(np.float32(duration)), tuple(channels))
    return Imported(data.tobytes(), facts_of_all, problems.warnings)


def _read_channel(
    node: Node, numbers: Doubles, problems: ProblemCollector
) -> tuple[ChannelFacts, Doubles, Doubles]:
    """Return a channel's facts, its times [keys] and its values [keys, width] or [keys, 3, width]."""
    _check_keys(node, _CHANNEL_KEYS, "a channel", problems)
    target = text(node["target"]) if "target" in node else ""
    moved = AnimatedProperty(choice(required(node, "property"), [each.value for each in AnimatedProperty]))
    way = Interpolation.LINEAR
    if "interpolation" in node:
        way = Interpolation(choice(node["interpolation"], [each.value for each in Interpolation]))
    times = _times(required(node, "times"), numbers)
    values = _values(required(node, "values"), numbers, len(times), moved, way)
    return ChannelFacts(target, moved, way, len(times), values.shape[-1]), times, values


def _times(node: Node, numbers: Doubles) -> Doubles:
    times = _numbers(node, numbers)
    if not len(times):
        message = "the channel has no times, so it has no keys"
        hint = "write the time of each key in seconds, such as `times: [0 1]`, or leave the channel out"
        raise failure(AssetCode.ANIMATION_TIMES, message, node, hint)
    if times.shape[1] != 1:
        message = f"a time is one number, and these have {times.shape[1]}"
        raise failure(AssetCode.ANIMATION_TIMES, message, node, "write one list of seconds: `times: [0 1]`")
    column = times[:, 0].astype(np.float32).astype(np.float64)
    if column[0] < 0.0:
        message = f"a key is at {column[0]:g} s, before the clip begins"
        raise failure(AssetCode.ANIMATION_TIMES, message, node, "times begin at 0 or later")
    for number, (one, next_one) in enumerate(pairwise(column.tolist())):
        if next_one <= one:
            message = f"times must rise: key {number + 1} is at {next_one:g} s, after one at {one:g} s"
            raise failure(AssetCode.ANIMATION_TIMES, message, node, "sort the keys, with one of each time")
    return column


def _values(node: Node, numbers: Doubles, keys: int, moved: AnimatedProperty, way: Interpolation) -> Doubles:
    values = _numbers(node, numbers)
    rows = keys * (3 if way is Interpolation.CUBIC else 1)
    is_packed = values.shape[1] == 1 and node.kind is Kind.DICT
    width = moved.width or max(len(values) // rows if is_packed else values.shape[1], 1)
    if is_packed and len(values) == rows * width:
        values = values.reshape(rows, width)
    if values.shape != (rows, width) or width > MAX_TARGETS:
        each = ", three for each cubic key: tangent in, value, tangent out" if rows != keys else ""
        wanted = moved.width or f"1 to {MAX_TARGETS}"
        message = (
            f"{keys} keys of {moved} need {rows} values of {wanted} numbers{each}; "
            f"there are {values.shape[0]} of {values.shape[1]}"
        )
        raise failure(AssetCode.ANIMATION_VALUES, message, node, "give one value for each of `times`")
    if not (np.abs(values) <= _LARGEST).all():
        raise failure(
            AssetCode.ANIMATION_VALUES,
            "a value is not finite as a 32-bit float",
            node,
            f"write numbers up to {_LARGEST:g}",
        )
    shaped = values.reshape(keys, 3, width) if rows != keys else values
    middle = shaped[:, 1] if rows != keys else shaped
    if moved is AnimatedProperty.ROTATION and not (np.abs(middle).max(axis=1) > 1e-6).all():
        message = "a rotation is a quaternion x y z w of a length; one of these is 0"
        raise failure(AssetCode.ANIMATION_VALUES, message, node, "`[0 0 0 1]` turns nothing")
    return shaped


def _numbers(node: Node, numbers: Doubles) -> Doubles:
    """Return the numbers of a list as [rows, columns], or those of the packed file as [count, 1]."""
    if node.kind is not Kind.DICT:
        return rows_of(node, 3 * MAX_KEYS)
    first = integer(required(node, "first"), 0)
    count = integer(required(node, "count"), 0)
    for key, child in node.items():
        if key not in _PART_KEYS:
            message = f"a part of the packed numbers has no '{key}'"
            raise failure(AssetCode.ANIMATION_FIELD, message, child, suggestion(key, _PART_KEYS))
    if first + count > len(numbers):
        message = f"numbers {first} to {first + count} are requested of {len(numbers)} in the packed file"
        raise failure(AssetCode.ANIMATION_VALUES, message, node, "name the file as `data` of the asset")
    return numbers[first : first + count].reshape(-1, 1)


def _check_keys(node: Node, known: tuple[str, ...], what: str, problems: ProblemCollector) -> None:
    for key, child in node.items():
        if key not in known:
            message = f"{what} has no '{key}'"
            hint = suggestion(key, known)
            problems.add(node.document.problem(AssetCode.ANIMATION_FIELD, message, child, hint))
