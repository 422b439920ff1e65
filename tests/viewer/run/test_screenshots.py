"""Pictures of the scene on command: their sizes, alpha, names, and that the scene is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.plan.terms.errors import PlanError
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from viewer.arguments import Options
from viewer.run.scene_opening import opened
from viewer.run.screenshots import KINDS, Screenshots, with_alpha
from viewer.session.session import Session

pytestmark = pytest.mark.gpu
SIZE = (48, 32)


class Studio:
    """A small cube, and what takes its pictures into a folder."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self.runtime, self.folder = runtime, folder
        self.reported: list[str] = []
        self.session = Session(runtime, lambda text: self.reported.append(str(text)))
        self.shots = Screenshots(self.session, lambda: folder)

    def take(self, title: str) -> None:
        """Take a picture, and wait until it is written."""
        self.session.commands.find(title).run()
        self.shots.take()
        wait([future for _, future in self.shots._writing])
        self.shots.take()

    def picture(self, name: str) -> np.ndarray:
        with Image.open(self.folder / name) as opened_picture:
            return np.asarray(opened_picture)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with (
        opened(Options(scene=Path("scenes/cube.hu"))) as (scene, library),
        Runtime(scene, library, RuntimeOptions(size=SIZE)) as runtime,
    ):
        runtime.load()
        runtime.settle()
        made = Studio(runtime, tmp_path)
        try:
            yield made
        finally:
            made.shots.close()
            made.session.pictures.close()
        assert [str(message) for message in runtime.instance.messages.all] == []


def test_pictures_are_as_shown_or_larger_or_have_alpha_and_never_replace_a_file(studio: Studio) -> None:
    shown, live = studio.runtime.read_pixels(), studio.runtime.memory.live_bytes
    (studio.folder / "cube-001.png").write_bytes(b"kept")
    studio.take("Screenshot")
    assert np.array_equal(studio.picture("cube-002.png"), shown[..., :3])
    assert (studio.folder / "cube-001.png").read_bytes() == b"kept"
    assert studio.session.notices.text == f"written: {studio.folder / 'cube-002.png'}"

    studio.take("Screenshot, 4 x larger")
    large = studio.picture("cube-003.png")
    assert large.shape == (SIZE[1] * 4, SIZE[0] * 4, 3)
    small = large.reshape(SIZE[1], 4, SIZE[0], 4, 3).mean(axis=(1, 3))
    assert np.abs(small - shown[..., :3]).mean() < 6, "the same picture"

    studio.take("Screenshot with alpha")
    layered = studio.picture("cube-004.png")
    assert layered.shape == (*shown.shape[:2], 4)
    assert (layered[0, :, 3] == 0).all(), "the background"
    assert (layered[-1, :, 3] == 255).all(), "the ground"
    solid = layered[..., 3] == 255
    assert np.abs(layered[solid][:, :3].astype(int) - shown[solid][:, :3]).max() <= 1

    assert studio.runtime.size == SIZE
    studio.runtime.settle()
    assert np.array_equal(studio.runtime.read_pixels(), shown)
    assert studio.runtime.memory.live_bytes == live
    assert studio.reported == []


def test_a_picture_that_does_not_fit_into_memory_is_reported_and_the_scene_stays(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = studio.runtime.read_pixels()

    def refuse() -> None:
        raise PlanError("plan.budget", "too large")

    with monkeypatch.context() as patch:
        patch.setattr(studio.runtime, "load", refuse)
        studio.take("Screenshot, 4 x larger")
    assert len(studio.reported) == 1
    assert "the screenshot was not taken" in studio.reported[0]
    assert not list(studio.folder.iterdir())
    assert studio.runtime.size == SIZE
    studio.runtime.settle()
    assert np.array_equal(studio.runtime.read_pixels(), shown)


def test_while_plans_are_held_only_the_picture_as_shown_can_be_taken(studio: Studio) -> None:
    studio.runtime.hold.set(True)
    for kind in KINDS:
        can_take = studio.session.commands.find(kind.title).is_enabled()
        assert can_take == (kind.title == "Screenshot")
        studio.take(kind.title)
    assert [path.name for path in studio.folder.iterdir()] == ["cube-001.png"]
    assert studio.reported == []


@pytest.mark.parametrize("title", ["Screenshot with alpha", "Screenshot of the light (EXR)"])
def test_a_scene_without_anything_has_its_pictures(studio: Studio, title: str) -> None:
    for name in ("camera", "cube", "ground"):
        studio.runtime.tableau.remove(studio.runtime.tableau[name])
    studio.take(title)
    (path,) = studio.folder.iterdir()
    if path.suffix == ".png":
        assert not studio.picture(path.name)[..., 3].any()


def test_a_folder_that_cannot_be_written_is_reported(studio: Studio) -> None:
    studio.folder = Path("/proc/none")
    studio.shots._folder = lambda: Path("/proc/none")
    studio.take("Screenshot")
    assert len(studio.reported) == 1
    assert "cube-001.png" in studio.reported[0]
    assert studio.session.notices.text == ""


def test_what_lies_over_the_background_loses_it() -> None:
    background = np.array((1.0, 0.0, 0.0))
    picture = np.array([[[255, 0, 0, 255], [188, 0, 188, 255], [0, 0, 255, 255]]], np.uint8)
    found = with_alpha(picture, np.array([[0.0, 0.5, 1.0]]), background)
    assert found[0, 0, 3] == 0
    assert found[0, 1, 3] == 128
    assert np.abs(found[0, 1, :3].astype(int) - (0, 0, 255)).max() <= 20, "blue without the red behind it"
    assert found[0, 2].tolist() == [0, 0, 255, 255]


def test_kinds_have_titles_and_keys_of_their_own() -> None:
    assert len({kind.title for kind in KINDS}) == len(KINDS)
