"""Copy ImGui's draw lists into mapped memory, and list the draws in the order they have to come."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from imgui_bundle import imgui

VERTEX_BYTES: int = imgui.VERTEX_SIZE
INDEX_BYTES: int = imgui.INDEX_SIZE


@dataclass(frozen=True, slots=True)
class Draw:
    """One indexed draw: its scissor rectangle in pixels, its texture, and where its indices start."""

    scissor: tuple[int, int, int, int]
    texture: int
    index_count: int
    first_index: int
    vertex_offset: int


@dataclass(frozen=True, slots=True)
class Space:
    """Mapped memory for one frame: addresses in this process, capacities in vertices and indices."""

    vertices: int
    indices: int
    vertex_capacity: int
    index_capacity: int


def pack(data: imgui.ImDrawData, space: Space) -> list[Draw]:
    """Copy the lists of an ImDrawData into `space`; lists from the first that does not fit are left out.

    Indices stay relative to their list: `vertex_offset` carries the rest, so lists are copied as they are.
    """
    draws: list[Draw] = []
    first_vertex = first_index = 0
    offset, scale = data.display_pos, data.framebuffer_scale
    left, top = offset.x, offset.y
    across, down = scale.x, scale.y
    width, height = int(data.display_size.x * across), int(data.display_size.y * down)
    for drawn in data.cmd_lists:
        vertices, indices = drawn.vtx_buffer, drawn.idx_buffer
        vertex_count, index_count = vertices.size(), indices.size()
        if index_count == 0:
            continue
        if first_vertex + vertex_count > space.vertex_capacity:
            break
        if first_index + index_count > space.index_capacity:
            break
        ctypes.memmove(
            space.vertices + first_vertex * VERTEX_BYTES, vertices.data_address(), vertex_count * VERTEX_BYTES
        )
        ctypes.memmove(
            space.indices + first_index * INDEX_BYTES, indices.data_address(), index_count * INDEX_BYTES
        )
        for command in drawn.cmd_buffer:
            clip = command.clip_rect
            x0, y0 = max(0, int((clip.x - left) * across)), max(0, int((clip.y - top) * down))
            x1, y1 = min(width, int((clip.z - left) * across)), min(height, int((clip.w - top) * down))
            if x1 <= x0 or y1 <= y0 or command.elem_count == 0:
                continue
            draws.append(
                Draw(
                    (x0, y0, x1 - x0, y1 - y0),
                    command.get_tex_id(),
                    command.elem_count,
                    first_index + command.idx_offset,
                    first_vertex + command.vtx_offset,
                )
            )
        first_vertex += vertex_count
        first_index += index_count
    return draws
