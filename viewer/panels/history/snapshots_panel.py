"""The panel of snapshots: take, name, save and open them; the delta of two; the leak check."""

from __future__ import annotations

import os
from pathlib import Path

from imgui_bundle import imgui

from engine.humon import InputError
from viewer.numbered_files import free_path
from viewer.panels import parts, widgets
from viewer.panels.history.delta_table import DeltaTable
from viewer.panels.history.files.snapshot_file import SUFFIX
from viewer.panels.history.memory_delta import delta
from viewer.panels.history.memory_history import NOW, MemoryHistory
from viewer.panels.history.memory_strips import MemoryStrips
from viewer.panels.history.snapshots import LeakCheck, Snapshot, leak_check
from viewer.panels.history.strips_view import draw_strips
from viewer.panels.number_format import bytes_text, count_text
from viewer.ui import style

_TABLE = imgui.TableFlags_.scroll_y.value | imgui.TableFlags_.row_bg.value
_FIXED = imgui.TableColumnFlags_.width_fixed.value
_STRETCH = imgui.TableColumnFlags_.width_stretch.value
WIDE = 40
"""Widths of a letter from which the delta stands beside the list."""
LEAST = 6
"""Heights of a button that the delta has at least: a panel with less room is scrolled."""
_TAKE = "Keep memory as it is now under the name beside."
_COMPARED = "Keep the memory of the scene beside this one, and compare this one with it."
_BASE = "Compare with the chosen A from now on: nothing may be more."
_LEAKS = "Compare memory now with the base line, as after off and on, or a reload."
_SAVE = f"Write the chosen A to the file, NAME{SUFFIX}."
_OPEN = "Add the snapshot of the file."
_LACKS_A = "Choose a snapshot as A first: take or open one."


class SnapshotsPanel:
    """`first` and `second` are what is compared; None stands for memory as it is now.

    Without a scene, as where a window shows a snapshot alone, there is nothing to take: `has_scene` is false.
    """

    title = "snapshots"

    def __init__(self, history: MemoryHistory) -> None:
        self._history = history
        self._session = history.session
        self.has_scene = True
        self.first: Snapshot | None = None
        self.second: Snapshot | None = None
        self.check: LeakCheck | None = None
        self.table = DeltaTable(history.session, "snapshots")
        self._compared: tuple[object, object] | None = None
        self._strips: MemoryStrips | None = None
        self._name = "snapshot"
        self._file = ""
        self._said: tuple[str, bool] = "", True

    def draw(self) -> None:
        """Draw into the current window."""
        kept = self._history.snapshots.all
        self.first, self.second = (each if each in kept else None for each in (self.first, self.second))
        width = imgui.get_content_region_avail().x
        is_wide = width > WIDE * imgui.get_font_size()
        line = imgui.get_frame_height_with_spacing()
        size = (width * 0.38, 0.0) if is_wide else (0.0, line * (5.5 + min(len(kept), 4)))
        if widgets.begin_child("list", size):
            self._buttons()
            self._list()
        imgui.end_child()
        if is_wide:
            imgui.same_line()
        if widgets.begin_child("delta", (0.0, max(imgui.get_content_region_avail().y, LEAST * line))):
            self._delta()
        imgui.end_child()

    def take(self, name: str) -> Snapshot | None:
        """Take a snapshot, and compare memory now with it."""
        taken = self._history.take(name)
        if taken is not None:
            self.first, self.second = taken, None
            self._say(f"took '{taken.name}'")
        return taken

    def show(self, snapshot: Snapshot) -> None:
        """Add a snapshot, and show its memory alone."""
        added = self._history.snapshots.add(snapshot)
        self.compare(added, added)

    def compare(self, first: Snapshot | None, second: Snapshot | None) -> None:
        """Show the delta of two snapshots; None for memory as it is now."""
        self.first, self.second = first, second

    def _buttons(self) -> None:
        session, snapshots = self._session, self._history.snapshots
        letter, first = imgui.get_font_size(), self.first
        if self.has_scene:
            self._taking()
            parts.flows(parts.button_width("remove"))
        lacks_a = "" if first is not None else _LACKS_A
        if parts.button(session, "snapshot remove", "remove", "Forget the chosen A.", why_not=lacks_a):
            assert first is not None
            snapshots.remove(first)
            self.first = None
        imgui.set_next_item_width(min(letter * 9, imgui.get_content_region_avail().x))
        _, self._file = imgui.input_text_with_hint("##file", f"FILE{SUFFIX}", self._file)
        parts.note_place(session, "snapshot file")
        parts.flows(parts.button_width("save"))
        lacks_file = "" if self._file.strip() else "Type the name of a file first."
        if parts.button(session, "snapshot save", "save", _SAVE, why_not=lacks_a or lacks_file):
            assert first is not None
            self.save(first, self._file.strip())
        parts.flows(parts.button_width("open"))
        if parts.button(session, "snapshot open", "open", _OPEN, why_not=lacks_file):
            self.open(self._file.strip())
        text, is_good = self._said
        if text:
            widgets.cut(text, style.QUIET if is_good else style.BAD)
        for leak in self.check.leaks if self.check is not None else ():
            widgets.cut(leak, style.WARNING)

    def _taking(self) -> None:
        """Draw what takes snapshots of the present memory, and compares it."""
        session, snapshots, first = self._session, self._history.snapshots, self.first
        imgui.set_next_item_width(min(imgui.get_font_size() * 9, imgui.get_content_region_avail().x))
        _, self._name = imgui.input_text_with_hint("##name", "name", self._name)
        parts.note_place(session, "snapshot name")
        parts.flows(parts.button_width("take"))
        lacks_name = "" if self._name.strip() else "Type a name first."
        if parts.button(session, "snapshot take", "take", _TAKE, why_not=lacks_name):
            self.take(self._name.strip())
        if session.compared is not None:
            parts.flows(parts.button_width("take compared"))
            if parts.button(session, "snapshot compared", "take compared", _COMPARED):
                self.first, self.second = self._history.take_compared(), None
        parts.flows(parts.button_width("base line"))
        lacks_a = "" if first is not None else _LACKS_A
        if parts.button(session, "snapshot base", "base line", _BASE, why_not=lacks_a):
            snapshots.set_baseline(first)
        parts.flows(parts.button_width("leaks?"))
        lacks_base = "" if snapshots.baseline is not None else "There is no base line yet."
        if parts.button(session, "snapshot leaks", "leaks?", _LEAKS, why_not=lacks_base):
            self.find_leaks()

    def find_leaks(self) -> LeakCheck | None:
        """Compare memory now with the base line; None without one."""
        base, now = self._history.snapshots.baseline, self._history.current()
        if base is None or now is None:
            return None
        self.check = leak_check(base, now)
        clean = f"no leak since '{base.name}'"
        self._say(clean if self.check.is_clean else f"more than at '{base.name}':", good=self.check.is_clean)
        self.first, self.second = base, None
        return self.check

    def save(self, snapshot: Snapshot, file: str) -> None:
        """Write a snapshot; the ending is added where it is missing, and a number where the file is there."""
        stem = Path(file.removesuffix(SUFFIX))
        if stem.name in ("", ".."):
            self._say(f"'{file}' is no name of a file", good=False)
            return
        path = free_path(stem, SUFFIX)
        try:
            self._history.save(snapshot, path)
        except InputError as error:
            self._fail(error)
        else:
            self._say(f"saved {path}")

    def open(self, file: str) -> None:
        """Add the snapshot of a file, and compare it with memory now; the ending may be missing."""
        path = Path(file.removesuffix(SUFFIX) + SUFFIX)
        try:
            self.first, self.second = self._history.open(path if os.path.lexists(path) else Path(file)), None
        except InputError as error:
            self._fail(error)
        else:
            self._say(f"opened '{self.first.name}'")

    def _fail(self, error: InputError) -> None:
        self._say(error.problems[0].message, good=False)
        self._session.report(str(error))

    def _say(self, text: str, *, good: bool = True) -> None:
        self._said = text, good
        if good and self.check is not None and not text.startswith("no leak"):
            self.check = None

    def _list(self) -> None:
        """The snapshots, newest first, and memory now; what is compared is chosen with A and B."""
        if not widgets.begin_table("snapshots", 4, _TABLE):
            return
        letter = imgui.get_font_size()
        for name, width in (("A", letter * 1.6), ("B", letter * 1.6)):
            imgui.table_setup_column(name, _FIXED, width)
        imgui.table_setup_column("name", _STRETCH)
        imgui.table_setup_column("allocated", _FIXED, letter * 5)
        imgui.table_setup_scroll_freeze(0, 1)
        widgets.table_headers(3)
        base = self._history.snapshots.baseline
        for number, snapshot in enumerate([None, *reversed(self._history.snapshots.all)]):
            shown = snapshot or self._history.now()
            if shown is None:
                continue
            imgui.table_next_row()
            for side in "AB":
                imgui.table_next_column()
                chosen = (self.first if side == "A" else self.second) is snapshot
                imgui.push_style_var(imgui.StyleVar_.frame_border_size.value, 1.0)
                pressed = imgui.radio_button(f"##{side}{number}", chosen)
                imgui.pop_style_var()
                if pressed:
                    self.compare(*((snapshot, self.second) if side == "A" else (self.first, snapshot)))
                parts.note_place(self._session, f"snapshot {side} {shown.name}")
            imgui.table_next_column()
            here = shown.name if self.has_scene else "this window"
            mark = " (base line)" if snapshot is not None and snapshot is base else ""
            name = here if snapshot is None else f"{shown.name}{mark}"
            widgets.cut(name, style.ACCENT if snapshot is None else style.TEXT, more=_facts(shown))
            imgui.table_next_column()
            widgets.right_aligned(bytes_text(shown.image.allocated))
        imgui.end_table()

    def _delta(self) -> None:
        first, second = (each or self._history.now() for each in (self.first, self.second))
        if first is None or second is None:
            widgets.quiet("no plan yet")
            return
        if first is second:
            facts = _facts(first)
            widgets.cut(f"{first.name}: {facts[-1]}", style.ACCENT, more=facts)
            widgets.cut("choose another as B, for what is only in A, in both, and only in B", style.QUIET)
            if self._strips is None or self._strips.image is not first.image:
                self._strips = MemoryStrips(first.image, first.image)
            draw_strips(self._session, "snapshot", self._strips)
            return
        if self._compared != (first, second):
            self._compared = first, second
            self.table.show(delta(first.image, second.image))
        widgets.cut(f"A: {first.name}, B: {second.name}", style.ACCENT)
        self.table.draw()


def _facts(snapshot: Snapshot) -> tuple[str, ...]:
    image = snapshot.image
    counts = (
        count_text(len(image.allocations), "allocation"),
        count_text(len(image.resources), "resource"),
        count_text(len(image.places), "block"),
    )
    if snapshot.name == NOW:
        return (", ".join(counts),)
    return (
        f"{snapshot.scene}, frame {snapshot.frame:,}, {image.device.name}",
        f"{snapshot.live_bytes:,} bytes live",
        ", ".join(counts),
    )
