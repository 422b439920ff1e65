"""A GLFW window for Vulkan: its surface, size and visibility.

imgui-bundle ships its own GLFW and feeds ImGui from it; the `glfw` package must load the same library, so
imgui_bundle is imported first (it points PYGLFW_LIBRARY at its copy).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from imgui_bundle import imgui  # noqa: F401 - first, see above

import glfw  # isort: skip

from viewer.guard import Guard
from viewer.window.lost_display import display_watch
from viewer.window.no_display import NoDisplay

MINIMISED_WAIT_S = 0.25
_MODIFIERS = frozenset(
    {
        glfw.KEY_LEFT_CONTROL,
        glfw.KEY_RIGHT_CONTROL,
        glfw.KEY_LEFT_SHIFT,
        glfw.KEY_RIGHT_SHIFT,
        glfw.KEY_LEFT_ALT,
        glfw.KEY_RIGHT_ALT,
        glfw.KEY_LEFT_SUPER,
        glfw.KEY_RIGHT_SUPER,
    }
)


class Input(Enum):
    """What users do: move the mouse, press a key or button, turn the wheel, change a modifier."""

    MOVE = auto()
    KEY = auto()
    BUTTON = auto()
    WHEEL = auto()
    MODIFIER = auto()


class Window:
    """One GLFW window without a client API; use as a context manager, on the main thread.

    `events` counts what has come in: input, and what changes the window. `dropped` has the files that were
    dropped on it, until somebody takes them. `note_input` is called for each input, before ImGui gets it.
    """

    def __init__(
        self, title: str, size: tuple[int, int], guard: Guard, *, fits_display: bool = False
    ) -> None:
        """Open a window whose framebuffer has `size` pixels; raises NoDisplay with the reasons.

        With `fits_display` it has `size` times the scale of the display, but no more than there is room for.
        """
        self._guard = guard
        self._errors: list[str] = []
        self._framebuffer = (0, 0)
        self._content_scale = 1.0
        self._is_iconified = False
        self.events = 0
        self.note_input: Callable[[Input], None] | None = None
        self.dropped: list[str] = []
        self._handle: Any = None
        glfw.set_error_callback(self._on_error)
        display_watch.start()
        if not glfw.init():
            raise NoDisplay(self._reasons("GLFW could not start"))
        try:
            if not glfw.vulkan_supported():
                raise NoDisplay(self._reasons("GLFW found no Vulkan loader"))
            glfw.window_hint(glfw.CLIENT_API, glfw.NO_API)
            glfw.window_hint(glfw.RESIZABLE, glfw.TRUE)
            glfw.window_hint(glfw.SCALE_TO_MONITOR, glfw.FALSE)
            self._handle = glfw.create_window(size[0], size[1], title, None, None)
            if not self._handle:
                raise NoDisplay(self._reasons("GLFW could not open a window"))
            self._listen()
            self._fit_framebuffer(self._on_display(size) if fits_display else size)
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> int:
        """The GLFWwindow pointer as an integer, for ImGui's GLFW backend."""
        return ctypes.cast(self._handle, ctypes.c_void_p).value or 0

    @property
    def extensions(self) -> tuple[str, ...]:
        """The instance extensions that a surface of this window needs."""
        return tuple(glfw.get_required_instance_extensions())

    @property
    def framebuffer_size(self) -> tuple[int, int]:
        """Width and height in pixels as of the last `poll`; (0, 0) while minimised on some systems."""
        return self._framebuffer

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in screen coordinates, the units of the mouse."""
        return glfw.get_window_size(self._handle)

    @property
    def content_scale(self) -> float:
        """The scale of text relative to 96 dots per inch, as of the last `poll`."""
        return self._content_scale

    @property
    def should_close(self) -> bool:
        """Whether closing the window was requested."""
        return bool(glfw.window_should_close(self._handle))

    @property
    def is_hidden(self) -> bool:
        """Whether there is nothing to draw on: minimised, or without area."""
        return self._is_iconified or 0 in self.framebuffer_size

    def create_surface(self, instance: int) -> int:
        """Create a VkSurfaceKHR on a VkInstance, both as integers; raises NoDisplay if GLFW cannot.

        A surface may be lost because the display is, which ends the run in `poll_events`: drivers crash where
        one is made on a display that is gone.
        """
        glfw.poll_events()
        surface = ctypes.c_uint64(0)
        result = glfw.create_window_surface(
            ctypes.c_void_p(instance), self._handle, None, ctypes.pointer(surface)
        )
        if result != 0:
            raise NoDisplay(self._reasons(f"GLFW could not make a surface (VkResult {result})"))
        return surface.value

    def poll(self, wait_s: float = 0.0) -> None:
        """Process events; wait for some for so long at most, and while hidden instead of spinning."""
        wait_s = MINIMISED_WAIT_S if self.is_hidden else wait_s
        if wait_s:
            glfw.wait_events_timeout(wait_s)
        else:
            glfw.poll_events()

    def resize(self, width: int, height: int) -> None:
        """Request another size, in screen coordinates."""
        glfw.set_window_size(self._handle, width, height)

    def set_title(self, title: str) -> None:
        """Give the window another title."""
        glfw.set_window_title(self._handle, title)

    def request_close(self) -> None:
        """End the loop after the current frame."""
        glfw.set_window_should_close(self._handle, True)

    def close(self) -> None:
        """Destroy the window and terminate GLFW, once; a lost display has taken both."""
        if display_watch.is_lost:
            return
        handle, self._handle = self._handle, None
        if handle:
            glfw.destroy_window(handle)
        glfw.terminate()

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fit_framebuffer(self, wanted: tuple[int, int]) -> None:
        """Resize the window if its framebuffer is not `wanted` pixels: screen coordinates may be scaled."""
        actual, points = self.framebuffer_size, self.size
        if actual != wanted and 0 not in actual:
            self.resize(*(round(w * p / a) for w, p, a in zip(wanted, points, actual, strict=True)))

    def _on_display(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return a size at 96 dots per inch in pixels of the display, within its work area."""
        scaled = [round(side * self._content_scale) for side in size]
        monitor = glfw.get_primary_monitor()
        if not monitor:
            return scaled[0], scaled[1]
        _, _, *room = glfw.get_monitor_workarea(monitor)
        left, top, right, bottom = glfw.get_window_frame_size(self._handle)
        width, height = (
            min(side, round((free - border) * pixels / max(1, points)))
            for side, free, border, pixels, points in zip(
                scaled, room, (left + right, top + bottom), self.framebuffer_size, self.size, strict=True
            )
        )
        return (width, height) if width > 0 < height else (scaled[0], scaled[1])

    def _listen(self) -> None:
        """Register callbacks for changes: each query would cost a round trip to the display server."""
        self._framebuffer = glfw.get_framebuffer_size(self._handle)
        self._content_scale = max(1.0, *glfw.get_window_content_scale(self._handle))
        self._is_iconified = bool(glfw.get_window_attrib(self._handle, glfw.ICONIFIED))
        wrapped = self._guard.wrapped
        size = wrapped("framebuffer size callback", lambda _w, x, y: self._note_size(x, y))
        scale = wrapped("content scale callback", lambda _w, x, y: self._note_scale(x, y))
        iconify = wrapped("iconify callback", lambda _w, is_iconified: self._note_iconified(is_iconified))
        glfw.set_framebuffer_size_callback(self._handle, size)
        glfw.set_window_content_scale_callback(self._handle, scale)
        glfw.set_window_iconify_callback(self._handle, iconify)
        drop: Any = self._guard.wrapped("drop callback", self._note_drop)
        glfw.set_drop_callback(self._handle, drop)
        key = wrapped("key callback", lambda _w, key, _code, action, _mods: self._note_key(key, action))
        button = wrapped("button callback", lambda _w, _button, action, _mods: self._note_button(action))
        wheel = wrapped("wheel callback", lambda _w, _x, _y: self._note_input(Input.WHEEL))
        move = wrapped("mouse callback", lambda _w, _x, _y: self._note_input(Input.MOVE))
        glfw.set_key_callback(self._handle, key)
        glfw.set_mouse_button_callback(self._handle, button)
        glfw.set_scroll_callback(self._handle, wheel)
        glfw.set_cursor_pos_callback(self._handle, move)
        counted = wrapped("input callback", self._note_event)
        for listen in (
            glfw.set_char_callback,
            glfw.set_cursor_enter_callback,
            glfw.set_window_focus_callback,
            glfw.set_window_refresh_callback,
        ):
            listen(self._handle, counted)

    def _note_event(self, *_: object) -> None:
        self.events += 1

    def _note_key(self, key: int, action: int) -> None:
        if key in _MODIFIERS:
            self._note_input(Input.MODIFIER)
        else:
            self._note_input(Input.KEY if action == glfw.PRESS else None)

    def _note_button(self, action: int) -> None:
        self._note_input(Input.BUTTON if action == glfw.PRESS else None)

    def _note_input(self, event: Input | None) -> None:
        """Count an event; what is released is no more than that."""
        self.events += 1
        if event is not None and self.note_input is not None:
            self.note_input(event)

    def _note_drop(self, _window: object, names: list[str]) -> None:
        self._note_dropped(names)

    def _note_dropped(self, names: list[str]) -> None:
        self.dropped += names
        self.events += 1

    def _note_size(self, width: int, height: int) -> None:
        self._framebuffer = (width, height)
        self.events += 1

    def _note_scale(self, across: float, down: float) -> None:
        self._content_scale = max(1.0, across, down)

    def _note_iconified(self, is_iconified: int) -> None:
        self._is_iconified = bool(is_iconified)

    def _on_error(self, code: int, description: bytes | str) -> None:
        text = description.decode("utf-8", "replace") if isinstance(description, bytes) else description
        self._errors.append(f"{text} (GLFW error {code:#x})")

    def _reasons(self, what: str) -> tuple[str, ...]:
        return (what, *self._errors)
