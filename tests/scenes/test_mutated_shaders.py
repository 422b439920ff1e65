"""Claims about scenes with a shader that has random damage: a picture, warnings, no message of validation."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support.one_bad import make_project
from support.sampling import Sample
from support.shader_mutations import mutated

from engine.testing import assert_silent, open_scene

SIZE = (96, 48)


@pytest.mark.gpu
def test_a_device_never_sees_a_shader_that_it_was_not_opened_for(tmp_path: Path, sample: Sample):
    intact = make_project(tmp_path / "intact")
    counts: Counter[str] = Counter()
    with open_scene(intact, size=SIZE) as scene:
        scene.step(count=2)
        good = np.asarray(scene.frame())[:, SIZE[0] // 2 :]
    for seed in sample.seeds(1, 300):
        rng = np.random.default_rng(seed)
        folder = tmp_path / str(seed)
        shutil.copytree(intact.parent, folder)
        path = folder / f"assets/bad.{('vs', 'fs')[rng.integers(2)]}.glsl"
        path.write_bytes(mutated(rng, path.read_text(encoding="utf-8"), 0.9))
        with open_scene(folder / intact.name, size=SIZE, trials=True) as scene:
            scene.step(count=2)
            shown = np.asarray(scene.frame())[:, SIZE[0] // 2 :]
            assert_silent(scene)
            counts.update({problem.code for problem in scene.problems} or {"drawn"})
        np.testing.assert_array_equal(shown, good, str(seed))
        shutil.rmtree(folder)
    print(dict(counts.most_common()))
