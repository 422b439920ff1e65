"""Random input at scenes/tableau.hu with all panels: nothing raises, nothing is left, all can be undone."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from support.display import Display
from support.live_scene import UNUSED
from support.monkey import Confined, Monkey, scene_text
from support.sampling import Sample, amount
from support.window_frames import settle

from viewer.arguments import Options
from viewer.editing.history import MAX_BYTES
from viewer.run.idle import FreeMemory
from viewer.run.scene_opening import opened

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

pytestmark = pytest.mark.gpu

SIZE = (640, 400)
UNDONE_EVERY = 100
GROWN = 160 << 20
"""Bytes of 2,000 inputs, without what the C library keeps free: another scene with caches and pipelines, up
to 64 MiB of changes and 16 of the timeline."""
CONFINED = Confined()
DRIVERS = Path(os.environ["MESA_SHADER_CACHE_DIR"], "mesa_shader_cache")
"""Where Mesa keeps compiled shaders, of whose index the process claims the room on the disk."""


@pytest.fixture
def world(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that all is done in: copies of the scenes, the home, the current folder, no editor."""
    for name in ("scenes", "assets"):
        shutil.copytree(root / name, tmp_path / name, ignore=UNUSED)
    shutil.copytree(root / "assets/builtin/environment", tmp_path / "assets/builtin/environment")
    for name in ("home", "here", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VISUAL", "true")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here/rubbish.hu").write_text("version: 1 tableau: {{ ")
    return tmp_path


@pytest.mark.timeout(1200)
def test_random_input_raises_nothing_and_all_of_it_can_be_undone(
    display: Display, world: Path, sample: Sample, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from viewer.run.windowed import WindowFrames

    options = Options(scene=world / "scenes/tableau.hu", size=SIZE)
    dropped = [
        world / "scenes/cube.hu",
        world / "scenes/tableau.hu",
        world / "here/rubbish.hu",
        world / "no.hu",
    ]
    with opened(options):
        pass  # the caches of builtin assets, which lie outside of the world, are written where they are stale
    for seed in sample.seeds(1, 10):
        with (
            CONFINED.within(world, tmp_path_factory.getbasetemp(), DRIVERS),
            opened(options) as (scene, library),
        ):
            frames = WindowFrames(scene, library, options)
            monkey = Monkey(frames, seed, dropped)
            try:
                settle(frames)
                before, runtime = scene_text(frames), frames.runtime
                memory = in_use()
                for _ in range(amount(100, 2000) // UNDONE_EVERY):
                    monkey.play(UNDONE_EVERY)
                    monkey.rest()
                    said = f"seed {seed}, the last of {monkey.count}:\n" + "\n".join(monkey.last)
                    assert frames._guard.switched_off == (), f"{frames._guard._off}\n{said}"
                    undo_all(frames, said)
                    if frames.runtime is runtime:
                        assert scene_text(frames) == before, said
                    before, runtime = scene_text(frames), frames.runtime
                    history = frames.session.editing.history
                    assert history.nbytes <= MAX_BYTES
                grown = in_use() - memory
                print(
                    f"seed {seed}: {monkey.count} inputs, {frames.presenter.shown} frames, {grown >> 20} MiB"
                )
                assert grown <= GROWN
            finally:
                print(f"seed {seed}: the last of {monkey.count} inputs:", *monkey.last, sep="\n")
                frames.close()
            assert CONFINED.outside == []
            messages = [str(message) for each in frames.runtime.instances for message in each.messages.all]
            assert messages == []
            assert [str(entry) for entry in frames.runtime.instance.handles.leaks] == []
            assert frames.runtime.instance.handles.left_behind == 0
        gc.collect()


def in_use() -> int:
    """Bytes of this process in memory, once all that is free was given back."""
    gc.collect()
    FreeMemory().give_back()
    return int(psutil.Process().memory_info().rss)


def undo_all(frames: WindowFrames, said: str) -> None:
    """Undo whatever has been done to the scene."""
    history = frames.session.editing.history
    while history.undo_label:
        label = history.undo_label
        frames.session.editing.undo()
        assert frames.session.editing.message == f"undone: {label}", said
