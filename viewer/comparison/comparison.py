"""The comparison of the present scene with another one: a divider with the present scene at its left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from imgui_bundle import imgui

from engine.cli.exits import explain
from engine.plan.terms.errors import PlanError
from engine.vk.errors import OutOfDeviceMemory, VulkanError
from viewer.comparison.second_scene import SecondScene
from viewer.panels import widgets
from viewer.panels.dialogs.file_browser import FileBrowser
from viewer.panels.number_format import bytes_text
from viewer.panels.scene_view.scene_view import SceneView
from viewer.panels.workspace import Workspace
from viewer.session.commands import Command
from viewer.session.opening import OpensFiles
from viewer.session.session import Session
from viewer.ui import style

if TYPE_CHECKING:
    from engine.assets import AssetLibrary
    from engine.render.frame_recorder import FrameImage
    from engine.scene import Scene

NARROWEST = 0.02
"""The share of the picture that both scenes keep."""
_WINDOW = widgets.FLOATING | imgui.WindowFlags_.no_background.value


class Comparison:
    """Shows another scene right of a divider, which is at the `share` of the picture's width. Close it.

    A scene that leaves is released once no frame in flight shows it.
    """

    def __init__(
        self,
        session: Session,
        workspace: Workspace,
        view: SceneView,
        load: OpensFiles,
        again: Callable[[], None],
        start: Path,
    ) -> None:
        """`load` begins to load files, `again` the present ones as they are saved; `open` gets them."""
        self._session = session
        self._workspace = workspace
        self._view = view
        self._browser = FileBrowser(session, load, start, "Compare with", with_skies=False)
        self._leaving: list[tuple[SecondScene, int]] = []
        self.second: SecondScene | None = None
        self._opened: list[object] = []
        """What the files of the present scene held when the other one was opened."""
        self._version = 0
        self.share = 0.5
        end = Command("End the comparison", "Scene", self.end, is_enabled=lambda: self.second is not None)
        session.commands.add(
            Command("Compare with...", "Scene", self._browser.open, ("Ctrl+K",)),
            Command("Compare with the saved file", "Scene", again),
            end,
        )
        view.otherwise = end
        workspace.overlays["comparison"] = self.draw

    def open(self, scene: Scene, library: AssetLibrary, name: str) -> None:
        """Show a scene beside the present one, in place of an earlier one; takes over both."""
        self.end()
        try:
            self.second = SecondScene(self._session.runtime, scene, library, name)
        except VulkanError as error:
            self._failed(error)
            return
        self._session.compared = name, self.second.runtime
        self._opened, self._version = self._held(), self._session.runtime.library.version
        self._session.wake()

    def end(self) -> None:
        """Show the present scene alone; the memory of the other one is given back within a few frames."""
        second, self.second = self.second, None
        self._session.compared = None
        self._view.gizmo.share = 1.0
        if second is not None:
            self._leaving.append((second, self._session.runtime.timeline.submitted))
            self._session.wake()

    def frame(self) -> tuple[FrameImage, float] | None:
        """Draw the other scene; return its picture and the share from which it is shown, None for nothing."""
        timeline = self._session.runtime.timeline
        for entry in [entry for entry in self._leaving if timeline.passed(entry[1])]:
            self._leaving.remove(entry)
            entry[0].close()
        if self._leaving:
            self._session.wake()
        second = self.second
        if second is None:
            return None
        try:
            second.frame(self._view.modes.mode, grid=self._view.has_grid)
        except (PlanError, OutOfDeviceMemory) as error:
            self._failed(error)
            self.end()
            return None
        if not second.runtime.is_idle:
            self._session.wake()
        return (second.picture, self.share) if second.picture is not None else None

    def close(self) -> None:
        """Release everything, after the frames in flight."""
        self.end()
        self._session.runtime.timeline.drain()
        while self._leaving:
            self._leaving.pop()[0].close()

    def draw(self) -> None:
        """Draw the divider, which is dragged, and what both scenes are and take."""
        self._browser.draw()
        second = self.second
        if second is None:
            return
        x0, y0, x1, y1 = self._workspace.area
        size = imgui.get_font_size()
        at = x0 + self.share * (x1 - x0)
        imgui.set_next_window_pos((at - size / 2, y0))
        imgui.set_next_window_size((size, max(y1 - y0, 1.0)))
        imgui.push_style_var(imgui.StyleVar_.window_padding.value, (0.0, 0.0))
        imgui.push_style_var(imgui.StyleVar_.window_min_size.value, (1.0, 1.0))
        imgui.begin("###divider", None, _WINDOW)
        imgui.invisible_button("divider", (size, max(y1 - y0, 1.0)))
        self._session.places["divider"] = widgets.item_box()
        is_held = imgui.is_item_active()
        if is_held or imgui.is_item_hovered():
            imgui.set_mouse_cursor(imgui.MouseCursor_.resize_ew.value)
        if is_held:
            share = (imgui.get_io().mouse_pos.x - x0) / max(x1 - x0, 1.0)
            self.share = min(max(share, NARROWEST), 1.0 - NARROWEST)
            self._session.wake()
        imgui.end()
        imgui.pop_style_var(2)
        self._view.gizmo.share = self.share
        draw = imgui.get_background_draw_list()
        tint = style.ACCENT if is_held else style.TEXT
        draw.add_line((at, y0), (at, y1), widgets.color(style.GROUND), 4.0)
        draw.add_line((at, y0), (at, y1), widgets.color(tint), 2.0)
        runtimes = self._session.runtime, second.runtime
        names = labels_of(
            *(each.scene for each in runtimes),
            is_edited=not self._session.editing.is_saved,
            is_earlier=self._is_earlier(),
        )
        texts = [
            f"{name}  {bytes_text(each.memory.live_bytes)}"
            for name, each in zip(names, runtimes, strict=True)
        ]
        for text, low, high, is_left in ((texts[0], x0, at, True), (texts[1], at, x1, False)):
            self._label(text, low + size * 0.6, high - size * 0.6, y1 - size * 2.2, is_left=is_left)

    def _held(self) -> list[object]:
        """What the files of the present scene hold now: another object after every save of one."""
        return [part.saver.before for part in self._session.runtime.scene.parts]

    def _is_earlier(self) -> bool:
        """Whether files of the present scene were saved since the other one was opened."""
        if self._session.runtime.library.version != self._version:
            return True
        return any(now is not then for now, then in zip(self._held(), self._opened, strict=False))

    def _label(self, text: str, low: float, high: float, y: float, *, is_left: bool) -> None:
        """Write a text beside the divider, at the foot of the picture."""
        size = imgui.get_font_size()
        text = widgets.fitting(text, high - low - size)
        if not text:
            return
        width = imgui.calc_text_size(text).x + size
        x = high - width if is_left else low
        draw = imgui.get_background_draw_list()
        draw.add_rect_filled(
            (x, y), (x + width, y + size * 1.6), widgets.color(style.RAISED, 0.85), size * 0.3
        )
        draw.add_text((x + size / 2, y + size * 0.3), widgets.color(style.TEXT), text)

    def _failed(self, error: Exception) -> None:
        reported = explain(error)
        self._session.report(f"{reported[1] if reported else error}\nthe scene is not compared")


def labels_of(here: Scene, there: Scene, *, is_edited: bool, is_earlier: bool = False) -> tuple[str, str]:
    """What two scenes are called side by side.

    `is_edited` is whether the first has changes that are not saved, `is_earlier` whether its files were saved
    since the second was opened.

    Of files of one name it is the shortest end of the path that differs.
    """
    if [part.opened for part in here.parts] == [part.opened for part in there.parts]:
        name = _name(here, 1)
        saved = "saved earlier" if is_earlier else "saved"
        return f"{name}, {'edited' if is_edited else 'as it is here'}", f"{name}, {saved}"
    for count in range(1, len(here.path.absolute().parts)):
        if (own := _name(here, count)) != (other := _name(there, count)):
            return own, other
    return str(here.path), str(there.path)


def _name(scene: Scene, count: int) -> str:
    """The last parts of the path of a scene, so many, and how many files are shown with it."""
    more = len(scene.parts) - 1
    return "/".join(scene.path.absolute().parts[-count:]) + (f" and {more} more" if more else "")
