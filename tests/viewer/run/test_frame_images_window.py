"""Images of the frame in a real window: each of several samples can be looked at, hiding them frees all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.display import Display, environment_of
from support.mouse import middle
from support.window_frames import on_screen, open_window, settle, until

from engine.graph import Samples
from viewer.arguments import Options
from viewer.panels.frame import image_panel
from viewer.panels.frame.frame_panel import FramePanel
from viewer.panels.frame.image_panel import ImageViewer

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

pytestmark = pytest.mark.gpu

OPTIONS = Options(scene=Path("scenes/cube.hu"), size=(1280, 480))


@pytest.fixture(scope="module")
def frames(xvfb: Display, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowFrames]:
    with environment_of(xvfb, tmp_path_factory), open_window(OPTIONS, bottom=0.7) as frames:
        yield frames


@pytest.fixture
def viewer(frames: WindowFrames, xvfb: Display) -> Iterator[ImageViewer]:
    """What looks at images, which looks at none before and after the test."""
    frames.workspace.show("frame")
    step(frames, 3)
    click(frames, xvfb, "frame images")
    panel = frames.workspace.panels["frame"].panel
    assert isinstance(panel, FramePanel)
    yield panel._viewer
    panel._viewer.choose(None)
    frames.session.places.clear()
    settle(frames)


def step(frames: WindowFrames, count: int) -> None:
    for _ in range(count):
        frames.session.wake()
        frames.step()


def click(frames: WindowFrames, display: Display, place: str) -> None:
    """Press and release the button at a place that a panel notes."""
    until(frames, lambda: place in frames.session.places, place)
    display.move_mouse(display.window("Diorama")[0], *middle(frames.session.places[place]))
    step(frames, 2)
    display.press()
    step(frames, 1)
    display.release()
    step(frames, 2)


def look_at(frames: WindowFrames, display: Display, viewer: ImageViewer, image: str) -> np.ndarray:
    """Click the row of an image, and wait for its texels."""
    click(frames, display, f"image {image}")
    until(frames, lambda: viewer.chosen == image and viewer._texels is not None, f"texels of {image}")
    until(frames, lambda: "frame image" in frames.session.places, "a picture of them")
    assert viewer._texels is not None
    return viewer._texels


def choose(frames: WindowFrames, display: Display, viewer: ImageViewer, down: int) -> np.ndarray:
    """Choose another entry of the box of samples by its keys, and wait until it was read."""
    before = viewer._texels
    click(frames, display, "frame sample")
    for key in ["Down"] * down + ["Return"]:
        display.key(key)
        step(frames, 3)
    until(frames, lambda: viewer._texels is not before, "another sample")
    assert viewer._texels is not None
    return viewer._texels


def test_samples_of_colour_are_looked_at_together_and_one_by_one(
    frames: WindowFrames, viewer: ImageViewer, xvfb: Display
) -> None:
    average = look_at(frames, xvfb, viewer, "sceneColorSamples")
    assert average.shape == (*frames.runtime.size[::-1], 4)
    one = choose(frames, xvfb, viewer, 2)
    two = choose(frames, xvfb, viewer, 1)
    differs = (one != two).any(axis=2)
    assert 0 < differs.mean() < 0.2, "samples differ where edges go through texels"
    inside = ~differs & (one == average).all(axis=2)
    assert inside.mean() > 0.8
    x0, y0, x1, y1 = (round(side) for side in frames.session.places["frame image"])
    shown = on_screen(frames, xvfb)[y0:y1, x0:x1]
    assert shown.std() > 10, "the picture shows the cube before the sky"


def test_depths_have_samples_and_the_least_and_greatest_of_them(
    frames: WindowFrames, viewer: ImageViewer, xvfb: Display
) -> None:
    first = look_at(frames, xvfb, viewer, "sceneDepthSamples")
    assert first.dtype == np.float32
    least = choose(frames, xvfb, viewer, 4)
    greatest = choose(frames, xvfb, viewer, 1)
    assert (least <= first).all()
    assert (first <= greatest).all()
    assert (least < greatest).any()


def test_another_image_begins_with_its_own_choice(
    frames: WindowFrames, viewer: ImageViewer, xvfb: Display
) -> None:
    look_at(frames, xvfb, viewer, "sceneColorSamples")
    choose(frames, xvfb, viewer, 3)
    look_at(frames, xvfb, viewer, "sceneDepthSamples")
    assert (viewer._part.layer, viewer._part.level, viewer._part._choice) == (0, 0, 0)
    frames.session.places.clear()
    look_at(frames, xvfb, viewer, "shadowMap")
    assert "frame sample" not in frames.session.places, "it has one sample a texel"


def test_memory_and_objects_are_as_before_once_the_panel_is_hidden(
    frames: WindowFrames, viewer: ImageViewer, xvfb: Display
) -> None:
    runtime, before = frames.runtime, frames.runtime.device.handles.counts()
    planned = runtime.plan.planned_bytes
    usage = runtime.renderer.graph.image("sceneColorSamples").usage
    look_at(frames, xvfb, viewer, "sceneColorSamples")
    assert runtime.renderer.graph.image("sceneColorSamples").usage != usage
    frames.workspace.show("memory")
    step(frames, 3)
    settle(frames)
    assert frames.session.watched_images == set()
    assert runtime.renderer.graph.image("sceneColorSamples").usage == usage
    assert runtime.plan.planned_bytes == planned == runtime.memory.live_bytes
    until(frames, lambda: runtime.device.handles.counts() == before, "as many objects as before")


def test_the_page_of_a_picture_that_nobody_sees_goes_before_the_window_rests(
    frames: WindowFrames, viewer: ImageViewer, xvfb: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = frames.runtime.device.handles.counts
    before = counts()
    look_at(frames, xvfb, viewer, "shadowMap")
    assert counts() != before
    frames.workspace.show("memory")
    monkeypatch.setattr(frames._idle, "is_allowed", True)
    frames.session.wake()
    deadline = time.monotonic() + 60
    while not (frames.session.rests and frames._idle.is_due()):
        frames.step()
        assert time.monotonic() < deadline
    assert counts() == before


def test_a_device_whose_shaders_cannot_read_samples_says_so(
    frames: WindowFrames, viewer: ImageViewer, xvfb: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"sampledImageColorSampleCounts": 1, "sampledImageDepthSampleCounts": 5}
    monkeypatch.setattr(image_panel, "facts", lambda device: {"limits": limits})
    monkeypatch.setattr(viewer, "_fetched", None)
    viewer.choose("sceneColorSamples")
    until(frames, lambda: bool(viewer._problem), "a problem")
    assert "cannot read 4 samples of r16g16b16a16_sfloat" in viewer._problem
    assert frames.session.watched_images == set()
    viewer.choose("sceneDepthSamples")
    until(frames, lambda: viewer._texels is not None, "texels")
    assert frames.session.watched_images == {"sceneDepthSamples"}
    image = frames.runtime.renderer.graph.image("sceneDepthSamples").image
    assert image.samples is Samples.FRAME
