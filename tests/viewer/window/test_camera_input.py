"""Which input steers the camera."""

from __future__ import annotations

import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, mouse

from viewer.window.camera_input import CameraInput, read_camera_input

__all__ = ["mouse"]


@pytest.mark.parametrize("is_typing", [False, True])
def test_keys_fly_while_a_panel_has_the_focus_and_not_while_text_is_typed(
    mouse: Mouse, is_typing: bool
) -> None:
    io, seen = imgui.get_io(), list[CameraInput]()

    def draw() -> None:
        imgui.set_next_window_pos((0, 0))
        imgui.begin("panel")
        imgui.set_window_focus()
        if is_typing:
            imgui.set_keyboard_focus_here()
        imgui.input_text("name", "")
        imgui.end()
        seen.append(read_camera_input())

    io.config_flags |= imgui.ConfigFlags_.nav_enable_keyboard.value  # as the window has it
    io.add_mouse_pos_event(500, 350)
    io.add_mouse_button_event(1, True)
    io.add_key_event(imgui.Key.w, True)
    for _ in range(4):
        mouse.frame(draw)
    io.add_mouse_button_event(1, False)
    io.add_key_event(imgui.Key.w, False)
    assert seen[-1].keys == (frozenset() if is_typing else {"w"})
