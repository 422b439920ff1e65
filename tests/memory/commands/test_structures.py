"""Rows of C structs have the layout of the C compiler."""

from __future__ import annotations

import numpy as np
import pytest

from engine.memory.commands.structures import as_pointer, dtype_of, join, number, rows
from engine.vk.binding import constants, ffi
from engine.vk.errors import DioramaInternalError


@pytest.mark.parametrize(
    "type_name",
    ["VkBufferCopy2", "VkBufferImageCopy2", "VkImageMemoryBarrier2", "VkDrawIndexedIndirectCommand"],
)
def test_a_row_has_the_size_of_its_struct(type_name: str) -> None:
    assert dtype_of(type_name).itemsize == ffi.sizeof(type_name)


def test_values_written_to_rows_are_read_through_c_structs() -> None:
    made = rows("VkBufferImageCopy2", 3)
    made["bufferOffset"] = [1 << 40, 2, 3]
    made["imageSubresource"]["baseArrayLayer"] = [7, 8, 9]
    made["imageOffset"]["y"] = -5
    seen = as_pointer("VkBufferImageCopy2", made)
    assert [seen[n].bufferOffset for n in range(3)] == [1 << 40, 2, 3]
    assert [seen[n].imageSubresource.baseArrayLayer for n in range(3)] == [7, 8, 9]
    assert seen[2].imageOffset.y == -5
    assert seen[1].sType == constants.VK_STRUCTURE_TYPE_BUFFER_IMAGE_COPY_2


def test_joining_keeps_the_padding_that_concatenate_drops() -> None:
    one, two = rows("VkImageMemoryBarrier2", 2), rows("VkImageMemoryBarrier2", 1)
    two["image"] = 99
    joined = join("VkImageMemoryBarrier2", one, two)
    assert joined.dtype == dtype_of("VkImageMemoryBarrier2")
    assert as_pointer("VkImageMemoryBarrier2", joined)[2].image == ffi.cast("VkImage", 99)
    with pytest.raises(DioramaInternalError, match="not that of VkImageMemoryBarrier2"):
        as_pointer("VkImageMemoryBarrier2", np.concatenate([one, two]))


def test_a_handle_becomes_an_integer() -> None:
    assert number(ffi.cast("VkBuffer", 1234)) == 1234
