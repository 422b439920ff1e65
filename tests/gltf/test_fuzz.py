"""Random damage to good files: what comes of it is a scene or an InputError, never anything else."""

from __future__ import annotations

import copy
import json
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.gltf_features import FEATURES
from support.gltf_files import glb
from support.model_opening import open_scene
from support.sampling import Sample

from engine.humon import InputError

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 3, 7, 255, 65536, 2**31, 2**53, 10**18, 10**300),
    *(1e300, -1e300, 1e-300, 0.5, 1e39, 3.4e38, 5120, 5121, 5123, 5125, 5126),
    *("", "x", "VEC3", "VEC4", "MAT4", "SCALAR", "\ud800", "a/b", "..", "nan", "model", "\0\n\u2028"),
    *("builtin:texture/white.png", "data:,x", "x" * 10000),
    *([], {}, [0, 0, 0], [0] * 16, [1e38] * 3, [1e30, 0, 0, 1], {"a": 1}),
]
MOST_MEMORY = 1 << 30
"""Bytes by which the peak of the process may grow: files of a few kB are opened."""


def places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """All places below a value, each as what holds it and its key."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in list(pairs):
        found.append((value, key))
        places(child, found)
    return found


def with_changed_values(rng: np.random.Generator, name: str) -> bytes:
    """A file with some values of its JSON replaced, moved, doubled, or removed."""
    file = FEATURES[name]()
    root = file.finished()
    for _ in range(int(rng.integers(1, 5))):
        spots = places(root, [])
        holder, key = spots[int(rng.integers(len(spots)))]
        how = rng.random()
        if how < 0.7:
            holder[key] = copy.deepcopy(VALUES[int(rng.integers(len(VALUES)))])
        elif how < 0.85:
            other, its_key = spots[int(rng.integers(len(spots)))]
            holder[key] = copy.deepcopy(other[its_key])
        elif isinstance(holder, dict):
            del holder[key]
        else:
            holder.insert(key, copy.deepcopy(holder[key]))
    return glb(json.dumps(root).encode(), bytes(file.data))


def with_changed_bytes(rng: np.random.Generator, name: str) -> bytes:
    """A file with some bytes replaced, in half of the cases of its buffer alone; sometimes cut off."""
    file = FEATURES[name]()
    content = bytearray(file.glb())
    first = max(len(content) - len(file.data) - 8, 0) if rng.random() < 0.5 else 0
    for _ in range(int(rng.integers(1, 10))):
        content[int(rng.integers(first, len(content)))] = int(rng.integers(256))
    if rng.random() < 0.1:
        del content[int(rng.integers(len(content))) :]
    return bytes(content)


@pytest.mark.parametrize("change", [with_changed_values, with_changed_bytes])
def test_damaged_files_open_or_are_refused_and_nothing_is_printed(
    change: Any, tmp_path: Path, sample: Sample, capfd: pytest.CaptureFixture[str]
) -> None:
    names = sorted(FEATURES)
    folder = tmp_path / "assets"
    folder.mkdir()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in sample.seeds(30, 4000):
        rng = np.random.default_rng(seed)
        path = folder / "damaged.glb"
        path.write_bytes(change(rng, names[int(rng.integers(len(names)))]))
        try:
            opened = open_scene(path)
            problems = opened.problems
            for (kind, name), result in opened.results.items():
                if not result.entry.failure:
                    opened.facts(kind, name)  # which a cache takes
        except InputError as error:
            problems = error.problems
        for problem in problems:
            problem.render().encode()
    assert capfd.readouterr() == ("", "")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < MOST_MEMORY


@pytest.mark.parametrize("weights", [[1e308, 0.0], [float(-(2**70))], [True], [0.5, "x"], [0.0] * 200])
def test_wrong_weights_of_a_mesh_are_left_out_and_its_targets_stay(
    weights: list[Any], tmp_path: Path
) -> None:
    file = FEATURES["morph"]()
    file.root["meshes"][0]["weights"] = weights
    opened = open_scene(file.write(tmp_path / "weights.glb"))
    ((kind, name),) = [key for key in opened.results if key[0] == "morphTargets"]
    found = opened.facts(kind, name)
    assert found.weights
    assert not any(found.weights)
    assert {problem.code for problem in opened.problems} <= {"gltf.value", "gltf.limit"}
    assert all("/meshes/0/weights" in problem.message for problem in opened.problems)
    assert opened.problems


@pytest.mark.parametrize("scale", [1e10, -1e10, 1e-10])
def test_a_long_chain_of_scales_is_refused_or_drawn_as_a_point(scale: float, tmp_path: Path) -> None:
    file = FEATURES["triangle"]()
    last = 60
    chain = [{"scale": [scale] * 3, "children": [number + 1]} for number in range(last)]
    file.root["nodes"] = [*chain, {"mesh": 0}]
    file.root["scenes"] = [{"nodes": [0]}]
    path = file.write(tmp_path / "chain.glb")
    if abs(scale) < 1.0:
        assert open_scene(path).problems == []
        return
    with pytest.raises(InputError) as caught:
        open_scene(path)
    assert {problem.code for problem in caught.value.problems} == {"gltf.accessor"}


def test_a_transform_beyond_what_floats_hold_costs_its_mesh_alone(tmp_path: Path) -> None:
    file = FEATURES["KHR_texture_transform"]()
    material = file.root["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    material["extensions"]["KHR_texture_transform"]["scale"] = [1e300, -1e300]
    opened = open_scene(file.write(tmp_path / "huge.glb"))
    assert {problem.code for problem in opened.problems} == {"gltf.value"}
    assert all("texture transform" in problem.message and problem.help for problem in opened.problems)
