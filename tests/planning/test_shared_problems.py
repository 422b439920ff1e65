"""Claims about faults of shaders that several materials or meshes use: one problem, which names the uses."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.random_scenes import profile

from engine.assets import open_library
from engine.feature import discover
from engine.humon import Problem
from engine.planning.offline import scene_problems, settled_frame
from engine.scene import load_scene

VERTEX = """#version 450
layout(set = 0, binding = 0) uniform Frame { mat4 viewProjection; } frame;
layout(location = 0) in vec3 POSITION;
void main() { gl_Position = frame.viewProjection * vec4(POSITION, 1.0); }
"""
FRAGMENT = """#version 450
DECLARED
layout(location = 0) out vec4 colour;
void main() { colour = vec4(USED); }
"""
UNGIVEN = "layout(set = 0, binding = 5, std430) readonly buffer Ungiven { vec4 value[]; } ungiven;"
MATERIALS = """struct Row { vec2 own; };
layout(set = 0, binding = 5, std430) readonly buffer Materials { Row row[]; } materials;"""
MESH = """  { @type: mesh  name: NAME  source: ../assets/cube.hu
    lods: [{ topology: triangle_list  vertices: NAME  indices: NAME }] }
  { @type: vertices  name: NAME  source: NAME  vertexFormat: [[pos r32g32b32_sfloat]] }
  { @type: indices  name: NAME  source: NAME  indexFormat: uint16 }
"""
FORMATS = (
    "",
    " [normal r32g32b32_sfloat]",
    " [uv_albedo r32g32_sfloat]",
    " [uv_normal r32g32_sfloat]",
    " [uv_tangent r32g32_sfloat]",
    " [uv_roughness r32g32_sfloat]",
)
MATERIAL = "  { @type: material  name: NAME  shaders: [vs fs]  MORE }\n"
SHADERS = """  { @type: shader  name: vs  source: ../assets/own.vs.glsl  stage: vertex_shader_bit }
  { @type: shader  name: fs  source: ../assets/own.fs.glsl  stage: fragment_shader_bit }
"""


def found(
    root: Path,
    folder: Path,
    models: list[tuple[str, str]],
    declared: str = "",
    used: str = "1.0",
    attribute: str = "pos",
    more: str = "",
) -> list[Problem]:
    """Plan a frame with models of (mesh, material) in picture, map and shadows; return its problems.

    Each mesh has a vertex format of its own. The fragment shader has what is `declared` and `used`.
    """
    (folder / "assets").mkdir()
    (folder / "scenes").mkdir()
    (folder / "assets/cube.hu").write_text((root / "assets/builtin/mesh/cube.hu").read_text())
    (folder / "assets/own.vs.glsl").write_text(VERTEX.replace("POSITION", attribute))
    fragment = FRAGMENT.replace("DECLARED", declared).replace("USED", used)
    (folder / "assets/own.fs.glsl").write_text(fragment)
    records = [MATERIAL.replace("NAME", name) for name in sorted({material for _, material in models})]
    records = [record.replace("MORE", more) for record in records]
    for number, mesh in enumerate(sorted({mesh for mesh, _ in models})):
        records.append(MESH.replace("NAME", mesh).replace("]] }", f"]{FORMATS[number]}] }}"))
    records += [
        f"  {{ @type: model  name: m{number}  mesh: {mesh}  material: {material} }}\n"
        for number, (mesh, material) in enumerate(models)
    ]
    objects = "".join(
        f"  o{number}: {{ features: [{{ @type: visibleModel  asset: [own m{number}] }}] }}\n"
        for number in range(len(models))
    )
    path = folder / "scenes/a.hu"
    path.write_text(
        f"version: 1\nassetDb: {{ name: own  assets: [\n{''.join(records)}{SHADERS}] }}\n"
        f"tableau: {{ name: t  objects: {{\n{objects}"
        "  sun: { features: [{ @type: light }] }\n"
        "  eye: { features: [{ @type: camera } { @type: areaMap }] }\n} }\n"
    )
    scene = load_scene(path, discover())
    with open_library(scene.dbs) as library:
        planner, _ = settled_frame(scene, library, profile("lavapipe"), (64, 48))
        return list(scene_problems(scene, library, planner))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_fault_of_a_shader_that_materials_share_is_one_problem_that_names_them(root, tmp_path):
    models = [("m0", name) for name in ("c", "a", "b")]
    (problem,) = found(root, tmp_path, models, UNGIVEN, "ungiven.value[0]")
    assert (problem.code, problem.position.line) == ("shader.interface", 3)
    assert type(problem) is Problem
    assert problem.message == (
        "shader 'fs' binds 'ungiven' in set 0, which this pass does not provide: "
        "material 'a', material 'b', material 'c'"
    )
    assert problem.help.startswith("it provides ")


def test_a_fault_of_a_shader_of_one_material_is_said_as_it_is(root, tmp_path):
    (problem,) = found(root, tmp_path, [("m0", "a"), ("m0", "a")], UNGIVEN, "ungiven.value[0]")
    assert problem.message == "shader 'fs' binds 'ungiven' in set 0, which this pass does not provide"


def test_an_attribute_that_no_mesh_has_is_one_problem_with_as_many_uses_as_there_is_room_for(root, tmp_path):
    (problem,) = found(root, tmp_path, [(f"m{n}", "a") for n in range(6)], attribute="psition")
    assert problem.message == (
        "shader 'vs', shader 'fs' reads the vertex attribute 'psition', which meshes do not have: "
        + ", ".join(f"vertices 'm{n}' with material 'a'" for n in range(4))
        + " and 2 more"
    )
    assert problem.help == "its attributes are pos"
    assert problem.position.line == 3


def test_a_parameter_that_does_not_fit_is_a_problem_of_each_material(root, tmp_path):
    used = "materials.row[0].own.xyxy"
    problems = found(
        root, tmp_path, [("m0", "a"), ("m0", "b")], MATERIALS, used, more="parameters: { own: [1 2 3] }"
    )
    assert [(problem.code, problem.position.line) for problem in problems] == [
        ("shader.interface", 3),
        ("shader.interface", 4),
    ]
    assert "the parameter 'own' does not fit" in problems[0].message
