"""Another scene in the same window: opened by a drop or a dialog, and the one before released whole."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.display import Display
from support.gltf_features import triangle
from support.window_frames import (
    OPTIONS,
    SIZE,
    SMALL,
    listed,
    on_screen,
    open_window,
    scene_area,
    settle,
    until,
)

from engine.render.pipelines import pipeline_description
from engine.storage.radiance import radiance_bytes
from viewer.arguments import Options

pytestmark = pytest.mark.gpu

OTHER = Path("scenes/transparent.hu")


def test_a_dropped_scene_takes_the_place_of_the_present_one_and_a_bad_one_does_not(
    display: Display, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.hu"
    bad.write_text("version: 1\ntableau: {\n  objects: { a: { features: [ { @type: nothing } ] } }\n")
    with open_window(OPTIONS, bottom=0.6) as frames:
        first, instance = weakref.ref(frames.runtime), frames.runtime.instance
        before = on_screen(frames, display)[scene_area(frames)].copy()
        frames.window.dropped.append(str(bad))
        until(frames, lambda: "bad.hu cannot be opened" in listed(frames), "its problem is listed")
        assert not frames.under_way
        assert frames.runtime is first()
        assert "bad.hu cannot be opened, and the present scene stays" in capsys.readouterr().err
        assert frames.workspace.is_shown("problems")
        frames.window.dropped.append(str(tmp_path / "missing.hu"))
        until(frames, lambda: "missing.hu cannot be opened" in listed(frames), "the next one is refused")
        assert "bad.hu" not in listed(frames)
        problems = frames.session.statistics.problems
        assert len([each for each in problems if "missing.hu" in str(each)]) == 1, problems
        assert sum("no such file" in each.message for each in problems) == 1, problems
        frames.session.selection.select([0])
        picture = tmp_path / "brick.png"
        picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(128, 256)))
        frames.window.dropped.append(str(picture))
        until(frames, lambda: "brick.png is no scene and no model" in listed(frames), "a picture is refused")
        assert "scenes end in .hu" in frames.session.statistics.problems[0].help
        assert "bad.hu" not in frames.session.preferences.recent

        frames.window.dropped.append(str(OTHER))
        until(frames, lambda: frames.runtime is not first(), "the other scene is there")
        settle(frames)
        assert frames.runtime.scene.path.name == OTHER.name
        assert not len(frames.session.selection.objects)
        assert not frames.session.statistics.problems
        assert [Path(name).name for name in frames.session.preferences.recent] == [
            OTHER.name,
            "cube.hu",
        ]
        assert instance.handles.left_behind == 0, "the first one is released"
        assert [str(entry) for entry in instance.handles.leaks] == []
        after = on_screen(frames, display)[scene_area(frames)]
        assert (after[: len(before)] != before[: len(after)]).any(axis=2).mean() > 0.3
        assert frames.runtime.plan is not None
        assert frames.runtime.plan.planned_bytes == frames.runtime.memory.live_bytes
        gc.unfreeze()
        gc.collect()
        assert first() is None, "nothing holds the first runtime"
        assert len(frames.runtime.instances) == 2
        library, shaders = weakref.ref(frames.runtime.library), len(pipeline_description._known_layouts)
        frames.window.dropped.append(str(SMALL.scene))
        until(frames, lambda: frames.runtime.library is not library(), "a third one is there")
        settle(frames)

        def is_gone() -> bool:
            gc.unfreeze()
            gc.collect()
            return library() is None

        until(frames, is_gone, "nothing holds the assets of the second one, once its threads have ended")
        assert len(pipeline_description._known_layouts) <= shaders
    messages = [str(message) for each in frames.runtime.instances for message in each.messages.all]
    assert messages == []


def test_a_picture_that_is_written_has_the_size_of_the_window_and_is_shown_as_large_as_it_fits(
    display: Display,
) -> None:
    small = (SIZE[0] // 2, SIZE[1] // 2)
    options = replace(OPTIONS, screenshot=Path("never written here.png"), size=small)
    with open_window(options, bottom=0.36) as frames:
        assert frames.runtime.size == small
        rows, columns = scene_area(frames)
        shown = on_screen(frames, display)[rows, columns].astype(int)
        fit = min(shown.shape[1] / small[0], shown.shape[0] / small[1])
        width, height = (round(each * fit) for each in small)
        left, top = (shown.shape[1] - width) // 2, (shown.shape[0] - height) // 2
        ground = shown[0, 0]
        inside = np.zeros(shown.shape[:2], bool)
        inside[max(0, top - 1) : top + height + 1, max(0, left - 1) : left + width + 1] = True
        assert (shown[~inside] == ground).all()
        picture = shown[top + 1 : top + height - 1, left + 1 : left + width - 1] != ground
        assert picture.any(axis=(0, 2)).all()
        assert picture.any(axis=(1, 2)).all()


def test_the_clock_of_a_run_follows_the_scene_that_was_opened() -> None:
    from engine.tableau import Clock
    from viewer.run.run import FrameClock

    first, second = Clock(), Clock()
    clock = FrameClock(first, OPTIONS)
    clock.advance()
    clock.follow(second)
    at = first.time
    clock.advance()
    assert first.time == at
    assert second.time > 0
    assert np.isclose(second.frame_time, first.frame_time)


def test_of_files_that_were_dropped_together_those_that_were_opened_are_recent(
    display: Display, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.hu"
    bad.write_text("version: 1\ntableau: {\n")
    with open_window(OPTIONS, bottom=0.6) as frames:
        first = frames.runtime
        frames.window.dropped += [str(bad), str(OTHER)]
        until(frames, lambda: frames.runtime is not first, "the other scene is there")
        recent = [Path(name).name for name in frames.session.preferences.recent]
        assert recent == [OTHER.name, "cube.hu"]


def test_a_dropped_picture_is_the_sky_of_the_model_that_is_open(display: Display, tmp_path: Path) -> None:
    model, sky = triangle().write(tmp_path / "model.glb"), tmp_path / "studio.hdr"
    sky.write_bytes(radiance_bytes(np.full((32, 64, 3), (0.1, 0.5, 0.1), np.float32)))
    with open_window(Options(scene=model, size=SIZE), bottom=0.6) as frames:
        view = frames._camera.view
        assert view is not None
        turned = replace(view, yaw=view.yaw + 0.7)
        frames._camera.show(turned)
        settle(frames)
        before, first = on_screen(frames, display)[scene_area(frames)].copy(), frames.runtime
        frames.window.dropped.append(str(sky))
        until(frames, lambda: frames.runtime is not first, "the model has another sky")
        settle(frames)
        assert frames.runtime.scene.sky == sky
        assert frames.runtime.scene.path == model
        assert not frames.session.statistics.problems
        found = frames._camera.view
        assert found is not None
        assert np.isclose(found.yaw, turned.yaw)
        after = on_screen(frames, display)[scene_area(frames)].astype(int)
        assert (after != before[: len(after)]).any(axis=2).mean() > 0.7
        assert np.median(after[..., 1] - after[..., 0]) > 40, "the sky is green"

        first = frames.runtime
        frames.window.dropped.append(str(OTHER))
        until(frames, lambda: frames.runtime is not first, "a scene has its own sky")
        assert frames.runtime.scene.sky is None
        first = frames.runtime
        frames.window.dropped += [str(sky), str(model)]
        until(frames, lambda: frames.runtime is not first, "a model is opened with a sky")
        assert frames.runtime.scene.sky == sky
