"""The properties of the selected objects: of many at once, with what differs from the file marked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from engine.math import euler_xyz_degrees, to_euler_xyz_degrees
from engine.tableau import FeatureTable, FieldKind
from engine.tableau.schema import Names
from viewer.editing.value_edit import Target
from viewer.panels import widgets
from viewer.panels.properties.asset_chooser import AssetChooser
from viewer.panels.properties.edit_bar import draw_edit_bar, edit_commands
from viewer.panels.properties.fields import AXES, Change, field, is_mixed, numbers
from viewer.panels.properties.path_chooser import PathChooser
from viewer.session.session import Session
from viewer.ui import style

Rows = NDArray[np.int32]
MOST_MARKED = 20_000
"""Of more objects than this nobody looks for what differs from the file."""


class PropertiesPanel:
    """Draws transform, flags and features of the selection; `Session.places` has `field FEATURE.NAME`."""

    title = "properties"

    def __init__(self, session: Session) -> None:
        self._session = session
        session.commands.add(*edit_commands(session))
        self._chooser = AssetChooser(session)
        self._paths = PathChooser(session)
        self._euler: tuple[int, NDArray[np.float64]] | None = None
        self._as_quaternion = False
        self._name: tuple[int, str] | None = None
        self._later: Callable[[], None] | None = None

    def draw(self) -> None:
        """Draw the properties into the current window."""
        session = self._session
        draw_edit_bar(session)
        rows = session.selection.objects
        if not len(rows):
            widgets.quiet("select an object")
            return
        if widgets.begin_child("properties"):
            primary = session.selection.primary
            first = int(rows[0]) if primary is None else primary
            rows = np.concatenate(([first], rows[rows != first])).astype(np.int32)
            self._head(rows)
            self._transform(rows)
            self._features(rows)
        imgui.end_child()
        if not imgui.is_any_item_active():
            session.editing.history.end_merge()
        later, self._later = self._later, None
        if later is not None:
            session.editing.run(later)

    # -- sections ----------------------------------------------------------------------------------

    def _head(self, rows: Rows) -> None:
        tableau, editing = self._session.runtime.tableau, self._session.editing
        if len(rows) > 1:
            imgui.text_unformatted(f"{len(rows):,} objects")
        else:
            row = int(rows[0])
            name = tableau.name_of(row)
            if self._name is None or self._name[0] != row or not imgui.is_any_item_active():
                self._name = row, name
            imgui.set_next_item_width(-1)
            _, text = imgui.input_text("##name", self._name[1])
            self._note("field name")
            self._name = row, text
            if imgui.is_item_deactivated_after_edit():
                self._later = lambda: editing.editor.rename(row, text)
            place = tableau.position(row)
            widgets.tooltip((tableau.path(row), str(place) if place is not None else "in no file yet"))
        if self._begin("object"):
            for flag in ("active", "enabled"):
                self._flag(Target(flag), rows)
            imgui.end_table()

    def _transform(self, rows: Rows) -> None:
        if not self._section("transform", "transform"):
            return
        if imgui.begin_popup_context_item("form"):
            if imgui.menu_item("rotation as quaternion", "", self._as_quaternion)[0]:
                self._as_quaternion = not self._as_quaternion
            imgui.end_popup()
        if self._begin("transform"):
            self._vector(Target("translation"), rows, "translation", 0.01, "m")
            if self._as_quaternion:
                self._vector(Target("rotation"), rows, "rotation", 0.005, "")
            else:
                self._rotation(rows)
            self._vector(Target("scale"), rows, "scale", 0.01, "")
            imgui.end_table()

    def _features(self, rows: Rows) -> None:
        tableau = self._session.runtime.tableau
        for name, table in tableau.tables.items():
            owned = rows[tableau.has_feature(name, rows)]
            if not len(owned):
                continue
            some = "" if len(owned) == len(rows) else f"  ({len(owned):,} of {len(rows):,})"
            is_open = self._section(name, f"{name}{some}")
            widgets.tooltip((table.schema.help,))
            if imgui.begin_popup_context_item("menu"):
                if imgui.menu_item("Remove feature", "", False)[0]:
                    self._later = self._removing(name, owned)
                imgui.end_popup()
            if is_open and self._begin(name):
                self._feature(table, owned)
                imgui.end_table()

    def _feature(self, table: FeatureTable, rows: Rows) -> None:
        imgui.push_id(table.type_name)
        for flag in ("active", "enabled"):
            self._flag(Target(flag, table.type_name), rows)
        for spec in table.schema.fields:
            target = Target(spec.name, table.type_name)
            values = target.read(self._session.runtime.tableau, rows)
            limits = spec.range_text()
            self._label(target, rows, (spec.help, limits, spec.kind.value))
            if spec.kind is FieldKind.ASSET:
                change = self._chooser.draw(spec, values, int(rows[0]))
            elif spec.names is not Names.NOTHING:
                change = self._paths.draw(spec, values, int(rows[0]))
            else:
                change = field(spec, values)
            self._finish(target, rows, change)
        imgui.pop_id()

    # -- values ------------------------------------------------------------------------------------

    def _flag(self, target: Target, rows: Rows) -> None:
        values = target.read(self._session.runtime.tableau, rows)
        about = "memory is planned for it" if target.name == "active" else "it takes part in frames"
        self._label(target, rows, (about,))
        imgui.push_item_flag(imgui.ItemFlags_.mixed_value.value, is_mixed(values))
        changed, on = imgui.checkbox("##flag", bool(values[0]))
        imgui.pop_item_flag()
        self._finish(target, rows, Change(on) if changed else None)

    def _vector(self, target: Target, rows: Rows, name: str, speed: float, unit: str) -> None:
        values = target.read(self._session.runtime.tableau, rows)
        about = f"{', '.join(AXES[: values.shape[1]])}; drag, or click to type"
        self._label(target, rows, (about, f"in {unit}" if unit else ""), unit)
        size = float(np.abs(values[0]).max())
        change = numbers(name, values, speed=max(speed, size * 0.002), digits=5)
        self._finish(target, rows, change)

    def _rotation(self, rows: Rows) -> None:
        """Rotation as degrees about X, then Y, then Z: what is typed stays as it is while it is edited."""
        tableau, target = self._session.runtime.tableau, Target("rotation")
        self._label(
            target, rows, ("degrees about X, then Y, then Z; right-click the heading for a quaternion",)
        )
        angles = np.round(np.atleast_2d(to_euler_xyz_degrees(tableau.rotation[rows])), 4) + 0.0
        kept = self._euler
        if kept is not None and kept[0] == int(rows[0]) and imgui.is_any_item_active():
            angles[0] = kept[1]
        change = numbers("euler", angles, speed=0.25, unit="degrees", digits=5)
        if change is not None and change.component is not None:
            angles[:, change.component] = change.value
            self._euler = int(rows[0]), angles[0].copy()
            change = Change(euler_xyz_degrees(angles))
        self._finish(target, rows, change)

    def _finish(self, target: Target, rows: Rows, change: Change | None) -> None:
        """End the row of a value: note its place, and set what was changed."""
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        self._session.places[f"field {target.what}"] = (low.x, low.y, high.x, high.y)
        imgui.pop_id()
        if change is None:
            return
        editor, merge = self._session.editing.editor, (target.what, imgui.get_item_id())
        self._session.wake()
        if change.component is not None:
            component = change.component
            self._later = lambda: editor.set_component(target, rows, component, change.value, merge)
        else:
            self._later = lambda: editor.set_values(target, rows, change.value, merge)

    def _removing(self, name: str, rows: Rows) -> Callable[[], None]:
        editor = self._session.editing.editor
        return lambda: editor.remove_feature(name, rows)

    # -- layout ------------------------------------------------------------------------------------

    def _section(self, identity: str, text: str) -> bool:
        flags = imgui.TreeNodeFlags_.default_open.value
        is_open = imgui.collapsing_header(f"{text}###{identity}", flags)
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        self._session.places[f"section {identity}"] = (low.x, low.y, high.x, high.y)
        return is_open

    def _begin(self, identity: str) -> bool:
        if not imgui.begin_table(f"##{identity}", 2, imgui.TableFlags_.sizing_stretch_same.value):
            return False
        name = min(imgui.get_font_size() * 7.5, imgui.get_window_width() * 0.4)  # also with a scroll bar
        imgui.table_setup_column("name", imgui.TableColumnFlags_.width_fixed.value, name)
        imgui.table_setup_column("value", imgui.TableColumnFlags_.width_stretch.value)
        return True

    def _label(self, target: Target, rows: Rows, help_lines: tuple[str, ...], unit: str = "") -> None:
        """Begin the row of a value with its name; a dot marks what differs from the file, and reverts it."""
        editing = self._session.editing
        imgui.push_id(target.what)
        imgui.table_next_row()
        imgui.table_next_column()
        imgui.align_text_to_frame_padding()
        differs = bool(editing.changes.differs(target, rows[:MOST_MARKED]).any())
        mark = imgui.get_font_size() * 0.9
        corner = imgui.get_cursor_screen_pos()
        if differs:
            if imgui.invisible_button("revert", (mark, imgui.get_frame_height()), widgets.BY_KEYS):
                self._later = lambda: editing.reverting.revert_value(target, rows)
            low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
            self._session.places[f"revert {target.what}"] = (low.x, low.y, high.x, high.y)
            tint = style.TEXT if imgui.is_item_hovered() else style.ACCENT
            middle = (corner.x + mark * 0.4, corner.y + imgui.get_frame_height() / 2)
            imgui.get_window_draw_list().add_circle_filled(middle, mark * 0.22, widgets.color(tint))
            widgets.tooltip(("differs from the file: click to revert",))
        else:
            imgui.dummy((mark, imgui.get_frame_height()))
        imgui.same_line(0, 0)
        imgui.align_text_to_frame_padding()
        gap = imgui.get_font_size() * 0.3
        left = imgui.calc_text_size(unit).x + gap if unit else 0.0
        widgets.cut(target.name, width=imgui.get_content_region_avail().x - left)
        if unit:
            imgui.same_line(0, gap)
            widgets.quiet(unit)
        widgets.tooltip((target.what, *help_lines))
        imgui.table_next_column()

    def _note(self, name: str) -> None:
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        self._session.places[name] = (low.x, low.y, high.x, high.y)
