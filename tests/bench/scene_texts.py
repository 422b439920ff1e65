"""Texts of large scenes, object by object."""

from __future__ import annotations


def object_text(number: int, feature: str) -> str:
    """The text of one object of many, with a place of its own and one feature."""
    x, y, z = number % 100 * 1.5, number // 100 % 100 * 0.25, number // 10_000 * 2
    return (
        f"        object{number}: {{\n"
        f"            translation: [{x} {y} {z}]\n"
        f"            rotation: [0 0 0 1]\n"
        f"            scale: [1 1 1]\n"
        f"            features: [ {{ {feature} }} ]\n"
        f"        }}\n"
    )


RECORDS_OF_A_MODEL = 6
_SHADERS = "../assets/builtin/material/defaultMaterial"
_CUBE = "../assets/builtin/mesh/cube.hu"
_FORMAT = (
    "[[pos r32g32b32_sfloat] [normal r32g32b32_sfloat] [uv_albedo r32g32_sfloat]"
    " [uv_normal r32g32_sfloat] [uv_tangent r32g32_sfloat] [uv_roughness r32g32_sfloat]]"
)


def models_text(count: int) -> str:
    """A scene of `count` objects, each with a model of its own: mesh, its three parts, material, model.

    All meshes name one source; sources are those of the folder `assets` beside the scene's.
    """
    assets = [
        f"{{ @type: shader  name: {stage}s  source: {_SHADERS}.{stage}s.glsl  stage: {name}_shader_bit }}"
        for stage, name in (("v", "vertex"), ("f", "fragment"))
    ]
    objects = []
    for i in range(count):
        lod = f"topology: triangle_list  vertices: v{i}  indices: i{i}  numBlendWeights: 2  numBones: 2"
        color = f"[{i % 10 / 10} {i // 10 % 10 / 10} 0.5 1]"
        assets += [
            f"{{ @type: mesh  name: m{i}  source: {_CUBE}  lods: [{{ {lod} }}]  skeleton: s{i} }}",
            f"{{ @type: vertices  name: v{i}  source: m{i}  vertexFormat: {_FORMAT} }}",
            f"{{ @type: indices  name: i{i}  source: m{i}  indexFormat: uint16 }}",
            f"{{ @type: skeleton  name: s{i}  source: m{i} }}",
            f"{{ @type: material  name: m{i}  shaders: [vs fs]  parameters: {{ baseColor: {color} }} }}",
            f"{{ @type: model  name: m{i}  mesh: m{i}  material: m{i} }}",
        ]
        seen = f"{{ @type: visibleModel  asset: [db m{i}] }}"
        cast = f"{{ @type: shadowCaster  asset: [db m{i}] }}"
        place = f"[{i % 100 * 2 - 100} 0 {-(i // 100) * 2}]"
        objects.append(f"o{i}: {{ translation: {place}  features: [ {seen} {cast} ] }}")
    database = "assetDb: { name: db  assets: [\n" + "\n".join(assets) + "\n] }\n"
    return database + "tableau: { objects: {\n" + "\n".join(objects) + "\n} }\n"
