"""Claims about what names objects and features: what is left out is reported where it is, and not again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.random_scenes import profile

from engine.assets import AssetLibrary, open_library
from engine.humon import Problem
from engine.planning.offline import find_problems
from engine.scene import load_scene

FORMAT = (
    "[pos r32g32b32_sfloat] [normal r32g32b32_sfloat] [uv_albedo r32g32_sfloat] [frameIdxs r8_uint]"
    " [frameWeights r32_sfloat]"
)
STRIP = """mesh: { name: strip
    vertices: { pos: [[0 0 0] [1 0 0] [0 1 0]]  normal: [[0 0 1] [0 0 1] [0 0 1]]
        uv_albedo: [[0 0] [1 0] [0 1]]  frameIdxs: [0 1 1]  frameWeights: [[1] [1] [1]] }
    indices: [[0 1 2]]  bones: [{ name: lower } { name: upper  parent: lower }] }
"""
CLIP = "animation: { channels: [{ target: arm/hand  property: PROPERTY  times: [0]  values: [VALUES] }] }"
HEAD = f"""version: 1
assetDb: {{ name: own  assets: [
    {{ @type: mesh  name: strip  source: strip.hu  skeleton: strip
       lods: [{{ topology: triangle_list  vertices: strip  indices: strip }}] }}
    {{ @type: vertices  name: strip  source: strip  vertexFormat: [{FORMAT}] }}
    {{ @type: indices  name: strip  source: strip  indexFormat: uint16 }}
    {{ @type: skeleton  name: strip  source: strip }}
    {{ @type: animation  name: moved  source: moved.hu }}
    {{ @type: animation  name: shaped  source: shaped.hu }}
] }}
tableau: {{ name: t  objects: {{
"""
SKINNED = "{ @type: shadowCaster  asset: [own strip] }"
HAND = "hand: { features: [{ @type: shadowCaster  asset: [own strip] } { @type: morph }] }"
LIGHT = "{ @type: light  intensity: 4 }"
BONES = "lower: { objects: { upper: { } } }"

TARGETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "cam: { features: [{ @type: camera }  { @type: healthBar  bind: lamp.light.intensity }] }": (
        f"lamp: {{ features: [{LIGHT}] }}",
        (
            "lamp: 3",
            f"lamp: {{ features: [{LIGHT.replace('light', 'lihgt')}] }}",
            f"lamp: {{ featurs: [{LIGHT}] }}",
            f"lamp: {{ features: [{LIGHT.replace('@type: light', '')}] }}",
            "lamp: { features: 7 }",
        ),
    ),
    "cam: { features: [{ @type: camera }  { @type: healthBar  bind: house/lamp.light.intensity }] }": (
        f"house: {{ objects: {{ lamp: {{ features: [{LIGHT}] }} }} }}",
        (
            "house: no",
            "house: { objects: 3 }",
            f"house: {{ objets: {{ lamp: {{ features: [{LIGHT}] }} }} }}",
            f"house: {{ }}  house: {{ objects: {{ lamp: {{ features: [{LIGHT}] }} }} }}",
            f"house: {{ objects: {{ }}  objects: {{ lamp: {{ features: [{LIGHT}] }} }} }}",
        ),
    ),
    f"skinned: {{ features: [{SKINNED} {{ @type: skin  bones: rig }}] }}": (
        f"rig: {{ objects: {{ {BONES} }} }}",
        ("rig: none", f"rig: {{ objects: {{ {BONES.replace('lower: {', 'lower: 3  x: {')} }} }}"),
    ),
    "": (
        f"skinned: {{ features: [{SKINNED} {{ @type: skin }}]  objects: {{ {BONES} }} }}",
        (
            f"skinned: {{ features: [{SKINNED} {{ @type: skin }}]  objects: 3 }}",
            f"skinned: {{ features: [{SKINNED} {{ @type: skin }}]  objects: {{ lower: [] }} }}",
            f"skinned: {{ features: [{SKINNED} {{ @type: skin }}]  objects: {{ lower: {{ objects: 1 }} }} }}",
            f"skinned: {{ features: [{SKINNED} {{ @type: skin }}]  objcts: {{ {BONES} }} }}",
        ),
    ),
    " ": (
        f"mover: {{ features: [{{ @type: animation  clip: [own moved] }}]"
        f"  objects: {{ arm: {{ objects: {{ {HAND} }} }} }} }}",
        (
            "mover: { features: [{ @type: animation  clip: [own moved] }]  objects: { arm: 3 } }",
            "mover: { features: [{ @type: animation  clip: [own moved] }]  objects: [] }",
        ),
    ),
    "  ": (
        "cam: { features: [{ @type: camera }]  objects: { mark: { features: [{ @type: reticle }"
        " { @type: areaMap } { @type: healthBar }] } } }",
        (
            "cam: { features: [{ @type: camra }]  objects: { mark: { features: [{ @type: reticle }"
            " { @type: areaMap } { @type: healthBar }] } } }",
            "cam: { features: { }  objects: { mark: { features: [{ @type: reticle }] } } }",
            "cam: { features: [{ type: camera }]  objects: { mark: { features: [{ @type: reticle }] } } }",
        ),
    ),
}
"""Objects that refer to others, those others, and these with something wrong that leaves them out."""


class Scenes:
    """A project in which scenes of a few objects are written, and the problems of each."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "scene.hu"
        (folder / "strip.hu").write_text(STRIP)
        (folder / "moved.hu").write_text(CLIP.replace("PROPERTY", "translation").replace("VALUES", "[0 0 0]"))
        (folder / "shaped.hu").write_text(CLIP.replace("PROPERTY", "weights").replace("VALUES", "[0]"))
        self.path.write_text(HEAD + "} }\n")
        self.library: AssetLibrary = open_library(load_scene(self.path).dbs)

    def problems(self, *objects: str) -> list[Problem]:
        """What is wrong with a scene of these objects, but for features that it does not have."""
        self.path.write_text(HEAD + "\n".join(objects) + "\n} }\n")
        found = find_problems(load_scene(self.path), self.library, profile("lavapipe"))
        ignored = ("feature.absent", "morph.targets", "morph.weights")
        return [problem for problem in found if problem.code not in ignored]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenes]:
    made = Scenes(tmp_path_factory.mktemp("references"))
    yield made
    made.library.close()


@pytest.mark.parametrize("reference", TARGETS, ids=lambda text: text[-40:-4].strip())
def test_what_refers_to_something_left_out_is_no_second_problem(scenes: Scenes, reference: str) -> None:
    right, wrong = TARGETS[reference]
    assert [str(problem) for problem in scenes.problems(reference, right)] == []
    for target in wrong:
        found = scenes.problems(reference, target)
        assert len(found) == 1, (target, [problem.render() for problem in found])
        assert found[0].position is not None
        assert found[0].position.line == HEAD.count("\n") + 2, target
        assert found[0].help, target


@pytest.mark.parametrize(
    "reference", [text for text in TARGETS if text.strip()], ids=lambda text: text[-40:-4]
)
def test_what_refers_to_something_that_never_was_is_one_problem_with_a_hint(
    scenes: Scenes, reference: str
) -> None:
    (problem,) = scenes.problems(reference, "other: { }")
    assert problem.position is not None
    assert problem.position.line == HEAD.count("\n") + 1
    assert problem.help


def test_a_channel_of_weights_whose_morph_is_left_out_is_no_second_problem(scenes: Scenes) -> None:
    start = "mover: { features: [{ @type: animation  clip: [own shaped] }]  objects: { arm: { objects: { "
    assert [str(problem) for problem in scenes.problems(f"{start}{HAND} }} }} }} }}")] == []
    (problem,) = scenes.problems(f"{start}{HAND.replace('morph', 'mroph')} }} }} }} }}")
    assert problem.code == "feature.unknown"
    (problem,) = scenes.problems(f"{start}hand: {{ }} }} }} }} }}")
    assert problem.code == "animation.weights"
