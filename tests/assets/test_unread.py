"""Texture slots and parameters that no shader of a material reads are reported, with the nearest that is."""

from __future__ import annotations

import pytest
from support.projects import FRAGMENT_GLSL, TRIANGLE_DB, Project

from engine.assets import open_library
from engine.humon import Problem, Severity

TEXTURES = "textures: { albedo: picture  normal: bumps }"
PARAMETERS = """
struct Row { vec4 baseColor; float roughness; };
layout(std430, set = 0, binding = 1) readonly buffer Materials { Row rows[]; } materials;
"""


def problems_of(project: Project, text: str) -> list[Problem]:
    with open_library([project.db(text)]) as library:
        return library.problems


def with_parameters(project: Project) -> None:
    source = FRAGMENT_GLSL.replace("void main", f"{PARAMETERS}void main")
    used = source.replace(
        "colour = ", "colour = materials.rows[0].baseColor * materials.rows[0].roughness * "
    )
    project.write("assets/plain.fs.glsl", used)


@pytest.mark.parametrize(
    "written",
    ["textures: { albdo: picture  normal: bumps }", "texture_adbis: [[albdo 7] [normal 8]]"],
)
def test_a_slot_that_no_shader_reads_is_a_warning_at_its_place(project: Project, written: str) -> None:
    (problem,) = problems_of(project, TRIANGLE_DB.replace(TEXTURES, written))
    assert (problem.code, problem.severity) == ("asset.unread", Severity.WARNING)
    assert problem.message == "material 'plain' has the slot 'albdo', which none of its shaders reads"
    assert problem.help == "did you mean 'albedo'?"
    assert problem.position is not None
    assert (problem.position.file, problem.position.line) == ("scenes/db.hu", 10)


def test_slots_that_are_read_are_no_problem(project: Project) -> None:
    assert problems_of(project, TRIANGLE_DB) == []


def test_a_parameter_that_no_shader_reads_is_a_warning_too(project: Project) -> None:
    with_parameters(project)
    text = TRIANGLE_DB.replace(TEXTURES, f"{TEXTURES} parameters: {{ baseColour: [1 1 1 1] roughness: 1 }}")
    (problem,) = problems_of(project, text)
    assert (problem.code, problem.help) == ("asset.unread", "did you mean 'baseColor'?")
    assert "parameter 'baseColour'" in problem.message


def test_a_parameter_is_unread_where_no_shader_has_the_block(project: Project) -> None:
    text = TRIANGLE_DB.replace(TEXTURES, f"{TEXTURES} parameters: {{ roughness: 1 }}")
    (problem,) = problems_of(project, text)
    assert (problem.code, problem.help) == ("asset.unread", "remove it")


def test_materials_with_the_same_unread_slot_are_one_warning(project: Project) -> None:
    line = next(line for line in TRIANGLE_DB.splitlines() if "@type: material" in line)
    wrong = line.replace("albedo:", "glow:")
    text = TRIANGLE_DB.replace(line, "\n".join([line, wrong, wrong.replace("name: plain", "name: other")]))
    text = text.replace(wrong, wrong.replace("name: plain", "name: first"), 1)
    (problem,) = problems_of(project, text)
    assert problem.message.startswith("material 'first' and 1 more have the slot 'glow'")
    assert problem.help == "known: albedo, normal"


def test_a_material_with_a_broken_shader_has_no_more_problems(project: Project) -> None:
    project.write("assets/plain.fs.glsl", "nothing")
    codes = {problem.code for problem in problems_of(project, TRIANGLE_DB.replace("albedo:", "albdo:"))}
    assert codes == {"asset.broken", "shader.compile"}


def test_a_material_that_is_unlit_for_no_shader_is_a_warning_that_names_those_which_read_it(
    project: Project,
) -> None:
    (problem,) = problems_of(project, TRIANGLE_DB.replace(TEXTURES, f"{TEXTURES} unlit: true"))
    assert (problem.code, problem.severity) == ("asset.unread", Severity.WARNING)
    assert problem.message == "material 'plain' has the field 'unlit', which none of its shaders reads"
    assert "fullMaterial" in problem.help
    assert problem.position is not None
    assert (problem.position.file, problem.position.line) == ("scenes/db.hu", 10)
