"""The outliner and the properties under a mouse and keys, with names that are hard to draw."""

from __future__ import annotations

import numpy as np
import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, drawn, middle, mouse, session_of, workspace_of
from support.plans import cube_plan

from engine.tableau import FeatureSchema, Tableau
from engine.tableau.schema import choice_field, color_field, float_field, text_field
from viewer.panels.outliner.outliner_panel import OutlinerPanel
from viewer.panels.panel import Dock, Placed
from viewer.panels.properties.properties_panel import PropertiesPanel
from viewer.session.session import Session
from viewer.ui import style

__all__ = ["mouse"]

HOSTILE = ("##a", "100%s%n", "a, b", "שלום", "立方体", "🧊", "a###b", "x" * 255)
LIGHT = FeatureSchema(
    "light",
    (
        float_field("intensity", 3.0, minimum=0, maximum=9),
        color_field("color", (1, 1, 1)),
        choice_field("kind", "point", choices=("point", "spot")),
        text_field("note"),
    ),
)


@pytest.fixture
def session() -> Session:
    tableau = Tableau([LIGHT])
    for name in HOSTILE:
        tableau.add_object(name, features={"light": {}})
    tableau.add_object("child", "##a")
    return session_of(tableau, cube_plan())


class Screen:
    """Both panels of a session, and places on them."""

    def __init__(self, mouse: Mouse, session: Session) -> None:
        self.mouse = mouse
        self.session = session
        self.outliner = OutlinerPanel(session)
        panels = [Placed(self.outliner, Dock.LEFT), Placed(PropertiesPanel(session), Dock.RIGHT)]
        self.draw = drawn(workspace_of(session, panels), session)
        for _ in range(4):
            mouse.frame(self.draw)

    def click(self, place: str, *held: imgui.Key) -> None:
        io = imgui.get_io()
        for key in held:
            io.add_key_event(key, True)
        self.mouse.frame(self.draw)  # ImGui takes a key and a mouse in frames of their own
        self.mouse.click(self.draw, *middle(self.session.places[place]))
        for key in held:
            io.add_key_event(key, False)
        self.mouse.frame(self.draw)

    def selected(self) -> list[str]:
        return [self.session.runtime.tableau.path(row) for row in self.session.selection.objects.tolist()]


def test_rows_are_selected_by_clicks_with_ctrl_and_shift(mouse: Mouse, session: Session) -> None:
    screen = Screen(mouse, session)
    screen.click("row 100%s%n/")
    assert screen.selected() == ["100%s%n"]
    screen.click("row שלום/", imgui.Key.mod_ctrl)
    assert screen.selected() == ["100%s%n", "שלום"]
    screen.click("row 100%s%n/", imgui.Key.mod_ctrl)
    assert screen.selected() == ["שלום"]
    screen.click("row ##a/")
    screen.click("row a, b/", imgui.Key.mod_shift)
    assert screen.selected() == ["##a", "100%s%n", "a, b", "##a/child"]
    screen.click("row 立方体/light")
    assert session.selection.feature == ("light", session.runtime.tableau["立方体"].light.row)


def test_each_level_of_a_deep_tree_has_its_indent_and_names_keep_room_for_six_letters(
    mouse: Mouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    tableau, path = Tableau([LIGHT]), ""
    for depth in range(20):
        name = f"bone {depth}"
        tableau.add_object(name, path or None)
        path = f"{path}/{name}" if path else name
    room: dict[str, float] = {}
    left: dict[str, float] = {}
    six: list[float] = []

    def cut(text: str, *_: object, **more: object) -> None:
        if not text.startswith("bone"):
            return
        room[text] = imgui.get_content_region_avail().x
        left[text] = imgui.get_cursor_screen_pos().x
        six.append(imgui.calc_text_size("abcdef").x)
        imgui.text_unformatted(text)

    monkeypatch.setattr("viewer.panels.outliner.outliner_panel.widgets.cut", cut)
    screen = Screen(mouse, session_of(tableau, cube_plan()))
    screen.outliner.model.expand_all(True)
    for _ in range(3):
        mouse.frame(screen.draw)
    assert len(room) == 20
    steps = np.diff([left[f"bone {depth}"] for depth in range(20)])
    assert steps == pytest.approx(imgui.get_style().indent_spacing), "a child is further to the right"
    assert min(room.values()) >= six[0]
    x0, _, x1, _ = screen.session.places["panel outliner"]
    assert left["bone 19"] > x1, "it is scrolled to"
    deepest = tableau[path].row
    screen.session.selection.select([deepest])
    for _ in range(4):
        mouse.frame(screen.draw)
    assert x0 < left["bone 19"] < left["bone 19"] + six[0] < x1, "what is selected elsewhere is in sight"


@pytest.mark.parametrize("width", [470, 500])
def test_names_in_the_narrowest_place_keep_room_for_letters_and_switches_are_scrolled_to(
    mouse: Mouse, session: Session, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    room, scrolled, rows = [], [], OutlinerPanel._rows

    def cut(text: str, *_: object, **more: object) -> None:
        room.append(imgui.get_content_region_avail().x - imgui.calc_text_size("abcd").x)
        imgui.text_unformatted(text)

    def look(panel: OutlinerPanel) -> None:
        rows(panel)
        scrolled.append(imgui.get_scroll_max_x())

    monkeypatch.setattr("viewer.panels.outliner.outliner_panel.widgets.cut", cut)
    monkeypatch.setattr(OutlinerPanel, "_rows", look)
    imgui.get_io().display_size = (width, 300)
    screen = Screen(mouse, session)
    room.clear()
    mouse.frame(screen.draw)
    assert min(room) > 0
    assert scrolled[-1] > 0


@pytest.mark.parametrize(("scale", "is_scrolled"), [(1.0, False), (1.3, True), (2.0, True), (3.0, True)])
def test_a_column_of_memory_without_room_is_scrolled_to_beside_the_names(
    mouse: Mouse, session: Session, monkeypatch: pytest.MonkeyPatch, scale: float, is_scrolled: bool
) -> None:
    total, seen = 3, imgui.TableColumnFlags_.is_visible.value
    found: list[tuple[float, bool, bool]] = []
    rows = OutlinerPanel._rows

    def look(panel: OutlinerPanel) -> None:
        rows(panel)
        is_name_seen = imgui.table_get_column_flags(0) & seen
        found.append(
            (imgui.get_scroll_max_x(), bool(is_name_seen), bool(imgui.table_get_column_flags(total) & seen))
        )
        imgui.set_scroll_x(imgui.get_scroll_max_x())

    monkeypatch.setattr(OutlinerPanel, "_rows", look)
    style.resize(scale)
    screen = Screen(mouse, session)
    for _ in range(4):
        mouse.frame(screen.draw)
    assert all(found[-1][1:]), "it is there, beside the names"
    assert (found[-1][0] > 0) == is_scrolled


def test_keys_walk_expand_and_switch(mouse: Mouse, session: Session) -> None:
    screen, tableau = Screen(mouse, session), session.runtime.tableau
    screen.click("row ##a/")
    mouse.press(screen.draw, imgui.Key.space)
    assert not tableau["##a"].enabled
    mouse.press(screen.draw, imgui.Key.left_arrow)
    assert "row ##a/child/" not in session.places
    mouse.press(screen.draw, imgui.Key.down_arrow)
    assert screen.selected() == ["100%s%n"]
    mouse.press(screen.draw, imgui.Key.up_arrow)
    mouse.press(screen.draw, imgui.Key.right_arrow)
    assert "row ##a/child/" in session.places
    session.editing.undo()
    assert tableau["##a"].enabled


def test_a_row_that_is_dragged_onto_another_becomes_its_child(mouse: Mouse, session: Session) -> None:
    screen, tableau, io = Screen(mouse, session), session.runtime.tableau, imgui.get_io()
    start, end = middle(session.places["row 🧊/"]), middle(session.places["row ##a/"])
    io.add_mouse_pos_event(*start)
    mouse.frame(screen.draw)
    io.add_mouse_button_event(0, True)
    for part in np.linspace(0, 1, 6):
        mouse.frame(screen.draw)
        io.add_mouse_pos_event(*(start[i] + (end[i] - start[i]) * part for i in range(2)))
    for _ in range(3):
        mouse.frame(screen.draw)
    io.add_mouse_button_event(0, False)
    for _ in range(3):
        mouse.frame(screen.draw)
    assert "##a/🧊" in tableau
    session.editing.undo()
    assert "🧊" in tableau


def test_a_switch_of_one_selected_object_switches_all_of_them(mouse: Mouse, session: Session) -> None:
    screen, tableau = Screen(mouse, session), session.runtime.tableau
    session.selection.select(tableau.rows()[:3])
    mouse.frame(screen.draw)
    screen.click("switch ##a//active")
    assert tableau.flags("active")[tableau.rows()].tolist() == [False] * 3 + [True] * 6
    session.editing.undo()
    assert tableau.flags("active")[tableau.rows()].all()


def test_a_field_of_many_objects_is_set_marked_and_reverted(mouse: Mouse, session: Session) -> None:
    screen, tableau = Screen(mouse, session), session.runtime.tableau
    some = tableau.rows()[:3]
    session.selection.select(some)
    for _ in range(2):
        mouse.frame(screen.draw)
    assert "revert light.enabled" not in session.places
    screen.click("field light.enabled")
    assert [tableau.handle(row).light.enabled for row in some.tolist()] == [False] * 3
    screen.click("revert light.enabled")
    assert [tableau.handle(row).light.enabled for row in some.tolist()] == [True] * 3
    screen.click("button undo")
    screen.click("button undo")
    assert session.editing.history.is_saved


def test_dragging_a_number_is_one_change_of_all_objects(mouse: Mouse, session: Session) -> None:
    screen, tableau, io = Screen(mouse, session), session.runtime.tableau, imgui.get_io()
    session.selection.select(tableau.rows()[:3])
    for _ in range(2):
        mouse.frame(screen.draw)
    x, y = middle(session.places["field translation"])  # its last number
    io.add_mouse_pos_event(x, y)
    mouse.frame(screen.draw)
    io.add_mouse_button_event(0, True)
    for step in range(6):
        mouse.frame(screen.draw)
        io.add_mouse_pos_event(x + 10 * step, y)
    mouse.frame(screen.draw)
    io.add_mouse_button_event(0, False)
    for _ in range(3):
        mouse.frame(screen.draw)
    moved = tableau.translation[tableau.rows()[:3]]
    assert (moved[:, 2] > 0).all()
    assert (moved[:, :2] == 0).all()
    assert len(session.editing.history.labels) == 1
    session.editing.undo()
    assert (tableau.translation[tableau.rows()] == 0).all()


def test_a_feature_is_not_duplicated_and_a_notice_says_why(mouse: Mouse, session: Session) -> None:
    screen = Screen(mouse, session)
    before = len(session.runtime.tableau.tables["light"].object)
    screen.click("row a, b/light")
    io = imgui.get_io()
    io.add_key_event(imgui.Key.mod_ctrl, True)
    mouse.press(screen.draw, imgui.Key.d)
    io.add_key_event(imgui.Key.mod_ctrl, False)
    mouse.frame(screen.draw)
    assert len(session.runtime.tableau.tables["light"].object) == before
    assert "one light" in session.notices.text
    assert session.selection.feature is not None


def test_arrows_reach_the_fields_of_the_properties_once_ctrl_and_tab_have_gone_there(
    mouse: Mouse, session: Session
) -> None:
    io = imgui.get_io()
    io.config_flags |= imgui.ConfigFlags_.nav_enable_keyboard.value
    session.selection.select([session.runtime.tableau["100%s%n"].row])
    screen = Screen(mouse, session)
    screen.click("tab outliner")
    io.add_key_event(imgui.Key.mod_ctrl, True)
    io.add_key_event(imgui.Key.left_ctrl, True)
    mouse.press(screen.draw, imgui.Key.tab)
    io.add_key_event(imgui.Key.left_ctrl, False)
    io.add_key_event(imgui.Key.mod_ctrl, False)
    for _ in range(3):
        mouse.frame(screen.draw)
    assert "properties" in imgui.get_current_context().nav_window.name
    for _ in range(4):
        mouse.press(screen.draw, imgui.Key.down_arrow)
    assert "/properties" in imgui.get_current_context().nav_window.name, "among the fields"
