"""Atlas: pictures in shelves of array pages that keep apart, come back, and do not bleed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.compute import run_compute
from support.sampling import amount

from engine.memory.device.problems import AtlasFull, DoubleFree, OutOfBounds, UseAfterClose, WrongArray
from engine.memory.device.samplers import SamplerConfig
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage
from engine.render.compute import BoundView, StorageRange
from engine.storage.allocators.interface import MemoryMapping
from engine.storage.atlas import Atlas
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.storage.shelves import Shelves, Slot
from engine.vk.binding import constants
from engine.vk.device import Device

SHAPE = ImageShape(Format.R8G8B8A8_UNORM, 64, 64)
READABLE = ImageUsage.SAMPLED | ImageUsage.TRANSFER_SRC
SAMPLE = """#version 450
layout(local_size_x = 1) in;
layout(binding = 0) uniform sampler2DArray page;
layout(std430, binding = 1) buffer Points { vec4 points[]; };
void main() {
    vec4 at = points[gl_GlobalInvocationID.x];
    points[gl_GlobalInvocationID.x] = textureLod(page, at.xyz, 0.0);
}
"""


@settings(max_examples=amount(20, 240))
@given(st.lists(st.tuples(st.integers(1, 64), st.integers(1, 64), st.booleans()), max_size=60))
def test_rectangles_never_overlap_and_an_empty_layer_is_whole_again(
    wanted: list[tuple[int, int, bool]],
) -> None:
    shelves = Shelves(64, 64)
    shelves.add_layer(0)
    shelves.add_layer(7)
    taken = {0: np.zeros((64, 64), bool), 7: np.zeros((64, 64), bool)}
    live: list[Slot] = []

    def mark(slot: Slot, value: bool) -> None:
        part = taken[slot.layer][slot.y : slot.y + slot.height, slot.x : slot.x + slot.width]
        assert part.shape == (slot.height, slot.width)
        assert (part != value).all()
        part[...] = value

    for width, height, keeps in wanted:
        slot = shelves.take(width, height)
        if slot is not None:
            mark(slot, True)
            live.append(slot)
        if not keeps and live:
            old = live.pop(len(live) // 2)
            mark(old, False)
            shelves.give(old)
        assert shelves.used_texels == sum(layer.sum() for layer in taken.values())
    for slot in live:
        shelves.give(slot)
    assert [shelves.take(64, 64) is not None for _ in range(3)] == [True, True, False]


def test_shelves_of_like_pictures_are_well_filled() -> None:
    shelves = Shelves(1024, 1024)
    shelves.add_layer(0)
    rng = np.random.default_rng(1)
    while shelves.take(*(int(value) for value in rng.integers(10, 60, 2))) is not None:
        pass
    assert shelves.used_texels > 0.8 * 1024 * 1024


def pictures(seed: int, count: int) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 30, (count, 2)).tolist()
    return [rng.integers(0, 256, (height, width, 4), np.uint8) for width, height in sizes]


@pytest.mark.gpu
def test_every_picture_arrives_where_its_region_says(resources: ResourceAllocator) -> None:
    with Atlas(resources, SHAPE, layers=2, usage=READABLE, max_pages=8) as atlas:
        rows = [(atlas.allocate(p.shape[1], p.shape[0]), p) for p in pictures(2, 60)]
        for region, picture in rows:
            region.update(picture)
        resources.staging.settle()
        assert 1 < len(atlas.pages) <= 8
        seen = {(n, layer): page.read(layer) for n, page in atlas.pages.items() for layer in range(2)}
        for region, picture in rows:
            page = seen[region.page, region.layer]
            part = page[region.y : region.y + region.height, region.x : region.x + region.width]
            assert (part == picture).all()


@pytest.mark.gpu
def test_filtering_at_the_edges_sees_no_neighbour(device: Device, resources: ResourceAllocator) -> None:
    linear = SamplerConfig(address_u=constants.VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE)
    with (
        Atlas(resources, SHAPE, layers=2) as atlas,
        resources.create_texture(SHAPE, linear) as texture,
    ):
        rng = np.random.default_rng(5)
        rows = []
        for _ in range(20):
            width, height = rng.integers(1, 14, 2).tolist()
            colour = rng.integers(0, 256, 4).astype(np.uint8)
            region = atlas.allocate(width, height)
            region.update(np.broadcast_to(colour, (height, width, 4)))
            rows.append((region, colour))
        assert len(atlas.pages) == 1
        points, expected = [], []
        for region, colour in rows:
            u, v, width, height = region.uv
            for x in (0.0, 0.5, 1.0):
                for y in (0.0, 0.5, 1.0):
                    points.append((u + x * width, v + y * height, region.layer, 0.0))
                    expected.append(colour / 255.0)
        data = np.array(points, np.float32)
        with resources.create_buffer(
            data.nbytes, BufferUsage.STORAGE_BUFFER, MemoryMapping.HOST_ACCESS_RANDOM
        ) as buffer:
            buffer.update(data)
            resources.staging.settle()
            bound = {
                "page": BoundView(atlas.pages[0].view, texture.sampler),
                "Points": StorageRange(buffer.handle),
            }
            run_compute(device, SAMPLE, bound, (len(points), 1, 1))
            seen = buffer.read(dtype=np.float32).reshape(-1, 4)
        assert np.abs(seen - np.array(expected)).max() < 0.01


@pytest.mark.gpu
def test_without_a_gutter_the_same_edges_do_bleed(device: Device, resources: ResourceAllocator) -> None:
    """Without it, the test above would fail."""
    with (
        Atlas(resources, SHAPE, layers=2, gutter=0) as atlas,
        resources.create_texture(SHAPE) as texture,
    ):
        red, blue = (atlas.allocate(8, 8) for _ in range(2))
        red.update(np.broadcast_to(np.array([255, 0, 0, 255], np.uint8), (8, 8, 4)))
        blue.update(np.broadcast_to(np.array([0, 0, 255, 255], np.uint8), (8, 8, 4)))
        u, v, width, height = red.uv
        data = np.array([(u + width, v + height / 2, red.layer, 0)], np.float32)
        with resources.create_buffer(16, BufferUsage.STORAGE_BUFFER) as buffer:
            buffer.update(data)
            resources.staging.settle()
            bound = {
                "page": BoundView(atlas.pages[0].view, texture.sampler),
                "Points": StorageRange(buffer.handle),
            }
            run_compute(device, SAMPLE, bound, (1, 1, 1))
            assert buffer.read(dtype=np.float32)[2] > 0.3


@pytest.mark.gpu
def test_what_was_not_used_for_longest_is_evicted_and_what_is_in_use_is_not(
    resources: ResourceAllocator,
) -> None:
    with Atlas(resources, SHAPE, layers=1, max_pages=1, keep=2) as atlas:
        kept = atlas.allocate(30, 30, pinned=True, name="pinned")
        regions = [atlas.allocate(30, 30, name=f"glyph {i}") for i in range(3)]
        with pytest.raises(AtlasFull, match=r"memory\.atlas_full.*late: all 1 pages of atlas are in use"):
            atlas.allocate(30, 30, name="late")
        for _ in range(3):
            atlas.next_frame()
            regions[0].touch()
        late = atlas.allocate(30, 30, name="late")
        assert [row.is_live for row in (kept, *regions, late)] == [True, True, False, True, True]
        assert atlas.evicted == 1
        with pytest.raises(UseAfterClose, match=r"glyph 1.*evicted"):
            regions[1].update(np.zeros((30, 30, 4), np.uint8))
        with pytest.raises(DoubleFree, match="glyph 1"):
            regions[1].free()


@pytest.mark.gpu
def test_freed_places_are_used_again_after_their_last_use_and_empty_pages_return(
    resources: ResourceAllocator,
) -> None:
    with Atlas(resources, SHAPE, layers=1, max_pages=3) as atlas:
        first = atlas.allocate(60, 60)
        first.update(np.zeros((60, 60, 4), np.uint8))
        first.free()
        second = atlas.allocate(60, 60)
        assert second.page == 1
        resources.staging.settle()
        resources.collect()
        assert atlas.allocate(60, 60).page == 0
        second.free()
        resources.collect()
        assert atlas.trim() == 1
        assert list(atlas.pages) == [0]


@pytest.mark.gpu
def test_misuse_of_an_atlas_is_reported_by_name(resources: ResourceAllocator) -> None:
    with pytest.raises(WrongArray, match="plain texels"):
        Atlas(resources, ImageShape(Format.BC7_SRGB_BLOCK, 64, 64))
    atlas = Atlas(resources, SHAPE, layers=1)
    limit = resources.staging.profile.limits.max_image_dimension_2d
    for width, height in ((0, 4), (limit - 1, 4), (4, limit - 1)):
        with pytest.raises(OutOfBounds, match=rf"wide.*{limit - 2} x {limit - 2}"):
            atlas.allocate(width, height, name="wide")
    region = atlas.allocate(8, 4, name="glyph")
    for wrong in (np.zeros((4, 8, 3), np.uint8), np.zeros((4, 8, 4), np.float32)):
        with pytest.raises(WrongArray, match=r"glyph: it takes uint8\[height, width, 4\]"):
            region.update(wrong)
    for shape, at in (((8, 4, 4), (0, 0)), ((4, 8, 4), (1, 0)), ((2, 2, 4), (0, -1)), ((0, 2, 4), (0, 0))):
        with pytest.raises(OutOfBounds, match=r"glyph: .*, and it is 8 x 4"):
            region.update(np.zeros(shape, np.uint8), at=at)
    with pytest.raises(ZeroDivisionError), region.updator() as view:
        view[...] = 1 // 0
    assert resources.staging.scheduled == 0
    updator = region.updator()
    updator.__enter__()
    region.free()
    with pytest.raises(UseAfterClose, match="glyph"):
        updator.__exit__(None, None, None)
    with pytest.raises(DoubleFree, match="glyph"):
        region.free()
    atlas.close()
    with pytest.raises(UseAfterClose, match="atlas"):
        atlas.allocate(1, 1)


@pytest.mark.gpu
def test_parts_of_a_picture_bring_the_gutter_of_the_edges_that_they_touch(
    resources: ResourceAllocator,
) -> None:
    picture = np.random.default_rng(3).integers(0, 256, (9, 12, 4), np.uint8)
    usage = ImageUsage.SAMPLED | ImageUsage.TRANSFER_SRC
    with Atlas(resources, SHAPE, layers=1, gutter=2, usage=usage) as atlas:
        whole, parts = atlas.allocate(12, 9), atlas.allocate(12, 9)
        whole.update(picture)
        for top in range(0, 9, 4):
            for left in range(0, 12, 5):
                parts.update(picture[top : top + 4, left : left + 5], at=(left, top))
        page = whole.image.read()
    boxes = [page[r.y - 2 : r.y + 11, r.x - 2 : r.x + 14] for r in (whole, parts)]
    np.testing.assert_array_equal(boxes[0], boxes[1])


@pytest.mark.gpu
def test_a_picture_larger_than_a_page_gets_a_page_of_its_own(resources: ResourceAllocator) -> None:
    picture = np.random.default_rng(4).integers(0, 256, (30, 100, 4), np.uint8)
    usage = ImageUsage.SAMPLED | ImageUsage.TRANSFER_SRC
    with Atlas(resources, SHAPE, layers=2, max_pages=2, usage=usage) as atlas:
        small, large = atlas.allocate(8, 8), atlas.allocate(100, 30, name="large")
        large.update(picture)
        assert (large.page, large.layer, len(atlas.pages)) == (1, 0, 2)
        assert large.uv == (1 / 102, 1 / 32, 100 / 102, 30 / 32)
        np.testing.assert_array_equal(large.image.read()[1:31, 1:101], picture)
        assert atlas.filled == (100 + 102 * 32) / (2 * 64 * 64 + 102 * 32)
        with pytest.raises(AtlasFull, match="wider"):
            atlas.allocate(200, 4, name="wider")
        for _ in range(3):
            atlas.next_frame()
        small.touch()
        wider = atlas.allocate(200, 4, name="wider")
        assert not large.is_live, "it was not used for longest"
        assert len(atlas.pages) == 2
        wider.free()
        resources.staging.settle()
        resources.collect()
        assert list(atlas.pages) == [0]
