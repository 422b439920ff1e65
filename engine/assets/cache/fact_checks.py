"""Checks that what a cache says of an asset follows from its recipe and from its bytes.

Facts lead to sizes of allocations, to copies and to draws, so they are not believed: layout, mip levels and
sizes are computed again from the recipe, and what only the bytes can show is read from them. That is a pass
over indices and positions, and over the declarations of a shader, which the checksum has read just before.
Pixels, normals, weights, names of bones and the code of a shader are believed, as those of a source would be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from engine.assets.cache.facts import (
    AnimationFacts,
    EnvironmentFacts,
    Facts,
    IndicesFacts,
    MorphTargetsFacts,
    ShaderFacts,
    SkeletonFacts,
    TextureFacts,
    VerticesFacts,
    facts_from_json,
)
from engine.assets.formats import VertexFormat, level_offsets
from engine.assets.importers.blend_weights import is_with_room
from engine.assets.importers.environment.cube_levels import LEAST_SIDE, cube_bytes, cube_levels
from engine.assets.importers.environment.light import LARGEST
from engine.assets.importers.mesh import BONE, BOUND_BONE, vertex_layout
from engine.assets.importers.mesh_source import NO_PARENT
from engine.assets.importers.mips import full_chain, texel_parts
from engine.assets.importers.morph.packing import DELTA, extents
from engine.assets.limits import (
    MAX_BONES,
    MAX_CHANNELS,
    MAX_CUBE_SIDE,
    MAX_DELTAS,
    MAX_INDICES,
    MAX_KEYS,
    MAX_SHADER_BYTES,
    MAX_TARGETS,
    MAX_TEXTURE_PIXELS,
    MAX_TEXTURE_SIDE,
    MAX_VERTICES,
)
from engine.assets.recipes import Recipe

_MOST_FITTING = 1024
_fitting: set[tuple[str, ShaderFacts]] = set()
"""Digests of modules, with facts that fit them: all scenes of a process open the builtin database."""


def checked_facts(recipe: Recipe, data: Mapping[str, Any], size: int) -> Facts | None:
    """Return the facts in the plain values `data` if `recipe` could have made them with `size` bytes."""
    try:
        facts = facts_from_json(recipe.asset.type, data)
    except ValueError:
        return None
    if isinstance(facts, VerticesFacts):
        fit = _vertices_fit(recipe, facts, size)
    elif isinstance(facts, IndicesFacts):
        fit = _indices_fit(recipe, facts, size)
    elif isinstance(facts, SkeletonFacts):
        fit = _skeleton_fits(facts, size)
    elif isinstance(facts, EnvironmentFacts):
        fit = _environment_fits(facts, size)
    elif isinstance(facts, AnimationFacts):
        fit = _animation_fits(facts, size)
    elif isinstance(facts, MorphTargetsFacts):
        fit = _targets_fit(facts, size)
    elif isinstance(facts, TextureFacts):
        fit = _texture_fits(recipe, facts, size)
    else:
        fit = _shader_fits(recipe, facts, size)
    return facts if fit else None


def content_fits(facts: Facts | None, read: Callable[[int], Iterator[memoryview]]) -> bool:
    """Whether the bytes of an asset, of the right size, are such as its facts say.

    `read` yields them in pieces of whole rows of so many bytes. All are read, also where nothing is checked.
    """
    if isinstance(facts, IndicesFacts):
        numbers = facts.type.dtype
        highest = max(int(np.frombuffer(piece, numbers).max()) for piece in read(numbers.itemsize))
        return highest == facts.highest
    if isinstance(facts, VerticesFacts):
        return _positions_fit(facts, read(facts.stride))
    if isinstance(facts, AnimationFacts):
        return _keys_fit(facts, b"".join(read(4)))
    if isinstance(facts, MorphTargetsFacts):
        return _deltas_fit(facts, b"".join(read(DELTA.itemsize)))
    if isinstance(facts, SkeletonFacts):
        return _bones_fit(facts, b"".join(read(_bone_bytes(facts))))
    if isinstance(facts, ShaderFacts):
        return _module_fits(facts, b"".join(read(4)))
    return all(True for _ in read(1))


def _vertices_fit(recipe: Recipe, facts: VerticesFacts, size: int) -> bool:
    return (
        1 <= facts.count <= MAX_VERTICES
        and _is_format(recipe, facts.vertex_format)
        and (facts.offsets, facts.stride) == vertex_layout(facts.vertex_format)
        and facts.lod == recipe.parameters["lod"]
        and facts.count * facts.stride == size
        and all(low <= high for low, high in zip(facts.minimum, facts.maximum, strict=True))
    )


def _is_format(recipe: Recipe, found: tuple[tuple[str, VertexFormat], ...]) -> bool:
    """Whether vertices have the format of their text; those of models may have more room for bones."""
    given = recipe.parameters["format"]
    return bool(found == given or (recipe.part and is_with_room(given, found)))


def _indices_fit(recipe: Recipe, facts: IndicesFacts, size: int) -> bool:
    topology = recipe.parameters["topology"]
    return (
        topology.min_indices <= facts.count <= MAX_INDICES
        and facts.count % topology.group == 0
        and (facts.type == recipe.parameters["format"] or (bool(recipe.part) and facts.highest >= 0xFFFF))
        and facts.topology == topology
        and facts.lod == recipe.parameters["lod"]
        and 0 <= facts.highest < MAX_VERTICES
        and facts.count * facts.type.dtype.itemsize == size
        and (not facts.levels or _levels_fit(recipe, facts))
    )


def _levels_fit(recipe: Recipe, facts: IndicesFacts) -> bool:
    """Whether levels of detail are such as were requested: one after the other, with errors that do not
    fall.
    """
    settings, firsts, errors = recipe.parameters["simplify"], 0, 0.0
    if settings is None or not 2 <= len(facts.levels) <= settings.levels + 1:
        return False
    for level in facts.levels:
        if (
            level.first != firsts
            or level.count < 3
            or level.count % 3
            or not errors <= level.error < math.inf
        ):
            return False
        firsts, errors = firsts + level.count, level.error
    return firsts == facts.count and facts.levels[0].error == 0.0


def _skeleton_fits(facts: SkeletonFacts, size: int) -> bool:
    return (
        1 <= facts.count <= MAX_BONES
        and len(facts.names) == len(set(facts.names)) == facts.count
        and facts.count * _bone_bytes(facts) == size
    )


def _texture_fits(recipe: Recipe, facts: TextureFacts, size: int) -> bool:
    sides = (facts.width, facts.height)
    if not all(1 <= side <= MAX_TEXTURE_SIDE for side in sides):
        return False
    if facts.width * facts.height > MAX_TEXTURE_PIXELS:
        return False
    wanted, form = recipe.parameters, facts.format
    most = full_chain(*sides)
    if facts.mip_levels != (wanted["mip_levels"] or facts.mip_levels) or not 1 <= facts.mip_levels <= most:
        return False
    *offsets, end = level_offsets(form, *sides, facts.mip_levels)
    stored = texel_parts(form, *sides, facts.mip_levels)[2]
    return (
        (form is wanted["format"] if wanted["format"] else form is form.in_space(wanted["color_space"]))
        and facts.mip_offsets == tuple(offsets)
        and facts.size == end
        and size == stored
    )


_MOST_IRRADIANCE = 3 * LARGEST
"""More than any factor of irradiance: the largest is 2 for light of 1, that of y."""


def _environment_fits(facts: EnvironmentFacts, size: int) -> bool:
    side = facts.side
    return (
        LEAST_SIDE <= side <= MAX_CUBE_SIDE
        and side & (side - 1) == 0
        and facts.mip_levels == cube_levels(side)
        and facts.size == size == cube_bytes(side)
        and len(facts.irradiance) == 9
        and all(abs(value) <= _MOST_IRRADIANCE for factor in facts.irradiance for value in factor)
    )


def _animation_fits(facts: AnimationFacts, size: int) -> bool:
    moved = {(channel.target, channel.moves) for channel in facts.channels}
    keys = sum(channel.count for channel in facts.channels)
    return (
        1 <= len(facts.channels) == len(moved) <= MAX_CHANNELS
        and all(channel.count >= 1 for channel in facts.channels)
        and keys <= MAX_KEYS
        and 4 * (keys + sum(channel.values for channel in facts.channels)) == size
    )


def _targets_fit(facts: MorphTargetsFacts, size: int) -> bool:
    columns = facts.names, facts.weights, facts.minimum, facts.maximum
    return (
        1 <= facts.count <= MAX_DELTAS
        and 1 <= len(set(facts.names)) <= MAX_TARGETS
        and {len(set(facts.names)), *map(len, columns)} == {len(facts.names)}
        and all(map(math.isfinite, facts.weights))
        and facts.count * DELTA.itemsize == size
    )


def _deltas_fit(facts: MorphTargetsFacts, content: bytes) -> bool:
    """Whether deltas are finite, of targets that exist, and add to positions what the facts say."""
    packed = np.frombuffer(content, DELTA)
    is_finite = np.isfinite(packed["position"]).all() and np.isfinite(packed["turns"]).all()
    if not is_finite or packed["target"].max() >= len(facts.names):
        return False
    low, high = extents(packed, len(facts.names))
    return np.array_equal(low, np.array(facts.minimum, np.float32)) and np.array_equal(
        high, np.array(facts.maximum, np.float32)
    )


def _keys_fit(facts: AnimationFacts, content: bytes) -> bool:
    """Whether all keys are finite, the times of each channel rise, and the last is where the facts say."""
    numbers = np.frombuffer(content, "<f4")
    if not np.isfinite(numbers).all():
        return False
    last, first = 0.0, 0
    for channel in facts.channels:
        times = numbers[first : first + channel.count]
        if times[0] < 0.0 or not (times[1:] > times[:-1]).all():
            return False
        last, first = max(last, float(times[-1])), first + channel.count + channel.values
    return last == facts.duration


def _shader_fits(recipe: Recipe, facts: ShaderFacts, size: int) -> bool:
    parameters = recipe.parameters
    return (facts.stage, facts.entry_point) == (parameters["stage"], parameters["entry_point"]) and (
        0 < size <= MAX_SHADER_BYTES
    )


def _positions_fit(facts: VerticesFacts, pieces: Iterator[memoryview]) -> bool:
    """Whether positions in 32-bit floats have exactly the bounds of the facts; other formats round them."""
    exact = ("pos", VertexFormat.R32G32B32_SFLOAT)
    if exact not in facts.vertex_format:
        return all(True for _ in pieces)
    offset, stride = facts.offsets[facts.vertex_format.index(exact)], facts.stride
    bounds = []
    for piece in pieces:
        positions = np.ndarray((len(piece) // stride, 3), "<f4", piece, offset, (stride, 4))
        bounds.append((positions.min(axis=0), positions.max(axis=0)))
    low = np.min([low for low, _ in bounds], axis=0)  # a NaN is equal to nothing
    high = np.max([high for _, high in bounds], axis=0)
    return tuple(low.tolist()) == facts.minimum and tuple(high.tolist()) == facts.maximum


def _module_fits(facts: ShaderFacts, code: bytes) -> bool:
    """Whether a module has the interface of the facts, and its instructions end with the last function."""
    from engine.assets.cache.stamps import digest_of
    from engine.assets.spirv.module import last_instruction, reflect
    from engine.assets.spirv.types import Op, SpirvError

    key = (digest_of(code), facts)
    if key in _fitting:
        return True
    try:
        found = reflect(code, facts.stage, facts.entry_point)
        fits = found == facts.reflection and last_instruction(code) == Op.FUNCTION_END
    except (SpirvError, RecursionError):
        return False
    if fits and len(_fitting) < _MOST_FITTING:
        _fitting.add(key)
    return fits


def _bone_bytes(facts: SkeletonFacts) -> int:
    return BOUND_BONE.itemsize if facts.bound else BONE.itemsize


def _bones_fit(facts: SkeletonFacts, content: bytes) -> bool:
    """Whether every bone comes after its parent and has a finite transform."""
    if facts.bound:
        return bool(np.isfinite(np.frombuffer(content, BOUND_BONE)).all())
    bones = np.frombuffer(content, BONE)
    parents = bones["parent"]
    follows = (parents == NO_PARENT) | (parents < np.arange(len(bones)))
    return bool(follows.all()) and all(
        bool(np.isfinite(bones[part]).all()) for part in ("rotation", "translation", "scale")
    )
