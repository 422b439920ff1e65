"""Claims about morphed objects: weights of targets shape the mesh in picture, shadow, bounds and picks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.flat_scenes import (
    SIZE,
    assert_alike,
    copy_builtin,
    covered_by,
    drawn,
    flat_scene,
    rows,
    seen,
)

from engine.math import axis_angle
from engine.runtime.runtime import Runtime

pytestmark = pytest.mark.gpu

CELLS = 8
SIDE = np.linspace(-1.0, 1.0, CELLS + 1)
POSITIONS = np.stack((*map(np.ravel, np.meshgrid(SIDE, SIDE + 1.0)), np.zeros((CELLS + 1) ** 2)), axis=1)
CORNERS = np.array(
    [
        [r * (CELLS + 1) + c for r, c in ((r, c), (r, c + 1), (r + 1, c + 1), (r + 1, c))]
        for r in range(CELLS)
        for c in range(CELLS)
    ]
)
TRIANGLES = np.concatenate((CORNERS[:, :3], CORNERS[:, [0, 2, 3]]))
RIGHT = POSITIONS[:, 0] > 0.4
WIDE = np.where(RIGHT[:, None], (0.47, 0.0, 0.0), 0.0)
"""The target `wide` moves the right side by 0.47 m."""
TALL = np.stack((np.zeros(len(POSITIONS)), 0.41 * POSITIONS[:, 1], np.zeros(len(POSITIONS))), axis=1)
"""The target `tall` is given for every vertex."""

WIDE_TEXT = f"wide: {{ vertices: [{' '.join(map(str, np.flatnonzero(RIGHT)))}] pos: {rows(WIDE[RIGHT])} }}"
TALL_TEXT = f"tall: {{ weight: 0.25  pos: {rows(TALL)} }}"
TARGETS = f"targets: {{ {WIDE_TEXT} {TALL_TEXT} }}"


def morphed(wide: float, tall: float) -> np.ndarray:
    return POSITIONS + wide * WIDE + tall * TALL


@contextmanager
def opened(
    folder: Path,
    *,
    morph: str = "{ @type: morph  weights: [0 0] }",
    targets: str = TARGETS,
    form: str = "[morph r32_uint]",
    mesh: str = "targets: sheet",
    place: str = "",
    more: str = "",
    assets: str = "",
    blend: str = "",
    tree: str = "",
    camera: str = "translation: [0 1 5]",
) -> Iterator[Runtime]:
    copy_builtin(folder)
    normals = np.tile((0, 0, 1), (len(POSITIONS), 1))
    (folder / "sheet.hu").write_text(
        f"mesh: {{ name: sheet  vertices: {{ pos: {rows(POSITIONS)} normal: {rows(normals)} "
        f"uv_albedo: {rows(POSITIONS[:, :2])} {blend} }} "
        f"indices: {rows(TRIANGLES).replace('.000000', '')} {targets} }}"
    )
    assets = f"{{ @type: morphTargets  name: sheet  source: sheet }} {assets}"
    objects = f"""sheet: {{ {place}  features: [{{ @type: visibleModel  asset: [own sheet] }}
        {{ @type: shadowCaster }} {morph}]  objects: {{ {tree} }} }}
    {more}"""
    text = flat_scene("sheet", mesh, form, assets, camera, objects)
    (folder / "scene.hu").write_text(text)
    with drawn(folder / "scene.hu") as made:
        yield made


def covered(positions: np.ndarray) -> np.ndarray:
    """Which pixels the mesh covers with its vertices at these places."""
    return covered_by(positions[TRIANGLES])


def codes(runtime: Runtime) -> dict[str, str]:
    kinds = ("morph", "mesh", "animation", "asset")
    return {p.code: f"{p.message} {p.help}" for p in runtime.problems if p.code.startswith(kinds)}


def test_weights_move_the_vertices_that_targets_name(tmp_path: Path) -> None:
    with opened(tmp_path) as runtime:
        for weights in ((0, 0), (1, 0), (0, 1), (0.6, -0.5), (-1.4, 1)):
            runtime.tableau["sheet"].morph.weights = weights
            assert_alike(seen(runtime), covered(morphed(*weights)))


def test_without_weights_the_mesh_has_its_own_and_without_the_feature_none(tmp_path: Path) -> None:
    with opened(tmp_path, morph="{ @type: morph }") as runtime:
        assert_alike(seen(runtime), covered(morphed(0, 0.25)))
        runtime.tableau["sheet"].morph.enabled = False
        assert_alike(seen(runtime), covered(POSITIONS))
        assert codes(runtime) == {}


def test_new_weights_plan_nothing_and_pack_no_deltas_again(tmp_path: Path) -> None:
    with opened(tmp_path) as runtime:
        seen(runtime)
        plan, kept = runtime.plan, runtime._values.columns["morphDeltas"]
        runtime.tableau["sheet"].morph.weights = (0.3, 0.3)
        assert_alike(seen(runtime), covered(morphed(0.3, 0.3)))
        assert runtime.plan is plan
        assert runtime._values.columns["morphDeltas"] is kept


def test_instances_of_one_mesh_with_other_weights_are_one_draw(tmp_path: Path) -> None:
    model = "{ @type: visibleModel  asset: [own sheet] }"
    more = "".join(
        f"other{n}: {{ translation: [0 0 {-n}]  features: [{model} {{ @type: morph  weights: [{n} 0] }}] }}"
        for n in (1, 2)
    )
    with opened(tmp_path, more=more) as runtime:
        assert_alike(seen(runtime), covered(morphed(2, 0)))
        table = runtime.needs.tables["forward"]
        assert table.instances == 3
        assert len(table.in_use.batches) == 1


def test_bounds_and_picks_follow_the_weights(tmp_path: Path) -> None:
    with opened(tmp_path) as runtime:
        for weights in ((1, 0), (-0.4, -1), (0.5, 0.7)):
            runtime.tableau["sheet"].morph.weights = weights
            seen(runtime)
            low, high = runtime.needs.tables["forward"].bounds()
            places = morphed(*weights)
            assert (low <= places.min(axis=0) + 1e-5).all()
            assert (high >= places.max(axis=0) - 1e-5).all()
            assert (
                high - low
                <= np.ptp(POSITIONS, axis=0) + np.abs(weights) @ [(0.47, 0, 0), (0, 0.82, 0)] + 1e-5
            ).all()
        runtime.tableau["sheet"].morph.weights = (1, 0)
        seen(runtime)
        hit = runtime.pick(SIZE // 2 + int(1.4 * SIZE / 4), SIZE // 2).result()
        assert hit is not None
        assert hit.object.path == "sheet"
        triangle = morphed(1, 0)[TRIANGLES[hit.triangle]]
        assert triangle[:, 0].min() <= hit.position[0] <= triangle[:, 0].max()
        assert hit.position[0] == pytest.approx(1.4, abs=0.04)
        runtime.tableau["sheet"].morph.weights = (0, 0)
        seen(runtime)
        assert runtime.pick(SIZE // 2 + int(1.4 * SIZE / 4), SIZE // 2).result() is None


SUN = "sun: { euler: [0 -45 0]  features: [{ @type: light  intensity: 3  sky: [0 0 0]  ground: [0 0 0] }] }"
WALL = (
    "wall: { translation: [0 0 -1]  euler: [90 0 0]  scale: [4 1 4]"
    "  features: [{ @type: visibleModel  asset: [own wall] }] }"
)


def test_the_shadow_follows_the_weights(tmp_path: Path) -> None:
    with opened(tmp_path, more=SUN + WALL) as runtime:
        runtime.tableau["sheet"].visibleModel.enabled = False
        for weights in ((0, 0), (-1.4, 0), (0.5, -0.6)):
            runtime.tableau["sheet"].morph.weights = weights
            fallen = np.add(morphed(*weights), (1.0, 0.0, -1.0))  # to the wall behind, along the light
            assert_alike(~seen(runtime), covered(fallen), 110)  # the border of a shadow is soft


def test_targets_turn_normals(tmp_path: Path) -> None:
    flat = " ".join(["[0 0 0]"] * len(POSITIONS))
    tilt = " ".join(["[1 0 -1]"] * len(POSITIONS))
    sun = "sun: { features: [{ @type: light  intensity: 3  sky: [0 0 0]  ground: [0 0 0] }] }"
    with opened(
        tmp_path, targets=f"targets: {{ turn: {{ pos: [{flat}] normal: [{tilt}] }} }}", more=sun
    ) as runtime:
        runtime.tableau["sheet"].visibleModel.material = runtime.scene.asset("own", "white")
        light = []
        for weight in (0.0, 0.5, 1.0):
            runtime.tableau["sheet"].morph.weights = (weight,)
            runtime.settle()
            runtime.frame()
            light.append(float(runtime.read_pixels()[SIZE // 2, SIZE // 2, 0]))
        assert (
            light[0] > light[1] > 100.0
        )  # the light comes from the front: by 45 degrees, then from the edge
        assert light[2] < 10.0


def test_skinned_objects_are_morphed_before_they_are_bent(tmp_path: Path) -> None:
    count = len(POSITIONS)
    blend = f"frameIdxs: [{'0 ' * count}] frameWeights: [{'1 ' * count}]"
    form = "[morph r32_uint] [frameIdxs r8_uint] [frameWeights r32_sfloat]"
    with opened(
        tmp_path,
        targets=TARGETS + " bones: [{ name: only }]",
        blend=blend,
        form=form,
        mesh="targets: sheet  skeleton: sheet",
        assets="{ @type: skeleton  name: sheet  source: sheet }",
        morph="{ @type: morph  weights: [1 -0.5] } { @type: skin }",
        tree="only: { }",
    ) as runtime:
        assert_alike(seen(runtime), covered(morphed(1, -0.5)))
        turned = axis_angle(np.array([(0.0, 0.0, 1.0)]), np.radians([90.0]))[0]
        runtime.tableau["sheet/only"].rotation = turned
        places = morphed(1, -0.5) @ np.array(((0, 1, 0), (-1, 0, 0), (0, 0, 1)))
        assert_alike(seen(runtime), covered(places))
        low, high = runtime.needs.tables["forward"].bounds()
        assert (low <= places.min(axis=0) + 1e-5).all()
        assert (high >= places.max(axis=0) - 1e-5).all()


def test_what_morphs_take_is_given_back_with_the_last_active_one(tmp_path: Path) -> None:
    with opened(tmp_path) as runtime:
        keys = runtime.needs.requirements.keys

        def size(name: str) -> int:
            assert runtime.plan is not None
            return runtime.plan.memory.stride(keys.transient(name))

        taken = size("morphDeltas")
        assert taken >= 32 * (RIGHT.sum() + (TALL != 0).any(axis=1).sum())
        runtime.tableau["sheet"].morph.active = False
        assert_alike(seen(runtime), covered(POSITIONS))
        assert size("morphDeltas") < 300  # a row of zeros
        assert runtime.memory.live_bytes == runtime.plan.planned_bytes
        runtime.tableau["sheet"].morph.active = True
        assert_alike(seen(runtime), covered(POSITIONS))
        assert size("morphDeltas") == taken
        runtime.tableau["sheet"].morph.weights = (1, 0)
        assert_alike(seen(runtime), covered(morphed(1, 0)))


def test_another_number_of_weights_is_reported_and_those_that_fit_are_used(tmp_path: Path) -> None:
    with opened(tmp_path, morph="{ @type: morph  weights: [1] }") as runtime:
        assert_alike(seen(runtime), covered(morphed(1, 0.25)))
        found = codes(runtime)["morph.weights"]
        assert "there is 1 weight for a mesh with 2 targets" in found
        assert "wide, tall" in found
        problem = next(p for p in runtime.problems if p.code == "morph.weights")
        assert problem.position is not None
        assert problem.position.file.endswith("scene.hu")
        assert problem.excerpt.splitlines()[0][problem.excerpt.splitlines()[1].index("^") :].startswith("[1]")
        runtime.tableau["sheet"].morph.weights = (1, 0, 7)
        assert_alike(seen(runtime), covered(morphed(1, 0)))
        assert "there are 3 weights" in codes(runtime)["morph.weights"]
        runtime.tableau["sheet"].morph.weights = (1, 0)
        assert codes(runtime) == {}


def test_a_morph_without_targets_is_reported_and_the_rest_draws(tmp_path: Path) -> None:
    with opened(tmp_path, mesh="", more="bare: { features: [{ @type: morph }] }") as runtime:
        assert_alike(seen(runtime), covered(POSITIONS))
        assert "draws no mesh with morph targets" in codes(runtime)["morph.targets"]


def test_vertices_that_follow_no_target_are_reported(tmp_path: Path) -> None:
    with opened(tmp_path, morph="{ @type: morph  weights: [1 1] }", form="") as runtime:
        assert_alike(seen(runtime), covered(POSITIONS))
        assert "has no attribute 'morph'" in codes(runtime)["mesh.target"]


@pytest.mark.parametrize(
    ("bad", "code", "words"),
    [
        (WIDE_TEXT.replace("pos: [", "pos: [[0 0 0] "), "mesh.target", "rows of 3 numbers; `vertices` has"),
        ("wide: { pos: [[0 0 0]] }", "mesh.target", f"the mesh has {len(POSITIONS)} vertices"),
        ("wide: { vertices: [5000] pos: [[1 0 0]] }", "mesh.target", "moves vertex 5000"),
        ("wide: { vertices: [1e300] pos: [[1 0 0]] }", "mesh.target", "moves vertex 1e+300"),
        ("wide: { vertices: [0.5] pos: [[1 0 0]] }", "mesh.target", "moves vertex 0.5"),
        ("wide: { vertices: [3 2] pos: [[1 0 0] [1 0 0]] }", "mesh.target", "must rise"),
        ("wide: { vertices: [3] pos: [[nan 0 0]] }", "value.range", "nan"),
        ("wide: { vertices: [3] pos: [[1e39 0 0]] }", "mesh.target", "beyond"),
        ("wide: { vertices: [3] pos: [[1 0 0]] colour: [[1 0 0]] }", "mesh.key", "has no 'colour'"),
    ],
    ids=["rows", "vertices", "none", "far", "half", "unsorted", "nan", "too large", "unknown key"],
)
def test_a_broken_target_moves_nothing_and_the_others_do(
    tmp_path: Path, bad: str, code: str, words: str
) -> None:
    targets = f"targets: {{ {bad} {TALL_TEXT} }}"
    with opened(tmp_path, morph="{ @type: morph  weights: [1 0.5] }", targets=targets) as runtime:
        assert_alike(seen(runtime), covered(morphed(0, 0.5)))
        problems = [p for p in runtime.problems if p.code == code]
        assert len(problems) == 1
        assert words in problems[0].message
        assert problems[0].position is not None
        assert problems[0].position.file.endswith("sheet.hu")


CLIP = (
    "{ property: weights  times: [0 1 2]  values: [[0 0] [1 0] [0 1]] }",
    "{ property: weights  interpolation: step  times: [0 1 2]  values: [[0 0] [1 0] [0 1]] }",
    "{ property: weights  interpolation: cubic  times: [0 2]"
    "  values: [[0 0] [0 0] [0 0] [0 0] [1 -0.5] [0 0]] }",
    "{ property: weights  times: [0]  values: [[0.5 -0.25]] }",
    "{ property: weights  times: [0]  values: [[0.5]] }",
)
ANIMATIONS = " ".join(f"{{ @type: animation  name: clip{n}  source: clip{n}.hu }}" for n in range(len(CLIP)))


def animated(folder: Path, fields: str, **parts: str) -> object:
    for number, text in enumerate(CLIP):
        (folder / f"clip{number}.hu").write_text(f"animation: {{ channels: [ {text} ] }}")
    morph = f"{{ @type: morph  weights: [0.4 0.4] }} {{ @type: animation  loop: false  {fields} }}"
    return opened(folder, morph=morph, assets=ANIMATIONS, **parts)


@pytest.mark.parametrize(
    ("fields", "seconds", "weights"),
    [
        ("clip: [own clip0]", 0.5, (0.5, 0)),
        ("clip: [own clip0]", 1.5, (0.5, 0.5)),
        ("clip: [own clip1]", 0.9, (0, 0)),
        ("clip: [own clip1]", 1.9, (1, 0)),
        ("clip: [own clip2]", 0.5, (0.15625, -0.078125)),
        ("clip: [own clip0]  second: [own clip3]  blend: 0.5", 1.0, (0.75, -0.125)),
    ],
)
def test_channels_move_weights(
    tmp_path: Path, fields: str, seconds: float, weights: tuple[float, float]
) -> None:
    with animated(tmp_path, fields) as runtime:
        runtime.tableau.clock.set(seconds)
        assert_alike(seen(runtime), covered(morphed(*weights)))
        assert runtime.tableau["sheet"].morph.weights == pytest.approx((0.4, 0.4))  # its own stay
        assert codes(runtime) == {}


def test_without_the_animation_the_weights_are_its_own_again(tmp_path: Path) -> None:
    with animated(tmp_path, "clip: [own clip3]") as runtime:
        assert_alike(seen(runtime), covered(morphed(0.5, -0.25)))
        runtime.tableau["sheet"].animation.enabled = False
        assert_alike(seen(runtime), covered(morphed(0.4, 0.4)))


def test_a_channel_with_another_number_of_weights_is_reported_and_those_that_fit_are_used(
    tmp_path: Path,
) -> None:
    with animated(tmp_path, "clip: [own clip4]") as runtime:
        assert_alike(seen(runtime), covered(morphed(0.5, 0.4)))
        assert "there is 1 weight for a mesh with 2 targets" in codes(runtime)["morph.weights"]


def test_a_channel_of_weights_without_a_morph_is_reported(tmp_path: Path) -> None:
    more = "bare: { features: [{ @type: animation  clip: [own clip3] }] }"
    with animated(tmp_path, "clip: [own clip3]", more=more) as runtime:
        assert_alike(seen(runtime), covered(morphed(0.5, -0.25)))
        assert "moves the weights of '', which has no morph" in codes(runtime)["animation.weights"]
