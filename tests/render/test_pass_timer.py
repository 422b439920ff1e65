"""Times of passes: taken on the device while they are wanted, for exactly the passes of the frame."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.assets import open_library
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

pytestmark = pytest.mark.gpu


def test_every_pass_has_its_time_while_they_are_taken_and_none_else(root: Path) -> None:
    scene = load_scene(root / "scenes" / "cube.hu")
    with open_library(scene.dbs) as library:
        with Runtime(scene, library, RuntimeOptions(size=(64, 48))) as runtime:
            renderer = runtime.renderer
            runtime.settle()
            assert renderer.pass_times == {}
            assert runtime.instance.handles.counts().get("QueryPool", 0) == 0
            picture = runtime.read_pixels()
            renderer.time_passes(timed=True)
            _frames(runtime)
            assert runtime.needs is not None
            names = [one.declaration.name for one in runtime.needs.graph.passes]
            assert list(renderer.pass_times) == names
            assert all(0 <= milliseconds < 60_000 for milliseconds in renderer.pass_times.values())
            assert renderer.pass_times["forward"] > 0
            assert (runtime.read_pixels() == picture).all()
            for _ in range(4):
                runtime.frame()
            assert list(renderer.pass_times) == [name for name in names if name != "shadow"], "it is reused"
            scene.tableau["cube"].shadowCaster.active = False
            runtime.settle()
            _frames(runtime)
            assert list(renderer.pass_times) == [one.declaration.name for one in runtime.needs.graph.passes]
            assert len(renderer.pass_times) < len(names), "the pass of the shadow is gone"
            renderer.time_passes(timed=False)
            runtime.frame()
            assert renderer.pass_times == {}
        assert [str(message) for message in runtime.instance.messages.all] == []
        assert runtime.instance.handles.left_behind == 0


def _frames(runtime: Runtime) -> None:
    """Draw frames in which a caster moves, and comes back."""
    cube = runtime.tableau["cube"]
    place = tuple(cube.translation)
    for _ in range(3):
        cube.translation = (place[0], place[1] + 1, place[2])
        runtime.frame()
        cube.translation = place
        runtime.frame()
