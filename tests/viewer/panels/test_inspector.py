"""The inspector under a mouse: switches work, nodes expand, parts that raise do not end the frame."""

from __future__ import annotations

import cProfile
from collections.abc import Callable, Iterator

import pytest
from imgui_bundle import imgui
from support.plans import cube_plan, large_plan

from engine.plan.model.plan import Plan
from engine.plan.placement.compaction import Compaction
from engine.plan.terms.errors import PlanError
from engine.tableau.schema import FeatureSchema
from engine.tableau.tableau import Tableau
from viewer.guard import Guard
from viewer.panels.compaction_button import CompactionButton
from viewer.panels.inspector import WIDTH, Inspector
from viewer.panels.run_statistics import RunStatistics
from viewer.ui import style

PLAN = cube_plan()


def _nobody(max_bytes: int, max_moves: int) -> Compaction:
    raise AssertionError("nobody has calls for it")


NO_COMPACTION = CompactionButton(_nobody, _nobody)


class Mouse:
    """An ImGui context without window or device, and a mouse on it."""

    def __init__(self) -> None:
        self.context = imgui.create_context()
        io = imgui.get_io()
        io.set_ini_filename("")
        io.display_size = (1280, 720)
        style.apply(1.0)
        io.backend_flags |= imgui.BackendFlags_.renderer_has_textures.value

    def frame(self, draw: Callable[[], None]) -> None:
        imgui.get_io().delta_time = 1 / 60
        imgui.new_frame()
        draw()
        imgui.render()
        for texture in imgui.get_platform_io().textures:
            if texture.status == imgui.ImTextureStatus.want_create:
                texture.set_tex_id(1)
            texture.set_status(imgui.ImTextureStatus.ok)

    def click(self, draw: Callable[[], None], x: float, y: float) -> None:
        io = imgui.get_io()
        io.add_mouse_pos_event(x, y)
        self.frame(draw)
        for down in (True, False):
            io.add_mouse_button_event(0, down)
            self.frame(draw)
        self.frame(draw)


@pytest.fixture
def mouse() -> Iterator[Mouse]:
    made = Mouse()
    yield made
    imgui.destroy_context(made.context)


@pytest.fixture
def tableau() -> Tableau:
    made = Tableau([FeatureSchema("visibleModel"), FeatureSchema("shadowCaster")])
    made.add_object("cube", features={"visibleModel": {}, "shadowCaster": {}})
    made.add_object("ground", features={"visibleModel": {}})
    return made


def quiet(name: str, message: str) -> None:
    raise AssertionError(f"{name}: {message}")


def shown(inspector: Inspector, plan: Plan = PLAN, facts: RunStatistics | None = None) -> Callable[[], None]:
    return lambda: inspector.draw(plan, facts or RunStatistics(scene="cube.hu"))


def middle(box: tuple[float, float, float, float]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


@pytest.mark.parametrize("flag", ["active", "enabled"])
def test_a_click_on_a_switch_turns_it_and_a_second_one_turns_it_back(
    mouse: Mouse, tableau: Tableau, flag: str
) -> None:
    inspector = Inspector(tableau, NO_COMPACTION, Guard(quiet))
    draw = shown(inspector)
    mouse.frame(draw)
    mouse.frame(draw)
    place = middle(inspector.switches["cube", "shadowCaster", flag])
    mouse.click(draw, *place)
    assert getattr(tableau["cube"].shadowCaster, flag) is False
    assert tableau["cube"].visibleModel.active
    assert tableau["cube"].visibleModel.enabled
    mouse.click(draw, *place)
    assert getattr(tableau["cube"].shadowCaster, flag) is True


def test_every_visible_switch_has_its_rectangle(mouse: Mouse, tableau: Tableau) -> None:
    inspector = Inspector(tableau, NO_COMPACTION, Guard(quiet))
    mouse.frame(shown(inspector))
    mouse.frame(shown(inspector))
    assert len(inspector.switches) == 2 * (2 + 3)
    assert all(0 < x0 < x1 < WIDTH and 0 < y0 < y1 for x0, y0, x1, y1 in inspector.switches.values())


def test_the_mouse_over_the_panel_is_the_panels_own(mouse: Mouse, tableau: Tableau) -> None:
    draw = shown(Inspector(tableau, NO_COMPACTION, Guard(quiet)))
    for x, wanted in ((WIDTH / 2, True), (WIDTH + 200, False)):
        imgui.get_io().add_mouse_pos_event(x, 400)
        for _ in range(3):
            mouse.frame(draw)
        assert imgui.get_io().want_capture_mouse is wanted


def test_f1_hides_the_panel_and_brings_it_back(mouse: Mouse, tableau: Tableau) -> None:
    inspector = Inspector(tableau, NO_COMPACTION, Guard(quiet))
    draw = shown(inspector)
    for visible in (False, True):
        for down in (True, False):
            imgui.get_io().add_key_event(imgui.Key.f1, down)
            mouse.frame(draw)
        mouse.frame(draw)
        assert inspector.visible is visible
        assert bool(inspector.switches) is visible


def test_a_part_that_raises_is_reported_once_and_the_rest_is_drawn_on(mouse: Mouse, tableau: Tableau) -> None:
    reported: list[str] = []
    guard = Guard(lambda name, message: reported.append(f"{name}: {message}"))
    inspector = Inspector(tableau, NO_COMPACTION, guard)
    facts = RunStatistics(frame_ms=None)  # type: ignore[arg-type]
    for _ in range(5):
        mouse.frame(shown(inspector, facts=facts))
    assert len(reported) == 1
    assert reported[0].startswith("header: TypeError")
    assert inspector.switches


def test_a_part_that_raises_halfway_leaves_imgui_in_order(
    mouse: Mouse, tableau: Tableau, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[str] = []
    inspector = Inspector(tableau, NO_COMPACTION, Guard(lambda name, message: reported.append(name)))

    def broken() -> None:
        imgui.begin_child("half")
        imgui.push_id("half")
        raise RuntimeError("halfway")

    monkeypatch.setattr(inspector._objects, "draw", broken)
    for _ in range(5):
        mouse.frame(shown(inspector))
    assert reported == ["inspector tab objects"]


def test_a_hundred_thousand_blocks_cost_only_the_visible_rows(mouse: Mouse, tableau: Tableau) -> None:
    """The aim of 2 ms a frame is a benchmark; here the calls are counted that draw a frame."""
    calls = []
    for plan in (large_plan(300), large_plan(100_000)):
        inspector = Inspector(tableau, NO_COMPACTION, Guard(quiet))
        draw = shown(inspector, plan)
        mouse.frame(draw)
        mouse.frame(draw)
        mouse.click(draw, 100, 66)  # the memory tab
        model = inspector._memory._model
        assert model is not None
        model.set_expanded(0, True)
        model.set_expanded(1, True)
        mouse.frame(draw)
        assert len(model.tree_rows.nodes) == len(plan.memory.subresources) + 2
        profile = cProfile.Profile()
        profile.runcall(mouse.frame, draw)
        calls.append(sum(entry.callcount for entry in profile.getstats()))
    assert calls[1] < 1.5 * calls[0]


def test_compaction_is_estimated_then_started_and_never_while_steps_are_left(
    mouse: Mouse, tableau: Tableau
) -> None:
    calls: list[str] = []

    def estimate(max_bytes: int, max_moves: int) -> Compaction:
        calls.append("estimate")
        return Compaction(PLAN, gain=4096, moved=256, moves=1)

    def begin(max_bytes: int, max_moves: int) -> Compaction:
        calls.append("begin")
        return Compaction(PLAN, gain=4096, moved=256, moves=1)

    inspector = Inspector(tableau, CompactionButton(estimate, begin), Guard(quiet))
    settled, busy = (
        shown(inspector, facts=RunStatistics(settled=is_settled)) for is_settled in (True, False)
    )
    mouse.frame(settled)
    mouse.frame(settled)
    mouse.click(settled, 100, 66)  # the memory tab

    def press(draw: Callable[[], None]) -> None:
        mouse.frame(draw)
        assert inspector.compaction_button.place is not None
        mouse.click(draw, *middle(inspector.compaction_button.place))

    press(busy)
    assert calls == []
    press(settled)
    assert calls == ["estimate"]
    planned_again = shown(inspector, cube_plan())
    press(planned_again)
    assert calls == ["estimate", "estimate"]
    press(planned_again)
    assert calls == ["estimate", "estimate", "begin"]


def test_compaction_that_is_refused_leaves_the_tab_as_it_was(mouse: Mouse, tableau: Tableau) -> None:
    calls: list[str] = []

    def estimate(max_bytes: int, max_moves: int) -> Compaction:
        calls.append("estimate")
        raise PlanError("plan.stale", "a schedule is in progress", "compact once it has settled")

    inspector = Inspector(tableau, CompactionButton(estimate, _nobody), Guard(quiet))
    draw = shown(inspector)
    mouse.frame(draw)
    mouse.frame(draw)
    mouse.click(draw, 100, 66)  # the memory tab
    for _ in range(2):
        assert inspector.compaction_button.place is not None
        mouse.click(draw, *middle(inspector.compaction_button.place))
    assert calls == ["estimate", "estimate"]
