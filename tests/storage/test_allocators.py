"""Allocators: memory with its resource, accounted for to the byte, reachable as was asked for, freed once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.memory.device.problems import DoubleFree, NotMappable, OutOfBounds, Overrun, UseAfterClose
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, MemoryProperty
from engine.storage.allocators.block import padded, whole_atoms
from engine.storage.allocators.dedicated import DedicatedAllocator
from engine.storage.allocators.device_allocator import DeviceAllocator
from engine.storage.allocators.guards import ALLOCATED, FREED, Guards
from engine.storage.allocators.interface import MemoryMapping
from engine.storage.allocators.sub_allocator import SubAllocator
from engine.vk.binding import ffi
from engine.vk.device import Device
from engine.vk.errors import OutOfDeviceMemory, Result, VulkanError
from engine.vk.faults import faults

pytestmark = pytest.mark.gpu
STORAGE = BufferUsage.STORAGE_BUFFER | BufferUsage.TRANSFER_DST
SAMPLED = ImageUsage.SAMPLED | ImageUsage.TRANSFER_DST
SHAPE = ImageShape(Format.R8G8B8A8_UNORM, 64, 64)
RANDOM, SEQUENTIAL = MemoryMapping.HOST_ACCESS_RANDOM, MemoryMapping.HOST_ACCESS_SEQUENTIAL_WRITE


class Watched:
    """Every vkAllocateMemory and vkFreeMemory of a device, by handle."""

    def __init__(self, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: dict[int, int] = {}
        create, destroy = device.create, device.destroy

        def creating(type_name: str, info: Any, **options: Any) -> Any:
            handle = create(type_name, info, **options)
            if type_name == "DeviceMemory":
                self.sizes[int(ffi.cast("uintptr_t", handle))] = info.allocationSize
            return handle

        def destroying(type_name: str, handle: Any) -> None:
            if type_name == "DeviceMemory":
                del self.sizes[int(ffi.cast("uintptr_t", handle))]
            destroy(type_name, handle)

        monkeypatch.setattr(device, "create", creating)
        monkeypatch.setattr(device, "destroy", destroying)

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values())


@pytest.fixture(params=[SubAllocator, DedicatedAllocator])
def allocator(
    request: pytest.FixtureRequest, device: Device, profile: DeviceProfile
) -> Iterator[DeviceAllocator]:
    with request.param(device, profile) as made:
        yield made


def not_coherent(profile: DeviceProfile, atom: int) -> DeviceProfile:
    """The same device, as if its memory had to be flushed."""
    types = tuple(
        replace(row, properties=row.properties & ~MemoryProperty.HOST_COHERENT)
        for row in profile.memory_types
    )
    limits = replace(profile.limits, non_coherent_atom_size=atom)
    return replace(profile, memory_types=types, limits=limits)


def test_statistics_are_what_the_device_was_asked_for(
    device: Device, profile: DeviceProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(device, monkeypatch)
    rng = np.random.default_rng(3)
    with SubAllocator(device, profile) as sub, DedicatedAllocator(device, profile) as dedicated:
        live: list[Any] = []
        for _round in range(150):
            allocator = (sub, dedicated)[int(rng.integers(2))]
            if live and rng.random() < 0.4:
                live.pop(int(rng.integers(len(live)))).free()
            elif rng.random() < 0.2:
                live.append(allocator.allocate_image(SHAPE, int(rng.integers(1, 4)), SAMPLED))
            else:
                live.append(allocator.allocate_buffer(int(rng.integers(1, 200_000)), STORAGE))
            reported = (sub.statistics(), dedicated.statistics())
            assert sum(row.allocated for row in reported) == watched.bytes
            assert sum(row.allocations for row in reported) == len(live)
            assert sub.device_bytes + dedicated.device_bytes == watched.bytes
        for row in live:
            row.free()
        sub.trim()
        assert watched.bytes == 0
        assert (sub.leaks, dedicated.leaks) == ([], [])


def test_no_two_allocations_overlap_and_each_fits_its_block(device: Device, profile: DeviceProfile) -> None:
    with SubAllocator(device, profile, block=1 << 20) as allocator:
        rng = np.random.default_rng(5)
        live = [allocator.allocate_buffer(int(rng.integers(1, 40_000)), STORAGE) for _ in range(100)]
        for row in live[::3]:
            row.free()
        live = [row for i, row in enumerate(live) if i % 3]
        live += [allocator.allocate_image(SHAPE, 1, SAMPLED) for _ in range(5)]
        live += [allocator.allocate_buffer(int(rng.integers(1, 9_000)), STORAGE) for _ in range(60)]
        reported = allocator.statistics()
        for block in reported.blocks:
            end = 0
            for row in block.allocations:
                assert row.offset >= end
                end = row.offset + row.taken
            assert end <= block.size
            assert len({row.kind for row in block.allocations}) <= 1
        assert reported.allocations == len(live)
        for row in live:
            row.free()


def test_statistics_print_as_json(allocator: DeviceAllocator) -> None:
    made = allocator.allocate_buffer(1000, STORAGE, name="one", why="a test")
    reported = json.loads(allocator.statistics().json())
    assert reported["allocations"] == 1
    assert reported["allocated"] == sum(block["size"] for block in reported["blocks"])
    row = next(row for block in reported["blocks"] for row in block["allocations"])
    assert (row["name"], row["why"], row["kind"], row["size"]) == ("one", "a test", "buffer", 1000)
    assert reported["heaps"][0]["allocated"] <= reported["heaps"][0]["budget"] <= reported["heaps"][0]["size"]
    made.free()


def test_an_empty_block_is_kept_for_the_next_and_trimmed_on_request(
    device: Device, profile: DeviceProfile
) -> None:
    with SubAllocator(device, profile) as allocator:
        allocator.allocate_buffer(1000, STORAGE).free()
        kept = allocator.device_bytes
        before = faults.calls
        again = allocator.allocate_buffer(1000, STORAGE)
        assert faults.calls - before == 2  # made and bound, nothing allocated
        assert allocator.device_bytes == kept > 0
        again.free()
        assert allocator.trim() == kept
        assert allocator.device_bytes == 0


@pytest.mark.parametrize("mapping", [RANDOM, SEQUENTIAL])
def test_mapped_memory_holds_what_is_written(allocator: DeviceAllocator, mapping: MemoryMapping) -> None:
    made = [allocator.allocate_buffer(300, STORAGE, mapping, name=f"row {i}") for i in range(3)]
    for value, row in enumerate(made):
        row.map()[:] = value + 1
        row.flush()
        row.unmap()
    for value, row in enumerate(made):
        view = row.map()
        assert view.nbytes == 300
        assert (view == value + 1).all()
        row.invalidate(0, 10)
        row.free()


def test_memory_of_no_mapping_is_not_mapped(allocator: DeviceAllocator) -> None:
    made = allocator.allocate_buffer(64, STORAGE, name="hidden")
    with pytest.raises(NotMappable, match=r"memory\.not_mapped.*hidden"):
        made.map()
    with pytest.raises(NotMappable, match="hidden"):
        made.unmap()
    made.free()


def test_misuse_is_reported_by_name(allocator: DeviceAllocator) -> None:
    made = allocator.allocate_buffer(64, STORAGE, RANDOM, name="vertices")
    with pytest.raises(NotMappable, match="vertices"):
        made.flush()
    made.map()
    with pytest.raises(OutOfBounds, match="vertices: bytes 60 to 68 of 64"):
        made.flush(60, 8)
    made.free()
    with pytest.raises(DoubleFree, match="vertices"):
        made.free()
    for use in (made.map, made.unmap, made.flush, made.invalidate, lambda: made.handle, lambda: made.memory):
        with pytest.raises(UseAfterClose, match="vertices"):
            use()


def test_closing_frees_what_was_forgotten_and_says_so(device: Device, profile: DeviceProfile) -> None:
    allocator = SubAllocator(device, profile)
    allocator.allocate_buffer(64, STORAGE, RANDOM, name="forgotten").map()
    allocator.close()
    allocator.close()
    assert allocator.leaks == ["forgotten"]
    assert "DeviceMemory" not in device.handles.counts()
    with pytest.raises(UseAfterClose, match="late"):
        allocator.allocate_buffer(64, STORAGE, name="late")


def test_a_budget_is_never_passed_and_smaller_blocks_use_it_up(
    device: Device, profile: DeviceProfile
) -> None:
    budget = 1_000_000
    with SubAllocator(device, profile, budgets=dict.fromkeys(range(len(profile.heaps)), budget)) as allocator:
        made: list[Any] = []

        def fill() -> None:
            while True:
                made.append(allocator.allocate_buffer(50_000, STORAGE, name="too many"))
                assert max(heap.allocated for heap in allocator.statistics().heaps) <= budget

        with pytest.raises(OutOfDeviceMemory, match=r"too many: .* budget of heap \d leaves"):
            fill()
        assert len(made) >= 15
        counts = device.handles.counts()
        with pytest.raises(OutOfDeviceMemory):
            allocator.allocate_image(ImageShape(Format.R8G8B8A8_UNORM, 1024, 1024), 1, SAMPLED)
        assert device.handles.counts() == counts
        made.pop().free()
        made.append(allocator.allocate_buffer(50_000, STORAGE))
        for row in made:
            row.free()


@pytest.mark.parametrize("kind", [SubAllocator, DedicatedAllocator])
def test_a_failing_call_leaves_nothing_behind(device: Device, profile: DeviceProfile, kind: Any) -> None:
    with kind(device, profile) as allocator:
        base = device.handles.counts()
        for nth in range(1, 12):
            with faults.injected(nth, Result.OUT_OF_DEVICE_MEMORY) as injected, suppress(VulkanError):
                allocator.allocate_buffer(4096, STORAGE, RANDOM).free()
                allocator.allocate_image(SHAPE, 2, SAMPLED).free()
            allocator.trim()
            assert device.handles.counts() == base
            assert allocator.device_bytes == 0
        assert not injected.hits


def test_memory_that_is_not_coherent_is_flushed_in_whole_atoms(
    device: Device, profile: DeviceProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    atom = 256
    with SubAllocator(device, not_coherent(profile, atom)) as allocator:
        spans: list[tuple[str, int, int]] = []
        call = device.call

        def calling(name: str, *arguments: Any, **options: Any) -> Result:
            if "Mapped" in name:
                spans.append((name, arguments[2].offset, arguments[2].size))
            return call(name, *arguments, **options)

        monkeypatch.setattr(device, "call", calling)
        made = [allocator.allocate_buffer(100, STORAGE, RANDOM) for _ in range(3)]
        atoms = [set(range(row.offset // atom, -(-(row.offset + 100) // atom))) for row in made]
        assert not atoms[0] & atoms[1] | atoms[1] & atoms[2]
        row = made[1]
        row.map()[:] = 7
        row.flush(10, 20)
        row.invalidate()
        assert spans == [
            ("vkFlushMappedMemoryRanges", row.offset // atom * atom, atom),
            ("vkInvalidateMappedMemoryRanges", row.offset // atom * atom, atom),
        ]
        for each in made:
            each.free()


@pytest.mark.parametrize(
    ("span", "size", "widened"),
    [
        ((0, 1), 1024, (0, 64)),
        ((63, 65), 1024, (0, 128)),
        ((64, 128), 1024, (64, 128)),
        ((990, 1000), 1000, (960, 1000)),
    ],
)
def test_ranges_widen_to_atoms_or_to_the_end(
    span: tuple[int, int], size: int, widened: tuple[int, int]
) -> None:
    assert whole_atoms(*span, 64, size) == widened


def test_padding_keeps_neighbours_off_each_others_atoms() -> None:
    assert padded(100, 16, 64) == (128, 64)
    assert padded(100, 48, 64) == (128, 192)
    assert padded(100, 16, 1) == (100, 16)


@pytest.mark.parametrize("kind", [SubAllocator, DedicatedAllocator])
@pytest.mark.parametrize("at", [-1, 100])
def test_a_write_beyond_either_end_is_found(
    device: Device, profile: DeviceProfile, kind: Any, at: int
) -> None:
    with kind(device, profile, guards=Guards(margin=16)) as allocator:
        needs = replace(profile.buffer_requirements(100, STORAGE), size=100)
        made = allocator.allocate_memory(needs, RANDOM, name="victim")
        beside = [allocator.allocate_memory(needs, RANDOM) for _ in range(2)]
        allocator.check()
        whole = made.place.block.map("victim")
        whole[made.offset + at] ^= 1
        made.place.block.unmap()
        with pytest.raises(Overrun, match=r"victim: its guard margin was written to"):
            allocator.check()
        with pytest.raises(Overrun, match="victim"):
            made.free()
        for row in beside:
            row.free()
        assert allocator.statistics().allocations == 0


def test_fill_patterns_mark_fresh_and_freed_memory(device: Device, profile: DeviceProfile) -> None:
    with SubAllocator(device, profile, guards=Guards(fill=True)) as allocator:
        made = allocator.allocate_buffer(256, STORAGE, RANDOM)
        view = made.map()
        assert (view == ALLOCATED).all()
        whole = made.place.block.map("test")
        place = slice(made.offset, made.offset + 256)
        made.free()
        assert (whole[place] == FREED).all()


def test_eight_threads_allocate_at_once_and_every_byte_is_accounted_for(
    device: Device, profile: DeviceProfile
) -> None:
    with SubAllocator(device, profile) as allocator:

        def work(seed: int) -> None:
            rng = np.random.default_rng(seed)
            mine = []
            for _ in range(40):
                made = allocator.allocate_buffer(int(rng.integers(1, 5000)), STORAGE, RANDOM)
                made.map()[:] = seed
                mine.append(made)
                if len(mine) > 5:
                    old = mine.pop(0)
                    assert (old.map() == seed).all()
                    old.free()
            for old in mine:
                assert (old.map() == seed).all()
                old.free()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        assert allocator.statistics().used == 0
