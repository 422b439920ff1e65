"""Copies, moves, zeroing and hand-overs as the commands that Vulkan gets, with the barriers around them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.recorded_vulkan import RecordedCommands, handle, number

from engine.memory.commands import barriers, copies
from engine.memory.device.objects import LiveResource
from engine.plan.requirements.requirements import ImageShape
from engine.plan.resident.steps import BUFFER_COPY, IMAGE_COPY, READ, Move, Transfer
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Kind
from engine.vk.binding import QUEUE_FAMILY_IGNORED, REMAINING, constants, ffi
from engine.vk.errors import DioramaInternalError

COMMANDS = handle("VkCommandBuffer", 9)
SHAPE = ImageShape(Format.R8G8B8A8_UNORM, 8, 4, 3)
COLOR, DEPTH = constants.VK_IMAGE_ASPECT_COLOR_BIT, constants.VK_IMAGE_ASPECT_DEPTH_BIT
ALL = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
TRANSFER = constants.VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT
COPYING = constants.VK_ACCESS_2_TRANSFER_READ_BIT | constants.VK_ACCESS_2_TRANSFER_WRITE_BIT
ANY = constants.VK_ACCESS_2_MEMORY_READ_BIT | constants.VK_ACCESS_2_MEMORY_WRITE_BIT
UNDEFINED, READABLE, SOURCE, TARGET = (
    constants.VK_IMAGE_LAYOUT_UNDEFINED,
    constants.VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL,
    constants.VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
    constants.VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
)
BEFORE, AFTER = (ALL, ANY, TRANSFER, COPYING), (TRANSFER, COPYING, ALL, ANY)


def buffer(ident: int) -> LiveResource:
    usage = int(BufferUsage.TRANSFER_DST)
    return LiveResource(ident, Kind.BUFFER, handle("VkBuffer", 100 + ident), usage, 4096)


def image(ident: int, shape: ImageShape = SHAPE, usage: ImageUsage = ImageUsage.SAMPLED) -> LiveResource:
    made = handle("VkImage", 100 + ident)
    return LiveResource(ident, Kind.IMAGE, made, int(usage | ImageUsage.TRANSFER_DST), 0, shape, 4)


class Objects:
    """The resources of a test, by id."""

    def __init__(self, *resources: LiveResource) -> None:
        self._resources = {resource.id: resource for resource in resources}

    def resource(self, ident: int) -> LiveResource:
        return self._resources[ident]


def scope(barrier: Any) -> tuple[int, int, int, int]:
    return barrier.srcStageMask, barrier.srcAccessMask, barrier.dstStageMask, barrier.dstAccessMask


def dependencies(vk: RecordedCommands) -> list[dict[str, Any]]:
    """Every vkCmdPipelineBarrier2, in numbers."""
    found = []
    for commands, info in vk.named("vkCmdPipelineBarrier2"):
        assert commands == COMMANDS
        images = [info.pImageMemoryBarriers[i] for i in range(info.imageMemoryBarrierCount)]
        buffers = [info.pBufferMemoryBarriers[i] for i in range(info.bufferMemoryBarrierCount)]
        found.append(
            {
                "memory": [scope(info.pMemoryBarriers[i]) for i in range(info.memoryBarrierCount)],
                "images": [
                    (number(b.image), b.subresourceRange.baseArrayLayer, b.oldLayout, b.newLayout)
                    for b in images
                ],
                "scopes": {scope(b) for b in [*images, *buffers]},
                "families": {(b.srcQueueFamilyIndex, b.dstQueueFamilyIndex) for b in [*images, *buffers]},
                "spans": {
                    (
                        b.subresourceRange.aspectMask,
                        b.subresourceRange.baseMipLevel,
                        b.subresourceRange.levelCount,
                        b.subresourceRange.layerCount,
                    )
                    for b in images
                },
                "buffers": [(number(b.buffer), b.offset, b.size) for b in buffers],
            }
        )
    return found


def rows_of(dtype: np.dtype, *rows: tuple[int, ...]) -> np.ndarray:
    return np.array(list(rows), dtype)


def step(staging: int, buffers: np.ndarray | None = None, images: np.ndarray | None = None) -> Transfer:
    none = np.zeros(0, np.int64)
    return Transfer(
        1,
        staging,
        none,
        none,
        np.zeros(0, READ),
        rows_of(BUFFER_COPY) if buffers is None else buffers,
        rows_of(IMAGE_COPY) if images is None else images,
    )


def buffer_copies(vk: RecordedCommands) -> list[tuple[int, int, list[tuple[int, int, int]]]]:
    found = []
    for _commands, info in vk.named("vkCmdCopyBuffer2"):
        regions = [info.pRegions[i] for i in range(info.regionCount)]
        spans = [(r.srcOffset, r.dstOffset, r.size) for r in regions]
        found.append((number(info.srcBuffer), number(info.dstBuffer), spans))
    return found


def test_a_fresh_image_comes_to_its_layout_with_all_layers_after_everything() -> None:
    vk = RecordedCommands()
    copies.first_layout(vk, COMMANDS, image(1))
    (found,) = dependencies(vk)
    assert found["images"] == [(101, 0, UNDEFINED, READABLE)]
    assert found["spans"] == {(COLOR, 0, REMAINING, REMAINING)}
    assert found["scopes"] == {(ALL, COPYING, ALL, ANY)}
    assert found["families"] == {(QUEUE_FAMILY_IGNORED, QUEUE_FAMILY_IGNORED)}


def test_buffers_are_copied_by_target_between_barriers_against_everything() -> None:
    vk = RecordedCommands()
    chosen = rows_of(BUFFER_COPY, (0, 2, 64, 16), (16, 1, 0, 8), (32, 2, 128, 4))
    copies.transfer(
        vk, COMMANDS, Objects(buffer(1), buffer(2), buffer(5)), step(5, chosen), transfer_queue=False
    )
    assert vk.names == [
        "vkCmdPipelineBarrier2",
        "vkCmdCopyBuffer2",
        "vkCmdCopyBuffer2",
        "vkCmdPipelineBarrier2",
    ]
    assert buffer_copies(vk) == [(105, 101, [(16, 0, 8)]), (105, 102, [(0, 64, 16), (32, 128, 4)])]
    before, after = dependencies(vk)
    assert (before["memory"], after["memory"]) == ([BEFORE], [AFTER])
    assert before["images"] == after["images"] == before["buffers"] == []


def test_layers_are_opened_once_copied_and_closed() -> None:
    vk = RecordedCommands()
    chosen = rows_of(
        IMAGE_COPY, (64, 1, 2, 0, 0, 8, 4, 128), (192, 1, 2, 1, 1, 4, 1, 16), (0, 1, 0, 0, 2, 8, 2, 64)
    )
    copies.transfer(vk, COMMANDS, Objects(image(1), buffer(5)), step(5, images=chosen), transfer_queue=False)
    before, after = dependencies(vk)
    assert before["images"] == [(101, layer, READABLE, TARGET) for layer in (0, 2)]
    assert after["images"] == [(101, layer, TARGET, READABLE) for layer in (0, 2)]
    assert (before["scopes"], after["scopes"]) == ({BEFORE}, {AFTER})
    assert before["spans"] == after["spans"] == {(COLOR, 0, REMAINING, 1)}
    ((commands, info),) = vk.named("vkCmdCopyBufferToImage2")
    assert commands == COMMANDS
    assert (number(info.srcBuffer), number(info.dstImage), info.dstImageLayout) == (105, 101, TARGET)
    regions = [info.pRegions[i] for i in range(info.regionCount)]
    places = [r.imageSubresource for r in regions]
    assert [(r.bufferOffset, r.bufferRowLength, r.bufferImageHeight) for r in regions] == [
        (64, 0, 0),
        (192, 0, 0),
        (0, 0, 0),
    ]
    assert [(p.aspectMask, p.mipLevel, p.baseArrayLayer, p.layerCount) for p in places] == [
        (COLOR, 0, 2, 1),
        (COLOR, 1, 2, 1),
        (COLOR, 0, 0, 1),
    ]
    assert [(r.imageOffset.x, r.imageOffset.y, r.imageOffset.z) for r in regions] == [
        (0, 0, 0),
        (0, 1, 0),
        (0, 2, 0),
    ]
    extents = [(r.imageExtent.width, r.imageExtent.height, r.imageExtent.depth) for r in regions]
    assert extents == [(8, 4, 1), (4, 1, 1), (8, 2, 1)]


def test_a_foreign_queue_takes_a_layer_without_its_contents_once() -> None:
    target = image(1)
    target.transfer_owned.add(3)
    chosen = rows_of(IMAGE_COPY, (0, 1, 3, 0, 0, 8, 4, 128), (128, 1, 0, 0, 0, 8, 4, 128))
    objects = Objects(target, buffer(5))
    vk = RecordedCommands()
    copies.transfer(vk, COMMANDS, objects, step(5, images=chosen), transfer_queue=True)
    before, after = dependencies(vk)
    assert before["images"] == [(101, 3, READABLE, TARGET), (101, 0, UNDEFINED, TARGET)]
    assert after["images"] == [(101, 0, TARGET, READABLE), (101, 3, TARGET, READABLE)]
    assert target.transfer_owned == {0, 3}
    vk = RecordedCommands()
    copies.transfer(vk, COMMANDS, objects, step(5, images=chosen), transfer_queue=True)
    assert {old for _image, _layer, old, _new in dependencies(vk)[0]["images"]} == {READABLE}
    home = image(1)
    copies.transfer(
        RecordedCommands(), COMMANDS, Objects(home, buffer(5)), step(5, images=chosen), transfer_queue=False
    )
    assert home.transfer_owned == set()


def test_nothing_is_copied_into_an_attachment() -> None:
    target = image(1, usage=ImageUsage.SAMPLED | ImageUsage.COLOR_ATTACHMENT)
    chosen = rows_of(IMAGE_COPY, (0, 1, 0, 0, 0, 8, 4, 128))
    with pytest.raises(DioramaInternalError, match="image 1 is an attachment"):
        copies.transfer(
            RecordedCommands(),
            COMMANDS,
            Objects(target, buffer(5)),
            step(5, images=chosen),
            transfer_queue=False,
        )


def test_bytes_move_between_buffers_in_one_call() -> None:
    vk = RecordedCommands()
    keys, sources, targets, sizes = (np.array(c, np.int64) for c in ([7, 8], [0, 64], [128, 512], [16, 32]))
    copies.move(vk, COMMANDS, Objects(buffer(1), buffer(2)), Move(keys, 1, 2, sources, targets, sizes))
    assert vk.names == ["vkCmdPipelineBarrier2", "vkCmdCopyBuffer2", "vkCmdPipelineBarrier2"]
    assert buffer_copies(vk) == [(101, 102, [(0, 128, 16), (64, 512, 32)])]
    assert [found["memory"] for found in dependencies(vk)] == [[BEFORE], [AFTER]]


def test_layers_move_with_all_their_mips() -> None:
    vk = RecordedCommands()
    keys, sources, targets = (np.array(c, np.int64) for c in ([7, 8], [3, 1], [0, 2]))
    step = Move(keys, 1, 2, sources, targets, np.array([100, 100], np.int64))
    copies.move(vk, COMMANDS, Objects(image(1), image(2)), step)
    assert vk.names == ["vkCmdPipelineBarrier2", "vkCmdCopyImage2", "vkCmdPipelineBarrier2"]
    before, after = dependencies(vk)
    assert before["images"] == [
        (101, 1, READABLE, SOURCE),
        (101, 3, READABLE, SOURCE),
        (102, 0, READABLE, TARGET),
        (102, 2, READABLE, TARGET),
    ]
    assert after["images"] == [
        (101, 1, SOURCE, READABLE),
        (101, 3, SOURCE, READABLE),
        (102, 0, TARGET, READABLE),
        (102, 2, TARGET, READABLE),
    ]
    assert (before["memory"], after["memory"]) == ([BEFORE], [AFTER])
    assert (before["scopes"], after["scopes"]) == ({BEFORE}, {AFTER})
    ((_commands, info),) = vk.named("vkCmdCopyImage2")
    assert (number(info.srcImage), info.srcImageLayout) == (101, SOURCE)
    assert (number(info.dstImage), info.dstImageLayout) == (102, TARGET)
    regions = [info.pRegions[i] for i in range(info.regionCount)]
    sides = [
        [
            (s.aspectMask, s.mipLevel, s.baseArrayLayer, s.layerCount)
            for s in (r.srcSubresource, r.dstSubresource)
        ]
        for r in regions
    ]
    assert sides == [
        [(COLOR, mip, source, 1), (COLOR, mip, target, 1)]
        for source, target in ((3, 0), (1, 2))
        for mip in range(3)
    ]
    extents = [(r.extent.width, r.extent.height, r.extent.depth) for r in regions]
    assert extents == [(8, 4, 1), (4, 2, 1), (2, 1, 1)] * 2


@pytest.mark.parametrize(
    ("width", "height", "extents"), [(4, 1, [(4, 1), (2, 1), (1, 1)]), (1, 4, [(1, 4), (1, 2), (1, 1)])]
)
def test_mips_of_narrow_layers_are_at_least_one_texel(width, height, extents) -> None:
    vk = RecordedCommands()
    shape = ImageShape(Format.R8G8B8A8_UNORM, width, height, 3)
    one = np.ones(1, np.int64)
    copies.move(
        vk, COMMANDS, Objects(image(1, shape), image(2, shape)), Move(one, 1, 2, 0 * one, one, 28 * one)
    )
    ((_commands, info),) = vk.named("vkCmdCopyImage2")
    found = [info.pRegions[i].extent for i in range(info.regionCount)]
    assert [(extent.width, extent.height) for extent in found] == extents


def test_zeroing_fills_words_and_clears_layers_by_their_aspect() -> None:
    vk = RecordedCommands()
    depth = image(3, ImageShape(Format.D32_SFLOAT, 4, 4))
    copies.zero(vk, COMMANDS, iter([(buffer(1), 64, 16), (image(2), 3, 0), (depth, 1, 0)]))
    assert vk.names[1:4] == ["vkCmdFillBuffer", "vkCmdClearColorImage", "vkCmdClearDepthStencilImage"]
    assert vk.named("vkCmdFillBuffer") == [(COMMANDS, buffer(1).handle, 64, 16, 0)]
    for name, handle_number, aspect, layer, value in (
        ("vkCmdClearColorImage", 102, COLOR, 3, "VkClearColorValue"),
        ("vkCmdClearDepthStencilImage", 103, DEPTH, 1, "VkClearDepthStencilValue"),
    ):
        ((commands, target, layout, cleared, count, span),) = vk.named(name)
        assert (commands, number(target), layout, count) == (COMMANDS, handle_number, TARGET, 1)
        assert bytes(ffi.buffer(cleared)) == bytes(ffi.sizeof(value))
        assert (span.aspectMask, span.baseMipLevel, span.levelCount) == (aspect, 0, REMAINING)
        assert (span.baseArrayLayer, span.layerCount) == (layer, 1)
    before, after = dependencies(vk)
    assert before["images"] == [(102, 3, UNDEFINED, TARGET), (103, 1, UNDEFINED, TARGET)]
    assert after["images"] == [(102, 3, TARGET, READABLE), (103, 1, TARGET, READABLE)]
    assert before["spans"] == {(COLOR, 0, REMAINING, 1), (DEPTH, 0, REMAINING, 1)}
    assert (before["scopes"], after["scopes"]) == ({BEFORE}, {AFTER})


@pytest.mark.parametrize(("place", "size"), [(2, 16), (16, 2), (1, 4), (4, 5)])
def test_only_whole_words_are_zeroed(place: int, size: int) -> None:
    with pytest.raises(DioramaInternalError, match=f"{size} bytes at offset {place} of buffer 1"):
        copies.zero(RecordedCommands(), COMMANDS, [(buffer(1), place, size)])


def test_a_hand_over_names_both_families_ranges_and_layers() -> None:
    vk = RecordedCommands()
    copies.transfer_ownership(
        vk, COMMANDS, iter([(buffer(1), 64, 16), (image(2), 3, 0), (buffer(4), 0, 8)]), (2, 0)
    )
    (found,) = dependencies(vk)
    assert found["memory"] == []
    assert found["buffers"] == [(101, 64, 16), (104, 0, 8)]
    assert found["images"] == [(102, 3, READABLE, READABLE)]
    assert found["families"] == {(2, 0)}
    assert found["scopes"] == {(ALL, ANY, ALL, ANY)}


def test_barriers_of_no_layers_are_no_rows() -> None:
    assert len(barriers.image_barriers([], READABLE, TARGET, barriers.BEFORE)) == 0


def test_a_cube_moves_and_is_zeroed_with_all_its_faces() -> None:
    shape = ImageShape(Format.R8G8B8A8_UNORM, 8, 8, cube=True)
    vk, one, two = RecordedCommands(), image(1, shape), image(2, shape)
    keys, zero = np.array([7], np.int64), np.array([0], np.int64)
    copies.move(vk, COMMANDS, Objects(one, two), Move(keys, 1, 2, zero, zero, np.array([1536], np.int64)))
    ((_commands, info),) = vk.named("vkCmdCopyImage2")
    region = info.pRegions[0]
    assert (region.srcSubresource.layerCount, region.dstSubresource.layerCount) == (6, 6)
    assert [layer for _, layer, *_ in dependencies(vk)[0]["images"]] == [*range(6), *range(6)]
    copies.zero(vk, COMMANDS, [(one, 0, 1536)])
    ((*_, span),) = vk.named("vkCmdClearColorImage")
    assert (span.baseArrayLayer, span.layerCount) == (0, 6)
