"""More malformed glTF files: values, extensions and containers that exporters and editors get wrong."""

from __future__ import annotations

import base64
import gzip
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from support.gltf_files import GltfFile, png
from support.gltf_malformed import (
    BROKEN,
    Change,
    Malformed,
    Plain,
    base,
    changed,
    drop,
    of_bytes,
    of_text,
    put,
)
from support.gltf_malformed_files import MALFORMED

_MATERIAL = ("materials", 0)
_COLOR = (*_MATERIAL, "pbrMetallicRoughness", "baseColorTexture")
_PART = "/meshes/1/primitives/0"
_ATTRIBUTES = f"{_PART}/attributes"

ODD: dict[str, Callable[[Path], Path]] = {}
"""Files that are unusual, and right as far as they are read: they open without a problem."""


def odd(name: str, *changes: Change) -> None:
    """Add the base file with changes of its JSON to those that open without a problem."""

    def write(folder: Path) -> Path:
        file = base()
        for change in changes:
            change(file.root)
        return file.write(folder / "odd.gltf")

    ODD[name] = write


def attribute(name: str, like: str) -> Change:
    """Let an attribute of the broken mesh be the accessor of another one."""

    def change(root: Plain) -> None:
        attributes = root["meshes"][1]["primitives"][0]["attributes"]
        attributes[name] = attributes[like]

    return change


def extended(name: str, value: Any, *place: Any) -> Change:
    """Give an object of the file an extension, which it says that it uses."""

    def change(root: Plain) -> None:
        root.setdefault("extensionsUsed", []).append(name)
        found: Any = root
        for step in place:
            found = found[step]
        found.setdefault("extensions", {})[name] = value

    return change


def with_accessor(name: str, code: str, pointer: str, give: Callable[[GltfFile], object]) -> None:
    """Add the base file with accessors of its own."""

    def write(folder: Path) -> Path:
        file = base()
        give(file)
        return file.write(folder / "broken.gltf")

    MALFORMED.append(Malformed(name, code, pointer, write))


def keys(times: list[float], values: list[list[float]] | None = None) -> Callable[[GltfFile], object]:
    """Give the clip other keys."""

    def give(file: GltfFile) -> None:
        sampler = file.root["animations"][0]["samplers"][0]
        sampler["input"] = file.accessor(np.array(times, np.float32))
        given = np.zeros((len(times), 3)) if values is None else np.array(values)
        sampler["output"] = file.accessor(given.astype(np.float32))

    return give


def instances(**columns: np.ndarray) -> Callable[[GltfFile], object]:
    """Let the broken node have instances."""

    def give(file: GltfFile) -> None:
        made = {"attributes": {name: file.accessor(values) for name, values in columns.items()}}
        extended("EXT_mesh_gpu_instancing", made, "nodes", 3)(file.root)

    return give


# Nodes and skins.
_IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
changed(
    "matrix of a projection",
    "gltf.node",
    "/nodes/3/matrix",
    put("nodes", 3, "matrix", value=[*_IDENTITY[:15], 2]),
)
changed(
    "matrix of 15 numbers", "gltf.value", "/nodes/3/matrix", put("nodes", 3, "matrix", value=_IDENTITY[:15])
)
changed(
    "scale beyond measure", "gltf.value", "/nodes/3/scale/0", put("nodes", 3, "scale", value=[1e38, 1, 1])
)
changed("mesh that is null", "gltf.value", "/nodes/3/mesh", put("nodes", 3, "mesh", value=None))
changed("children of a string", "gltf.value", "/nodes/3/children", put("nodes", 3, "children", value="0"))
changed("name that is a list", "gltf.value", "/nodes/3/name", put("nodes", 3, "name", value=["a"]))
changed("camera that is not there", "gltf.reference", "/nodes/3/camera", put("nodes", 3, "camera", value=0))
changed("scene that is true", "gltf.value", "/scene", put("scene", value=True))
changed("skins of numbers", "gltf.value", "/skins/0", put("skins", value=[7]))
changed("joint of one and a half", "gltf.value", "/skins/0/joints/0", put("skins", 0, "joints", value=[1.5]))
changed(
    "matrices of vectors", "gltf.accessor", "/accessors/7", put("skins", 0, "inverseBindMatrices", value=7)
)
with_accessor(
    "matrices that are no numbers",
    "gltf.accessor",
    "/accessors/13",
    lambda file: file.root["skins"][0].update(
        inverseBindMatrices=file.accessor(np.full((2, 16), np.nan, np.float32), "MAT4")
    ),
)
changed(
    "joints without weights",
    "gltf.mesh",
    _ATTRIBUTES,
    drop(*BROKEN, "attributes", "WEIGHTS_0"),
)
changed("weights without joints", "gltf.mesh", _ATTRIBUTES, drop(*BROKEN, "attributes", "JOINTS_0"))
changed("more joints without weights", "gltf.mesh", _ATTRIBUTES, attribute("JOINTS_1", "JOINTS_0"))
changed("more weights without joints", "gltf.mesh", _ATTRIBUTES, attribute("WEIGHTS_1", "WEIGHTS_0"))

# Accessors and views.
changed("count of 0", "gltf.value", "/accessors/7/count", put("accessors", 7, "count", value=0))
changed(
    "offset of true", "gltf.value", "/accessors/7/byteOffset", put("accessors", 7, "byteOffset", value=True)
)
changed(
    "offset below 0", "gltf.value", "/accessors/7/byteOffset", put("accessors", 7, "byteOffset", value=-4)
)
changed(
    "view of length 0",
    "gltf.value",
    "/bufferViews/7/byteLength",
    put("bufferViews", 7, "byteLength", value=0),
)
changed(
    "view of half a byte",
    "gltf.value",
    "/bufferViews/7/byteLength",
    put("bufferViews", 7, "byteLength", value=48.5),
)
changed("stride of 13", "gltf.accessor", "/accessors/7", put("bufferViews", 7, "byteStride", value=13))
changed(
    "normalized by a word",
    "gltf.value",
    "/accessors/8/normalized",
    put("accessors", 8, "normalized", value="yes"),
)
changed("bounds of two numbers", "gltf.value", "/accessors/7/min", put("accessors", 7, "min", value=[0, 0]))
changed(
    "indices of floats", "gltf.accessor", "/accessors/10", put("accessors", 10, "componentType", value=5126)
)
changed("sparse that is a list", "gltf.value", "/accessors/7/sparse", put("accessors", 7, "sparse", value=[]))
changed(
    "sparse without values",
    "gltf.value",
    "/accessors/7/sparse",
    put("accessors", 7, "sparse", value={"count": 1, "indices": {"bufferView": 7, "componentType": 5123}}),
)
changed(
    "coordinates of three numbers", "gltf.value", "/accessors/7/type", attribute("TEXCOORD_0", "POSITION")
)
changed("primitive that is null", "gltf.value", _PART, put("meshes", 1, "primitives", value=[None]))
changed("attributes of a list", "gltf.value", _ATTRIBUTES, put(*BROKEN, "attributes", value=[7]))
changed("targets of numbers", "gltf.value", f"{_PART}/targets/0", put(*BROKEN, "targets", value=[1]))

# Clips.
_CHANNEL = ("animations", 0, "channels", 0)
_AT_CHANNEL = "/animations/0/channels/0"
changed(
    "path that is a number",
    "gltf.value",
    f"{_AT_CHANNEL}/target/path",
    put(*_CHANNEL, "target", "path", value=3),
)
changed("channel without a target", "gltf.value", _AT_CHANNEL, drop(*_CHANNEL, "target"))
changed(
    "weights of what has no mesh",
    "gltf.animation",
    "/nodes/1",
    put(*_CHANNEL, "target", "path", value="weights"),
)
changed(
    "two channels of one target",
    "gltf.animation",
    "/animations/0/channels/1/target",
    lambda root: root["animations"][0]["channels"].append(dict(root["animations"][0]["channels"][0])),
)
with_accessor("times before 0", "gltf.animation", "/accessors/13", keys([-1, 1]))
with_accessor("a time that is no number", "gltf.accessor", "/accessors/13", keys([0, np.nan]))
with_accessor(
    "an infinite value", "gltf.accessor", "/accessors/14", keys([0, 1], [[0, np.inf, 0], [0, 0, 0]])
)

# Materials, their extensions and pictures.
changed(
    "colour of three numbers",
    "gltf.value",
    "/materials/0/pbrMetallicRoughness/baseColorFactor",
    put(*_MATERIAL, "pbrMetallicRoughness", "baseColorFactor", value=[1, 1, 1]),
)
changed(
    "cutoff of a word",
    "gltf.value",
    "/materials/0/alphaCutoff",
    lambda root: root["materials"][0].update(alphaMode="MASK", alphaCutoff="x"),
)
changed(
    "doubleSided of a word",
    "gltf.value",
    "/materials/0/doubleSided",
    put(*_MATERIAL, "doubleSided", value="yes"),
)
changed(
    "texture that is a number",
    "gltf.value",
    "/materials/0/emissiveTexture",
    put(*_MATERIAL, "emissiveTexture", value=0),
)
changed(
    "coordinates number -1",
    "gltf.value",
    "/materials/0/pbrMetallicRoughness/baseColorTexture/texCoord",
    put(*_COLOR, "texCoord", value=-1),
)
changed("material that is null", "gltf.value", "/materials/0", put("materials", 0, value=None))
changed("texture without a source", "gltf.image", "/textures/0", put("textures", 0, value={}))
changed(
    "index of refraction of 0.5",
    "gltf.value",
    "/materials/0/extensions/KHR_materials_ior/ior",
    extended("KHR_materials_ior", {"ior": 0.5}, *_MATERIAL),
)
changed(
    "unlit of a number",
    "gltf.value",
    "/materials/0/extensions/KHR_materials_unlit",
    extended("KHR_materials_unlit", 5, *_MATERIAL),
)
changed(
    "strength below 0",
    "gltf.value",
    "/materials/0/extensions/KHR_materials_emissive_strength/emissiveStrength",
    extended("KHR_materials_emissive_strength", {"emissiveStrength": -3}, *_MATERIAL),
)
changed(
    "transform of words",
    "gltf.value",
    "/materials/0/pbrMetallicRoughness/baseColorTexture/extensions/KHR_texture_transform/rotation",
    extended("KHR_texture_transform", {"rotation": "x"}, *_COLOR),
)
changed(
    "extensions of a list", "gltf.value", "/materials/0/extensions", put(*_MATERIAL, "extensions", value=[1])
)
changed(
    "picture by view and by URI",
    "gltf.image",
    "/images/0",
    lambda root: root["images"][0].update(uri="data:image/png;base64," + base64.b64encode(png()).decode()),
)
changed("picture with a backslash", "file.name", "/images/0", put("images", 0, value={"uri": "..\\x.png"}))
changed("picture without a name", "file.name", "/images/0", put("images", 0, value={"uri": " "}))
changed("picture that is null", "gltf.value", "/images/0", put("images", 0, value=None))


def _device(folder: Path) -> Path:
    os.symlink("/dev/zero", folder / "endless.png")
    file = base()
    file.root["images"][0] = {"uri": "endless.png"}
    return file.write(folder / "broken.gltf")


MALFORMED.append(Malformed("picture through a link to a device", "file.outside", "/images/0", _device))

# Compression, instances, lists of extensions.
changed(
    "no Draco data",
    "gltf.buffer",
    f"{_PART}/extensions/KHR_draco_mesh_compression",
    extended("KHR_draco_mesh_compression", {"bufferView": 7, "attributes": {"POSITION": 0}}, *BROKEN),
)
changed(
    "no meshopt data",
    "gltf.buffer",
    "/bufferViews/7/extensions/EXT_meshopt_compression",
    extended(
        "EXT_meshopt_compression",
        {"buffer": 0, "byteLength": 40, "byteStride": 12, "count": 4, "mode": "ATTRIBUTES"},
        "bufferViews",
        7,
    ),
)
with_accessor(
    "instances of two counts",
    "gltf.node",
    "/nodes/3/extensions/EXT_mesh_gpu_instancing/attributes/SCALE",
    instances(TRANSLATION=np.zeros((3, 3), np.float32), SCALE=np.ones((5, 3), np.float32)),
)
with_accessor(
    "instances at no place",
    "gltf.accessor",
    "/accessors/13",
    instances(TRANSLATION=np.full((3, 3), np.nan, np.float32)),
)
changed(
    "used extensions of a word",
    "gltf.value",
    "/extensionsUsed",
    put("extensionsUsed", value="KHR_materials_ior"),
)
changed(
    "used extensions of numbers",
    "gltf.value",
    "/extensionsUsed/1",
    put("extensionsUsed", value=["KHR_materials_ior", 5]),
)
changed(
    "required extensions of an object",
    "gltf.value",
    "/extensionsRequired",
    put("extensionsRequired", value={}),
)
changed(
    "10,000 unknown extensions",
    "gltf.extension",
    "/extensionsUsed/0",
    put("extensionsUsed", value=[f"X_{number}" for number in range(10_000)]),
)

# Containers and texts.
of_bytes(
    "length that is too small", "gltf.container", lambda data: data[:8] + struct.pack("<I", 40) + data[12:]
)
of_bytes("packed by gzip", "gltf.container", gzip.compress)
of_text("text packed by gzip", "gltf.json", lambda text: gzip.compress(text.encode()))
of_text("text with NULs behind it", "gltf.json", lambda text: text + "\0\0")
of_text("text with a comment", "gltf.json", lambda text: "// by hand\n" + text)
of_text("text that stands twice", "gltf.json", lambda text: text + text)
of_text("null", "gltf.value", lambda text: "null", at="/")
of_text(
    "version of words",
    "gltf.version",
    lambda text: text.replace('"version": "2.0"', '"version": "two"'),
    at="/asset/version",
)

# What is unusual and right.
odd("an element that nothing uses is wrong", lambda root: root["nodes"].append(5))
odd("scale of 0", put("nodes", 3, "scale", value=[0, 0, 0]))
odd("scale of nearly 0", put("nodes", 3, "scale", value=[1e-30] * 3))
odd("matrix of zeros", put("nodes", 3, "matrix", value=[0] * 15 + [1]))
odd("rotation of length 2", put("nodes", 3, "rotation", value=[0, 0, 0, 2]))
odd("no scenes", drop("scenes"), drop("scene"))
odd("one name for all", lambda root: [node.update(name="x") for node in root["nodes"][1:]])
odd("name of 1 MB", put("nodes", 3, "name", value="n" * (1 << 20)))
odd("name of controls and half a character", put("nodes", 3, "name", value="a\0\a\u202e/../..\ud800"))
odd("extras 400 deep", put("nodes", 3, "extras", value=json.loads("[" * 400 + "]" * 400)))
odd(
    "bounds upside down",
    put("accessors", 7, "min", value=[9] * 3),
    put("accessors", 7, "max", value=[-9] * 3),
)
odd("length as a float", put("bufferViews", 7, "byteLength", value=48.0))
odd("attributes of its own", attribute("_WHAT", "POSITION"), attribute("TEXCOORD_7", "TEXCOORD_0"))
odd("lines of triangles", put(*BROKEN, "mode", value=1))
odd("no primitives", put("meshes", 1, "primitives", value=[]))
odd("keys of its own", put("what", value={"x": [1]}), put("nodes", 3, "what", value=1))
odd("20,000 nodes without use", lambda root: root["nodes"].extend({} for _ in range(20_000)))
odd("picture without a type", drop("images", 0, "mimeType"))


def _binary(name: str, change: Callable[[bytes], bytes], file: str = "odd.glb") -> None:
    def write(folder: Path) -> Path:
        (folder / file).write_bytes(change(base().glb()))
        return folder / file

    ODD[name] = write


def chunks(data: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """A `.glb` with further chunks behind its own."""
    added = b"".join(struct.pack("<I4s", len(content), kind) + content for kind, content in more)
    return data[:8] + struct.pack("<I", len(data) + len(added)) + data[12:] + added


_binary("a .glb that is called .gltf", lambda data: data, "odd.gltf")
_binary("something behind the file", lambda data: data + b"something!" * 10)
_binary(
    "a second buffer and another chunk", lambda data: chunks(data, (b"BIN\0", bytes(8)), (b"XYZ ", bytes(4)))
)

__all__ = ["MALFORMED", "ODD"]
