"""Writes materials.hu: spheres of the full material, with a mesh and a picture in assets/materials.

    python scenes/make_materials.py

Above: paint without a coat, with a smooth one, with a rough one, and bricks under a smooth one; then indices
of refraction of 1 and 2.4. Below: a surface that reflects nothing, one that reflects gold, one without light,
colours of vertices, and small texels as they are and mixed.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engine.files.writing import write_whole
from engine.humon import write

Plain = dict[str, Any]
ROOT = Path(__file__).parents[1]
RINGS, SLICES = 24, 48
PAIR, TRIPLE, QUAD = "r32g32_sfloat", "r32g32b32_sfloat", "r32g32b32a32_sfloat"
PAINT: Plain = {"baseColor": [0.42, 0.02, 0.03, 1], "metallic": 0.6, "roughness": 0.55}
GLASSY: Plain = {"baseColor": [0.01, 0.05, 0.16, 1], "metallic": 0, "roughness": 0.12}
MATERIALS: dict[str, Plain] = {
    "paint": {"parameters": PAINT},
    "coated": {"parameters": PAINT | {"clearcoat": 1}},
    "coatedRough": {"parameters": PAINT | {"clearcoat": 1, "clearcoatRoughness": 0.4}},
    "coatedBricks": {
        "textures": {"albedo": "bricks", "normal": "bricksNormal", "roughness": "bricksRoughness"},
        "parameters": {"clearcoat": 1, "clearcoatRoughness": 0.03},
    },
    "ior1": {"parameters": GLASSY | {"ior": 1}},
    "ior2.4": {"parameters": GLASSY | {"ior": 2.4}},
    "noReflection": {"parameters": GLASSY | {"specular": 0}},
    "gold": {"parameters": GLASSY | {"specularColor": [12, 7, 1.5]}},
    "unlit": {"parameters": {"baseColor": [0.9, 0.35, 0.05, 1]}, "unlit": True},
    "hues": {"parameters": {"metallic": 0, "roughness": 0.35}},
    "nearest": {"textures": {"albedo": "tilesNearest"}, "parameters": {"metallic": 0, "roughness": 0.5}},
    "linear": {"textures": {"albedo": "tiles"}, "parameters": {"metallic": 0, "roughness": 0.5}},
}


def main() -> None:
    """Write everything."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    folder = ROOT / "assets/materials"
    head = "// Spheres of full materials, written by make_materials.py.\n"
    write_whole(folder / "hues.hu", (head + write({"mesh": hues()})).encode())
    stream = io.BytesIO()
    Image.fromarray(tiles()).save(stream, "PNG")
    write_whole(folder / "tiles.png", stream.getvalue())
    write_whole(ROOT / "scenes/materials.assets.hu", (head + write({"assetDb": database()})).encode())
    write_whole(ROOT / "scenes/materials.hu", (head + write(scene())).encode())


def hues() -> Plain:
    """Return a mesh source: a sphere of radius 1 whose vertices have the hue of their side, pale above."""
    down, around = np.meshgrid(
        np.linspace(0, np.pi, RINGS + 1), np.linspace(0, 2 * np.pi, SLICES + 1), indexing="ij"
    )
    place = np.stack((np.sin(down) * np.sin(around), np.cos(down), np.sin(down) * np.cos(around)), axis=-1)
    hue = 0.5 + 0.5 * np.cos(around[..., None] * 2 + np.array([0.0, 2.1, 4.2]))
    color = hue + (1.0 - hue) * np.clip(np.cos(down), 0.0, 1.0)[..., None] ** 2
    wide = SLICES + 1
    first = (np.arange(RINGS)[:, None] * wide + np.arange(SLICES)).ravel()
    upper = np.stack((first, first + wide, first + 1), axis=-1)[SLICES:]
    lower = np.stack((first + 1, first + wide, first + wide + 1), axis=-1)[:-SLICES]
    uv = np.stack((around / (2 * np.pi), down / np.pi), axis=-1)
    count = wide * (RINGS + 1)
    return {
        "name": "hues",
        "vertices": {
            "pos": rounded(place.reshape(count, 3)),
            "normal": rounded(place.reshape(count, 3)),
            "uv_albedo": rounded(uv.reshape(count, 2)),
            "color": rounded(
                np.concatenate((color, np.ones_like(color[..., :1])), axis=-1).reshape(count, 4)
            ),
        },
        "indices": np.concatenate((upper, lower)).tolist(),
    }


def rounded(values: np.ndarray[Any, Any]) -> list[Any]:
    """Return values with four digits behind the point, without negative zeros."""
    found: list[Any] = (np.round(values, 4) + 0.0).tolist()
    return found


def tiles() -> np.ndarray[Any, Any]:
    """Return a picture, uint8[8, 16, 3]: a checker in colours that change from side to side."""
    rows, columns = np.indices((8, 16))
    light = np.where((rows + columns) % 2, 0.92, 0.3)
    hue = 0.5 + 0.5 * np.cos(columns[..., None] / 16 * 2 * np.pi + np.array([0.0, 2.1, 4.2]))
    return np.round(255 * light[..., None] * (0.35 + 0.65 * hue)).astype(np.uint8)


def scene() -> Plain:
    """Return the values of the scene file."""
    return {
        "version": 1,
        "include": ["materials.assets.hu"],
        "tableau": {"name": "materials", "objects": objects()},
    }


def database() -> Plain:
    """Return the database of the scene."""
    return {"name": "materialsAssets", "cacheFile": "materials.ogCache", "assets": assets()}


def assets() -> list[Plain]:
    """Return the records of the database."""
    builtin = "../assets/builtin"
    sphere = [
        *(["pos", TRIPLE], ["normal", TRIPLE], ["uv_albedo", PAIR], ["uv_normal", PAIR]),
        *(["uv_roughness", PAIR], ["tangent", QUAD]),
    ]
    colored = [["pos", TRIPLE], ["normal", TRIPLE], ["uv_albedo", PAIR], ["color", QUAD]]
    tiles_source = "../assets/materials/tiles.png"
    found: list[Plain] = [
        {"@type": "environment", "name": "sky", "source": f"{builtin}/environment/sky.hdr"},
        *mesh("sphere", f"{builtin}/mesh/sphere.hu", sphere),
        *mesh("hues", "../assets/materials/hues.hu", colored),
        *(
            {
                "@type": "shader",
                "name": f"full.{stage}",
                "source": f"{builtin}/material/fullMaterial.{stage}.glsl",
                "stage": f"{name}_shader_bit",
            }
            for stage, name in (("vs", "vertex"), ("fs", "fragment"))
        ),
        *(
            {"@type": "texture2d", "name": name, "source": f"{builtin}/material/brick-{kind}.png"}
            for name, kind in (
                ("bricks", "albedo"),
                ("bricksNormal", "normal"),
                ("bricksRoughness", "roughness"),
            )
        ),
        {"@type": "texture2d", "name": "tiles", "source": tiles_source},
        {"@type": "texture2d", "name": "tilesNearest", "source": tiles_source, "filter": "nearest"},
    ]
    for name, fields in MATERIALS.items():
        found.append({"@type": "material", "name": name, "shaders": ["full.vs", "full.fs"], **fields})
        drawn = "hues" if name == "hues" else "sphere"
        found.append({"@type": "model", "name": name, "mesh": drawn, "material": name})
    return found


def mesh(name: str, source: str, vertex_format: list[list[str]]) -> list[Plain]:
    """Return the records of a mesh, its vertices and its indices, all of this name."""
    lod = {"topology": "triangle_list", "vertices": name, "indices": name}
    return [
        {"@type": "mesh", "name": name, "source": source, "lods": [lod]},
        {"@type": "vertices", "name": name, "source": name, "vertexFormat": vertex_format},
        {"@type": "indices", "name": name, "source": name, "indexFormat": "uint16"},
    ]


def objects() -> Plain:
    """Return the objects of the scene: two rows of spheres before a sky, a sun and a camera."""
    found: Plain = {
        "camera": {
            "translation": [0, 0.3, 15.5],
            "euler": [-1, 0, 0],
            "features": [{"@type": "camera", "fovY": 30, "toneMapping": "neutral"}],
        },
        "sky": {"features": [{"@type": "skybox", "asset": ["materialsAssets", "sky"]}]},
        "sun": {
            "euler": [-40, -35, 0],
            "features": [{"@type": "light", "color": [1, 0.96, 0.9], "intensity": 1.5}],
        },
    }
    for number, name in enumerate(MATERIALS):
        row, column = divmod(number, 6)
        x, y = round((column - 2.5) * 2.2, 2), 1.1 - 2.2 * row
        model = {"@type": "visibleModel", "asset": ["materialsAssets", name]}
        found[name] = {"translation": [x, round(y, 2), 0], "features": [model]}
    return found


if __name__ == "__main__":
    main()
