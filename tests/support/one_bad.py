"""Projects with a good and a bad object: each kind of misfit damages what the bad one draws with."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

VERTEX_GLSL = """#version 450
layout(set = 0, binding = 0, std140) uniform Frame { mat4 viewProjection; } frame;
layout(set = 0, binding = 1, std430) readonly buffer Instances { mat4 world[]; } instances;
layout(set = 0, binding = 2, std430) readonly buffer Draws { uvec2 row[]; } draws;
layout(location = 0) in vec3 pos;
layout(location = 1) in vec3 normal;
layout(location = 0) out vec3 shade;
layout(location = 1) flat out uint material;
void main() {
    uvec2 row = draws.row[gl_InstanceIndex];
    material = row.y;
    shade = normal;
    gl_Position = frame.viewProjection * instances.world[row.x] * vec4(pos, 1.0);
}
"""
FRAGMENT_GLSL = """#version 450
struct Material { uint layers[1]; vec4 tint; };
layout(set = 0, binding = 3, std430) readonly buffer Materials { Material row[]; } materials;
layout(set = 1, binding = 0) uniform sampler2DArray albedo;
layout(location = 0) in vec3 shade;
layout(location = 1) flat in uint material;
layout(location = 0) out vec4 colour;
void main() {
    Material m = materials.row[material];
    colour = m.tint * texture(albedo, vec3(0.5, 0.5, m.layers[0])) * vec4(shade.zzz, 1.0);
}
"""
COMPUTE_GLSL = "#version 450\nlayout(local_size_x = 1) in;\nvoid main() {}\n"
MESH = """mesh: {
    vertices: {
        pos: [[-0.5 -0.5 0] [0.5 -0.5 0] [0.5 0.5 0] [-0.5 0.5 0]]
        normal: [[0 0 1] [0 0 1] [0 0 1] [0 0 1]]
        frameIdxs: [0 0 0 0]
        frameWeights: [1 1 1 1]
    }
    indices: [[0 1 2] [0 2 3]]
    bones: [{ name: root }]
}
"""
SMALL_MESH = """mesh: {
    vertices: {
        pos: [[0 0 0] [1 0 0] [0 1 0]]
        normal: [[0 0 1] [0 0 1] [0 0 1]]
        frameIdxs: [0 0 0]
        frameWeights: [1 1 1]
    }
    indices: [0 1 2]
}
"""
ASSETS = """assetDb: { name: db assets: [
    { @type: model  name: good  mesh: good  material: good }
    { @type: mesh  name: good  source: assets/good.hu
        lods: [{ topology: triangle_list  vertices: good  indices: good }] }
    { @type: vertices  name: good  source: good
        vertexFormat: [[pos r32g32b32_sfloat] [normal r32g32b32_sfloat]] }
    { @type: indices  name: good  source: good  indexFormat: uint16 }
    { @type: material  name: good  shaders: [good.vs good.fs]  parameters: { tint: [0 1 0 1] } }
    { @type: shader  name: good.vs  source: assets/good.vs.glsl  stage: vertex_shader_bit }
    { @type: shader  name: good.fs  source: assets/good.fs.glsl  stage: fragment_shader_bit }

    { @type: model  name: bad  mesh: bad  material: bad }
    { @type: mesh  name: bad  source: assets/bad.hu
        lods: [{ topology: triangle_list  vertices: bad  indices: bad  numBlendWeights: 1  numBones: 1 }]
        skeleton: bad }
    { @type: vertices  name: bad  source: bad
        vertexFormat: [[pos r32g32b32_sfloat] [normal r32g32b32_sfloat]
            [frameIdxs r8_uint] [frameWeights r32_sfloat]] }
    { @type: indices  name: bad  source: bad  indexFormat: uint16 }
    { @type: skeleton  name: bad  source: bad }
    { @type: material  name: bad  shaders: [bad.vs bad.fs]  textures: { albedo: bad }
        parameters: { tint: [1 1 0 1] } }
    { @type: shader  name: bad.vs  source: assets/bad.vs.glsl  stage: vertex_shader_bit }
    { @type: shader  name: bad.fs  source: assets/bad.fs.glsl  stage: fragment_shader_bit }
    { @type: shader  name: compute  source: assets/compute.glsl  stage: compute_shader_bit }
    { @type: texture2d  name: bad  source: assets/bad.png }
    { @type: mesh  name: small  source: assets/small.hu
        lods: [{ topology: triangle_list  vertices: small  indices: small }] }
    { @type: vertices  name: small  source: small
        vertexFormat: [[pos r32g32b32_sfloat] [normal r32g32b32_sfloat]] }
    { @type: vertices  name: more  source: bad
        vertexFormat: [[pos r32g32b32_sfloat]] }
    { @type: indices  name: small  source: small  indexFormat: uint16 }
] }
"""
BAD_OBJECT = """        bad: { translation: [-0.7 0 0]  features: [
            { @type: visibleModel  asset: [db bad] } { @type: shadowCaster  asset: [db bad] } ] }
"""
SCENE = f"""version: 1
include: [assets.hu]
tableau: {{ name: t  objects: {{
{BAD_OBJECT}        good: {{ translation: [0.7 0 0]  features: [
            {{ @type: visibleModel  asset: [db good] }} {{ @type: shadowCaster  asset: [db good] }} ] }}
        camera: {{ translation: [0 0 3]  features: [{{ @type: camera  toneMapping: none }}] }}
        sun: {{ euler: [-20 10 0]  features: [{{ @type: light  intensity: 3 }}] }}
}} }}
"""


def make_project(folder: Path) -> Path:
    """Write the project without any damage; return its scene."""
    (folder / "assets").mkdir(parents=True)
    for name in ("good", "bad"):
        (folder / f"assets/{name}.vs.glsl").write_text(VERTEX_GLSL)
        (folder / f"assets/{name}.fs.glsl").write_text(FRAGMENT_GLSL)
        (folder / f"assets/{name}.hu").write_text(MESH)
    (folder / "assets/small.hu").write_text(SMALL_MESH)
    (folder / "assets/compute.glsl").write_text(COMPUTE_GLSL)
    Image.fromarray(np.full((2, 2, 4), 255, np.uint8)).save(folder / "assets/bad.png")
    (folder / "assets.hu").write_text(ASSETS)
    scene = folder / "scene.hu"
    scene.write_text(SCENE)
    return scene


@dataclass(frozen=True)
class Misfit:
    """One kind of misfit: the file that it changes, and the warning that it leads to.

    `place` is a part of the line that the warning names, in `at` (where it differs from the changed file).
    A `code` may be followed by those of the problems behind it.
    """

    name: str
    file: str
    old: str
    new: str
    codes: tuple[str, ...]
    text: str
    place: str
    at: str = "assets.hu"

    def damage(self, intact: Path, folder: Path) -> Path:
        """Copy an intact project with its cache, damage the copy, and return its scene."""
        shutil.copytree(intact.parent, folder)
        path = folder / self.file
        if self.old:
            text = path.read_text()
            assert self.old in text, self.name
            path.write_text(text.replace(self.old, self.new, 1))
        else:
            path.unlink()
            if self.new:
                path.write_text(self.new)
        return folder / intact.name

    def line(self, scene: Path) -> int:
        """The line that the warning names, counted from 1."""
        text = (scene.parent / self.at).read_text()
        assert self.place in text, self.name
        return text.split(self.place)[0].count("\n") + 1


_FORMAT = "vertexFormat: [[pos r32g32b32_sfloat] [normal r32g32b32_sfloat]\n            [frameIdxs"
_BROKEN_MESH = ("assets/bad.hu", "name: bad  source: assets/bad.hu")
_MATERIAL, _SHADER = "name: bad  shaders: [", "name: bad.fs"


def _format(*attributes: str) -> str:
    return f"vertexFormat: [{' '.join(attributes)}\n            [frameIdxs"


def _interface(name: str, file: str, old: str, new: str, text: str) -> Misfit:
    return Misfit(name, file, old, new, ("shader.interface",), text, _MATERIAL)


def _broken(name: str, old: str, new: str, codes: tuple[str, ...], text: str) -> Misfit:
    """A mesh source that cannot be used; reported at the first of its parts."""
    return Misfit(
        name,
        "assets/bad.hu",
        old,
        new,
        codes,
        text,
        "bad\n        vertexFormat: [[pos r32g32b32_sfloat] [normal r32g32b32_sfloat]\n            [frame",
    )


def _record(name: str, old: str, new: str, code: str, text: str) -> Misfit:
    """A record whose text is wrong; reported at its place alone, whatever is made of it."""
    return Misfit(name, "assets.hu", old, new, (code,), text, new)


MISFITS = (
    _interface(
        "the mesh lacks an attribute",
        "assets.hu",
        _FORMAT,
        _format("[pos r32g32b32_sfloat]"),
        "reads the vertex attribute 'normal', which vertices 'bad' does not have",
    ),
    Misfit(
        "the mesh lacks what both passes read",
        "assets.hu",
        _FORMAT,
        "vertexFormat: [[frameIdxs",
        ("shader.interface", "shader.interface"),
        "shader 'shadow' reads the vertex attribute 'pos', which vertices 'bad' does not have",
        "{ @type: vertices  name: bad",
    ),
    _interface(
        "the mesh lacks several attributes",
        "assets/bad.vs.glsl",
        "layout(location = 1) in vec3 normal;",
        "layout(location = 1) in vec3 normal; layout(location = 2) in vec2 a; layout(location = 3) in vec2 b;"
        "\n#define normal (normal + vec3(a, b.x))",
        "reads the vertex attributes 'a', 'b', which vertices 'bad' does not have",
    ),
    _interface(
        "an attribute is of another type",
        "assets.hu",
        _FORMAT,
        _format("[pos r32g32b32_sfloat] [normal r32g32b32_sint]"),
        "reads 'normal' as float; vertices 'bad' has it as r32g32b32_sint",
    ),
    _interface(
        "there are two fragment shaders",
        "assets.hu",
        "[bad.vs bad.fs]",
        "[bad.fs bad.vs good.fs]",
        "one of each",
    ),
    _interface("there is no vertex shader", "assets.hu", "[bad.vs bad.fs]", "[bad.fs]", "no vertex shader"),
    _interface(
        "a shader is of a stage that draws nothing",
        "assets.hu",
        "[bad.vs bad.fs]",
        "[bad.vs bad.fs compute]",
        "shader 'compute' is a compute shader",
    ),
    _interface(
        "a shader binds what nobody provides",
        "assets/bad.fs.glsl",
        "layout(set = 1",
        "layout(set = 0, binding = 9) uniform Rain { vec4 rain; } weather;\nlayout(set = 1",
        "binds 'weather'",
    ),
    _interface(
        "a parameter has too many numbers",
        "assets.hu",
        "tint: [1 1 0 1]",
        "tint: [1 1 0 1 1]",
        "it has 5 numbers",
    ),
    _interface(
        "a parameter is beyond 32-bit floats",
        "assets.hu",
        "tint: [1 1 0 1]",
        "tint: [1 1 0 1e300]",
        "out of the range",
    ),
    _interface(
        "points without a size",
        "assets.hu",
        "topology: triangle_list  vertices: bad",
        "topology: point_list  vertices: bad",
        "draws the points of vertices 'bad' and writes no gl_PointSize",
    ),
    _interface(
        "push constants",
        "assets/bad.fs.glsl",
        "void main() {\n    Material m",
        "layout(push_constant) uniform P { uint row; } p;\n"
        "void main() {\n    Material m = materials.row[p.row]; m",
        "reads the push constant 'row', which this pass does not give",
    ),
    _interface(
        "an input that nobody writes",
        "assets/bad.fs.glsl",
        "location = 0) in vec3 shade",
        "location = 3) in vec3 shade",
        "reads 'shade' at location 3, which shader 'bad.vs' does not write",
    ),
    _interface(
        "an input of another kind",
        "assets/bad.fs.glsl",
        "in vec3 shade",
        "flat in uvec3 shade",
        "reads 'shade' as uint; shader 'bad.vs' writes it as float",
    ),
    _interface(
        "a colour of integers",
        "assets/bad.fs.glsl",
        "out vec4 colour;\nvoid main() {",
        "out uvec4 colours;\nvoid main() { vec4 colour; colours = uvec4(1);",
        "does not write colour 0 (R16G16B16A16_SFLOAT) as float",
    ),
    _interface(
        "no colour",
        "assets/bad.fs.glsl",
        "layout(location = 0) out vec4 colour;\nvoid main() {",
        "void main() { vec4 colour;",
        "does not write all of colour 0",
    ),
    _interface(
        "a narrow member of the frame that all shaders share",
        "assets/bad.vs.glsl",
        "uniform Frame { mat4 viewProjection; }",
        "uniform Frame { mat4 viewProjection; mat4 viewFromFrame; float cameraPosition; }",
        "has 'cameraPosition' in the block 'frame' as float; it is vec4",
    ),
    _interface(
        "fewer layers than textures",
        "assets/bad.fs.glsl",
        "layout(set = 1, binding = 0)",
        "layout(set = 1, binding = 9)",
        "has room for 1 layers; textures have bindings up to 9",
    ),
    _interface(
        "a frame of structs",
        "assets/bad.vs.glsl",
        "layout(set = 0, binding = 0, std140) uniform Frame { mat4 viewProjection; }",
        "struct S { vec4 v; };\n"
        "layout(set = 0, binding = 0, std140) uniform Frame { mat4 viewProjection; S more; }",
        "has 'more' in the block 'frame' as S",
    ),
    *(
        Misfit(
            name,
            "assets/bad.fs.glsl",
            "void main() {\n    Material m",
            text + "    Material m",
            ("asset.broken", "shader.interface"),
            reason,
            _SHADER,
        )
        for name, text, reason in (
            (
                "doubles",
                "void main() {\n    double d = shade.x; if (d > 9.0) discard;\n",
                "it needs the capability",
            ),
        )
    ),
    Misfit(
        "a shader does not compile",
        "assets/bad.fs.glsl",
        "m.tint",
        "m.taint",
        ("asset.broken", "shader.compile"),
        "taint",
        _SHADER,
    ),
    Misfit(
        "a shader is missing", "assets/bad.fs.glsl", "", "", ("asset.broken",), "there is no file", _SHADER
    ),
    Misfit(
        "a texture is missing",
        "assets/bad.png",
        "",
        "",
        ("asset.broken",),
        "there is no file",
        "name: bad  source: assets/bad.png",
    ),
    Misfit(
        "a texture is no picture",
        "assets/bad.png",
        "",
        "no picture",
        ("asset.broken",),
        "neither PNG, JPEG, WebP, TIFF, KTX 2, OpenEXR nor Radiance HDR",
        "name: bad  source: assets/bad.png",
    ),
    _broken("the mesh is missing", "", "", ("asset.broken",), "there is no file"),
    _broken(
        "the mesh has no level of detail",
        MESH,
        "mesh: { lods: [] }",
        ("asset.broken", "mesh.empty"),
        "no level",
    ),
    _broken("an index has no vertex", "[0 2 3]", "[0 2 4]", ("asset.broken", "mesh.index"), "index 4"),
    Misfit(
        "the bones are missing",
        "assets/bad.hu",
        "bones: [{ name: root }]",
        "",
        ("asset.broken", "mesh.bone"),
        "no bones",
        "bad }\n    { @type: material  name: bad",
    ),
    _broken(
        "a vertex has a bone that does not exist",
        "frameIdxs: [0 0 0 0]",
        "frameIdxs: [0 0 7 0]",
        ("asset.broken", "mesh.skin"),
        "bone 7",
    ),
    Misfit(
        "a level of detail is not in the source",
        "assets.hu",
        "numBones: 1 }]",
        "numBones: 1 } { topology: triangle_list  vertices: more  indices: bad }]",
        ("asset.broken", "mesh.lod"),
        "number 1 is requested",
        "bad\n        vertexFormat: [[pos r32g32b32_sfloat]] }",
    ),
    Misfit(
        "an index has no vertex in the vertices of another mesh",
        "assets.hu",
        "vertices: bad  indices: bad",
        "vertices: small  indices: bad",
        ("mesh.index",),
        "mesh 'bad' is replaced: indices 'bad' has index 3, vertices 'small' has 3 vertices",
        "{ topology: triangle_list  vertices: small  indices: bad",
    ),
    _record("a model of no mesh", "name: bad  mesh: bad", "name: bad  mesh: bda", "asset.reference", "'bda'"),
    _record("a material of no shader", "[bad.vs bad.fs]", "[bad.vs ba.fs]", "asset.reference", "'ba.fs'"),
    _record(
        "a type that is none", "@type: mesh  name: bad", "@type: mess  name: bad", "asset.type", "'mess'"
    ),
    _record("a format that is none", "[frameIdxs r8_uint]", "[frameIdxs r9_uint]", "value.choice", "r9_uint"),
    _record(
        "too many mip levels", "assets/bad.png }", "assets/bad.png  mipLevels: 99 }", "value.range", "not 99"
    ),
    _record(
        "fewer bones than none",
        "@type: skeleton  name: bad",
        "@type: skeleton  name: bad  numBones: -1",
        "value.range",
        "not -1",
    ),
    _record(
        "a field that is none",
        "@type: indices  name: bad",
        "@type: indices  nme: bad  name: bad",
        "asset.field",
        "'nme'",
    ),
)
