"""Mouse and keyboard input for the camera since the last frame, as collected by ImGui's backend."""

from __future__ import annotations

from dataclasses import dataclass

from imgui_bundle import imgui

_KEYS = {
    "w": imgui.Key.w,
    "a": imgui.Key.a,
    "s": imgui.Key.s,
    "d": imgui.Key.d,
    "q": imgui.Key.q,
    "e": imgui.Key.e,
}


@dataclass(frozen=True, slots=True)
class CameraInput:
    """One frame of input for the camera: drags in units of the window's height, the wheel in notches."""

    right: float = 0.0
    down: float = 0.0
    wheel: float = 0.0
    left_button: bool = False
    middle_button: bool = False
    right_button: bool = False
    shift: bool = False
    keys: frozenset[str] = frozenset()
    seconds: float = 0.0


def read_camera_input(*, left: bool = True) -> CameraInput:
    """Read ImGui's input of this frame, without what its widgets capture.

    The left button counts once the mouse was dragged, as a click selects, and not without `left`.
    """
    io = imgui.get_io()
    height = max(io.display_size.y, 1.0)
    mouse = not io.want_capture_mouse
    keyboard = not io.want_text_input  # a panel that has the focus takes none of the keys that fly
    held = [mouse and imgui.is_mouse_down(button) for button in (0, 1, 2)]
    held[0] = left and mouse and imgui.is_mouse_dragging(0)
    return CameraInput(
        right=io.mouse_delta.x / height,
        down=io.mouse_delta.y / height,
        wheel=io.mouse_wheel if mouse else 0.0,
        left_button=held[0],
        right_button=held[1],
        middle_button=held[2],
        shift=io.key_shift,
        keys=frozenset(name for name, key in _KEYS.items() if keyboard and imgui.is_key_down(key)),
        seconds=min(io.delta_time, 0.1),
    )
