"""Claims about the records of materials: how they cover, with errors at their place."""

from __future__ import annotations

import pytest
from support.projects import TRIANGLE_DB, Project

from engine.assets import AlphaMode, Material, Sampling, Texture2d, TextureFilter, Wrap
from engine.humon import InputError

TEXTURES = "textures: { albedo: picture  normal: bumps }"


def material(project: Project, more: str) -> Material:
    db = project.db(TRIANGLE_DB.replace(TEXTURES, f"{TEXTURES} {more}"))
    (found,) = (asset for asset in db.assets if isinstance(asset, Material))
    return found


def test_a_material_is_opaque_and_single_sided_unless_it_says_otherwise(project: Project) -> None:
    plain = material(project, "")
    assert (plain.alpha_mode, plain.alpha_cutoff, plain.double_sided) == (AlphaMode.OPAQUE, 0.5, False)
    leaf = material(project, "alphaMode: mask  alphaCutoff: 0.25  doubleSided: true")
    assert (leaf.alpha_mode, leaf.alpha_cutoff, leaf.double_sided) == (AlphaMode.MASK, 0.25, True)
    assert material(project, "alphaMode: blend").alpha_mode is AlphaMode.BLEND


def texture(project: Project, more: str) -> Texture2d:
    text = TRIANGLE_DB.replace("name: picture ", f"name: picture {more} ", 1)
    assert text != TRIANGLE_DB
    return next(asset for asset in project.db(text).assets if isinstance(asset, Texture2d))


def test_a_material_is_lit_unless_it_says_otherwise(project: Project) -> None:
    assert not material(project, "").unlit
    assert material(project, "unlit: true").unlit


def test_a_texture_is_repeated_and_filtered_unless_it_says_otherwise(project: Project) -> None:
    usual = texture(project, "").sampling
    assert usual == Sampling()
    assert (usual.number, usual.words) == (0, ())
    both = texture(project, "wrap: mirror").sampling
    assert (both.wrap, both.words) == ((Wrap.MIRROR, Wrap.MIRROR), ("mirror",))
    one = texture(project, "wrap: [repeat clamp]  filter: nearest").sampling
    assert one == Sampling((Wrap.REPEAT, Wrap.CLAMP), TextureFilter.NEAREST)
    assert one.words == ("repeat", "clamp", "nearest")
    assert Sampling.numbered(one.number) == one


@pytest.mark.parametrize(
    ("more", "code", "text"),
    [
        ("wrap: border", "value.choice", "border"),
        ("wrap: [repeat]", "value.count", "one along v"),
        ("wrap: [repeat [clamp]]", "value.kind", ""),
        ("filter: sharp", "value.choice", "sharp"),
        ("wraps: clamp", "asset.field", "wraps"),
    ],
)
def test_a_wrong_sampler_is_an_error(project: Project, more: str, code: str, text: str) -> None:
    with pytest.raises(InputError) as raised:
        texture(project, more)
    (problem,) = raised.value.problems
    assert problem.code == code
    assert text in problem.message
    assert problem.position is not None


@pytest.mark.parametrize(
    ("more", "code", "text", "help_text"),
    [
        ("alphaMode: masked", "value.choice", "masked", "mask"),
        ("alphaCutoff: -0.1", "value.range", "from 0 to 1", ""),
        ("alphaCutoff: nan", "value.range", "finite", ""),
        ("doubleSided: yes", "value.boolean", "true or false", ""),
        ("unlit: 1", "value.boolean", "true or false", ""),
        ("alphaMod: mask", "asset.field", "alphaMod", "alphaMode"),
        ("parameters: { roughness: nan }", "value.range", "finite", ""),
    ],
)
def test_a_wrong_field_is_an_error_at_its_place(
    project: Project, more: str, code: str, text: str, help_text: str
) -> None:
    with pytest.raises(InputError) as raised:
        material(project, more)
    (problem,) = raised.value.problems
    assert problem.code == code
    assert text in problem.message
    assert help_text in problem.help
    assert problem.position is not None
    assert (problem.position.file, problem.position.line) == ("scenes/db.hu", 10)
