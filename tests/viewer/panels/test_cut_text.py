"""No text of a panel is cut at the edge of what it stands in: it ends with an ellipsis, or is scrolled."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest
from imgui_bundle import imgui
from support.all_panels import all_panels

from viewer.panels import widgets
from viewer.ui import style
from viewer.ui.draw_lists import INDEX_BYTES, VERTEX_BYTES

SCROLLED = ("memory table/memory", "/objects_", "/assets_", "/devices_", "/steps_", "/delta")
"""Tables that are scrolled to the side."""


def cut_glyphs(data: imgui.ImDrawData) -> list[tuple[str, int, int]]:
    """Glyphs that an edge at their left or right runs through: the window, and x and y in pixels."""
    found = []
    vertex = np.dtype([("at", "<f4", 2), ("uv", "<f4", 2), ("color", "<u4")])
    assert vertex.itemsize == VERTEX_BYTES
    for drawn in data.cmd_lists:
        raw = [
            ctypes.string_at(buffer.data_address(), buffer.size() * size) if buffer.size() else b""
            for buffer, size in ((drawn.vtx_buffer, VERTEX_BYTES), (drawn.idx_buffer, INDEX_BYTES))
        ]
        vertices = np.frombuffer(raw[0], vertex)
        indices = np.frombuffer(raw[1], "<u2" if INDEX_BYTES == 2 else "<u4")
        for command in drawn.cmd_buffer:
            clip = command.clip_rect
            first = command.idx_offset
            of = indices[first : first + command.elem_count].astype(np.int64) + command.vtx_offset
            corners = vertices[of.reshape(-1, 3)]
            left, right = corners["at"][..., 0].min(1), corners["at"][..., 0].max(1)
            top = corners["at"][..., 1].min(1)
            is_glyph = (np.ptp(corners["uv"], 1) > 0).all(1)
            in_sight = (top >= clip.y) & (corners["at"][..., 1].max(1) <= clip.w)
            over = ((right > clip.z + 1) & (left < clip.z - 1)) | ((left < clip.x - 1) & (right > clip.x + 1))
            for at in np.flatnonzero(is_glyph & in_sight & over).tolist():
                found.append((drawn._owner_name, int(left[at]), int(top[at])))
    return found


@pytest.mark.parametrize(
    ("scale", "width"),
    [
        (0.8, 380),
        (1.0, 380),
        (1.25, 380),
        (1.5, 380),
        (2.0, 380),
        (1.0, 250),
        (1.0, 200),
        (1.0, 170),
        (1.0, 140),
    ],
)
def test_no_text_is_cut_at_an_edge(
    root: Path, scale: float, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("support.all_panels.TILE", (width, 300))
    with all_panels(root / "scenes/tableau.hu") as panels:
        panels.frame(1)  # their places are those of this display
        style.resize(scale)
        panels.session.selection.select([panels.session.runtime.tableau["cube"].row])
        panels.frame(6)
        found = cut_glyphs(imgui.get_draw_data())
    assert [each for each in found if not any(name in each[0] for name in SCROLLED)] == []


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_no_tab_is_narrower_than_its_title(root: Path, scale: float) -> None:
    with all_panels(root / "scenes/tableau.hu", side_by_side=False) as panels:
        style.resize(scale)
        imgui.get_io().display_size = (1280, 720)
        panels.frame(8)
        padding = 2 * imgui.get_style().frame_padding.x
        shown = [title for title in panels.workspace.panels if f"tab {title}" in panels.session.places]
        assert len(shown) > 12
        for title in shown:
            x0, _, x1, _ = panels.session.places[f"tab {title}"]
            assert x1 - x0 >= imgui.calc_text_size(title).x + padding, title


def test_the_title_of_a_tab_at_the_edge_of_its_bar_ends_with_an_ellipsis(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: dict[str, str] = {}
    plain = widgets.fitting

    def fitting(text: str, width: float) -> str:
        shown[text] = plain(text, width)
        return shown[text]

    with all_panels(root / "scenes/tableau.hu", side_by_side=False) as panels:
        places = panels.session.places
        for width in range(700, 1500, 50):
            imgui.get_io().display_size = (width, 720)
            panels.frame(8)
            shown.clear()
            with monkeypatch.context() as patch:
                patch.setattr("viewer.panels.layout.widgets.fitting", fitting)
                panels.frame(1)
            _, _, right, _ = places["panel memory"]
            for title in panels.workspace.panels:
                x0, y0, x1, _ = places.get(f"tab {title}", (0.0, 0.0, 0.0, 0.0))
                if y0 > 300 and x0 < right - 60 < right < x1:
                    assert shown[title] == "" or shown[title].endswith(widgets.ELLIPSIS), (title, width)
