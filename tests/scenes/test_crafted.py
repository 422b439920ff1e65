"""Scenes whose cache was crafted, with correct checksums, are drawn as after a fresh cook."""

from __future__ import annotations

import numpy as np
import pytest
from support.cache_mutations import mutated, taken_apart
from support.sampling import Sample

from engine.assets.cache.cache import HEADER_BYTES
from engine.testing import Faults, assert_same_pixels, open_scene

pytestmark = pytest.mark.gpu
SIZE = (160, 120)


def test_a_crafted_cache_draws_what_a_fresh_one_draws(faults: Faults, sample: Sample) -> None:
    path = faults.copy("scenes/cube.hu")
    with open_scene(path, size=SIZE) as scene:
        fresh = scene.frame()
    (cache,) = path.parent.glob("*.ogCache")
    whole = cache.read_bytes()
    rows, _ = taken_apart(whole)
    shaders = [
        slice(start, start + row["size"])
        for row in rows
        if "reflection" in row["facts"]
        for start in [HEADER_BYTES + row["offset"]]
    ]
    assert shaders
    for seed in sample.seeds(3, 60):
        content, changes_pixels = mutated(np.random.default_rng(seed), whole)
        if any(content[part] != whole[part] for part in shaders):
            continue  # a module with the same interface is believed: see ARCHITECTURE.md
        cache.write_bytes(content)
        with open_scene(path, size=SIZE) as scene:
            frame = scene.frame()
        if not changes_pixels:
            assert_same_pixels(frame, fresh)
