"""Scenes of many different models: each with a mesh record and a material of its own, all casting."""

from __future__ import annotations

import shutil
from pathlib import Path

_FORMAT = (
    "[[pos r32g32b32_sfloat][normal r32g32b32_sfloat][uv_albedo r32g32_sfloat][uv_normal r32g32_sfloat]"
    "[uv_tangent r32g32_sfloat][uv_roughness r32g32_sfloat]]"
)
_SHADERS = "../assets/builtin/material/defaultMaterial"
_STAGES = (("vs", "vertex"), ("fs", "fragment"))


def many_models(root: Path, folder: Path, models: int, objects: int | None = None) -> Path:
    """Write a scene of `objects` objects (by default one for each model) and return its file.

    `root` is the checkout, whose assets are linked into `folder`. Object `o<i>` draws model `o<i % models>`.
    """
    scenes = folder / "scenes"
    scenes.mkdir(parents=True)
    shutil.copytree(root / "assets", folder / "assets")
    assets = [
        f"{{ @type: shader name: {name} source: {_SHADERS}.{name}.glsl"
        f" stage: {stage}_shader_bit entryPoint: main }}"
        for name, stage in _STAGES
    ]
    for i in range(models):
        colour = f"{i % 10 / 10} {i // 10 % 10 / 10} 0.5 1"
        lod = f"topology: triangle_list vertices: v{i} indices: x{i} numBlendWeights: 2 numBones: 2"
        assets += [
            f"{{ @type: mesh name: e{i} source: ../assets/builtin/mesh/cube.hu lods: [{{ {lod} }}]"
            f" skeleton: s{i} }}",
            f"{{ @type: vertices name: v{i} source: e{i} vertexFormat: {_FORMAT} }}",
            f"{{ @type: indices name: x{i} source: e{i} indexFormat: uint16 }}",
            f"{{ @type: skeleton name: s{i} source: e{i} }}",
            f"{{ @type: material name: m{i} shaders: [vs fs] parameters: {{ baseColor: [{colour}] }} }}",
            f"{{ @type: model name: o{i} mesh: e{i} material: m{i} }}",
        ]
    rows = []
    for i in range(models if objects is None else objects):
        place, asset = f"{i % 100 * 2 - 100} 0 {-(i // 100) * 2 - 5}", f"asset: [db o{i % models}]"
        features = f"{{ @type: visibleModel {asset} }} {{ @type: shadowCaster {asset} }}"
        rows.append(f"o{i}: {{ translation: [{place}] features: [ {features} ] }}")
    rows += [
        "camera: { translation: [0 4 5] features: [ { @type: camera } ] }",
        "sun: { euler: [-50 -50 0] features: [ { @type: light } ] }",
    ]
    text = "\n".join(assets), "\n".join(rows)
    path = scenes / "many.hu"
    path.write_text(
        f"assetDb: {{ name: db cacheFile: db.ogCache assets: [\n{text[0]}\n] }}\n"
        f"tableau: {{ name: t objects: {{\n{text[1]}\n}} }}\n"
    )
    return path
