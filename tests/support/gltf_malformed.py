"""Malformed glTF files: what is broken in each, and what must be said of it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from support.gltf_features import clip, skinned
from support.gltf_files import GltfFile

Plain = dict[str, Any]
Change = Callable[[Plain], None]

GOOD = "good"
"""The object beside the broken one, which must have its model."""


@dataclass(frozen=True)
class Malformed:
    """One file: its name, the code of its problem, and where that is; `whole` is one that cannot open at all.

    `write` makes the file in a folder and returns its path.
    """

    name: str
    code: str
    pointer: str
    write: Callable[[Path], Path]
    whole: bool = False


MALFORMED: list[Malformed] = []


def base() -> GltfFile:
    """A file with a good object, and one that is drawn with everything that may be broken."""
    file = GltfFile()
    file.node(name=GOOD, mesh=file.mesh(file.quad()))
    _, _, upper = skinned(file)
    file.root["meshes"][1]["primitives"][0]["material"] = file.add(
        "materials", {"pbrMetallicRoughness": {"baseColorTexture": {"index": file.texture()}}}
    )
    clip(file, (upper, "translation", "LINEAR", [0, 1], [[0, 1, 0], [1, 1, 0]]))
    return file


def changed(name: str, code: str, pointer: str, change: Change, *, whole: bool = False) -> None:
    """Add the base file with a change of its JSON."""

    def write(folder: Path) -> Path:
        file = base()
        change(file.root)
        return file.write(folder / "broken.gltf")

    MALFORMED.append(Malformed(name, code, pointer, write, whole))


def of_bytes(name: str, code: str, change: Callable[[bytes], bytes], pointer: str = "") -> None:
    """Add the base file as a `.glb` whose bytes are changed, so that it cannot open."""

    def write(folder: Path) -> Path:
        path = folder / "broken.glb"
        path.write_bytes(change(base().glb()))
        return path

    MALFORMED.append(Malformed(name, code, pointer, write, whole=True))


def of_text(
    name: str, code: str, change: Callable[[str], str | bytes], *, whole: bool = True, at: str = ""
) -> None:
    """Add the base file as a `.gltf` whose text is changed."""

    def write(folder: Path) -> Path:
        path = base().write(folder / "broken.gltf")
        text = change(path.read_text())
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    MALFORMED.append(Malformed(name, code, at, write, whole))


def put(*path: Any, value: Any) -> Change:
    def change(root: Plain) -> None:
        found: Any = root
        for step in path[:-1]:
            found = found[step]
        found[path[-1]] = value

    return change


def drop(*path: Any) -> Change:
    def change(root: Plain) -> None:
        found: Any = root
        for step in path[:-1]:
            found = found[step]
        del found[path[-1]]

    return change


BROKEN = ("meshes", 1, "primitives", 0)
_PART = "/meshes/1/primitives/0"

# Indices out of range.
changed("mesh out of range", "gltf.reference", "/nodes/3/mesh", put("nodes", 3, "mesh", value=9))
changed("skin out of range", "gltf.reference", "/nodes/3/skin", put("nodes", 3, "skin", value=9))
changed(
    "child out of range", "gltf.reference", "/nodes/2/children/0", put("nodes", 2, "children", value=[99])
)
changed("scene out of range", "gltf.reference", "/scene", put("scene", value=7))
changed(
    "node of the scene out of range",
    "gltf.reference",
    "/scenes/0/nodes/3",
    lambda root: root["scenes"][0]["nodes"].append(50),
)
changed(
    "accessor out of range",
    "gltf.reference",
    f"{_PART}/attributes/POSITION",
    put(*BROKEN, "attributes", "POSITION", value=99),
)
changed("indices out of range", "gltf.reference", f"{_PART}/indices", put(*BROKEN, "indices", value=99))
changed("material out of range", "gltf.reference", f"{_PART}/material", put(*BROKEN, "material", value=99))
changed(
    "view out of range",
    "gltf.reference",
    "/accessors/7/bufferView",
    put("accessors", 7, "bufferView", value=99),
)
changed(
    "buffer out of range",
    "gltf.reference",
    "/bufferViews/7/buffer",
    put("bufferViews", 7, "buffer", value=4),
)
changed(
    "texture out of range",
    "gltf.reference",
    "/materials/0/pbrMetallicRoughness/baseColorTexture/index",
    put("materials", 0, "pbrMetallicRoughness", "baseColorTexture", "index", value=3),
)
changed("image out of range", "gltf.reference", "/textures/0/source", put("textures", 0, "source", value=3))
changed("joint out of range", "gltf.reference", "/skins/0/joints/1", put("skins", 0, "joints", 1, value=77))
changed(
    "sampler out of range",
    "gltf.reference",
    "/animations/0/channels/0/sampler",
    put("animations", 0, "channels", 0, "sampler", value=5),
)
changed("negative index", "gltf.value", "/nodes/3/mesh", put("nodes", 3, "mesh", value=-1))
changed("index that is no whole number", "gltf.value", "/nodes/3/mesh", put("nodes", 3, "mesh", value=1.5))
changed("index of 300 digits", "gltf.value", "/nodes/3/mesh", put("nodes", 3, "mesh", value=10**300))

# Nodes that are no trees.
changed("node below itself", "gltf.node", "/nodes/1/children/0", put("nodes", 1, "children", value=[1]))
changed("nodes in a circle", "gltf.node", "/nodes/1/children/0", put("nodes", 1, "children", value=[2]))
changed("node with two parents", "gltf.node", "/nodes/2/children/0", put("nodes", 0, "children", value=[1]))
changed("a root twice", "gltf.node", "/scenes/0/nodes/3", lambda root: root["scenes"][0]["nodes"].append(0))
changed("root below another", "gltf.node", "/nodes/3/children/0", put("nodes", 3, "children", value=[0]))


def _chain(root: Plain) -> None:
    first = len(root["nodes"])
    root["nodes"] += [{"children": [first + at + 1]} for at in range(3000)] + [{"name": "end"}]
    root["scenes"][0]["nodes"].append(first)


changed("3,000 nodes below each other", "gltf.limit", "/nodes/124", _chain)

# Transforms.
changed("rotation of length 0", "gltf.node", "/nodes/3", put("nodes", 3, "rotation", value=[0, 0, 0, 0]))
changed(
    "translation of two numbers",
    "gltf.value",
    "/nodes/3/translation",
    put("nodes", 3, "translation", value=[0, 1]),
)
changed(
    "translation of 1e300",
    "gltf.value",
    "/nodes/3/translation/0",
    put("nodes", 3, "translation", value=[1e300, 0, 0]),
)
changed("matrix of words", "gltf.value", "/nodes/3/matrix/0", put("nodes", 3, "matrix", value=["1"] * 16))
changed(
    "matrix that shears",
    "gltf.node",
    "/nodes/3/matrix",
    put("nodes", 3, "matrix", value=[1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]),
)

# Views and accessors.
changed("accessor beyond its view", "gltf.accessor", "/accessors/7", put("accessors", 7, "count", value=400))
changed(
    "accessor of 2^50 elements", "gltf.accessor", "/accessors/7", put("accessors", 7, "count", value=2**50)
)
changed(
    "zeros without an end",
    "gltf.limit",
    "/accessors/7",
    lambda root: (root["accessors"][7].pop("bufferView"), root["accessors"][7].update(count=2**50)),
)
changed(
    "view beyond its buffer",
    "gltf.buffer",
    "/bufferViews/7",
    put("bufferViews", 7, "byteLength", value=2**40),
)
changed(
    "view behind its buffer",
    "gltf.buffer",
    "/bufferViews/7",
    put("bufferViews", 7, "byteOffset", value=2**40),
)
changed(
    "unaligned view",
    "gltf.accessor",
    "/accessors/7",
    lambda root: (
        root["bufferViews"][7].update(byteOffset=root["bufferViews"][7]["byteOffset"] + 2, byteLength=46)
        or root["accessors"][7].update(count=3)
    ),
)
changed(
    "unaligned accessor",
    "gltf.accessor",
    "/accessors/7",
    lambda root: root["accessors"][7].update(byteOffset=1, count=3),
)
changed(
    "elements that overlap", "gltf.accessor", "/accessors/7", put("bufferViews", 7, "byteStride", value=4)
)
changed(
    "stride beyond its limit",
    "gltf.value",
    "/bufferViews/7/byteStride",
    put("bufferViews", 7, "byteStride", value=1000),
)
changed(
    "unknown component type",
    "gltf.accessor",
    "/accessors/7/componentType",
    put("accessors", 7, "componentType", value=5124),
)
changed("unknown type", "gltf.value", "/accessors/7/type", put("accessors", 7, "type", value="VEC5"))
changed(
    "position of two numbers", "gltf.value", "/accessors/7/type", put("accessors", 7, "type", value="VEC2")
)
changed("no count", "gltf.value", "/accessors/7", drop("accessors", 7, "count"))
changed("count of a string", "gltf.value", "/accessors/7/count", put("accessors", 7, "count", value="4"))
changed("accessor that is a list", "gltf.value", "/accessors/7", put("accessors", 7, value=[]))


def _filled(number: int, values: np.ndarray) -> Change:
    """Let an accessor have these numbers, in a data URI."""

    def change(root: Plain) -> None:
        content = values.tobytes()
        uri = "data:;base64," + base64.b64encode(content).decode()
        root["buffers"] = [*root.get("buffers", []), {"byteLength": len(content), "uri": uri}]
        root["bufferViews"].append({"buffer": len(root["buffers"]), "byteLength": len(content)})
        root["accessors"][number]["bufferView"] = len(root["bufferViews"]) - 1

    return change


_NAN = np.array([[0, 0, 0], [1, 0, np.nan], [1, 1, 0], [0, 1, 0]], np.float32)
_INFINITE = np.array([[0, 0, 0], [1, 0, np.inf], [1, 1, 0], [0, 1, 0]], np.float32)
changed("positions that are NaN", "gltf.accessor", "/accessors/7", _filled(7, _NAN))
changed("infinite normals", "gltf.accessor", "/accessors/8", _filled(8, _INFINITE))
changed(
    "index beyond the vertices",
    "gltf.mesh",
    f"{_PART}/indices",
    _filled(10, np.array([0, 1, 2, 0, 2, 9], np.uint16)),
)
changed("times that fall", "gltf.animation", "/accessors/12", _filled(12, np.array([1, 0], np.float32)))
changed(
    "sparse beyond its accessor",
    "gltf.accessor",
    "/accessors/7/sparse",
    put(
        "accessors",
        7,
        "sparse",
        value={"count": 9, "indices": {"bufferView": 0, "componentType": 5123}, "values": {"bufferView": 0}},
    ),
)
changed(
    "sparse numbers that do not rise",
    "gltf.accessor",
    "/accessors/7/sparse/indices",
    put(
        "accessors",
        7,
        "sparse",
        value={"count": 2, "indices": {"bufferView": 0, "componentType": 5123}, "values": {"bufferView": 0}},
    ),
)

# Primitives, skins, animations, materials.
changed("no positions", "gltf.value", f"{_PART}/attributes", drop(*BROKEN, "attributes", "POSITION"))
changed("no attributes", "gltf.value", _PART, drop(*BROKEN, "attributes"))
changed("mode out of range", "gltf.value", f"{_PART}/mode", put(*BROKEN, "mode", value=9))
changed(
    "attributes of different lengths",
    "gltf.mesh",
    f"{_PART}/attributes/NORMAL",
    put("accessors", 8, "count", value=3),
)
changed("signed indices", "gltf.accessor", "/accessors/10", put("accessors", 10, "componentType", value=5122))
changed(
    "primitives of a string",
    "gltf.value",
    "/meshes/1/primitives",
    put("meshes", 1, "primitives", value="all"),
)
changed(
    "target of another length",
    "gltf.mesh",
    f"{_PART}/targets/0/POSITION",
    lambda root: (
        root["accessors"].append(root["accessors"][7] | {"count": 3}),
        root["meshes"][1]["primitives"][0].update(targets=[{"POSITION": len(root["accessors"]) - 1}]),
    ),
)
changed("joint twice", "gltf.skin", "/skins/0/joints/1", put("skins", 0, "joints", value=[2, 2]))
changed("skin without joints", "gltf.skin", "/skins/0", put("skins", 0, "joints", value=[]))
changed("too few matrices", "gltf.skin", "/accessors/6", put("accessors", 6, "count", value=1))
changed("skin of itself", "gltf.value", "/skins/0/joints", put("skins", 0, "joints", value={"skin": 0}))
changed(
    "channel without a sampler",
    "gltf.value",
    "/animations/0/channels/0",
    drop("animations", 0, "channels", 0, "sampler"),
)
changed(
    "unknown interpolation",
    "gltf.value",
    "/animations/0/samplers/0/interpolation",
    put("animations", 0, "samplers", 0, "interpolation", value="SPLINE"),
)
changed("too few values of keys", "gltf.animation", "/accessors/11", put("accessors", 11, "count", value=1))
changed(
    "metallic of 7",
    "gltf.value",
    "/materials/0/pbrMetallicRoughness/metallicFactor",
    put("materials", 0, "pbrMetallicRoughness", "metallicFactor", value=7),
)
changed(
    "unknown alpha mode",
    "gltf.value",
    "/materials/0/alphaMode",
    put("materials", 0, "alphaMode", value="GLASS"),
)
changed("image without bytes", "gltf.image", "/images/0", drop("images", 0, "bufferView"))
changed(
    "image that lies about its type",
    "gltf.image",
    "/images/0/mimeType",
    put("images", 0, "mimeType", value="image/jpeg"),
)
changed(
    "unknown wrapping",
    "gltf.value",
    "/samplers/0/wrapS",
    lambda root: (root.update(samplers=[{"wrapS": 5}]), root["textures"][0].update(sampler=0)),
)
