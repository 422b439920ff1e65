"""The workspace under a mouse: panels are docked around the scene, and one that raises ends no frame."""

from __future__ import annotations

from dataclasses import replace

import pytest
from imgui_bundle import imgui
from support.mouse import SIZE, Mouse, drawn, middle, mouse, session_of, workspace_of
from support.plans import cube_plan

from engine.humon import Problem
from engine.tableau.schema import FeatureSchema
from engine.tableau.tableau import Tableau
from viewer.guard import Guard
from viewer.panels import layout
from viewer.panels.outliner.outliner_panel import OutlinerPanel
from viewer.panels.panel import Dock, LaterPanel, Placed
from viewer.panels.workspace import Workspace
from viewer.session.commands import Command
from viewer.session.links import PanelLink
from viewer.session.preferences import Preferences
from viewer.session.session import Session
from viewer.ui import style
from viewer.ui.style import FONT_SIZE

__all__ = ["mouse"]

PLAN = cube_plan()


@pytest.fixture
def session() -> Session:
    tableau = Tableau([FeatureSchema("visibleModel"), FeatureSchema("shadowCaster")])
    tableau.add_object("cube", features={"visibleModel": {}, "shadowCaster": {}})
    tableau.add_object("ground", features={"visibleModel": {}})
    return session_of(tableau, PLAN)


class Note:
    """A panel that counts how often it was drawn."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.draws = 0

    def draw(self) -> None:
        self.draws += 1
        imgui.text_unformatted(self.title)


def three() -> tuple[Note, Note, Note]:
    return Note("left"), Note("below"), Note("behind")


def around(session: Session, guard: Guard | None = None) -> tuple[Workspace, tuple[Note, Note, Note]]:
    left, below, behind = three()
    placed = [Placed(left, Dock.LEFT), Placed(below, Dock.BOTTOM), Placed(behind, Dock.BOTTOM)]
    return workspace_of(session, placed, guard), (left, below, behind)


def test_panels_are_docked_around_a_free_area_and_hidden_ones_are_not_drawn(
    mouse: Mouse, session: Session
) -> None:
    workspace, (left, below, behind) = around(session)
    draw = drawn(workspace, session)
    for _ in range(8):
        mouse.frame(draw)
    x0, y0, x1, y1 = workspace.area
    assert 200 < x0 < x1 == SIZE[0]
    assert 0 < y0 < y1 < SIZE[1] - 150
    assert session.places["panel left"][2] <= x0
    assert session.places["panel below"][1] >= y1
    assert left.draws == 6, "in the first frames the windows are docked"
    assert below.draws == 6
    assert behind.draws == 0, "a tab behind another one costs nothing"


def test_a_panel_behind_another_one_is_made_when_it_comes_forward(mouse: Mouse, session: Session) -> None:
    made: list[Note] = []

    def make() -> Note:
        made.append(Note("behind"))
        return made[-1]

    placed = [Placed(Note("below"), Dock.BOTTOM), Placed(LaterPanel("behind", make), Dock.BOTTOM)]
    workspace = workspace_of(session, placed)
    draw = drawn(workspace, session)
    for _ in range(8):
        mouse.frame(draw)
    assert not made
    workspace.show("behind")
    for _ in range(4):
        mouse.frame(draw)
    assert len(made) == 1
    assert made[0].draws > 0


def test_panels_that_are_shown_at_once_are_all_in_front_and_their_tabs_in_sight(
    mouse: Mouse, session: Session
) -> None:
    panels = [Note(f"a panel with a long title {number}") for number in range(12)]
    placed = [Placed(panel, (Dock.LEFT, Dock.BOTTOM)[number % 2]) for number, panel in enumerate(panels)]
    workspace = workspace_of(session, placed)
    draw = drawn(workspace, session)
    for _ in range(8):
        mouse.frame(draw)
    shown = panels[-2:]
    for panel in shown:
        workspace.show(panel.title)
    for _ in range(60):  # tabs are scrolled little by little
        mouse.frame(draw)
    draws = [panel.draws for panel in panels]
    mouse.frame(draw)
    assert [panel.draws - before for panel, before in zip(panels, draws, strict=True)] == [0] * 10 + [1] * 2
    for panel in shown:
        tab, place = session.places[f"tab {panel.title}"], session.places[f"panel {panel.title}"]
        assert place[0] <= tab[0] < tab[2] <= place[2]


def test_panels_of_an_enlarged_interface_have_room_in_a_small_window_and_leave_some_of_the_scene() -> None:
    usual = [layout.share_of(dock, 1280.0, FONT_SIZE) for dock in Dock]
    assert [layout.share_of(dock, 3000.0, FONT_SIZE * 2) for dock in Dock] == usual, "there is room"
    left, right, _ = (layout.share_of(dock, 1280.0, FONT_SIZE * 2) for dock in Dock)
    assert left * 1280 >= 11 * FONT_SIZE * 2
    assert right > usual[1]
    left, right, bottom = (layout.share_of(dock, 200.0, FONT_SIZE * 3) for dock in Dock)
    assert (1 - left) * (1 - right) >= 0.3
    assert bottom <= 0.5


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (1920, 1080), (3840, 2160)])
@pytest.mark.parametrize("of_display", [1.0, 1.5, 3.45])
def test_an_interface_is_no_larger_than_its_window_has_room_for(
    size: tuple[int, int], of_display: float
) -> None:
    for percent in range(50, 1100, 5):
        wanted = percent / 100
        scale = layout.fitting_scale(wanted, of_display, size)
        assert scale <= wanted
        room = [side / (FONT_SIZE * scale) for side in size]
        is_roomy = all(have >= least for have, least in zip(room, layout.LEAST_ROOM, strict=True))
        assert is_roomy or scale <= max(1.0, of_display / 2)
        if scale < wanted:
            assert scale >= max(1.0, of_display / 2)
    assert layout.fitting_scale(1.3, 1.0, (1280, 720)) == 1.3
    assert layout.fitting_scale(2.0, 2.0, (1280, 720)) == 2.0


def test_the_mouse_over_the_free_area_is_for_the_scene(mouse: Mouse, session: Session) -> None:
    workspace, _ = around(session)
    draw = drawn(workspace, session)
    for _ in range(3):
        mouse.frame(draw)
    for place, wanted in ((middle(session.places["panel left"]), True), (middle(workspace.area), False)):
        imgui.get_io().add_mouse_pos_event(*place)
        for _ in range(3):
            mouse.frame(draw)
        assert imgui.get_io().want_capture_mouse is wanted


@pytest.mark.parametrize("how", ["hidden", "opened again"])
def test_the_tab_that_was_in_front_is_there_again(mouse: Mouse, session: Session, how: str) -> None:
    workspace, notes = around(session)
    draw = drawn(workspace, session)
    for _ in range(8):
        mouse.frame(draw)
    assert notes[1].draws
    assert not notes[2].draws
    if how == "hidden":
        for _ in range(2):
            workspace.visible = not workspace.visible
            for _ in range(4):
                mouse.frame(draw)
    else:
        workspace.keep()
        imgui.destroy_context(mouse.context)
        mouse.__init__()  # type: ignore[misc]
        kept = session.preferences
        session = session_of(session.runtime.tableau, PLAN)
        session.preferences = kept
        workspace, notes = around(session)
        draw = drawn(workspace, session)
    notes[1].draws = 0
    for _ in range(8):
        mouse.frame(draw)
    assert notes[1].draws
    assert not notes[2].draws


def tabs(session: Session, suffix: list[str]) -> Workspace:
    """A workspace with so many panels behind each other that their tabs, which end alike, do not all fit."""
    panels = [
        Placed(Note(f"panel {number}"), Dock.BOTTOM, label=lambda n=number: f"panel {n}{suffix[-1]}")  # type: ignore[misc]
        for number in range(16)
    ]
    sides = [Placed(Note("left"), Dock.LEFT), Placed(Note("right"), Dock.RIGHT)]
    return workspace_of(session, [*sides, *panels])


def is_tab_in_sight(session: Session, number: int) -> bool:
    bar = imgui.internal.find_window_by_name(f"###panel {number}").dock_node.tab_bar
    left, _, right, _ = session.places[f"tab panel {number}"]
    return bool(left >= bar.scrolling_rect_min_x - 1 and right <= bar.scrolling_rect_max_x + 1)


@pytest.mark.parametrize("chosen", [1, 7, 15])
def test_the_chosen_tab_stays_in_sight_where_it_is_taken_up_and_sizes_change(
    mouse: Mouse, session: Session, chosen: int
) -> None:
    suffix = [""]
    workspace = tabs(session, suffix)
    for _ in range(6):
        mouse.frame(drawn(workspace, session))
    workspace.show(f"panel {chosen}")
    for _ in range(40):
        mouse.frame(drawn(workspace, session))
    workspace.keep()
    again = Mouse()
    try:
        second = session_of(session.runtime.tableau, PLAN)
        second.preferences = session.preferences
        restored = tabs(second, suffix)
        for width, end in ((SIZE[0], ""), (SIZE[0] * 3 // 4, ""), (SIZE[0], " (12)"), (SIZE[0], "")):
            imgui.get_io().display_size = (width, SIZE[1])
            suffix.append(end)
            for _ in range(40):
                again.frame(drawn(restored, second))
            assert is_tab_in_sight(second, chosen), (width, end)
            assert not is_tab_in_sight(second, 0 if chosen > 7 else 15)
    finally:
        imgui.destroy_context(again.context)
        imgui.set_current_context(mouse.context)


def test_a_click_at_the_end_of_a_tab_that_is_not_chosen_chooses_it(mouse: Mouse, session: Session) -> None:
    workspace, (_, below, behind) = around(session)
    draw = drawn(workspace, session)
    for _ in range(4):
        mouse.frame(draw)
    _, top, right, bottom = session.places["tab behind"]
    at_cross = right - imgui.get_font_size(), (top + bottom) / 2
    mouse.click(draw, *at_cross)
    mouse.frame(draw)
    assert workspace.is_shown("behind"), "there is no cross on it"
    drawn_before = behind.draws, below.draws
    mouse.frame(draw)
    assert (behind.draws, below.draws) == (drawn_before[0] + 1, drawn_before[1])
    mouse.click(draw, *at_cross)
    mouse.frame(draw)
    assert not workspace.is_shown("behind"), "the chosen one has a cross"


def test_tab_hides_all_panels_and_brings_them_back(mouse: Mouse, session: Session) -> None:
    workspace, (left, *_) = around(session)
    draw = drawn(workspace, session)
    mouse.frame(draw)
    mouse.frame(draw)
    area = workspace.area
    mouse.press(draw, imgui.Key.tab)
    assert not workspace.visible
    assert workspace.area == (0, 0, *SIZE)
    before = left.draws
    mouse.frame(draw)
    assert left.draws == before
    mouse.press(draw, imgui.Key.tab)
    assert workspace.visible
    assert workspace.area == area


def test_a_link_to_a_panel_shows_it_before_the_others(mouse: Mouse, session: Session) -> None:
    workspace, (_, _, behind) = around(session)
    draw = drawn(workspace, session)
    mouse.frame(draw)
    mouse.frame(draw)
    session.links.follow(PanelLink("behind"))
    for _ in range(3):
        mouse.frame(draw)
    before = behind.draws
    mouse.frame(draw)
    assert behind.draws == before + 1


def test_the_command_of_a_panel_behind_another_brings_it_forward_and_hides_it_only_in_front(
    mouse: Mouse, session: Session
) -> None:
    workspace, (_, below, behind) = around(session)
    draw = drawn(workspace, session)
    for _ in range(6):
        mouse.frame(draw)
    command = next(each for each in session.commands if each.title == "Panel behind")
    for expected in (True, False, True):
        command.run()
        for _ in range(6):
            mouse.frame(draw)
        before = behind.draws, below.draws
        mouse.frame(draw)
        assert (behind.draws, below.draws) == (before[0] + expected, before[1] + (not expected))
        assert workspace.is_shown("behind") is expected
    mouse.press(draw, imgui.Key.tab)
    command.run()
    assert workspace.visible, "all were hidden: nothing was in front"
    assert workspace.is_shown("behind")


def test_a_panel_that_is_shown_again_keeps_its_place_among_the_tabs(mouse: Mouse, session: Session) -> None:
    placed = [Placed(Note(name), Dock.BOTTOM) for name in "abcd"]
    workspace = workspace_of(session, placed)
    draw = drawn(workspace, session)
    for _ in range(6):
        mouse.frame(draw)

    def order() -> str:
        return "".join(sorted("abcd", key=lambda name: session.places[f"tab {name}"][0]))

    assert order() == "abcd"
    for name in "bcabd":
        workspace.show(name, shown=False)
        for _ in range(4):
            mouse.frame(draw)
        workspace.show(name)
        for _ in range(8):
            mouse.frame(draw)
        assert order() == "abcd"
    for name in "bc":
        workspace.show(name, shown=False)
    for _ in range(4):
        mouse.frame(draw)
    for name in "cb":
        workspace.show(name)
    for _ in range(8):
        mouse.frame(draw)
    assert order() == "abcd", "both at once"


def test_a_layout_is_kept_and_taken_up_again(mouse: Mouse, session: Session) -> None:
    workspace, _ = around(session)
    draw = drawn(workspace, session)
    mouse.frame(draw)
    mouse.frame(draw)
    workspace.show("left", shown=False)
    mouse.frame(draw)
    mouse.frame(draw)
    area = workspace.area
    assert area[0] == 0
    workspace.keep()
    again = Mouse()
    try:
        second = session_of(session.runtime.tableau, PLAN)
        second.preferences = Preferences(layout=session.preferences.layout, shown=session.preferences.shown)
        restored, (left, *_) = around(second)
        draw = drawn(restored, second)
        for _ in range(3):
            again.frame(draw)
        assert restored.area == area
        assert left.draws == 0
        restored.lay_out()
        for _ in range(3):
            again.frame(draw)
        assert restored.area[0] > 200
    finally:
        imgui.destroy_context(again.context)
        imgui.set_current_context(mouse.context)


def test_a_layout_of_another_scale_is_taken_up_at_the_present_one(mouse: Mouse, session: Session) -> None:
    workspace, _ = around(session)
    for _ in range(3):
        mouse.frame(drawn(workspace, session))
    workspace.keep()
    kept, width = session.preferences, workspace.area[0]
    assert (kept.layout_scale, width > 200) == (1.0, True)
    again = Mouse()
    try:
        imgui.get_io().display_size = (2 * SIZE[0], 2 * SIZE[1])
        style.resize(2.0)
        second = session_of(session.runtime.tableau, PLAN)
        second.preferences = kept
        restored, _ = around(second)
        for _ in range(3):
            again.frame(drawn(restored, second))
        assert restored.area[0] == pytest.approx(2 * width, abs=2)
        restored.keep()
        assert second.preferences.layout_scale == 2.0
    finally:
        imgui.destroy_context(again.context)
        imgui.set_current_context(mouse.context)


def test_a_panel_that_raises_halfway_is_reported_once_and_the_others_are_drawn_on(
    mouse: Mouse, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[str] = []
    workspace, (left, below, _) = around(session, Guard(lambda name, message: reported.append(name)))

    def broken() -> None:
        imgui.begin_child("half")
        imgui.push_id("half")
        raise RuntimeError("halfway")

    monkeypatch.setattr(left, "draw", broken)
    draw = drawn(workspace, session)
    for _ in range(8):
        mouse.frame(draw)
    assert reported == ["panel left"]
    assert below.draws >= 4


@pytest.mark.parametrize("flag", ["active", "enabled"])
def test_a_click_on_a_switch_turns_it_and_a_second_one_turns_it_back(
    mouse: Mouse, session: Session, flag: str
) -> None:
    outliner = [Placed(OutlinerPanel(session), Dock.LEFT)]
    draw = drawn(workspace_of(session, outliner), session)
    for _ in range(4):
        mouse.frame(draw)
    tableau = session.runtime.tableau
    place = middle(session.places[f"switch cube/shadowCaster/{flag}"])
    mouse.click(draw, *place)
    assert getattr(tableau["cube"].shadowCaster, flag) is False
    assert tableau["cube"].visibleModel.active
    assert tableau["cube"].visibleModel.enabled
    mouse.click(draw, *place)
    assert getattr(tableau["cube"].shadowCaster, flag) is True


def test_a_command_is_run_from_its_menu_and_by_its_keys_but_not_while_a_text_is_typed(
    mouse: Mouse, session: Session
) -> None:
    done: list[str] = []
    session.commands.add(Command("Do it", "Edit", lambda: done.append("done"), ("Ctrl+Shift+K",)))
    workspace, _ = around(session)
    draw = drawn(workspace, session)
    mouse.frame(draw)
    mouse.frame(draw)
    mouse.click(draw, *middle(session.places["menu Edit"]))
    mouse.click(draw, *middle(session.places["menu Edit/Do it"]))
    assert done == ["done"]
    io = imgui.get_io()
    for typed in (False, True):
        if typed:
            workspace.overlays["text"] = _text_field
            mouse.frame(draw)
            mouse.frame(draw)
        for key in (imgui.Key.mod_ctrl, imgui.Key.mod_shift):
            io.add_key_event(key, True)
        mouse.press(draw, imgui.Key.k)
        for key in (imgui.Key.mod_ctrl, imgui.Key.mod_shift):
            io.add_key_event(key, False)
        mouse.frame(draw)
        assert done == ["done", "done"]


def _text_field() -> None:
    imgui.begin("typing")
    imgui.set_keyboard_focus_here()
    imgui.input_text("text", "")
    imgui.end()


def test_esc_closes_an_open_menu_and_runs_its_command_only_then(mouse: Mouse, session: Session) -> None:
    imgui.get_io().config_flags |= imgui.ConfigFlags_.nav_enable_keyboard.value
    ran: list[str] = []
    session.commands.add(Command("Clear", "Edit", lambda: ran.append("Clear"), ("Esc",)))
    workspace, _ = around(session)
    draw = drawn(workspace, session)
    for _ in range(4):
        mouse.frame(draw)
    mouse.click(draw, *middle(session.places["menu Edit"]))
    assert "menu Edit/Clear" in session.places
    mouse.press(draw, imgui.Key.escape)
    assert "menu Edit/Clear" not in session.places
    assert ran == []
    mouse.press(draw, imgui.Key.escape)
    assert ran == ["Clear"]


def test_the_menu_bar_counts_problems_and_a_click_on_them_shows_their_panel(
    mouse: Mouse, session: Session
) -> None:
    below, problems = Note("below"), Note("problems")
    draw = drawn(workspace_of(session, [Placed(below, Dock.BOTTOM), Placed(problems, Dock.BOTTOM)]), session)
    for _ in range(6):
        mouse.frame(draw)
    assert "menu problems" not in session.places
    assert problems.draws == 0
    session.statistics = replace(session.statistics, problems=(Problem("a.b", "wrong"),))
    mouse.frame(draw)
    mouse.click(draw, *middle(session.places["menu problems"]))
    mouse.frame(draw)
    assert problems.draws
