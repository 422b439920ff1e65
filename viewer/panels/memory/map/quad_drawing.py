"""Copies many quads into an ImGui draw list at once: one call for each would take a microsecond."""

from __future__ import annotations

import ctypes

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from viewer.panels.memory.map import quads

_INDEX = np.dtype(f"u{imgui.INDEX_SIZE}")


class QuadBatch:
    """Quads that stay the same from frame to frame; positions are relative to the corner given in `draw`."""

    def __init__(self) -> None:
        self._vertices = np.zeros(0, quads.VERTEX)
        self._moved = self._vertices
        self._corner: tuple[float, float] | None = None
        self._uv: tuple[float, float] | None = None
        self._indices = np.zeros(0, _INDEX)

    def __len__(self) -> int:
        return len(self._vertices) // 4

    def set(self, corners: quads.Corners, colors: NDArray[np.uint32]) -> None:
        """Replace the quads."""
        self._vertices = quads.vertices(corners, colors, (0.0, 0.0))
        self._corner = None
        if len(self._indices) < 6 * len(corners):
            self._indices = quads.indices(len(corners)).astype(_INDEX)

    def draw(self, draw_list: imgui.ImDrawList, x: float, y: float) -> None:
        """Add the quads to a draw list, moved so that their (0, 0) lies at this corner."""
        count = len(self)
        if not count:
            return
        white = imgui.get_font_tex_uv_white_pixel()
        uv = (white.x, white.y)
        if self._corner != (x, y) or self._uv != uv:
            self._moved = self._vertices.copy()
            self._moved["position"] += np.array((x, y), np.float32)
            self._moved["uv"] = uv
            self._corner, self._uv = (x, y), uv
        first = draw_list._vtx_current_idx
        draw_list.prim_reserve(6 * count, 4 * count)
        if draw_list._vtx_current_idx < first:  # a new draw command with a vertex offset has begun
            first = draw_list._vtx_current_idx
        vertex_bytes, index_bytes = self._moved.nbytes, 6 * count * _INDEX.itemsize
        vertex_end = draw_list.vtx_buffer.size() * imgui.VERTEX_SIZE
        index_end = draw_list.idx_buffer.size() * imgui.INDEX_SIZE
        moved = self._indices[: 6 * count] + _INDEX.type(first)
        ctypes.memmove(
            draw_list.vtx_buffer.data_address() + vertex_end - vertex_bytes,
            self._moved.ctypes.data,
            vertex_bytes,
        )
        ctypes.memmove(
            draw_list.idx_buffer.data_address() + index_end - index_bytes, moved.ctypes.data, index_bytes
        )
        draw_list._vtx_current_idx = first + 4 * count
        # An invisible rectangle makes ImGui set its write pointers to the ends of its buffers.
        draw_list.prim_reserve(6, 4)
        draw_list.prim_rect((x, y), (x, y), 0)
