"""What the materials of glTF files say is seen: extensions, vertex colours, coordinates and samplers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from support.small_gltf import CORNERS, DARK, SIDE, SmallGltf, linear, middle

from engine.render.descriptors import DescriptorSets
from engine.testing import open_scene

pytestmark = pytest.mark.gpu

Floats = npt.NDArray[np.float64]
GREY = 188
"""A grey of the sky in sRGB."""
LIGHT = float(linear(GREY))
BLACK = {"baseColorFactor": [0, 0, 0, 1], "metallicFactor": 0, "roughnessFactor": 0.5}


@pytest.fixture
def small(tmp_path: Path) -> SmallGltf:
    return SmallGltf(tmp_path)


def shown(small: SmallGltf, scene: Path, *settings: str) -> npt.NDArray[Any]:
    """The picture of a scene, without any problem."""
    with open_scene(scene, size=small.size, settings=settings) as opened:
        assert opened.problems == ()
        return np.asarray(opened.frame()).astype(int)[..., :3]


def under_grey_sky(small: SmallGltf, exposure: float = 0.0) -> npt.NDArray[Any]:
    """The picture under a sky that is grey all around."""
    Image.fromarray(np.full((32, 64, 3), GREY, np.uint8)).save(small.folder / "grey.png")
    sky = {"features": [{"@type": "skybox", "asset": ["small", "grey"], "visible": False}]}
    environment = {"@type": "environment", "name": "grey", "source": "grey.png"}
    return shown(small, small.scene({"sky": sky}, [environment], {"exposure": exposure}))


def material(extension: str = "", values: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"pbrMetallicRoughness": BLACK, **more}
    if extension:
        found["extensions"] = {f"KHR_materials_{extension}": values or {}}
    return found


def reflectance(root: Path, rough: float) -> tuple[float, float]:
    """The parts of light that a surface seen straight reflects, as the shaders fit them."""
    source = (root / "assets/builtin/shader/environment.glsl").read_text()
    found = []
    for name in ("REFLECTED", "REFLECTED_WITHOUT_F0"):
        numbers = re.search(rf"{name} = mat4\(([^)]*)\)", source)
        assert numbers is not None
        factors = [float(each) for each in numbers[1].split(",")][:4]
        found.append(sum(factor * rough**power for power, factor in enumerate(factors)))
    return found[0] - max(found[1], 0.0), max(found[1], 0.0)


def reflected(root: Path, f0: npt.ArrayLike, f90: float, rough: float) -> Floats:
    """The part of the sky's light that a surface seen straight reflects."""
    part, edge = reflectance(root, rough)
    low = np.asarray(f0, np.float64)
    return (low * part + f90 * edge) * (1.0 + low * (1.0 / (part + edge) - 1.0))


def test_an_unlit_surface_is_its_colour_in_any_light(small: SmallGltf) -> None:
    base = {"baseColorFactor": [0.25, 0.0625, 1.0, 1.0]}
    small.pane(
        {
            "pbrMetallicRoughness": base,
            "emissiveFactor": [1, 1, 1],
            "extensions": {"KHR_materials_unlit": {}},
        }
    )
    small.pane({"pbrMetallicRoughness": base})
    bright = {"features": [{"@type": "light", "intensity": 5}]}
    for light in (DARK, bright):
        picture = shown(small, small.scene({"sun": light}))
        np.testing.assert_array_equal(picture[10:38, 10:38], np.full((28, 28, 3), (137, 71, 255)))
        lit = picture[24, SIDE + 24]
        assert (lit == 0).all() if light is DARK else lit.min() > 0


def test_what_is_reflected_follows_from_the_index_of_refraction(small: SmallGltf, root: Path) -> None:
    indices = (1.0, 1.33, 1.5, 2.4, 0.0)
    for ior in indices:
        small.pane(material("ior", {"ior": ior}))
    picture = under_grey_sky(small, exposure=1.0)
    for number, ior in enumerate(indices):
        f0 = ((ior - 1.0) / (ior + 1.0)) ** 2
        expected = min(2.0 * LIGHT * float(reflected(root, f0, 1.0, 0.5)), 1.0)
        assert middle(picture, number)[1] == pytest.approx(expected, rel=0.04, abs=0.002), ior


def test_specular_scales_and_tints_what_is_reflected_and_its_textures_multiply(
    small: SmallGltf, root: Path
) -> None:
    half = np.full((2, 2, 4), (255, 255, 255, 128), np.uint8)
    small.texture("half", half)
    small.texture("tint", np.full((2, 2, 4), (255, GREY, 0, 255), np.uint8))
    small.pane(material("specular", {"specularFactor": 0.0}))
    small.pane(material("specular", {"specularFactor": 0.5}))
    small.pane(material("specular", {"specularColorFactor": [4.0, 1.0, 0.0]}))
    small.pane(material("specular", {"specularTexture": small.use("half")}))
    small.pane(material("specular", {"specularColorTexture": small.use("tint")}))
    picture = under_grey_sky(small, exposure=3.0)
    tint = np.array([1.0, LIGHT, 0.0])
    for number, (f0, f90) in enumerate(
        (
            ([0.0] * 3, 0.0),
            ([0.02] * 3, 0.5),
            (np.array([0.16, 0.04, 0.0]), 1.0),
            ([0.04 * 128 / 255] * 3, 128 / 255),
            (0.04 * tint, 1.0),
        )
    ):
        expected = np.minimum(8.0 * LIGHT * reflected(root, f0, f90, 0.5), 1.0)
        np.testing.assert_allclose(
            middle(picture, number), expected, rtol=0.03, atol=0.002, err_msg=str(number)
        )


def test_a_tint_of_what_is_reflected_takes_the_same_of_each_colour_below(
    small: SmallGltf, root: Path
) -> None:
    white = {"baseColorFactor": [1, 1, 1, 1], "metallicFactor": 0, "roughnessFactor": 0.5}
    tinted = {"specularColorFactor": [10.0, 1.0, 0.0]}
    small.pane(material("specular", tinted) | {"pbrMetallicRoughness": white})
    small.pane({"pbrMetallicRoughness": white})
    picture = under_grey_sky(small)
    part = reflected(root, [0.4, 0.04, 0.0], 1.0, 0.5)
    expected = LIGHT * (part + 1.0 - part.max())
    np.testing.assert_allclose(middle(picture, 0), expected, rtol=0.02)
    np.testing.assert_allclose(middle(picture, 1), LIGHT, rtol=0.02)


def test_a_clear_coat_reflects_the_sky_and_hides_what_is_below(small: SmallGltf) -> None:
    small.texture("half", np.full((2, 2, 4), (128, 0, 0, 255), np.uint8))
    small.texture("rough", np.full((2, 2, 4), (0, 255, 0, 255), np.uint8))
    matte = {"KHR_materials_specular": {"specularFactor": 0.0}}
    for coat in (
        {"clearcoatFactor": 0.0},
        {"clearcoatFactor": 1.0},
        {"clearcoatFactor": 1.0, "clearcoatTexture": small.use("half")},
        {
            "clearcoatFactor": 1.0,
            "clearcoatRoughnessFactor": 0.9,
            "clearcoatRoughnessTexture": small.use("rough"),
        },
    ):
        surface = material("clearcoat", coat)
        surface["extensions"] |= matte
        small.pane(surface)
    picture = under_grey_sky(small, exposure=3.0)
    for number, expected in enumerate((0.0, LIGHT * 0.04, LIGHT * 0.04 * 128 / 255, LIGHT * 0.04)):
        found = middle(picture, number)[0]
        assert found == pytest.approx(min(8.0 * expected, 1.0), rel=0.03, abs=0.002), number


def test_a_clear_coat_hides_a_part_of_what_is_emitted_below(small: SmallGltf) -> None:
    small.pane(material("clearcoat", {"clearcoatFactor": 1.0}, emissiveFactor=[0.9] * 3))
    small.pane(material(emissiveFactor=[0.9] * 3))
    picture = shown(small, small.scene({"sun": DARK}))
    assert middle(picture, 0)[0] == pytest.approx(0.9 * 0.96, abs=0.004)
    assert middle(picture, 1)[0] == pytest.approx(0.9, abs=0.004)


def test_a_tint_takes_the_same_of_each_colour_below_in_direct_light_too(small: SmallGltf) -> None:
    """Seen and lit straight, a lobe of roughness 1 reflects a quarter of what a matte surface does."""
    white = {"baseColorFactor": [1, 1, 1, 1], "metallicFactor": 0, "roughnessFactor": 1}
    tinted = {"specularColorFactor": [10.0, 1.0, 0.0]}
    small.pane(material("specular", tinted) | {"pbrMetallicRoughness": white})
    sun = {"@type": "light", "intensity": np.pi, "sky": [0, 0, 0], "ground": [0, 0, 0]}
    picture = shown(small, small.scene({"sun": {"features": [sun]}}))
    f0 = np.array([0.4, 0.04, 0.0])
    np.testing.assert_allclose(middle(picture, 0), 1.0 - f0.max() + f0 / 4, rtol=0.01)


def coat_highlight(normal: Floats, light: Floats, view: Floats, rough: float) -> float:
    """The light of 1 lux that a full coat sends to the eye (GGX, height-correlated Smith)."""
    half = (light + view) / np.linalg.norm(light + view)
    squared = rough**4
    nl, nv, nh = (max(float(normal @ other), 0.0) for other in (light, view, half))
    distribution = squared / (np.pi * (nh * nh * (squared - 1.0) + 1.0) ** 2)
    shadowed = nl * np.sqrt(nv * nv * (1 - squared) + squared) + nv * np.sqrt(
        nl * nl * (1 - squared) + squared
    )
    fresnel = 0.04 + 0.96 * (1.0 - nv) ** 5
    return float(fresnel * distribution * 0.5 / shadowed * nl)


def test_a_clear_coat_has_a_highlight_of_its_own_by_its_roughness_and_normal(small: SmallGltf) -> None:
    slope = np.full((2, 2, 4), (128 + 60, 128, 240, 255), np.uint8)
    small.texture("slope", slope)
    coat = {"clearcoatFactor": 1.0, "clearcoatRoughnessFactor": 0.5}
    bumps = {"clearcoatNormalTexture": small.use("slope", scale=0.5)}
    for more in ({}, {"clearcoatRoughnessFactor": 0.3}, bumps):
        surface = material("clearcoat", coat | more)
        surface["extensions"]["KHR_materials_specular"] = {"specularFactor": 0.0}
        small.pane(surface)
    sun = {"@type": "light", "intensity": 8, "sky": [0, 0, 0], "ground": [0, 0, 0]}
    picture = shown(small, small.scene({"sun": {"euler": [0, 20, 0], "features": [sun]}}))
    towards = np.array([np.sin(np.radians(20)), 0.0, np.cos(np.radians(20))])
    tilted = (np.array([188, 128, 240]) / 255 * 2 - 1) * (0.5, 0.5, 1.0)
    straight = np.array([0.0, 0.0, 1.0])
    for number, (normal, rough) in enumerate(
        ((straight, 0.5), (straight, 0.3), (tilted / np.linalg.norm(tilted), 0.5))
    ):
        view = np.array([1.2 * (1 - number), 0.0, 100.0])
        expected = 8.0 * coat_highlight(normal, towards, view / np.linalg.norm(view), rough)
        assert middle(picture, number)[0] == pytest.approx(expected, rel=0.03), number


def test_the_full_material_looks_as_the_default_one_where_it_has_no_more(small: SmallGltf) -> None:
    for metallic in (0.0, 0.4, 1.0):
        surface = {"baseColorFactor": [0.8, 0.4, 0.2, 1], "metallicFactor": metallic, "roughnessFactor": 0.4}
        small.pane({"pbrMetallicRoughness": surface})
        small.pane({"pbrMetallicRoughness": surface}, COLOR_0=np.ones((4, 3), np.float32))
    sun = {"@type": "light", "intensity": 1, "sky": [0.3, 0.4, 0.5], "ground": [0.2, 0.1, 0.1]}
    picture = shown(small, small.scene({"sun": {"euler": [-20, 15, 0], "features": [sun]}}))
    grey = under_grey_sky(small)
    for each in (picture, grey):
        panes = each.reshape(SIDE, 6, SIDE, 3)[:, :, SIDE // 2]
        assert panes[SIDE // 2].min() > 20
        np.testing.assert_allclose(panes[:, 1::2], panes[:, ::2], atol=1)


def test_vertex_colours_multiply_the_base_colour(small: SmallGltf) -> None:
    colors = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]], np.float32)
    unlit = {"KHR_materials_unlit": {}}
    half = {"baseColorFactor": [0.5, 0.5, 0.5, 1]}
    small.pane({"pbrMetallicRoughness": half, "extensions": unlit}, COLOR_0=colors)
    small.pane({"pbrMetallicRoughness": half | {"roughnessFactor": 1, "metallicFactor": 0}}, COLOR_0=colors)
    around = {"@type": "light", "intensity": 0, "sky": [1, 1, 1], "ground": [1, 1, 1]}
    picture = shown(small, small.scene({"sun": {"features": [around]}}))
    right = (np.arange(40) + 0.5) / 40
    row = linear(picture[24, 4:44])
    np.testing.assert_allclose(row[:, 0], 0.5 * (1 - right), atol=0.006)
    np.testing.assert_allclose(row[:, 1], 0.5 * right, atol=0.006)
    assert (row[:, 2] == 0).all()
    lit = linear(picture[24, SIDE + 4 : SIDE + 44])
    assert lit[5, 0] > 2 * lit[5, 1]
    assert lit[-5, 1] > 2 * lit[-5, 0]


def test_the_alpha_of_vertices_blends_and_cuts(small: SmallGltf) -> None:
    colors = np.array([[1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0]], np.float32)
    unlit = {"extensions": {"KHR_materials_unlit": {}}}
    small.pane(unlit | {"alphaMode": "BLEND"}, COLOR_0=colors)
    small.pane(unlit | {"alphaMode": "MASK", "alphaCutoff": 0.25}, COLOR_0=colors)
    picture = shown(small, small.scene({"sun": DARK}))
    right = (np.arange(40) + 0.5) / 40
    np.testing.assert_allclose(linear(picture[24, 4:44, 0]), right, atol=0.006)
    np.testing.assert_array_equal(picture[24, SIDE + 4 : SIDE + 44, 0], np.where(right < 0.25, 0, 255))


def test_what_the_alpha_of_vertices_cuts_casts_no_shadow(small: SmallGltf) -> None:
    colors = np.array([[1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0]], np.float32)
    small.pane({"alphaMode": "MASK", "alphaCutoff": 0.5, "doubleSided": True}, COLOR_0=colors)
    small.pane({"pbrMetallicRoughness": {"metallicFactor": 0, "roughnessFactor": 1}})
    dark = {"@type": "light", "sky": [0, 0, 0], "ground": [0, 0, 0]}
    scene = small.scene({"sun": {"euler": [0, -45, 0], "features": [dark]}})
    picture = shown(small, scene, "model/node0.translation=[0 0 1.2]")
    row = picture[24, SIDE + 4 : SIDE + 44, 0]
    assert (row[3:17] > 100).all(), "through the part that is cut"
    assert (row[23:37] == 0).all()


def test_textures_of_the_coat_have_coordinates_of_their_own(small: SmallGltf) -> None:
    halves = np.zeros((2, 2, 4), np.uint8)
    halves[:, 1] = 255
    small.texture("halves", halves, magFilter=9728, minFilter=9728)
    upright = CORNERS[:, ::-1]
    moved = {"KHR_texture_transform": {"offset": [0.5, 0.0]}}
    usual = {"clearcoatFactor": 1.0, "clearcoatRoughnessFactor": 0.5}
    for coat in (
        {"clearcoatTexture": small.use("halves")},
        {"clearcoatTexture": small.use("halves", extensions=moved)},
        {"clearcoatTexture": small.use("halves", texCoord=1)},
        {
            "clearcoatTexture": small.use("halves"),
            "clearcoatRoughnessTexture": small.use("halves", texCoord=1),
            "clearcoatRoughnessFactor": 1.0,
        },
    ):
        surface = material("clearcoat", usual | coat)
        surface["extensions"]["KHR_materials_specular"] = {"specularFactor": 0.0}
        small.pane(surface, TEXCOORD_1=upright)
    sun = {"@type": "light", "intensity": 10, "sky": [0, 0, 0], "ground": [0, 0, 0]}
    picture = shown(small, small.scene({"sun": {"features": [sun]}}))
    corners = [
        [
            picture[row, SIDE * number + column, 0] > 60
            for row, column in ((14, 14), (14, 34), (34, 14), (34, 34))
        ]
        for number in range(3)
    ]
    assert corners == [
        [False, True, False, True],
        [True, False, True, False],
        [False, False, True, True],
    ], "upper left and right, lower left and right"
    smooth, rough = picture[14, 3 * SIDE + 34, 0], picture[34, 3 * SIDE + 34, 0]
    assert smooth == 255
    assert 20 < rough < 80
    assert picture[14, 3 * SIDE + 14, 0] == 0


def test_textures_of_the_reflection_have_coordinates_of_their_own(small: SmallGltf) -> None:
    halves = np.zeros((2, 2, 4), np.uint8)
    halves[:, 1] = 255
    small.texture("halves", halves, magFilter=9728, minFilter=9728)
    both = {
        "specularTexture": small.use("halves"),
        "specularColorTexture": small.use("halves", texCoord=1),
    }
    small.pane(material("specular", both), TEXCOORD_1=CORNERS[:, ::-1])
    picture = under_grey_sky(small, exposure=3.0)
    assert (picture[8:40, 6:22] == 0).all(), "nothing is reflected on the left"
    assert picture[34, 34, 0] > 2 * picture[14, 34, 0], "and little above, where only the edges would"


EDGES = np.array([[-0.5, 1.5], [1.5, 1.5], [1.5, -0.5], [-0.5, -0.5]], np.float32)
STRIPES = np.zeros((1, 4, 4), np.uint8)
STRIPES[0, :, 0], STRIPES[..., 3] = (0, 85, 170, 255), 255


def test_textures_are_wrapped_and_filtered_as_their_samplers_say(small: SmallGltf) -> None:
    """All lie in one array page, and differ in how they are sampled alone."""
    wraps = {"repeat": 10497, "clamp": 33071, "mirror": 33648}
    for name, number in wraps.items():
        small.texture(name, STRIPES, wrapS=number, wrapT=number, magFilter=9728, minFilter=9728)
    small.texture("linear", STRIPES, wrapS=33071, minFilter=9729)
    for name in (*wraps, "linear"):
        unlit = {"pbrMetallicRoughness": {"baseColorTexture": small.use(name)}}
        small.pane(unlit | {"extensions": {"KHR_materials_unlit": {}}}, TEXCOORD_0=EDGES)
    scene = small.scene({"sun": DARK})
    with open_scene(scene, size=small.size) as opened:
        assert opened.problems == ()
        picture = np.asarray(opened.frame()).astype(int)[24, :, 0]
        plan = opened.plan_text
    rows = [picture[SIDE * number + 4 : SIDE * number + 44] for number in range(4)]
    steps = np.repeat(np.arange(-2, 6), 5)
    np.testing.assert_array_equal(rows[0], STRIPES[0, steps % 4, 0])
    np.testing.assert_array_equal(rows[1], STRIPES[0, np.clip(steps, 0, 3), 0])
    np.testing.assert_array_equal(rows[2], STRIPES[0, [1, 0, 0, 1, 2, 3, 3, 2], 0].repeat(5))
    assert len(np.unique(rows[3])) > 12, "mixed between texels"
    assert re.findall(r"samplers: \[ *\[0 ([a-z ]+)\]", plan) == [
        "nearest",
        "clamp nearest",
        "mirror nearest",
        "clamp repeat",
    ]


def test_materials_of_one_page_that_are_sampled_alike_share_their_descriptor_set(
    small: SmallGltf, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: set[object] = set()
    acquire = DescriptorSets.acquire

    def acquired(sets: DescriptorSets, *contents: Any) -> Any:
        made.add(contents)
        return acquire(sets, *contents)

    for name, number in (("one", 33071), ("two", 33071), ("three", 10497)):
        small.texture(name, STRIPES, wrapS=number, minFilter=9729)
        surface = {"pbrMetallicRoughness": {"baseColorTexture": small.use(name)}}
        small.pane(surface | {"extensions": {"KHR_materials_unlit": {}}})
    monkeypatch.setattr(DescriptorSets, "acquire", acquired)
    with open_scene(small.scene({"sun": DARK}), size=small.size) as opened:
        opened.step(count=3)
    of_textures = {contents for contents in made if len(contents[1]) == 11}
    first = [contents[1][0] for contents in of_textures]
    arrived = [one for one in first if [other.view for other in first].count(one.view) > 1]
    assert len({one.sampler for one in arrived}) == 2
    assert len(arrived) == 2
