"""Claims about what pipelines are made from: all that a plan prints of one is in its create info."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from engine.assets import open_library
from engine.feature import Feature, discover
from engine.feature.mesh_assets import mesh_drawables, mesh_requirements
from engine.graph import (
    SCENE_COLOR,
    SCENE_DEPTH,
    ColorTarget,
    DepthTarget,
    DrawPass,
    ImageDecl,
    PushValue,
    RasterState,
    Samples,
)
from engine.plan import Blend, CompareOp, CullMode, Format, FrontFace, ShaderStage, Topology
from engine.plan.terms.drawing_rows import PipelineRow, PipelineState
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from engine.tableau.schema import asset_field
from engine.vk.binding import constants, ffi
from engine.vk.device import Device

pytestmark = pytest.mark.gpu

PLAIN = ImageDecl("plain", Format.R16G16B16A16_SFLOAT)
PLAIN_DEPTH = ImageDecl("plainDepth", Format.D32_SFLOAT)
MASKED = ImageDecl("masked", Format.R16G16B16A16_SFLOAT, samples=Samples.FRAME)

VERTEX = """#version 450
#include "draws.glsl"
layout(push_constant) uniform Push { layout(offset = 16) vec2 shift; } push;
layout(location = 0) in vec3 pos;
void main() {
    gl_PointSize = 1.0;
    gl_Position = frame.viewProjection * objectMatrix(draws.row[gl_InstanceIndex].x) * vec4(pos, 1.0);
    gl_Position.xy += push.shift;
}
"""
ONE = """#version 450
layout(push_constant) uniform Push { vec3 tint; } push;
layout(location = 0) out vec4 colour;
void main() { colour = vec4(push.tint, 0.5); }
"""
TWO = ONE.replace("void main", "layout(location = 1) out vec4 other;\nvoid main").replace(
    "0.5); }", "0.5); other = colour; }"
)
NOTHING = "#version 450\nvoid main() {}\n"
SCENE = """version: 1
assetDb: { name: own  assets: [
    { @type: model  name: faces  mesh: faces  material: plain }
    { @type: material  name: plain  shaders: [plain.vs plain.fs] }
    { @type: shader  name: plain.vs  source: plain.vs.glsl  stage: vertex_shader_bit }
    { @type: shader  name: plain.fs  source: plain.fs.glsl  stage: fragment_shader_bit }
    { @type: mesh  name: faces  source: points.hu
      lods: [{ topology: TOPOLOGY  vertices: faces  indices: faces }] }
    { @type: vertices  name: faces  source: faces  vertexFormat: [[pos r32g32b32_sfloat]] }
    { @type: indices  name: faces  source: faces  indexFormat: uint16 }
] }
tableau: { name: t  objects: {
    camera: { features: [{ @type: camera }] }
    thing: { translation: [0 0 -5]  features: [{ @type: states  asset: [own faces] }] }
} }
"""
MESH = """mesh: { name: faces
    vertices: { pos: [[0 0 0] [1 0 0] [0 1 0] [1 1 0] [2 0 0] [2 2 0]] }
    indices: [0 1 2 3 4 5]
}
"""
PLAIN_VERTEX = """#version 450
layout(location = 0) in vec3 pos;
void main() { gl_PointSize = 1.0; gl_Position = vec4(pos, 1.0); }
"""
PLAIN_FRAGMENT = "#version 450\nlayout(location = 0) out vec4 colour;\nvoid main() { colour = vec4(1.0); }\n"


class States(Feature):
    """Draws a mesh in passes with every kind of state."""

    type_name = "states"
    fields = (asset_field("asset", types=("mesh", "model")),)
    shaders: ClassVar = {"at.vs": VERTEX, "one.fs": ONE, "two.fs": TWO, "none.fs": NOTHING}

    def requirements(self, asset, library):
        return mesh_requirements(asset, library)

    def drawables(self, asset, library):
        return mesh_drawables(asset, library)

    def passes(self, rows):
        base = DrawPass(
            "base",
            draws="states",
            color=(ColorTarget(SCENE_COLOR),),
            depth=DepthTarget(SCENE_DEPTH),
            pushes=(PushValue("tint", (1.0, 0.5, 0.0)), PushValue("shift", (0.0, 0.25))),
            shaders=("states/at.vs", "states/one.fs"),
        )
        tested = DepthTarget(PLAIN_DEPTH, write=False, compare=CompareOp.LESS_OR_EQUAL)
        both = (ColorTarget(PLAIN), ColorTarget(replace(PLAIN, name="other"), Blend.ADD))
        return (
            base,
            replace(base, name="alpha", color=(ColorTarget(SCENE_COLOR, Blend.ALPHA),), depth=None),
            replace(base, name="front", state=RasterState(CullMode.FRONT, FrontFace.CLOCKWISE)),
            replace(
                base,
                name="two",
                color=both,
                depth=DepthTarget(PLAIN_DEPTH),
                shaders=("states/at.vs", "states/two.fs"),
                state=RasterState(CullMode.NONE, depth_bias=-2.0, depth_bias_slope=1.5, depth_clamp=True),
            ),
            replace(
                base,
                name="edges",
                color=(ColorTarget(PLAIN, Blend.PREMULTIPLIED),),
                depth=tested,
                state=RasterState(wireframe=True, depth_bias_slope=0.5),
            ),
            replace(
                base, name="depthOnly", color=(), depth=DepthTarget(replace(PLAIN_DEPTH, name="alone")),
                shaders=("states/at.vs",), pushes=base.pushes[1:],
            ),
        )  # fmt: skip


@dataclass
class Created:
    """What was asked of the device: create infos of pipelines by their names, and those of their layouts."""

    pipelines: dict[str, Any] = field(default_factory=dict)
    layouts: dict[int, Any] = field(default_factory=dict)
    sets: dict[int, Any] = field(default_factory=dict)
    front_faces: list[int] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)


@pytest.fixture
def created(monkeypatch: pytest.MonkeyPatch) -> Created:
    """The create infos of all pipelines and layouts from here on."""
    found = Created()
    create = Device.create

    def noting(self: Device, type_name: str, info: Any, *, name: str = "", why: str = "", **more: Any) -> Any:
        handle = create(self, type_name, info, name=name, why=why, **more)
        found.kept.append(info)
        if type_name == "Pipeline":
            found.pipelines[name] = info
        elif type_name == "PipelineLayout":
            found.layouts[int(ffi.cast("uintptr_t", handle))] = info
        elif type_name == "DescriptorSetLayout":
            found.sets[int(ffi.cast("uintptr_t", handle))] = info
        return handle

    monkeypatch.setattr(Device, "create", noting)
    return found


@contextmanager
def opened(folder: Path, topology: str) -> Iterator[Runtime]:
    """The scene with a mesh of this topology."""
    for name, text in (
        ("points.hu", MESH),
        ("plain.vs.glsl", PLAIN_VERTEX),
        ("plain.fs.glsl", PLAIN_FRAGMENT),
        ("scene.hu", SCENE.replace("TOPOLOGY", topology)),
    ):
        (folder / name).write_text(text)
    registry = discover()
    registry.register(States())
    scene = load_scene(folder / "scene.hu", registry)
    options = RuntimeOptions(size=(32, 16), validate=True, trials=False)
    with open_library(scene.dbs) as library, Runtime(scene, library, options) as runtime:
        yield runtime
        messages = [str(message) for message in runtime.instance.messages.all]
    assert messages == []


FACTORS = {
    Blend.ALPHA: (constants.VK_BLEND_FACTOR_SRC_ALPHA, constants.VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA),
    Blend.PREMULTIPLIED: (constants.VK_BLEND_FACTOR_ONE, constants.VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA),
    Blend.ADD: (constants.VK_BLEND_FACTOR_ONE, constants.VK_BLEND_FACTOR_ONE),
}


def blend_of(attachment: Any) -> Blend:
    """How a colour attachment is blended."""
    assert attachment.colorWriteMask == 0xF
    if not attachment.blendEnable:
        return Blend.OPAQUE
    assert attachment.colorBlendOp == attachment.alphaBlendOp == constants.VK_BLEND_OP_ADD
    factors = attachment.srcColorBlendFactor, attachment.dstColorBlendFactor
    (found,) = (blend for blend, of in FACTORS.items() if of == factors)
    return found


def state_of(info: Any) -> PipelineState:
    """The state in a create info; its front face is not in it, as that is dynamic."""
    raster, depth, blends = info.pRasterizationState, info.pDepthStencilState, info.pColorBlendState
    rendering = ffi.cast("VkPipelineRenderingCreateInfo *", info.pNext)
    dynamic = info.pDynamicState
    set_by_calls = dynamic.pDynamicStates[0 : dynamic.dynamicStateCount]
    assert constants.VK_DYNAMIC_STATE_FRONT_FACE in set_by_calls
    unused = (raster.rasterizerDiscardEnable, depth.stencilTestEnable, depth.depthBoundsTestEnable)
    assert not any((*unused, blends.logicOpEnable, info.pInputAssemblyState.primitiveRestartEnable))
    sampled = info.pMultisampleState
    assert sampled.alphaToOneEnable == sampled.alphaToCoverageEnable
    bias = (raster.depthBiasConstantFactor, raster.depthBiasSlopeFactor)
    assert raster.depthBiasClamp == 0.0
    assert blends.attachmentCount == rendering.colorAttachmentCount
    return PipelineState(
        cull=CullMode(raster.cullMode),
        depth_compare=CompareOp(depth.depthCompareOp),
        depth_test=bool(depth.depthTestEnable),
        depth_write=bool(depth.depthWriteEnable),
        depth_bias=bias if raster.depthBiasEnable else None,
        depth_clamp=bool(raster.depthClampEnable),
        wireframe=raster.polygonMode == constants.VK_POLYGON_MODE_LINE,
        alpha_to_coverage=bool(sampled.alphaToCoverageEnable),
        sides_apart=constants.VK_DYNAMIC_STATE_CULL_MODE in set_by_calls,
        blends=tuple(blend_of(blends.pAttachments[n]) for n in range(blends.attachmentCount)),
        samples=sampled.rasterizationSamples,
        colour_formats=tuple(
            Format(rendering.pColorAttachmentFormats[n]) for n in range(rendering.colorAttachmentCount)
        ),
        depth_format=Format(rendering.depthAttachmentFormat),
    )


def check(row: PipelineRow, info: Any, created: Created) -> None:
    """Compare all that a plan says of a pipeline with what it was made from."""
    layout = created.layouts[int(ffi.cast("uintptr_t", info.layout))]
    ranges = [layout.pPushConstantRanges[n] for n in range(layout.pushConstantRangeCount)]
    planned = [(int(row.push.stages), 0, row.push.bytes)] if row.push is not None else []
    assert [(one.stageFlags, one.offset, one.size) for one in ranges] == planned
    stages = [info.stage] if row.state is None else [info.pStages[n] for n in range(info.stageCount)]
    assert len(stages) == len(row.shaders)
    values = {}
    for stage in stages:
        special = stage.pSpecializationInfo
        for n in range(special.mapEntryCount if special != ffi.NULL else 0):
            entry = special.pMapEntries[n]
            data = ffi.buffer(special.pData, special.dataSize)[entry.offset : entry.offset + entry.size]
            values[entry.constantID] = int.from_bytes(data, "little")
    assert sorted(values.values()) == sorted(value for _, value in row.constants)
    if row.state is None:
        return
    assert replace(state_of(info), front_face=row.state.front_face) == row.state
    assert info.pInputAssemblyState.topology == row.topology
    vertices = info.pVertexInputState
    formats = dict(row.vertex_format)
    if vertices.vertexBindingDescriptionCount:
        assert vertices.pVertexBindingDescriptions[0].stride == row.vertex_stride
        for n in range(vertices.vertexAttributeDescriptionCount):
            assert vertices.pVertexAttributeDescriptions[n].format in {*formats.values(), Format.R32_UINT}


def check_all(runtime: Runtime, created: Created) -> int:
    """Check the pipelines of a plan that were made, at least one of each pass; return how many.

    One with which only placeholders would be drawn is made when that is so.
    """
    rows = [row for row in runtime.plan.pipelines if row.name in created.pipelines]
    assert {row.pass_name for row in rows} == {row.pass_name for row in runtime.plan.pipelines}
    for row in rows:
        check(row, created.pipelines[row.name], created)
    return len(rows)


@pytest.mark.parametrize(
    "topology", ["triangle_list", "triangle_strip", "line_list", "line_strip", "point_list"]
)
def test_pipelines_of_passes_have_the_state_that_the_plan_prints(
    tmp_path: Path, created: Created, topology: str
) -> None:
    with opened(tmp_path, topology) as runtime:
        runtime.settle()
        assert [str(one.message) for one in runtime.problems if one.code != "feature.absent"] == []
        rows = {row.pass_name: row for row in runtime.plan.pipelines}
        check_all(runtime, created)
        own = {name: row for name, row in rows.items() if name != "toneMap"}
        assert set(own) == {"base", "alpha", "front", "two", "edges", "depthOnly"}
        assert {row.topology for row in own.values()} == {Topology[topology.upper()]}
        states = {name: row.state for name, row in own.items()}
        assert states["alpha"].blends == (Blend.ALPHA,)
        assert not states["alpha"].depth_test
        assert states["two"].blends == (Blend.OPAQUE, Blend.ADD)
        assert (states["two"].depth_bias, states["two"].depth_clamp) == ((-2.0, 1.5), True)
        assert states["edges"].wireframe
        assert (states["edges"].depth_write, states["edges"].depth_compare) == (
            False,
            CompareOp.LESS_OR_EQUAL,
        )
        assert (states["base"].samples, states["two"].samples) == (4, 1)
        assert (states["depthOnly"].blends, states["depthOnly"].depth_bias) == ((), None)
        assert own["base"].push.stages == ShaderStage.VERTEX | ShaderStage.FRAGMENT


def test_front_faces_of_commands_are_those_that_the_plan_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, "triangle_list") as runtime:
        runtime.load()
        recorder, calls = runtime.renderer._recorder, []
        vk = recorder._vk

        class Noting:
            """Passes calls on, and notes which pipelines are bound and which front faces are set."""

            def __getattr__(self, name: str) -> Any:
                def call(*arguments: Any) -> Any:
                    if name == "vkCmdSetFrontFace":
                        calls.append(arguments[1])
                    elif name == "vkCmdBindPipeline":
                        calls.append(arguments[2])
                    return getattr(vk, name)(*arguments)

                return call

        monkeypatch.setattr(recorder, "_vk", Noting())
        runtime.frame()
        rows = {row.pass_name: row for row in runtime.plan.pipelines}
        made = {pipeline: identity for identity, pipeline in runtime.renderer._pipelines._live.items()}
        seen = {made[one][4]: face for one, face in zip(calls[::2], calls[1::2], strict=True)}
        assert seen == {name: row.state.front_face for name, row in rows.items()}
        assert seen["front"] == FrontFace.CLOCKWISE
        calls.clear()
        runtime.tableau["thing"].scale = (-1.0, 1.0, 1.0)  # a mirrored object has the other side in front
        runtime.frame()
        runtime.frame()
        mirrored = {made[one][4]: face for one, face in zip(calls[::2], calls[1::2], strict=True)}
        assert mirrored["front"] == FrontFace.COUNTER_CLOCKWISE
        assert mirrored["base"] == FrontFace.CLOCKWISE


@pytest.mark.parametrize("name", ["cube", "tableau", "transparent"])
def test_pipelines_of_scenes_have_the_state_that_the_plan_prints(
    root: Path, created: Created, name: str
) -> None:
    registry = discover()
    scene = load_scene(root / "scenes" / f"{name}.hu", registry)
    options = RuntimeOptions(size=(32, 16), validate=False, trials=False)
    with open_library(scene.dbs) as library, Runtime(scene, library, options) as runtime:
        runtime.settle()
        runtime.frame()
        assert check_all(runtime, created) >= 3
