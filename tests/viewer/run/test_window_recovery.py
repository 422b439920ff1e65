"""A lost device in a real window: frames go on in the same one, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from support import images
from support.display import Display
from support.sampling import Sample
from support.window_frames import OPTIONS, SMALL, on_screen, scene_area, settle, until

from engine.runtime.report import RunLog
from engine.vk.errors import Result
from engine.vk.faults import faults
from viewer.arguments import Options
from viewer.run.device_recovery import RecoveringFrames
from viewer.run.scene_opening import opened

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

pytestmark = pytest.mark.gpu


@contextmanager
def recovering_frames(
    options: Options = SMALL,
) -> Iterator[tuple[RecoveringFrames, list[WindowFrames], RunLog]]:
    """Recovering frames in a window; no instance may leave objects behind or report messages."""
    from viewer.run.windowed import WindowFrames

    made: list[WindowFrames] = []
    log = RunLog()
    with opened(options) as (scene, library):

        def make() -> WindowFrames:
            made.append(WindowFrames(scene, library, options))
            return made[-1]

        frames = RecoveringFrames(make, log)
        try:
            yield frames, made, log
        finally:
            frames.close()
    for instance in frames.runtime.instances:
        assert [str(message) for message in instance.messages.all] == []
        assert [str(entry) for entry in instance.handles.leaks] == []
        assert instance.handles.left_behind == 0


@pytest.mark.parametrize("function", ["vkAcquireNextImageKHR", "vkQueueSubmit2", "vkQueuePresentKHR"])
def test_a_lost_device_comes_back_in_the_same_window_with_the_panels_as_they_were(
    display: Display, function: str
) -> None:
    with recovering_frames(OPTIONS) as (recovering, (frames,), log):
        settle(frames)
        number, place = display.window("Diorama")
        display.move_mouse(number, 8, 8)  # the screen has a cursor
        settle(frames)
        model = frames.workspace.panels["outliner"].panel.model  # type: ignore[attr-defined]
        model.expand(frames.runtime.tableau["cube"].row, is_open=False)
        settle(frames)
        left = scene_area(frames)[1].start
        before, picture = on_screen(frames, display)[30:, :left], frames.runtime.read_pixels()
        device = frames.runtime.device
        with faults.injected(1, Result.DEVICE_LOST, function=function) as reported:
            until(recovering, lambda: reported.hits == 1, f"{function} was called")
        assert frames.runtime.device is not device
        settle(frames)
        assert display.window("Diorama") == (number, place)
        images.assert_same(frames.runtime.read_pixels(), picture)
        shown = on_screen(frames, display)
        images.assert_same(shown[scene_area(frames)], picture[..., :3])
        images.assert_same(shown[30:, :left], before)
        assert frames._facts.collect().problems == tuple(log.losses)
        assert len(log.losses) == 1


def shown(frames: RecoveringFrames, made: list[WindowFrames]) -> None:
    """Draw until the scene is there and three frames of it have been shown."""
    until(frames, lambda: made[-1].presenter.shown >= 3 and frames.runtime.memory.settled, "shown frames")


@pytest.mark.timeout(1200)
def test_whichever_call_loses_the_device_frames_go_on_and_nothing_is_left(
    display: Display, sample: Sample
) -> None:
    for nth in sample.calls(60):
        with faults.injected(nth, Result.DEVICE_LOST) as reported, recovering_frames() as (frames, made, log):
            shown(frames, made)
            hits, losses = reported.hits, len(log.losses)  # closing has a test of its own
        assert losses == hits
        if not hits:
            break
    assert nth > 120


def test_a_device_that_is_lost_at_any_call_of_closing_leaves_nothing(
    display: Display, sample: Sample
) -> None:
    for nth in sample.calls(3):
        with recovering_frames() as (frames, made, _):
            shown(frames, made)
            with faults.injected(nth, Result.DEVICE_LOST) as reported:
                frames.close()
        if not reported.hits:
            break
    assert nth > 5
