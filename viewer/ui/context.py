"""Owns the ImGui context: fed by GLFW, drawn by our renderer, kept free of files."""

from __future__ import annotations

from imgui_bundle import imgui, implot
from imgui_bundle.imguizmo import im_guizmo

from viewer.ui import style
from viewer.ui.input_queue import InputQueue
from viewer.window.lost_display import display_watch
from viewer.window.window import Window


class Context:
    """One ImGui context on one window; `begin` and `end` enclose what is drawn in a frame.

    `queue` is the input that frames have not taken in yet.
    """

    def __init__(self, window: Window) -> None:
        self._context: imgui.internal.Context | None = imgui.create_context()
        self.queue = InputQueue(self._context)
        self._window = window
        self._plots: implot.internal.Context | None = None
        self._has_backend = False
        self._scale = 1.0
        try:
            self._plots = implot.create_context()
            io = imgui.get_io()
            io.set_ini_filename("")
            io.set_log_filename("")
            io.config_flags |= imgui.ConfigFlags_.docking_enable.value
            io.config_flags |= imgui.ConfigFlags_.nav_enable_keyboard.value
            io.config_drag_click_to_input_text = True
            io.config_windows_move_from_title_bar_only = True
            io.config_docking_transparent_payload = True
            io.backend_flags |= (
                imgui.BackendFlags_.renderer_has_textures.value
                | imgui.BackendFlags_.renderer_has_vtx_offset.value
            )
            style.apply(window.content_scale)
            self._scale = window.content_scale
            window.note_input = self.queue.note
            self._has_backend = imgui.backends.glfw_init_for_vulkan(window.address, True)
        except BaseException:
            self.close()
            raise

    def rescale(self, scale: float) -> None:
        """Draw text and spacing larger or smaller, after the window came to a display of another density."""
        style.resize(scale)
        self._scale = scale

    @property
    def scale(self) -> float:
        """How large everything is drawn, 1 at 96 dots per inch."""
        return self._scale

    def begin(self) -> None:
        """Take in the events since the last frame and start a new one."""
        imgui.backends.glfw_new_frame()
        with self.queue.one_frame():
            imgui.new_frame()
        im_guizmo.begin_frame()

    def end(self) -> imgui.ImDrawData:
        """Finish the frame and return its ImDrawData, which is good until the next `begin`."""
        imgui.render()
        return imgui.get_draw_data()

    @property
    def textures(self) -> imgui.ImVector_ImTextureData_ptr:
        """Every ImTextureData that ImGui knows, with what it wants done to it."""
        return imgui.get_platform_io().textures

    def close(self) -> None:
        """Leave GLFW's callbacks and destroy the context, once; the renderer goes first."""
        context, self._context = self._context, None
        if context is None or display_watch.is_lost:
            return
        self._window.note_input = None
        imgui.set_current_context(context)
        if self._has_backend:
            imgui.backends.glfw_shutdown()
            self._has_backend = False
        if self._plots is not None:
            implot.destroy_context(self._plots)
            self._plots = None
        imgui.destroy_context(context)
