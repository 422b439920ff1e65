"""Claims about skinned objects: bones bend the mesh in picture, shadow, bounds and picks."""

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

from engine.math import axis_angle, compose
from engine.runtime.runtime import Runtime

pytestmark = pytest.mark.gpu

ROWS = 13
HEIGHT = 2.0
RISE = np.repeat(np.linspace(0.0, HEIGHT, ROWS), 2)
POSITIONS = np.stack((np.tile((-0.2, 0.2), ROWS), RISE, np.zeros(2 * ROWS)), axis=1)
UPPER = np.clip((RISE - 0.7) / 0.6, 0.0, 1.0)
"""How much of a vertex the upper bone moves."""
TRIANGLES = np.array(
    [[2 * k + a for a in corner] for k in range(ROWS - 1) for corner in ((0, 1, 3), (0, 3, 2))]
)
BONES = "bones: [{ name: lower } { name: upper  parent: lower  translation: [0 1 0] }]"
SKIN = "{ @type: skin }"
TREE = "lower: { objects: { upper: { translation: [0 1 0] } } }"
TWO = "frameIdxs: [" + "16 " * len(RISE) + "] frameWeights: ["
TWO += " ".join(f"[{1 - w} {w}]" for w in UPPER) + "]"
TWO_FORMAT = "[frameIdxs r8_uint] [frameWeights r32g32_sfloat]"


@contextmanager
def opened(
    folder: Path,
    *,
    skin: str = SKIN,
    tree: str = TREE,
    blend: str = TWO,
    form: str = TWO_FORMAT,
    bones: str = BONES,
    place: str = "",
    more: str = "",
    camera: str = "translation: [0 1 5]",
) -> Iterator[Runtime]:
    copy_builtin(folder)
    (folder / "strip.hu").write_text(
        f"mesh: {{ name: strip  vertices: {{ pos: {rows(POSITIONS)} "
        f"normal: {rows(np.tile((0, 0, 1), (len(RISE), 1)))} uv_albedo: {rows(POSITIONS[:, :2])} {blend} }} "
        f"indices: {rows(TRIANGLES).replace('.000000', '')} {bones} }}"
    )
    assets = "{ @type: skeleton  name: strip  source: strip }"
    objects = f"""strip: {{ {place}  features: [{{ @type: visibleModel  asset: [own strip] }}
        {{ @type: shadowCaster }} {skin}]  objects: {{ {tree} }} }}
    {more}"""
    text = flat_scene("strip", "skeleton: strip", form, assets, camera, objects)
    (folder / "scene.hu").write_text(text)
    with drawn(folder / "scene.hu") as made:
        yield made


def turn(runtime: Runtime, degrees: float, name: str = "strip/lower/upper") -> None:
    runtime.tableau[name].rotation = axis_angle(np.array([(0.0, 0.0, 1.0)]), np.radians([degrees]))[0]


def bent(degrees: float) -> np.ndarray:
    """Where the upper bone, turned, takes the vertices."""
    about = axis_angle(np.array([(0.0, 0.0, 1.0)]), np.radians([degrees]))
    moved = compose(np.array([(0.0, 1.0, 0.0)]), about, np.ones((1, 3), np.float32))[0].astype(np.float64)
    upper = (POSITIONS - (0.0, 1.0, 0.0)) @ moved[:3, :3] + moved[3, :3]
    return (1 - UPPER[:, None]) * POSITIONS + UPPER[:, None] * upper


def covered(positions: np.ndarray) -> np.ndarray:
    """Which pixels the mesh covers with its vertices at these places."""
    return covered_by(positions[TRIANGLES])


def codes(runtime: Runtime) -> dict[str, str]:
    return {p.code: f"{p.message} {p.help}" for p in runtime.problems if p.code.startswith(("skin", "mesh"))}


def test_a_turned_bone_bends_the_mesh_exactly_as_computed(tmp_path: Path) -> None:
    with opened(tmp_path) as runtime:
        plan = runtime.plan
        assert_alike(seen(runtime), covered(POSITIONS))
        for degrees in (35.0, -70.0):
            turn(runtime, degrees)
            assert_alike(seen(runtime), covered(bent(degrees)))
        assert runtime.plan is plan  # moving a bone plans nothing
        runtime.tableau["strip"].skin.enabled = False
        assert_alike(seen(runtime), covered(POSITIONS))
        assert codes(runtime) == {}


@pytest.mark.parametrize(
    ("blend", "form"),
    [
        (
            "frameIdxs: "
            + rows(np.tile((0, 1, 0, 1, 0, 1), (len(RISE), 1))).replace(".000000", "")
            + " frameWeights: "
            + rows(np.stack((1 - UPPER, UPPER) * 3, axis=1) / 3),
            "[frameIdxs r16g16_uint] [frameWeights r32g32b32a32_sfloat] [frameWeights2 r32g32_sfloat]",
        ),
        (
            "frameIdxs: "
            + rows(np.tile((0, 1), (len(RISE), 1))).replace(".000000", "")
            + " frameWeights: "
            + rows(np.stack((1 - UPPER, UPPER), axis=1)),
            "[frameIdxs r8g8_uint] [frameWeights r16g16_unorm]",
        ),
    ],
    ids=["six weights in two attributes", "two channels"],
)
def test_all_formats_of_weights_bend_alike(tmp_path: Path, blend: str, form: str) -> None:
    with opened(tmp_path, blend=blend, form=form) as runtime:
        turn(runtime, 50.0)
        assert_alike(seen(runtime), covered(bent(50.0)))
        assert codes(runtime) == {}


def test_bounds_and_picks_follow_the_bones(tmp_path: Path) -> None:
    with opened(tmp_path) as runtime:
        turn(runtime, -90.0)
        seen(runtime)
        table = runtime.needs.tables["forward"]
        low, high = table.bounds()
        places = bent(-90.0)
        assert (low <= places.min(axis=0) + 1e-5).all()
        assert (high >= places.max(axis=0) - 1e-5).all()
        assert (high[:2] < 1.5).all()  # the strip ended higher before
        x, y = SIZE // 2 + int(0.9 * SIZE / 4), SIZE // 2
        hit = runtime.pick(x, y).result()
        assert hit is not None
        assert hit.object.path == "strip"
        assert hit.position[0] == pytest.approx(0.9, abs=0.04)
        assert hit.triangle // 2 == int(1.9 / HEIGHT * (ROWS - 1))  # what was 0.9 m above the bone
        assert runtime.pick(SIZE // 2, SIZE // 2 - int(0.9 * SIZE / 4)).result() is None


SUN = "sun: { euler: [0 -45 0]  features: [{ @type: light  intensity: 3  sky: [0 0 0]  ground: [0 0 0] }] }"
WALL = (
    "wall: { translation: [0 0 -1]  euler: [90 0 0]  scale: [4 1 4]"
    "  features: [{ @type: visibleModel  asset: [own wall] }] }"
)


def test_the_shadow_follows_the_bones(tmp_path: Path) -> None:
    with opened(tmp_path, more=SUN + WALL) as runtime:
        runtime.tableau["strip"].visibleModel.enabled = False
        for degrees in (0.0, -60.0):
            turn(runtime, degrees)
            shadow = ~seen(runtime)
            fallen = np.add(bent(degrees), (1.0, 0.0, -1.0))  # to the wall behind, along the light
            assert_alike(shadow, covered(fallen), 90)  # the border of a shadow is soft


def test_what_bones_take_is_given_back_with_the_last_active_skin(tmp_path: Path) -> None:
    with opened(tmp_path) as runtime:
        keys = runtime.needs.requirements.keys

        def size(name: str) -> int:
            assert runtime.plan is not None
            return runtime.plan.memory.stride(keys.transient(name))

        alignment = runtime.profile.limits.min_storage_buffer_offset_alignment
        assert size("bones") == -(-2 * 64 // alignment) * alignment
        runtime.tableau["strip"].skin.active = False
        assert_alike(seen(runtime), covered(POSITIONS))
        assert size("bones") == max(64, alignment)  # a row of zeros
        assert runtime.memory.live_bytes == runtime.plan.planned_bytes
        runtime.tableau["strip"].skin.active = True
        turn(runtime, 35.0)
        assert_alike(seen(runtime), covered(bent(35.0)))


def test_a_skin_bends_far_from_the_origin_and_mirrored(tmp_path: Path) -> None:
    far = (3e6, 0.0, -2e6)
    place, camera = (f"translation: [{far[0]} {y} {far[2] + z}]" for y, z in ((0, 0), (1, 5)))
    with opened(tmp_path, place=f"{place} scale: [-1 1 1]", camera=camera) as runtime:
        turn(runtime, 40.0)
        assert_alike(seen(runtime)[:, ::-1], covered(bent(40.0)))


def test_bones_at_the_end_of_all_numbers_draw_and_come_back(tmp_path: Path) -> None:
    with opened(tmp_path) as runtime:
        before = runtime.read_pixels()
        bone = runtime.tableau["strip/lower/upper"]
        translation = bone.translation.copy()
        bone.translation, bone.scale = (3.3e38, 0, 0), (3e37, 3e37, 3e37)
        runtime.frame()
        bone.translation, bone.scale = translation, (1, 1, 1)
        runtime.settle()
        assert_alike(runtime.read_pixels(), before)


def test_bones_are_found_by_name_anywhere_below(tmp_path: Path) -> None:
    with opened(tmp_path, tree="lower: {} rig: { objects: { upper: { translation: [0 1 0] } } }") as runtime:
        turn(runtime, 40.0, "strip/rig/upper")
        assert_alike(seen(runtime), covered(bent(40.0)))
        assert codes(runtime) == {}


def test_missing_bones_are_named_and_leave_their_part_as_it_is(tmp_path: Path) -> None:
    with opened(tmp_path, tree="lower: {}") as runtime:
        assert_alike(seen(runtime), covered(POSITIONS))
        assert "no object for the bone 'upper'" in codes(runtime)["skin.bones"]
        runtime.tableau.add_object("upper", "strip/lower", translation=(0.0, 1.0, 0.0))
        turn(runtime, 35.0)
        assert_alike(seen(runtime), covered(bent(35.0)))
        assert codes(runtime) == {}


def test_a_skin_without_a_skinned_mesh_is_reported_and_the_rest_draws(tmp_path: Path) -> None:
    with opened(tmp_path, more="bare: { features: [{ @type: skin }] }") as runtime:
        turn(runtime, 35.0)
        assert_alike(seen(runtime), covered(bent(35.0)))
        assert "draws no mesh with a skeleton" in codes(runtime)["skin.mesh"]


def test_weights_that_do_not_add_up_are_divided_by_their_sum(tmp_path: Path) -> None:
    double = TWO.replace(TWO[TWO.index("frameWeights") :], "frameWeights: [")
    double += " ".join(f"[{2 * (1 - w)} {2 * w}]" for w in UPPER) + "]"
    with opened(tmp_path, blend=double) as runtime:
        turn(runtime, 35.0)
        assert_alike(seen(runtime), covered(bent(35.0)))
        assert "add up to 2; they are divided by it" in codes(runtime)["mesh.skin"]


def test_a_path_of_bones_that_names_no_object_is_reported_with_a_hint(tmp_path: Path) -> None:
    with opened(tmp_path, skin="{ @type: skin  bones: strap }") as runtime:
        assert_alike(seen(runtime), covered(POSITIONS))
        assert "`bones` names no object" in codes(runtime)["skin.bones"]
        assert "strip" in codes(runtime)["skin.bones"]
        runtime.tableau["strip"]["skin"].bones = "strip"
        turn(runtime, 35.0)
        assert_alike(seen(runtime), covered(bent(35.0)))
        assert codes(runtime) == {}
