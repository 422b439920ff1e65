"""scenes/cube.hu in a real window: the same picture as headless, and panels that work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support import images
from support.display import Display, environment_of
from support.limits import limit
from support.sampling import Sample, amount
from support.texture_requests import NORMAL, ROUGHNESS, TANGENT, TextureRequests
from support.window_frames import (
    OPTIONS,
    SIZE,
    SMALL,
    headless_picture,
    hide_panels,
    on_screen,
    open_window,
    scene_area,
    settle,
    until,
)

from engine.runtime.report import RunLog
from engine.vk.errors import Result
from engine.vk.faults import faults
from viewer.panels import layout
from viewer.run.device_recovery import RecoveringFrames

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

__all__ = ["headless_picture"]

pytestmark = pytest.mark.gpu

SHADOW_MAP = 2048 * 2048 * 4
TEXTURE = 256 * 256 * 4
in_a_small_window = pytest.mark.parametrize("made", [SMALL], indirect=True, ids=["small"])
"""For tests that look neither at panels nor at much of the picture."""


def in_a_window_of_its_own(test: Callable[..., None]) -> Callable[..., None]:
    """For a test to which it matters what panels have shown before."""
    return pytest.mark.parametrize("made", [replace(OPTIONS)], indirect=True, ids=["own"])(test)


@pytest.fixture(scope="module")
def made(
    xvfb: Display, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[WindowFrames]:
    """One window of each size for all tests of this module."""
    options = getattr(request, "param", OPTIONS)
    with environment_of(xvfb, tmp_path_factory), open_window(options) as frames:
        yield frames


@pytest.fixture
def frames(made: WindowFrames) -> Iterator[WindowFrames]:
    """The window with its panels, and with the scene as its file has it."""
    tableau = made.runtime.tableau
    camera, cube = tableau["camera"], tableau["cube"]
    place, turned = camera.translation.copy(), camera.rotation.copy()
    made.session.wake(limit(60))
    settle(made)
    yield made
    made.workspace.visible = True
    camera.translation, camera.rotation = place, turned
    cube.visibleModel.active = cube.shadowCaster.active = True


def click(frames: WindowFrames, display: Display, x: float, y: float) -> None:
    """Move the mouse into the window, to this place in points, and press and release its button."""
    frames.session.wake(limit(60))
    display.move_mouse(display.window("Diorama")[0], x, y)
    frames.step()
    display.press()
    frames.step()
    display.release()
    frames.step()


def middle(box: tuple[float, float, float, float]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def test_a_window_frame_is_the_headless_frame(frames: WindowFrames, headless_picture: np.ndarray) -> None:
    hide_panels(frames)
    images.assert_same(frames.runtime.read_pixels(), headless_picture)


@in_a_small_window
def test_overlays_have_the_content_scale_of_the_window(
    frames: WindowFrames, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert frames.runtime.content_scale == frames.window.content_scale == 1.0
    monkeypatch.setattr(type(frames.window), "content_scale", 1.5)
    frames.step()
    assert frames.runtime.content_scale == 1.5


@in_a_small_window
def test_an_interface_that_is_too_large_for_its_window_is_bounded_and_that_is_said(
    frames: WindowFrames, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = frames.session
    monkeypatch.setattr(session, "preferences", replace(session.preferences, scale=3.0))
    frames.step()
    largest = layout.fitting_scale(3.0, 1.0, frames.window.framebuffer_size)
    assert frames._context.scale == session.largest_scale == largest < 3.0
    assert session.notices.text == f"{largest:.0%} is the most that fits this window"
    session.notices.say("")
    frames.step()
    assert not session.notices.text, "it is said once"
    monkeypatch.setattr(session, "preferences", replace(session.preferences, scale=1.0))
    frames.step()
    assert (frames._context.scale, session.largest_scale) == (1.0, float("inf"))


def test_the_screen_shows_the_headless_frame(
    frames: WindowFrames, headless_picture: np.ndarray, xvfb: Display
) -> None:
    hide_panels(frames)
    images.assert_same(on_screen(frames, xvfb), headless_picture[..., :3])


def test_the_scene_is_shown_whole_between_the_panels_at_the_size_of_its_area(
    frames: WindowFrames, xvfb: Display
) -> None:
    xvfb.move_mouse(xvfb.window("Diorama")[0], 8, 8)  # the screen has a cursor
    settle(frames)
    rows, columns = scene_area(frames)
    picture, shown = frames.runtime.read_pixels(), on_screen(frames, xvfb)
    assert picture.shape[:2] == (rows.stop - rows.start, columns.stop - columns.start)
    assert columns.start > 80
    assert rows.stop < SIZE[1] - 80
    images.assert_same(shown[rows, columns], picture[..., :3])
    assert len(np.unique(shown[:, : columns.start].reshape(-1, 3), axis=0)) > 50, "there is a panel"


def test_planned_bytes_are_live_bytes_with_the_ui_among_them(frames: WindowFrames) -> None:
    plan = frames.runtime.plan
    assert plan is not None
    assert plan.planned_bytes == frames.runtime.memory.live_bytes
    names = {plan.requirements.keys.name(int(key)) for key in plan.memory.subresources["key"]}
    ui = {name for name in names if name.startswith("viewer/inspector: ")}
    assert len(ui) == 3
    assert all(
        any(part in name for name in ui) for part in ("ui atlas page 0", "ui geometry page 0", "ui staging")
    )
    geometry = next(name for name in ui if "ui geometry" in name)
    why = plan.why(int(plan.requirements.keys.transient(geometry)))
    assert why == "viewer/inspector"


def test_a_click_on_the_active_switch_takes_the_shadow_and_its_memory_and_a_second_brings_both_back(
    frames: WindowFrames, xvfb: Display
) -> None:
    runtime = frames.runtime
    caster = runtime.tableau["cube"].shadowCaster
    lit, live = runtime.read_pixels(), runtime.memory.live_bytes
    place = frames.session.places["switch cube/shadowCaster/active"]
    click(frames, xvfb, *middle(place))
    before = frames.presenter.shown
    until(frames, lambda: not caster.active, "the switch is off")
    settle(frames)
    assert frames.presenter.shown > before
    images.assert_different(runtime.read_pixels(), lit, share=0.005)
    assert runtime.memory.live_bytes <= live - SHADOW_MAP
    assert runtime.plan is not None
    assert runtime.plan.planned_bytes == runtime.memory.live_bytes

    click(frames, xvfb, *middle(place))
    until(frames, lambda: caster.active, "the switch is on again")
    settle(frames)
    images.assert_same(runtime.read_pixels(), lit)
    assert runtime.memory.live_bytes == live


@in_a_small_window
def test_a_scene_that_no_longer_fits_is_drawn_as_it_was_and_reported_once(
    frames: WindowFrames, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = frames.runtime
    lit, shown = runtime.read_pixels(), frames.presenter.shown
    runtime.limit_budget({0: SHADOW_MAP + (1 << 19)})
    for _ in range(5):
        frames.step()
    images.assert_same(runtime.read_pixels(), lit)
    assert frames.presenter.shown >= shown + 5
    reported = capsys.readouterr().err
    assert reported.count("error[plan.budget]") == 1
    assert "shadowCaster on 'cube'" in reported
    assert "the scene is drawn as it was before" in reported
    runtime.limit_budget({})
    settle(frames)
    images.assert_same(runtime.read_pixels(), lit)


@in_a_window_of_its_own
def test_the_compact_button_shows_the_estimate_and_a_second_press_frees_it(
    frames: WindowFrames, xvfb: Display, headless_picture: np.ndarray
) -> None:
    runtime = frames.runtime
    cube = runtime.tableau["cube"]
    cube.visibleModel.active = cube.shadowCaster.active = False
    settle(frames)
    texture_requests = TextureRequests(runtime.planner, runtime.library)
    for textures in ((NORMAL, TANGENT), (NORMAL, TANGENT, ROUGHNESS), (NORMAL, ROUGHNESS)):
        texture_requests.request(*textures)
        settle(frames)

    def compact() -> None:
        settle(frames)
        click(frames, xvfb, *middle(frames.session.places["compact"]))
        settle(frames)

    live, gain = runtime.memory.live_bytes, runtime.compaction().gain
    assert gain >= TEXTURE
    compact()
    assert runtime.memory.live_bytes == live  # estimated, and nothing moved
    compact()
    assert runtime.memory.live_bytes == live - gain == runtime.plan.planned_bytes
    compact()
    assert "compact" not in frames.session.places  # there is nothing to gain
    cube.visibleModel.active = cube.shadowCaster.active = True
    hide_panels(frames)
    images.assert_same(runtime.read_pixels(), headless_picture)


@in_a_small_window
def test_with_a_little_too_little_memory_fallbacks_are_drawn_and_listed_among_the_problems(
    frames: WindowFrames,
) -> None:
    runtime = frames.runtime
    lit = runtime.read_pixels()
    runtime.limit_budget({0: runtime.memory.live_bytes - (1 << 20)})
    settle(frames)
    images.assert_different(runtime.read_pixels(), lit, share=0.01)
    until(
        frames,
        lambda: any(problem.code == "plan.short" for problem in frames._facts.collect().problems),
        "the shortage is reported",
    )
    runtime.limit_budget({})
    settle(frames)
    images.assert_same(runtime.read_pixels(), lit)


def test_a_drag_on_the_scene_orbits_and_a_drag_on_a_panel_does_not(
    frames: WindowFrames, xvfb: Display
) -> None:
    camera = frames.runtime.tableau["camera"]
    start = camera.translation.copy()
    number, _ = xvfb.window("Diorama")

    def drag(x: int, y: int) -> None:
        xvfb.move_mouse(number, x, y)
        frames.step()
        xvfb.press()
        for step in range(1, 6):
            frames.step()
            xvfb.move_mouse(number, x, y + 12 * step)
        for _ in range(3):
            frames.step()
        xvfb.release()
        settle(frames)

    drag(60, 240)
    np.testing.assert_array_equal(camera.translation, start)
    lit = frames.runtime.read_pixels()
    drag(400, 120)
    assert np.linalg.norm(camera.translation - start) > 0.1
    images.assert_different(frames.runtime.read_pixels(), lit, share=0.01)


@pytest.mark.timeout(300)
def test_resizes_in_a_row_leak_nothing(
    frames: WindowFrames, headless_picture: np.ndarray, sample: Sample
) -> None:
    runtime = frames.runtime
    hide_panels(frames)
    before, live = runtime.device.handles.counts(), runtime.memory.live_bytes
    generation = frames.swapchain.generation
    times = amount(60, 500)
    for step in range(times):
        frames.window.resize(100 + 17 * (step % 9), 80 + 13 * (step % 7))
        frames.step()
    assert frames.swapchain.generation > generation + times // 2  # not every frame has seen a size of its own
    frames.window.resize(*SIZE)
    until(frames, lambda: runtime.size == SIZE == frames.swapchain.extent, "the first size")
    settle(frames)
    until(frames, lambda: frames.swapchain.retired == 0, "old swapchains are gone")
    after = runtime.device.handles.counts()
    assert after.pop("Semaphore") <= before.pop("Semaphore") + 2
    assert after == before
    assert runtime.memory.live_bytes == live
    images.assert_same(runtime.read_pixels(), headless_picture)


def test_resizes_to_any_size_with_panels_leak_nothing(frames: WindowFrames, sample: Sample) -> None:
    frames.workspace.visible = True
    settle(frames)
    runtime = frames.runtime
    before, live = runtime.device.handles.counts(), runtime.memory.live_bytes
    for seed in sample.seeds(1, 6):
        for width, height in np.random.default_rng(seed).integers(1, (500, 300), (8, 2)).tolist():
            frames.window.resize(width, height)
            frames.session.wake()
            frames.step()
        frames.window.resize(*SIZE)
        until(frames, lambda: frames.window.framebuffer_size == SIZE == frames.swapchain.extent, "the size")
        settle(frames)
        until(frames, lambda: frames.swapchain.retired == 0, "old swapchains are gone")
        after = runtime.device.handles.counts()
        assert after.pop("Semaphore") <= before["Semaphore"] + 2
        assert after == {kind: count for kind, count in before.items() if kind != "Semaphore"}
        assert runtime.memory.live_bytes == live


@in_a_small_window
def test_a_minimised_window_draws_nothing_and_comes_back(
    frames: WindowFrames, monkeypatch: pytest.MonkeyPatch
) -> None:
    from viewer.window.window import MINIMISED_WAIT_S, Window

    shown = frames.presenter.shown
    waits: list[float] = []
    with monkeypatch.context() as patch:
        patch.setattr(Window, "framebuffer_size", property(lambda self: (0, 0)))
        patch.setattr("viewer.window.window.glfw.wait_events_timeout", waits.append)
        assert [frames.step() for _ in range(3)] == [None] * 3
    assert waits == [MINIMISED_WAIT_S] * 3, "it waits for events and does not spin"
    assert frames.presenter.shown == shown
    settle(frames)
    assert frames.presenter.shown > shown
    assert frames.presenter.area is not None
    assert frames.runtime.size == frames.presenter.area[2:]


@in_a_small_window
@pytest.mark.parametrize("function", ["vkAcquireNextImageKHR", "vkQueuePresentKHR"])
@pytest.mark.parametrize("result", [Result.OUT_OF_DATE, Result.SUBOPTIMAL, Result.SURFACE_LOST])
def test_frames_go_on_whatever_the_window_system_answers(
    frames: WindowFrames, function: str, result: Result
) -> None:
    generation = frames.swapchain.generation
    with faults.injected(1, result, function=function) as reported:
        until(frames, lambda: reported.hits == 1, f"{function} was called")
    settle(frames)
    assert frames.swapchain.generation == generation + 1


@in_a_small_window
def test_a_panel_that_raises_is_reported_and_frames_go_on(
    frames: WindowFrames, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise LookupError("nothing there")

    monkeypatch.setattr(frames.workspace.panels["outliner"].panel, "draw", broken)
    settle(frames)
    assert capsys.readouterr().err.count("LookupError: nothing there") == 1


@in_a_window_of_its_own
def test_a_display_of_another_density_gets_larger_text_and_a_new_swapchain(
    frames: WindowFrames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "LEAST_ROOM", (18.0, 10.0))  # the window is small
    generation, before = frames.swapchain.generation, frames.session.places["switch cube//active"]
    frames.window._note_scale(2.0, 2.0)
    settle(frames)
    after = frames.session.places["switch cube//active"]
    assert after[3] - after[1] == pytest.approx(2 * (before[3] - before[1]), rel=0.1)
    assert frames.swapchain.generation == generation + 1


@in_a_small_window
@pytest.mark.parametrize("hidden", [True, False], ids=["minimised", "without-a-target"])
def test_frames_that_a_window_cannot_show_are_not_counted(
    frames: WindowFrames, monkeypatch: pytest.MonkeyPatch, hidden: bool
) -> None:
    log = RunLog()
    counted = RecoveringFrames(lambda: frames, log)
    submitted = frames.runtime.timeline.submitted
    if hidden:
        monkeypatch.setattr(type(frames.window), "is_hidden", property(lambda _window: True))
    else:
        monkeypatch.setattr(frames.swapchain, "acquire", lambda: None)
    for _ in range(3):
        counted.step()
    assert (log.drawn, log.frames) == (0, 0 if hidden else 3)
    assert frames.runtime.timeline.submitted == submitted
    monkeypatch.undo()
    counted.step()
    assert log.drawn == 1
