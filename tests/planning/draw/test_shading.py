"""Shader sets merged from reflections made by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from engine.assets import AssetRef, Binding, Member, ShaderFacts, Variable, VertexFormat
from engine.assets.spirv.reflection import DescriptorType, Reflection, SpecConstant
from engine.humon import Problem
from engine.plan.terms.drawing import ShaderStage
from engine.planning.draw.interfaces import PassInterface
from engine.planning.draw.shading import LACKS_NORMALS, check_inputs, check_shaders, fits, shader_set

VERTEX, FRAGMENT = AssetRef(1, 0), AssetRef(1, 1)
FLOAT3 = next(form for form in VertexFormat if form.shader_kind == "float")
GIVEN = PassInterface(frozenset({"frame", "draws", "materials"}), {})
TRIANGLES, POINTS = "TRIANGLE_LIST", "POINT_LIST"
EYE, ROW = Member("eye", 0, 16, "vec4"), Member("tint", 0, 16, "vec4")


def frame(size: int, members: tuple[Member, ...] = (EYE,)) -> Binding:
    return Binding(0, 0, "frame", DescriptorType.UNIFORM_BUFFER, 1, "Frame", size, members)


def texture(binding: int, name: str, kind: str = "sampler2DArray", in_set: int = 1) -> Binding:
    return Binding(in_set, binding, name, DescriptorType.COMBINED_IMAGE_SAMPLER, 1, kind)


class Library:
    """Facts and labels of two shaders, by default a vertex and a fragment shader."""

    def __init__(
        self,
        vertex: tuple[Binding, ...],
        fragment: tuple[Binding, ...],
        stages: tuple[str, str] = ("VERTEX", "FRAGMENT"),
    ) -> None:
        inputs = (Variable("position", 0, FLOAT3, 3, "float"),) if stages[0] == "VERTEX" else ()
        self._facts = {
            VERTEX: _facts(stages[0], Reflection("main", 0, inputs, bindings=vertex)),
            FRAGMENT: _facts(stages[1], Reflection("main", 4, bindings=fragment)),
        }
        root = {"assetDb": {"assets": [None, None]}}
        self.dbs = [None, SimpleNamespace(document=SimpleNamespace(root=root, problem=self._problem))]

    def facts(self, ref: AssetRef) -> ShaderFacts:
        return self._facts[ref]

    def record(self, ref: AssetRef) -> Any:
        return SimpleNamespace(label=f"shader {ref.index}")

    def _problem(self, code: str, message: str, _node: object, **_more: object) -> Any:
        return Problem(code, message)


def _facts(stage: str, reflection: Reflection) -> ShaderFacts:
    return ShaderFacts(SimpleNamespace(name=stage), "main", reflection)  # type: ignore[arg-type]


def merged(vertex: tuple[Binding, ...], fragment: tuple[Binding, ...]) -> Any:
    library: Any = Library(vertex, fragment)
    return shader_set((VERTEX, FRAGMENT), library)


def checked(vertex: tuple[Binding, ...], fragment: tuple[Binding, ...]) -> list[str]:
    """The messages about these bindings of two shaders."""
    library: Any = Library(vertex, fragment)
    return [problem.message for problem in check_shaders((VERTEX, FRAGMENT), GIVEN, library, FRAGMENT)]


@pytest.mark.parametrize("sizes", [(16, 32), (32, 16)])
def test_of_two_blocks_at_one_binding_the_larger_counts_for_both_stages(sizes):
    made = merged((frame(sizes[0]),), (frame(sizes[1]),))
    assert made.frame.size == 32
    ((row,),) = made.sets
    assert row.stages == ShaderStage.VERTEX | ShaderStage.FRAGMENT
    assert (made.name, made.material, made.slots) == ("shader 0, shader 1", None, ())
    assert [variable.name for variable in made.inputs] == ["position"]


def test_sets_hold_their_bindings_in_order_and_slots_name_textures():
    materials = Binding(
        0,
        3,
        "materials",
        DescriptorType.STORAGE_BUFFER,
        1,
        "Materials",
        0,
        (Member("rows", 0, 0, "Row", 0, 48, (ROW,)),),
    )
    made = merged((), (texture(2, "color"), texture(1, "normal"), materials))
    assert [[(row.binding, row.name) for row in rows] for rows in made.sets] == [
        [(3, "materials")],
        [(1, "normal"), (2, "color")],
    ]
    assert made.slots == (("normal", 1), ("color", 2))
    assert (made.frame, made.material.size, list(made.material.fields)) == (None, 48, ["tint"])


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        (texture(0, "sky", in_set=0), "shader 1 binds 'sky' in set 0, which this pass does not provide"),
        (texture(0, "color", "sampler2D"), "shader 1 has 'color' in set 1 as sampler2D"),
        (texture(0, "color", in_set=2), "shader 1 binds 'color' in set 2"),
    ],
)
def test_what_nobody_binds_is_a_problem(binding, message):
    assert [message in text for text in checked((), (binding,))] == [True]


def test_two_stages_that_disagree_about_a_binding_are_a_problem():
    other = Binding(0, 0, "draws", DescriptorType.STORAGE_BUFFER, 1, "Draws")
    assert checked((frame(16),), (other,)) == [
        "set 0, binding 0 is Frame 'frame' in one stage and Draws 'draws' in another"
    ]


def test_all_that_is_wrong_with_the_shaders_of_a_material_is_reported_together():
    found = checked((texture(0, "sky", in_set=0),), (texture(0, "color", in_set=2),))
    assert [text.split("'")[1] for text in found] == ["sky", "color"]


@pytest.mark.parametrize(
    ("stages", "messages"),
    [
        (("VERTEX", "FRAGMENT"), []),
        (("FRAGMENT", "VERTEX"), []),
        (("VERTEX", "VERTEX"), ["shader 0 and shader 1 are vertex shaders: there is one of each stage"]),
        (
            ("FRAGMENT", "FRAGMENT"),
            [
                "shader 0 and shader 1 are fragment shaders: there is one of each stage",
                "there is no vertex shader among shader 0, shader 1",
            ],
        ),
        (
            ("COMPUTE", "FRAGMENT"),
            [
                "shader 0 is a compute shader, which this pass has no use for",
                "there is no vertex shader among shader 0, shader 1",
            ],
        ),
        (
            ("VERTEX", "TESSELLATION_CONTROL"),
            ["shader 1 is a tessellation_control shader, which this pass has no use for"],
        ),
    ],
)
def test_a_pipeline_has_one_vertex_stage_and_at_most_one_fragment_stage(stages, messages):
    library: Any = Library((), (), stages)
    found = check_shaders((VERTEX, FRAGMENT), GIVEN, library, FRAGMENT)
    assert [problem.message for problem in found] == messages


def test_a_mesh_needs_every_input_by_name_and_kind():
    library: Any = Library((), ())
    made = shader_set((VERTEX, FRAGMENT), library)
    good = [("position", FLOAT3)]
    assert check_inputs(made, good, TRIANGLES, "mesh", library, FRAGMENT) == ()
    assert fits(made, good, TRIANGLES)
    unsigned = next(form for form in VertexFormat if form.shader_kind != "float")
    for wrong, message in (
        ([("normal", FLOAT3)], "reads the vertex attribute 'position', which mesh"),
        ([("position", unsigned)], f"reads 'position' as float; mesh has it as {unsigned.value}"),
    ):
        assert not fits(made, wrong, TRIANGLES)
        (problem,) = check_inputs(made, wrong, TRIANGLES, "mesh", library, FRAGMENT)
        assert message in problem.message


def test_shaders_without_bindings_have_no_sets_and_no_slots():
    made = merged((), ())
    assert (made.sets, made.slots, made.frame, made.material) == ((), (), None, None)


def test_a_vertex_format_fits_only_with_every_input():
    library: Any = Library((), ())
    made = shader_set((VERTEX, FRAGMENT), library)
    made = replace(made, inputs=(*made.inputs, Variable("normal", 1, FLOAT3, 3, "float")))
    assert fits(made, [("normal", FLOAT3), ("position", FLOAT3)], TRIANGLES)
    assert not fits(made, [("position", FLOAT3)], TRIANGLES)
    assert not fits(made, [("normal", FLOAT3)], TRIANGLES)


@pytest.mark.parametrize("topology", [POINTS, "LINE_LIST", "LINE_STRIP"])
def test_points_and_lines_need_no_normals_for_shaders_that_know_what_lacks_them(topology: str):
    library: Any = Library((), ())
    made = shader_set((VERTEX, FRAGMENT), library)
    inputs = Variable("pos", 0, FLOAT3, 3, "float"), Variable("normal", 1, FLOAT3, 3, "float")
    unaware = replace(made, inputs=inputs, draws_points=True)
    aware = replace(unaware, constants=((SpecConstant(LACKS_NORMALS, 11, "bool"),),))
    bare = [("pos", FLOAT3)]
    assert fits(aware, bare, topology)
    assert check_inputs(aware, bare, topology, "mesh", library, FRAGMENT) == ()
    for shaders, drawn in ((unaware, topology), (aware, TRIANGLES)):
        assert not fits(shaders, bare, drawn)
        (problem,) = check_inputs(shaders, bare, drawn, "mesh", library, FRAGMENT)
        assert "'normal', which mesh does not have" in problem.message


def test_points_need_a_vertex_shader_that_writes_their_size():
    library: Any = Library((), ())
    made = shader_set((VERTEX, FRAGMENT), library)
    good = [("position", FLOAT3)]
    assert not fits(made, good, POINTS)
    (problem,) = check_inputs(made, good, POINTS, "mesh", library, FRAGMENT)
    assert "draws the points of mesh and writes no gl_PointSize" in problem.message
    sized = replace(made, draws_points=True)
    assert fits(sized, good, POINTS)
    assert check_inputs(sized, good, POINTS, "mesh", library, FRAGMENT) == ()


def test_members_of_a_block_lie_at_one_place_in_all_stages():
    moved = frame(32, (Member("eye", 16, 16, "vec4"),))
    assert checked((frame(16),), (moved,)) == [
        "'eye' of the block 'frame' is vec4 at byte 0 in one stage and vec4 at byte 16 in another"
    ]
    assert checked((frame(16),), (frame(32, (EYE, Member("far", 16, 4, "float"))),)) == []


def test_blocks_that_stages_share_have_the_members_of_both():
    far = Member("far", 16, 4, "float")
    made = merged((frame(16),), (frame(32, (far,)),))
    assert list(made.frame.fields) == ["eye", "far"]
    assert made.frame.size == 32
    elsewhere = replace(frame(32, (far,)), binding=3)
    made = merged((frame(16),), (elsewhere,))
    assert list(made.frame.fields) == ["eye", "far"]
    assert made.frame_stages == ShaderStage.VERTEX | ShaderStage.FRAGMENT
    longer = Member("eye", 0, 64, "vec4", 4, 16)
    made = merged((frame(16),), (frame(64, (longer,)),))
    assert made.frame.fields["eye"].count == 4


def test_rows_that_stages_share_have_the_members_of_both():
    glow = Member("glow", 16, 16, "vec4")
    made = merged(*((materials(32, "row", (one,)),) for one in (ROW, glow)))
    assert list(made.material.fields) == ["tint", "glow"]


def materials(stride: int, name: str, members: tuple[Member, ...]) -> Binding:
    rows = Member(name, 0, 0, "Material", 0, stride, members)
    return Binding(
        0, 3, "materials", DescriptorType.STORAGE_BUFFER, 1, "Materials", 0, (rows,), readonly=True
    )
