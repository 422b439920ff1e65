"""Claims about what the batches of a pass are bound to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.many_models import many_models

from engine.assets import open_library
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

pytestmark = pytest.mark.gpu


def test_assets_are_published_while_others_are_learnt_ahead(root: Path, tmp_path: Path) -> None:
    scene = load_scene(many_models(root, tmp_path / "tree", 3, 3))
    last = scene.tableau["o2"]
    last.active = False
    with (
        open_library(scene.dbs) as library,
        Runtime(scene, library, RuntimeOptions(size=(32, 24))) as runtime,
    ):
        runtime.settle()
        passes = runtime.renderer._passes.values()
        before = [len(known.binding.table.material_rows[0]) for known in passes]
        for known in passes:
            known.binding.table.recipes.learn(scene.asset("db", "o2", ("model",)).key)
        grown = [len(known.binding.table.recipes.materials[0]) for known in passes]
        assert max(np.subtract(grown, before)) == 1
        for known in passes:
            vertices = known.binding.table.batches["vertices"].astype(np.int64)
            assert len(known.binding.update(np.unique(vertices), 0)) == len(vertices)
        last.active = True
        runtime.settle()
        assert runtime.renderer.draws.instances == 6
