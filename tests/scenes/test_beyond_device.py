"""Claims about frames with a plug-in that wants more than the device holds: all but that is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from support.declarations import SIZE, Declarer, beyond_device

from engine.assets import open_library
from engine.feature import discover
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import Scene, load_scene
from engine.testing.goldens.goldens import driver_word

pytestmark = pytest.mark.gpu

SCENE = """version: 1
tableau: { name: t  objects: {
    camera: { features: [{ @type: camera }]  translation: [0 0 4] }
    sun: { features: [{ @type: light  kind: directional }] }
    ball: { features: [{ @type: visibleModel  asset: [builtin placeholder] }] }
    thing: { features: [{ @type: declarer }] }
} }
"""


def test_frames_go_on_without_a_plug_in_that_wants_more_than_the_device_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: Any
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    plug_in, registry = Declarer(), discover()
    plug_in.returns = {"passes": ()}
    registry.register(plug_in)
    path = tmp_path / "scene.hu"
    path.write_text(SCENE)
    options = RuntimeOptions(size=SIZE, validate=True, trials=False, budget_mib=2048)

    def drawn() -> tuple[Scene, npt.NDArray[np.uint8]]:
        scene = load_scene(path, registry)
        with open_library(scene.dbs) as library, Runtime(scene, library, options) as runtime:
            if driver_word(runtime.profile.name) != "llvmpipe":
                pytest.skip("what is beyond the software driver may be within this device")
            runtime.settle()
            picture = runtime.read_pixels()
            assert [str(message) for message in runtime.instance.messages.all] == []
        return scene, picture

    cases = [*beyond_device()]
    _, usual = drawn()
    for number in sample.of(range(len(cases)), 3):
        name, plug_in.returns = cases[number]
        scene, picture = drawn()
        assert np.array_equal(picture, usual), name
        (problem,) = scene.tableau.warnings
        assert problem.code == "feature.failed", (name, problem)
        assert problem.position is not None, name
        assert problem.position.line == 6, name
