"""Random scenes for plans: assets with cache bytes, and random needs for some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.profile.profile_file import read_profile
from engine.plan.requirements.coalesce import Coalesced, coalesce
from engine.plan.requirements.requirements import ImageShape, QueueUse, Requirement, RequirementTable
from engine.plan.requirements.shapes import tight_bytes
from engine.plan.requirements.sources import Sources
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys, asset_key
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import (
    Access,
    BufferUsage,
    Contents,
    Dedicated,
    ImageUsage,
    Kind,
    MemoryProperty,
    QueueKind,
    Stage,
)

PROFILES = Path(__file__).parents[2] / "assets" / "profiles"
NAMES = ("lavapipe", "nvidia-h200", "unified", "discrete-window", "coarse")
SMALL = Policy(block=24 << 10, own=4 << 10, staging=6 << 10, window=10 << 10)
USES = (
    QueueUse(QueueKind.GRAPHICS, Access.VERTEX_ATTRIBUTE_READ, Stage.VERTEX_ATTRIBUTE_INPUT),
    QueueUse(QueueKind.GRAPHICS, Access.SHADER_SAMPLED_READ, Stage.FRAGMENT_SHADER),
    QueueUse(QueueKind.COMPUTE, Access.SHADER_STORAGE_READ, Stage.COMPUTE_SHADER),
)
SHAPES = (
    ImageShape(Format.R8G8B8A8_UNORM, 8, 8, 4),
    ImageShape(Format.R8G8B8A8_SRGB, 16, 4, 1),
    ImageShape(Format.R8_UNORM, 5, 7, 3),
    ImageShape(Format.BC1_RGB_UNORM_BLOCK, 16, 16, 5),
    ImageShape(Format.R8G8B8A8_UNORM, 64, 64, 7),
)
CUBE = ImageShape(Format.R16_SFLOAT, 16, 16, 3, cube=True)
BUFFERS = (
    BufferUsage.VERTEX_BUFFER,
    BufferUsage.INDEX_BUFFER,
    BufferUsage.STORAGE_BUFFER,
    BufferUsage.UNIFORM_BUFFER,
)


@cache
def profile(name: str) -> DeviceProfile:
    return read_profile(PROFILES / f"{name}.json")


@dataclass
class World:
    """Assets of several databases: keys, shapes or sizes, and their ranges in the caches."""

    keys: list[int]
    shapes: list[ImageShape | None]
    sizes: list[int]
    content: list[int]
    caches: dict[int, NDArray[np.uint8]]
    offsets: list[int]
    names: Keys

    @staticmethod
    def make(rng: np.random.Generator, count: int, images: Sequence[ImageShape] = SHAPES) -> World:
        keys, shapes, sizes, offsets = [], [], [], []
        ends = dict.fromkeys((1, 2, 5), 0)
        for index in range(count):
            db = int(rng.choice([1, 1, 2, 5]))
            shape = images[int(rng.integers(len(images)))] if rng.random() < 0.4 else None
            size = (
                tight_bytes(shape)
                if shape
                else int(rng.choice([4, 68, 72, 300, 1632, int(rng.integers(1, 9000))]))
            )
            keys.append(asset_key(db, index))
            shapes.append(shape)
            sizes.append(size)
            offsets.append(ends[db])
            ends[db] = -(-(ends[db] + size) // 16) * 16
        caches = {db: rng.integers(0, 256, max(end, 1), dtype=np.uint8) for db, end in ends.items()}
        return World(keys, shapes, sizes, [0] * count, caches, offsets, Keys())

    def reload(self, rng: np.random.Generator, index: int) -> None:
        """Append a new version of an asset to its cache; a buffer may get another size."""
        db = self.keys[index] >> 32
        if self.shapes[index] is None:
            self.sizes[index] = int(rng.integers(1, 3000))
        self.content[index] += 1
        start = -(-len(self.caches[db]) // 16) * 16
        fresh = rng.integers(0, 256, start - len(self.caches[db]) + self.sizes[index], dtype=np.uint8)
        self.caches[db] = np.concatenate([self.caches[db], fresh])
        self.offsets[index] = start

    def sources(self) -> Sources:
        return Sources.of(self.keys, [k >> 32 for k in self.keys], self.offsets, self.sizes)

    def bytes_of(self, key: int) -> NDArray[np.uint8]:
        index = self.keys.index(key)
        start = self.offsets[index]
        return self.caches[key >> 32][start : start + self.sizes[index]]


def needs(rng: np.random.Generator, world: World, share: float, transients: int = 6) -> Coalesced:
    """Needs with random requesters for a random share of the world's assets, and for some transients."""
    table = RequirementTable(world.names)
    requesters = [table.requesters.add(f"feature{i % 3}", f"object{i}") for i in range(8)]
    active = np.flatnonzero(rng.random(len(world.keys)) < share)
    rng.shuffle(active)
    for index in active.tolist():
        for requester in rng.choice(requesters, int(rng.integers(1, 4))).tolist():
            table.add(_asset(rng, world, index), int(requester))
    for index in range(int(rng.integers(0, transients + 1))):
        table.add(_transient(rng, table.keys.transient(f"transient {index}")), int(rng.choice(requesters)))
    return coalesce(table)


def _asset(rng: np.random.Generator, world: World, index: int) -> Requirement:
    shape = world.shapes[index]
    use = (USES[int(rng.integers(len(USES)))],)
    common = {
        "key": world.keys[index],
        "uses": use,
        "contents": Contents.CACHE,
        "content": world.content[index],
    }
    priority = int(rng.integers(0, 3))
    if shape is not None:
        usage = ImageUsage.SAMPLED | (ImageUsage.STORAGE if rng.random() < 0.1 else ImageUsage(0))
        return Requirement(kind=Kind.IMAGE, shape=shape, usage=usage, priority=priority, **common)
    usage = BUFFERS[int(rng.integers(len(BUFFERS)))]
    size = world.sizes[index]
    dedicated = Dedicated(int(rng.choice([0, 0, 0, 1, 2], p=[0.3, 0.3, 0.3, 0.07, 0.03])))
    alignment = int(rng.choice([1, 4, 16, 68]))
    address = BufferUsage.SHADER_DEVICE_ADDRESS if rng.random() < 0.05 else BufferUsage(0)
    return Requirement(
        kind=Kind.BUFFER,
        size=size,
        usage=usage | address,
        alignment=alignment,
        dedicated=dedicated,
        priority=priority,
        **common,
    )


def _transient(rng: np.random.Generator, key: int) -> Requirement:
    pick = int(rng.integers(5))
    life = (int(rng.integers(0, 3)), int(rng.integers(3, 5))) if rng.random() < 0.5 else None
    mapped = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT
    if pick == 0:
        shape = ImageShape(Format.D32_SFLOAT, int(rng.integers(1, 40)), 16)
        usage = ImageUsage.DEPTH_STENCIL_ATTACHMENT | ImageUsage.SAMPLED
        return Requirement(
            key, Kind.IMAGE, shape=shape, usage=usage, lifetime=life, copies=int(rng.integers(1, 3))
        )
    if pick == 1:
        shape = ImageShape(Format.R8G8B8A8_SRGB, 24, int(rng.integers(1, 40)))
        return Requirement(
            key, Kind.IMAGE, shape=shape, usage=ImageUsage.COLOR_ATTACHMENT, lifetime=(pick, pick + 1)
        )
    if pick == 2:
        return Requirement(
            key,
            Kind.BUFFER,
            size=int(rng.integers(1, 4000)),
            usage=BufferUsage.UNIFORM_BUFFER,
            properties=mapped,
            preferred=MemoryProperty.DEVICE_LOCAL,
            copies=int(rng.integers(1, 4)),
            persistent_map=True,
        )
    contents = Contents.ZERO if pick == 3 else Contents.UNDEFINED
    size = int(rng.integers(1, 6000))
    return Requirement(key, Kind.BUFFER, size=size, usage=BufferUsage.STORAGE_BUFFER, contents=contents)
