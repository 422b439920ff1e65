"""Scenes whose cache was crafted, with correct checksums, are drawn as after a fresh cook."""

from __future__ import annotations

import numpy as np
import pytest
from support.cache_mutations import mutated
from support.sampling import Sample

from engine.testing import Faults, assert_same_pixels, open_scene

pytestmark = pytest.mark.gpu
SIZE = (160, 120)


def test_a_crafted_cache_draws_what_a_fresh_one_draws(faults: Faults, sample: Sample) -> None:
    path = faults.copy("scenes/cube.hu")
    with open_scene(path, size=SIZE) as scene:
        fresh = scene.frame()
    (cache,) = path.parent.glob("*.ogCache")
    whole = cache.read_bytes()
    for seed in sample.seeds(3, 60):
        content, changes_pixels = mutated(np.random.default_rng(seed), whole)
        cache.write_bytes(content)
        with open_scene(path, size=SIZE, trials=True) as scene:
            frame = scene.frame()
        if not changes_pixels:
            assert_same_pixels(frame, fresh)
