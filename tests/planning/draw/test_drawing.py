"""Claims about the rows that a pass draws with: shaders, pipelines and descriptor sets of what is in use."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.assets import AssetRef, Member, SpecConstant
from engine.graph import (
    SCENE_COLOR,
    ColorTarget,
    CompiledPass,
    DepthTarget,
    DrawOrder,
    DrawPass,
    FullscreenPass,
    ImageDecl,
    RasterState,
    Samples,
    compile_graph,
)
from engine.plan.terms.drawing import AlphaMode, Blend, CompareOp, CullMode, DescriptorType, ShaderStage
from engine.plan.terms.drawing_rows import BindingRow, PipelineState
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys
from engine.planning.draw.blocks import Block
from engine.planning.draw.drawing import (
    PassDrawing,
    ShaderDrawing,
    drawing_plan,
    mesh_pipeline,
    pipeline_state,
    shader_state,
)
from engine.planning.draw.interfaces import CONSTANTS
from engine.planning.draw.material_use import MaterialUse, TextureUse
from engine.planning.draw.ring_names import RingNames
from engine.planning.draw.shading import PipelineKey, ShaderSet
from engine.planning.draw.tables import InUse

BOTH = ShaderStage.VERTEX | ShaderStage.FRAGMENT
COLOR = ImageDecl("tint", Format.R8G8B8A8_UNORM, samples=Samples.FRAME)
DEPTH = ImageDecl("far", Format.D32_SFLOAT, samples=Samples.FRAME)
SINGLE = ImageDecl("single", Format.D32_SFLOAT)
ONE, OTHER = (ImageDecl(name, Format.R16G16B16A16_SFLOAT) for name in ("one", "other"))


def binding(number: int, name: str) -> BindingRow:
    return BindingRow(number, name, DescriptorType.UNIFORM_BUFFER, 1, BOTH)


FRAME = tuple(binding(i, name) for i, name in enumerate(("frame", "instances", "draws", "materials", "sky")))
COLORS = (binding(0, "color"),)
USUAL, OWN = (Block([Member(name, 0, 16, "vec4")], 16) for name in ("usual", "own"))


def shading(name: str, *sets: tuple[BindingRow, ...], frame: Block = USUAL) -> ShaderSet:
    first = 10 * len(name)
    shaders = AssetRef(1, first), AssetRef(1, first + 1)
    stages = (ShaderStage.VERTEX, "main"), (ShaderStage.FRAGMENT, "shade")
    return ShaderSet(name, shaders, stages, sets, (), frame if sets else None, None)


def material(index: int, texture: int) -> MaterialUse:
    return MaterialUse(AssetRef(2, index), f"material {index}", (TextureUse(0, texture, 1),))


NAMES = RingNames(usual=shading("usual", FRAME))
RECIPES: Any = SimpleNamespace(
    shadings=[
        shading("a"),
        shading("bb", FRAME),
        shading("ccc", FRAME[:1], COLORS, frame=OWN),
        shading("dddd", FRAME),
    ],
    materials=[[], [], [material(0, 50), material(1, 51), material(2, 52)], []],
    pipelines=[
        PipelineKey(1, (("position", "r32g32b32_sfloat"),), (0,), 12, "TRIANGLE_LIST"),
        PipelineKey(2, (("uv", "r32g32_sfloat"),), (0,), 8, "TRIANGLE_STRIP"),
    ],
)


def compiled(declaration: DrawPass | FullscreenPass, samples: int = 1) -> CompiledPass:
    (found,) = compile_graph([declaration], (), samples).passes
    return replace(found, reads=(("sky", "skyMap"),))


def drawing(declaration: DrawPass | None = None, samples: int = 1, **used: list[int]) -> PassDrawing:
    in_use = InUse(
        np.array(used.get("shadings", [0, 1, 2])),
        np.array(used.get("pipelines", [0, 1])),
        np.zeros(0, np.int64),
        tuple(np.array(each, np.int64) for each in ([], [], used.get("materials", [0, 2]), [])),
    )
    p = compiled(declaration or DrawPass("forward", draws="visibleModel"), samples)
    state = pipeline_state(p.declaration, p.samples, p.declaration.state, frozenset())
    return PassDrawing(p, state, RECIPES, in_use, Keys(), (3, 4), NAMES)


def test_shaders_are_those_of_the_shader_sets_in_use():
    rows = list(drawing(shadings=[0, 2]).shaders())
    keys = [ref.key for number in (0, 2) for ref in RECIPES.shadings[number].shaders]
    assert [row.key for row in rows] == keys
    assert [row.stage for row in rows] == [ShaderStage.VERTEX, ShaderStage.FRAGMENT] * 2
    assert {row.requesters for row in rows} == {(3, 4)}


def test_a_shader_set_has_a_frame_set_if_it_binds_anything_and_a_set_for_each_material_in_use():
    made = drawing()
    rows = list(made.descriptor_sets())
    assert [row.name for row in rows] == [
        "forward/1/frame",
        "forward/2/frame",
        "forward/material 0",
        "forward/material 2",
    ]
    assert [row.layout for row in rows] == [FRAME, FRAME[:1], COLORS, COLORS]
    assert [row.contents for row in rows[2:]] == [((0, 50),), ((0, 52),)]
    names = ("frame", "instances", "forward.draws", "forward.materials.1", "skyMap")
    assert rows[0].contents == tuple((i, made.keys.transient(name)) for i, name in enumerate(names))
    assert rows[1].contents == ((0, made.keys.transient(f"frame.{OWN.digest}")),)
    assert {row.requesters for row in rows} == {(3, 4)}


def test_each_view_of_a_pass_has_a_frame_set_with_the_values_of_that_view():
    views = ("near", "far")
    made = drawing(DrawPass("forward", draws="visibleModel", views=views), shadings=[1, 2], materials=[0])
    rows = list(made.descriptor_sets())
    names = [f"forward/{number}/{view}/frame" for number in (1, 2) for view in views]
    assert [row.name for row in rows] == [*names, "forward/material 0"]
    own = f"frame.{OWN.digest}"
    rings = [made.keys.transient(f"{name}.{view}") for name in ("frame", own) for view in views]
    assert [row.contents[0] for row in rows[:4]] == [(0, ring) for ring in rings]
    assert rows[0].contents[1:] == rows[1].contents[1:]  # the rest is the same in all views


def test_pipelines_are_those_in_use_with_the_layout_of_their_vertices():
    first, second = drawing().pipelines()
    assert (first.name, second.name) == ("forward/0", "forward/1")
    assert first.vertex_format == (("position", Format.R32G32B32_SFLOAT),)
    assert (first.vertex_stride, second.vertex_stride) == (12, 8)
    assert (first.topology.name, second.topology.name) == ("TRIANGLE_LIST", "TRIANGLE_STRIP")
    assert second.shaders == tuple(ref.key for ref in RECIPES.shadings[2].shaders)
    assert [row.name for row in drawing(pipelines=[1]).pipelines()] == ["forward/1"]


@pytest.mark.parametrize(
    ("color", "depth", "samples"),
    [
        ((ColorTarget(COLOR),), None, 4),
        ((ColorTarget(SCENE_COLOR),), DepthTarget(DEPTH), 4),
        ((ColorTarget(ONE),), None, 1),
        ((ColorTarget(ONE), ColorTarget(OTHER)), DepthTarget(SINGLE), 1),
        ((), DepthTarget(SINGLE), 1),
    ],
)
def test_a_pipeline_draws_into_the_formats_and_samples_of_its_pass(color, depth, samples):
    (row,) = drawing(DrawPass("p", color=color, depth=depth), 4, pipelines=[0]).pipelines()
    assert row.state.samples == samples
    assert row.state.colour_formats == tuple(target.image.format for target in color)
    assert row.state.depth_format is (depth.image.format if depth else Format.UNDEFINED)
    assert (row.state.depth_test, row.state.depth_write) == (depth is not None,) * 2
    assert row.state.depth_compare is CompareOp.GREATER


@pytest.mark.parametrize(
    ("bias", "slope", "found"), [(0, 0, None), (2, 0, (2, 0)), (0, 3, (0, 3)), (2, 3, (2, 3))]
)
def test_depths_are_biased_by_a_constant_or_a_slope(bias, slope, found):
    state = RasterState(depth_bias=bias, depth_bias_slope=slope)
    (row,) = drawing(DrawPass("p", state=state), pipelines=[0]).pipelines()
    assert row.state.depth_bias == found


def test_a_plan_has_the_rows_of_all_passes():
    post = drawing(DrawPass("post", draws="x"), pipelines=[1])
    rows = drawing_plan({"one": drawing(pipelines=[0]), "two": post})
    assert [row.name for row in rows.pipelines] == ["forward/0", "post/1"]


def test_the_state_of_a_pipeline_is_that_of_its_pass_where_the_device_can_do_it():
    p = DrawPass(
        "p",
        color=(ColorTarget(ONE, Blend.ADD), ColorTarget(OTHER)),
        depth=DepthTarget(SINGLE, write=False, compare=CompareOp.EQUAL),
        state=RasterState(depth_clamp=True, wireframe=True),
    )
    can = frozenset({"depthClamp", "fillModeNonSolid"})
    state = pipeline_state(p, 1, p.state, can)
    assert state.blends == (Blend.ADD, Blend.OPAQUE)
    assert (state.depth_test, state.depth_write, state.depth_compare) == (True, False, CompareOp.EQUAL)
    for features, able in ((can, True), (None, True), (frozenset(), False)):
        state = pipeline_state(p, 1, p.state, features)
        assert (state.depth_clamp, state.wireframe) == (able, able)


def test_a_fullscreen_pass_draws_without_vertices_and_binds_what_it_reads():
    p = compiled(FullscreenPass("fog", color=(ColorTarget(SCENE_COLOR, Blend.ALPHA),)), 4)
    state, binds = shader_state(p, None), (binding(0, "frame"), binding(1, "sky"))
    made = ShaderDrawing(p, state, shading("a", binds), Keys(), (5,), NAMES)
    (row,), (bound,) = made.pipelines(), made.descriptor_sets()
    assert (row.name, row.vertex_format, row.vertex_stride, row.requesters) == ("fog", (), 0, (5,))
    assert (row.state.samples, row.state.depth_test, row.state.cull.name) == (4, False, "NONE")
    assert bound.contents == ((0, made.keys.transient("frame")), (1, made.keys.transient("skyMap")))
    assert len(list(made.shaders())) == 2
    bare = ShaderDrawing(p, row.state, shading("a"), Keys())
    assert list(bare.descriptor_sets()) == []


def test_the_state_of_a_pipeline_follows_from_its_material():
    state = PipelineState(samples=4, alpha_to_coverage=True)
    mesh = (("tangent", "r32g32b32a32_sfloat"),), (0,), 16, "TRIANGLE_LIST"
    constants = tuple(SpecConstant(name, number, "uint") for number, name in enumerate(("alphaMode", "own")))
    shaders = replace(shading("a"), constants=((), constants))
    plain = mesh_pipeline("p", state, PipelineKey(0, *mesh), shaders)
    assert (plain.state.cull, plain.state.alpha_to_coverage, plain.constants) == (CullMode.BACK, False, ())
    leaf = mesh_pipeline("p", state, PipelineKey(0, *mesh, AlphaMode.MASK, True), shaders)
    assert (leaf.state.cull, leaf.state.alpha_to_coverage) == (CullMode.NONE, True)
    assert leaf.constants == (("alphaMode", 1),), (
        "only those that the shaders declare, and not those that are 0"
    )
    every = replace(shaders, constants=((), tuple(SpecConstant(name, 0, "uint") for name in CONSTANTS)))
    leaf = mesh_pipeline("p", state, PipelineKey(0, *mesh, AlphaMode.MASK, True), every)
    assert leaf.constants == (("alphaMode", 1), ("alphaToCoverage", 1), ("samples", 4), ("hasTangents", 1))
    glass = mesh_pipeline("p", state, PipelineKey(0, *mesh, AlphaMode.BLEND), every)
    assert glass.constants == (("alphaMode", 2), ("samples", 4), ("hasTangents", 1))
    assert not glass.state.alpha_to_coverage
    for apart, topology, both, expected in (
        (True, "TRIANGLE_LIST", True, True),
        (True, "TRIANGLE_LIST", False, False),
        (True, "LINE_LIST", True, False),
        (False, "TRIANGLE_LIST", True, False),
    ):
        key = PipelineKey(0, *mesh[:3], topology, AlphaMode.BLEND, both)
        row = mesh_pipeline("p", replace(state, sides_apart=apart), key, every)
        assert row.state.sides_apart is expected


def test_only_passes_that_draw_from_back_to_front_draw_the_sides_of_faces_apart():
    color = (ColorTarget(SCENE_COLOR),)
    for p, expected in (
        (DrawPass("p", color=color), False),
        (DrawPass("p", color=color, order=DrawOrder.BACK_TO_FRONT), True),
        (FullscreenPass("p", color=color), False),
    ):
        assert pipeline_state(p, 1, RasterState(), None).sides_apart is expected


def test_a_pipeline_knows_by_name_what_its_pass_has_to_read():
    mesh = (("pos", "r32g32b32_sfloat"),), (0,), 12, "TRIANGLE_LIST"
    shaders = replace(shading("a"), constants=((SpecConstant("hasSky", 1, "bool"),),))
    row = mesh_pipeline("p", PipelineState(), PipelineKey(0, *mesh), shaders, frozenset({"sky", "map"}))
    assert row.constants == (("hasSky", 1),)
    assert mesh_pipeline("p", PipelineState(), PipelineKey(0, *mesh), shaders).constants == ()


def test_alpha_becomes_coverage_where_there_are_samples_colours_and_the_feature():
    colour = DrawPass("p", color=(ColorTarget(SCENE_COLOR),))
    for declared, samples, features, expected in (
        (colour, 4, frozenset({"alphaToOne"}), True),
        (colour, 4, None, True),
        (colour, 1, None, False),
        (colour, 4, frozenset(), False),
        (DrawPass("p", depth=DepthTarget(DEPTH)), 4, None, False),
    ):
        state = pipeline_state(declared, samples, RasterState(), features)
        assert state.alpha_to_coverage is expected
