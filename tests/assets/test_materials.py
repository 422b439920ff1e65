"""Claims about the records of materials: how they cover, with errors at their place."""

from __future__ import annotations

import pytest
from support.projects import TRIANGLE_DB, Project

from engine.assets import AlphaMode, Material
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


@pytest.mark.parametrize(
    ("more", "code", "text", "help_text"),
    [
        ("alphaMode: masked", "value.choice", "masked", "mask"),
        ("alphaCutoff: -0.1", "value.range", "from 0 to 1", ""),
        ("alphaCutoff: nan", "value.range", "finite", ""),
        ("doubleSided: yes", "value.boolean", "true or false", ""),
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
