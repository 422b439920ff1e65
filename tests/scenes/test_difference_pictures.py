"""A picture that was drawn through many changes equals that of the same scene, opened afresh."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import images
from support.changing_scene import ChangingScene
from support.many_models import many_models
from support.sampling import Sample, amount
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.runtime.options import RuntimeOptions
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

MODELS = 5
OPTIONS = RuntimeOptions(size=(96, 64))


@pytest.mark.timeout(1200)
def test_the_picture_after_changes_is_that_of_a_scene_opened_afresh(
    root: Path, tmp_path: Path, sample: Sample
) -> None:
    scene = load_scene(many_models(root, tmp_path / "tree", MODELS, MODELS))
    changing = ChangingScene(scene, MODELS, MODELS, sample.rng)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, OPTIONS) as runtime:
        for step in range(amount(60, 20_000)):
            changing.change()
            runtime.frame()
            if step % amount(20, 100) == amount(20, 100) - 1:
                runtime.settle()
                runtime.frame()
                picture = runtime.read_pixels()
                with shared_runtime(scene, library, OPTIONS) as fresh:
                    fresh.settle()
                    fresh.frame()
                    images.assert_same(picture, fresh.read_pixels())
