"""A scene of cubes, each with a texture of its own."""

from __future__ import annotations


def textured_cubes(count: int, source: str, fields: str = "", more: str = "") -> str:
    """Return the text of a scene of `count` cubes in rows of 40.

    `source` is a picture with `{}` for its number,
    `fields` belong to each texture; `more` are further objects.
    """
    materials = "".join(
        f"{{ @type: texture2d  name: t{n}  source: {source.format(n)}  {fields} }}\n"
        f"{{ @type: material  name: m{n}  shaders: [vs fs]  textures: {{ albedo: t{n} }} }}\n"
        f"{{ @type: model  name: o{n}  mesh: cube  material: m{n} }}\n"
        for n in range(count)
    )
    drawn = "features: [{{ @type: visibleModel  asset: [db o{}] }}]"
    objects = "".join(
        f"o{n}: {{ translation: [{n % 40} 0 {-(n // 40)}]  {drawn.format(n)} }}\n" for n in range(count)
    )
    return f"""version: 1
assetDb: {{ name: db  assets: [
{{ @type: mesh  name: cube  source: "builtin:mesh/cube.hu"
   lods: [{{ topology: triangle_list  vertices: cube  indices: cube }}] }}
{{ @type: vertices  name: cube  source: cube
   vertexFormat: [[pos r32g32b32_sfloat] [normal r32g32b32_sfloat] [uv_albedo r32g32_sfloat]] }}
{{ @type: indices  name: cube  source: cube  indexFormat: uint16 }}
{{ @type: shader  name: vs  source: "builtin:material/defaultMaterial.vs.glsl"  stage: vertex_shader_bit }}
{{ @type: shader  name: fs  source: "builtin:material/defaultMaterial.fs.glsl"  stage: fragment_shader_bit }}
{materials}] }}
tableau: {{ name: many  objects: {{
{objects}
camera: {{ translation: [20 10 10]  euler: [-25 0 0]  features: [{{ @type: camera }}] }}
{more}
}} }}
"""
