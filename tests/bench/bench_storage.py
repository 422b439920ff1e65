"""The cost of storage: an updator, a sub-allocation, memory for a small buffer, a place in an atlas."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import numpy as np
from harness import Row

from engine.memory.device.problems import Unsupported
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage
from engine.storage.allocators.interface import MemoryMapping
from engine.storage.atlas import Atlas
from engine.storage.buffer_pages import BufferPages
from engine.storage.context import Context
from engine.storage.extensions import RayTracing, Resources
from engine.storage.resources.acceleration import build_bottom
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.vk.errors import NoVulkan

PAIRS = 10_000
PIECE = 64 << 10
ROUNDS = 5
VERTEX = BufferUsage.VERTEX_BUFFER


def best(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The best of several rounds in seconds, which other load disturbs least."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def updator(resources: ResourceAllocator, driver: str) -> Iterable[Row]:
    """Open, write 64 KiB, close; beside numpy copying the same bytes to the same staging."""
    data = np.random.default_rng(1).integers(0, 256, PIECE, np.uint8)
    with resources.create_buffer(PIECE * 200, VERTEX) as buffer:

        def write() -> None:
            for piece in range(200):
                with buffer.updator(piece * PIECE, PIECE) as view:
                    view[:] = data

        def measured() -> float:
            start = time.perf_counter()
            write()
            taken = time.perf_counter() - start
            resources.staging.settle()
            return taken / 200 * 1e6

        measured()
        value = min(measured() for _ in range(ROUNDS))
        with buffer.updator(0, PIECE) as view:

            def copy() -> None:
                for _ in range(200):
                    view[:] = data

            reference = best(copy) / 200 * 1e6
        reported = ("numpy copy of the same bytes to staging", reference)
        yield Row(
            "storage.updator_64k",
            value,
            "us",
            reported[0],
            reported[1],
            aim="<= 50 us",
            holds=value <= 50,
            driver=driver,
        )
        view = buffer.updator(0, PIECE)
        seen = view.open()
        memory = resources.staging.uploads.memory
        assert memory is not None
        copies = 0 if np.shares_memory(seen, memory.map()) else 1
        memory.unmap()
        view.cancel()
        yield Row(
            "storage.updator_extra_copies",
            copies,
            "copies",
            aim="0 copies",
            holds=copies == 0,
            driver=driver,
        )
        most = resources.staging.uploads.peak + resources.staging.downloads.peak
        bound = resources.staging.uploads.capacity + resources.staging.downloads.capacity
        yield Row(
            "storage.staging_peak",
            most,
            "bytes",
            "both staging buffers",
            bound,
            aim="<= both buffers",
            holds=most <= bound,
            driver=driver,
        )


def sub_allocation(resources: ResourceAllocator, driver: str) -> Iterable[Row]:
    """10,000 pairs of allocate and free, with a thousand others alive, in a page and in memory."""
    sizes = np.random.default_rng(2).integers(16, 4096, PAIRS).tolist()

    def pairs(take: Callable[[int], object], give: Callable[[object], None]) -> float:
        live = [take(size) for size in sizes[:1000]]
        for row in live[::2]:
            give(row)

        def run() -> None:
            for size in sizes:
                give(take(size))

        taken = best(run, 3) / PAIRS * 1e6
        for row in live[1::2]:
            give(row)
        return taken

    with BufferPages(resources, VERTEX, page_bytes=8 << 20) as pages:
        frees: list[object] = []

        def give(row: object) -> None:
            row.free()  # type: ignore[attr-defined]
            frees.append(row)
            if len(frees) % 100 == 0:
                resources.collect()  # what a frame does

        value = pairs(pages.allocate, give)
        yield pair_row("storage.page_pair", value, driver)
    memory = resources.memory
    usage, mapping = VERTEX, MemoryMapping.NONE
    needs = resources.staging.profile.buffer_requirements(64, VERTEX)

    def take_memory(_size: int) -> object:
        return memory.allocate_memory(needs, mapping)  # type: ignore[attr-defined]

    value = pairs(take_memory, lambda row: row.free())  # type: ignore[attr-defined]
    yield pair_row("storage.memory_pair", value, driver)
    value = pairs(lambda size: memory.allocate_buffer(size, usage, mapping), lambda row: row.free())  # type: ignore[attr-defined]
    yield Row("storage.buffer_pair", value, "us/pair", driver=driver)


def pair_row(name: str, value: float, driver: str) -> Row:
    """A row whose aim is the cost of a pair."""
    return Row(name, value, "us/pair", aim="<= 25 us/pair", holds=value <= 25, driver=driver)


def atlas(resources: ResourceAllocator, driver: str) -> Iterable[Row]:
    """Places for 5,000 glyphs, and how full the pages are."""
    sizes = np.random.default_rng(3).integers(6, 40, (5000, 2)).tolist()
    shape = ImageShape(Format.R8_UNORM, 1024, 1024)
    with Atlas(resources, shape, layers=4, max_pages=4) as made:
        start = time.perf_counter()
        for width, height in sizes:
            made.allocate(width, height)
        taken = (time.perf_counter() - start) / len(sizes) * 1e6
        layers = len(made.pages) * made.layers * made.filled
        used = made.filled * len(made.pages) * made.layers / max(np.ceil(layers), 1)
    yield Row("storage.atlas_place", taken, "us/picture", driver=driver)
    yield Row("storage.atlas_filled", used, "share of the layers that were begun", driver=driver)


def acceleration(resources: ResourceAllocator, driver: str) -> Iterable[Row]:
    """A mesh of 500,000 triangles built and compacted, if the device supports it."""
    size = 500
    y, x = np.mgrid[0 : size + 1, 0 : size + 1].astype(np.float32)
    vertices = np.stack([x, y, np.sin(x)], axis=-1).reshape(-1, 3)
    at = (np.arange(size)[:, None] * (size + 1) + np.arange(size)).reshape(-1)
    corners = [at, at + 1, at + size + 1, at + 1, at + size + 2, at + size + 1]
    indices = np.stack(corners, axis=-1).reshape(-1, 3).astype(np.uint32)
    try:
        start = time.perf_counter()
        with build_bottom(resources, vertices, indices) as made:
            taken = (time.perf_counter() - start) * 1e3
            yield Row("storage.acceleration_build", taken, "ms", driver=driver)
            yield Row(
                "storage.acceleration_compacted",
                made.size,
                "bytes",
                "the same before compaction",
                made.built_size,
                driver=driver,
            )
    except Unsupported as problem:
        yield Row("storage.acceleration_build", skipped=problem.problem, driver=driver)


def rows() -> Iterable[Row]:
    """Measure everything on one device."""
    with suppress(NoVulkan):
        with Context([RayTracing(), Resources()]) as context:
            resources = context[Resources].allocator
            driver = f"{context.device.adapter.name}"
            for area in (updator, sub_allocation, atlas, acceleration):
                yield from area(resources, driver)
        return
    yield Row("storage.updator_64k", skipped="no Vulkan device")
