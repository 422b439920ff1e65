"""One small glTF file for each feature that is read, by its name: FEATURES."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
from PIL import Image
from support.gltf_files import CORNER_UVS, FACING, QUAD, QUAD_CORNERS, TRIANGLE, GltfFile, Plain, png

from engine.assets.importers.pictures.ktx2 import KTX2_SIGNATURE

FEATURES: dict[str, Callable[[], GltfFile]] = {}


def feature(name: str) -> Callable[[Callable[[GltfFile], None]], Callable[[], GltfFile]]:
    """Register a function that fills a file."""

    def register(fill: Callable[[GltfFile], None]) -> Callable[[], GltfFile]:
        def make() -> GltfFile:
            file = GltfFile()
            fill(file)
            return file

        FEATURES[name] = make
        return make

    return register


@feature("triangle")
def triangle(file: GltfFile) -> None:
    file.node(mesh=file.mesh({"attributes": {"POSITION": file.positions(TRIANGLE)}}), name="triangle")


@feature("attributes")
def attributes(file: GltfFile) -> None:
    tangents = np.array([[1, 0, 0, 1]] * 4, np.float32)
    colors = np.array([[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255], [9, 9, 9, 128]], np.uint8)
    more = {
        "TANGENT": file.accessor(tangents),
        "TEXCOORD_1": file.accessor((CORNER_UVS * 65535).astype(np.uint16), normalized=True),
        "COLOR_0": file.accessor(colors, normalized=True),
        "_OWN": file.accessor(np.arange(4, dtype=np.float32)),
    }
    file.node(mesh=file.mesh(file.quad(attributes=more)))


@feature("interleaved")
def interleaved(file: GltfFile) -> None:
    rows = np.concatenate([QUAD, FACING], axis=1)
    view = file.view(rows.tobytes(), byteStride=24)
    shared: Plain = {"bufferView": view, "componentType": 5126, "count": 4, "type": "VEC3"}
    place = file.add("accessors", shared | {"min": [0, 0, 0], "max": [1, 1, 0]})
    normal = file.add("accessors", shared | {"byteOffset": 12})
    indices = file.accessor(QUAD_CORNERS)
    part = {"attributes": {"POSITION": place, "NORMAL": normal}, "indices": indices}
    file.node(mesh=file.mesh(part))


def _mode(mode: int, corners: list[int]) -> Callable[[GltfFile], None]:
    def fill(file: GltfFile) -> None:
        points = file.positions(np.concatenate([QUAD, QUAD + np.float32([0, 0, 1])]))
        indices = file.accessor(np.array(corners, np.uint8))
        file.node(mesh=file.mesh({"attributes": {"POSITION": points}, "indices": indices, "mode": mode}))

    return fill


MODES = ("points", "lines", "line_loop", "line_strip", "triangles", "triangle_strip", "triangle_fan")
for number, name in enumerate(MODES):
    feature(name)(_mode(number, [0, 1, 2, 3, 7, 6]))


@feature("sparse")
def sparse(file: GltfFile) -> None:
    part = file.quad()
    place = file.root["accessors"][part["attributes"]["POSITION"]]
    place["sparse"] = {
        "count": 2,
        "indices": {"bufferView": file.view(np.array([1, 3], np.uint16).tobytes()), "componentType": 5123},
        "values": {"bufferView": file.view(np.array([[2, 0, 0], [0, 2, 0]], np.float32).tobytes())},
    }
    place["max"] = [2, 2, 0]
    file.node(mesh=file.mesh(part))


@feature("quantized")
def quantized(file: GltfFile) -> None:
    file.uses("KHR_mesh_quantization", required=True)
    points = (QUAD * 32767).astype(np.int16)
    normals = (FACING * 127).astype(np.int8)
    part = {
        "attributes": {
            "POSITION": file.accessor(
                points, stride=8, normalized=True, min=[0, 0, 0], max=[32767, 32767, 0]
            ),
            "NORMAL": file.accessor(normals, stride=4, normalized=True),
            "TEXCOORD_0": file.accessor((CORNER_UVS * 255).astype(np.uint8), stride=4, normalized=True),
        },
        "indices": file.accessor(QUAD_CORNERS),
    }
    file.node(mesh=file.mesh(part), scale=[2, 2, 2])


@feature("nodes")
def nodes(file: GltfFile) -> None:
    part = file.mesh(file.quad(), name="square")
    turned = [0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0, 5, 6, 7, 1]
    inner = file.node(top=False, name="inner", mesh=part, matrix=turned)
    file.node(
        name="outer", children=[inner], translation=[1, 2, 3], rotation=[0, 0, 0.6, 0.8], scale=[1, 2, 3]
    )
    file.node(name="outer", mesh=part)


@feature("cameras")
def cameras(file: GltfFile) -> None:
    lens = {"yfov": 0.8, "znear": 0.1, "zfar": 50.0, "aspectRatio": 1.5}
    near = file.add("cameras", {"type": "perspective", "perspective": lens})
    flat = file.add(
        "cameras", {"type": "orthographic", "orthographic": {"xmag": 2, "ymag": 3, "znear": 0.1, "zfar": 9}}
    )
    file.node(camera=near, name="eye", translation=[0, 0, 4])
    file.node(camera=flat, name="plan")
    file.node(mesh=file.mesh(file.quad()))


@feature("lights")
def lights(file: GltfFile) -> None:
    file.uses("KHR_lights_punctual")
    kinds: list[Plain] = [
        {"type": "directional", "color": [1, 0.5, 0.25], "intensity": 3},
        {"type": "point", "intensity": 40, "range": 9},
        {"type": "spot", "spot": {"innerConeAngle": 0.2, "outerConeAngle": 0.6}},
    ]
    file.root["extensions"] = {"KHR_lights_punctual": {"lights": kinds}}
    for number, kind in enumerate(kinds):
        file.node(name=kind["type"], extensions={"KHR_lights_punctual": {"light": number}})
    file.node(mesh=file.mesh(file.quad()))


@feature("instances")
def instances(file: GltfFile) -> None:
    file.uses("EXT_mesh_gpu_instancing", required=True)
    places = np.array([[0, 0, 0], [2, 0, 0], [4, 0, 0]], np.float32)
    turns = np.array([[0, 0, 0, 127], [0, 127, 0, 0], [0, 0, 0, 127]], np.int8)
    named = {
        "TRANSLATION": file.accessor(places),
        "ROTATION": file.accessor(turns, normalized=True),
        "SCALE": file.accessor(np.array([[1, 1, 1], [2, 2, 2], [1, 3, 1]], np.float32)),
    }
    extension = {"EXT_mesh_gpu_instancing": {"attributes": named}}
    file.node(name="many", mesh=file.mesh(file.quad()), extensions=extension)


def skinned(file: GltfFile, *, two_sets: bool = False) -> tuple[int, int, int]:
    """Add a square whose upper corners follow the second of two joints; return node and joints."""
    joints = np.array([[0, 1, 0, 0]] * 4, np.uint8)
    weights = np.array([[1, 0, 0, 0]] * 2 + [[0, 1, 0, 0]] * 2, np.float32)
    more = {"JOINTS_0": file.accessor(joints), "WEIGHTS_0": file.accessor(weights)}
    if two_sets:
        more |= {"JOINTS_1": file.accessor(joints), "WEIGHTS_1": file.accessor(np.zeros((4, 4), np.float32))}
    upper = file.node(top=False, name="upper", translation=[0, 1, 0])
    lower = file.node(name="lower", children=[upper])
    bind = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    bind[1, 3, 1] = -1.0  # columns: the joint is a metre up
    matrices = file.accessor(bind.reshape(2, 16), "MAT4")
    skin = file.add("skins", {"joints": [lower, upper], "inverseBindMatrices": matrices, "name": "rig"})
    node = file.node(name="body", mesh=file.mesh(file.quad(attributes=more)), skin=skin)
    return node, lower, upper


@feature("skin")
def skin(file: GltfFile) -> None:
    skinned(file)


@feature("skin of eight weights")
def skin_of_eight(file: GltfFile) -> None:
    skinned(file, two_sets=True)


def clip(file: GltfFile, *channels: tuple[int, str, str, Any, Any], name: str = "clip") -> None:
    """Add an animation: (node, path, interpolation, times, values) for each channel."""
    samplers, targets = [], []
    for node, path, way, times, values in channels:
        given = np.asarray(times, np.float32)
        limits = {"min": [float(given.min())], "max": [float(given.max())]}
        output = file.accessor(np.asarray(values, np.float32))
        samplers.append({"input": file.accessor(given, **limits), "output": output, "interpolation": way})
        targets.append({"sampler": len(samplers) - 1, "target": {"node": node, "path": path}})
    file.add("animations", {"samplers": samplers, "channels": targets, "name": name})


@feature("animations")
def animations(file: GltfFile) -> None:
    node, _, upper = skinned(file)
    cubic = np.zeros((2, 3, 4), np.float32)
    cubic[:, 1] = [[0, 0, 0, 1], [0, 0, 0.6, 0.8]]
    clip(
        file,
        (upper, "rotation", "CUBICSPLINE", [0, 2], cubic.reshape(6, 4)),
        (upper, "translation", "LINEAR", [0, 1, 2], [[0, 1, 0], [0.5, 1, 0], [0, 1, 0]]),
        (upper, "scale", "STEP", [0, 1], [[1, 1, 1], [2, 2, 2]]),
        name="bend",
    )
    clip(file, (node, "translation", "LINEAR", [0.5, 1.5], [[0, 0, 0], [1, 0, 0]]), name="walk")


def morphed(file: GltfFile) -> int:
    """Add a square that two targets move, and return its node."""
    up = np.zeros((4, 3), np.float32)
    up[2:, 1] = 1.0
    sparse_view = file.view(np.array([2], np.uint8).tobytes())
    values = file.view(np.array([[0, 0, 1]], np.float32).tobytes())
    out = file.add(
        "accessors",
        {
            "componentType": 5126,
            "count": 4,
            "type": "VEC3",
            "min": [0, 0, 0],
            "max": [0, 0, 1],
            "sparse": {
                "count": 1,
                "indices": {"bufferView": sparse_view, "componentType": 5121},
                "values": {"bufferView": values},
            },
        },
    )
    targets = [{"POSITION": file.positions(up)}, {"POSITION": out}]
    mesh = file.mesh(
        file.quad(targets=targets),
        weights=[0.25, 0.5],
        extras={"targetNames": ["tall", "pulled"]},
        name="face",
    )
    return file.node(name="face", mesh=mesh, weights=[0.5, 0.0])


@feature("morph")
def morph(file: GltfFile) -> None:
    morphed(file)


@feature("weights")
def weights(file: GltfFile) -> None:
    node = morphed(file)
    cubic = np.zeros((2, 3, 2), np.float32)
    cubic[1, 1] = [0.5, 1.0]
    clip(file, (node, "weights", "LINEAR", [0, 1], [0, 0, 1, 0.5]), name="grow")
    clip(file, (node, "weights", "CUBICSPLINE", [0, 1], cubic.reshape(-1)), name="swell")


@feature("materials")
def materials(file: GltfFile) -> None:
    color, packed = file.texture(), file.texture(png((255, 128, 64)))
    bumps = file.texture(png((128, 128, 255)))
    sampler = file.add("samplers", {"wrapS": 33071, "wrapT": 33648, "magFilter": 9728, "minFilter": 9729})
    glow = file.texture(png((9, 8, 7)), sampler=sampler)
    full = file.add(
        "materials",
        {
            "name": "full",
            "pbrMetallicRoughness": {
                "baseColorFactor": [0.5, 0.25, 0.125, 0.75],
                "baseColorTexture": {"index": color},
                "metallicFactor": 0.25,
                "roughnessFactor": 0.75,
                "metallicRoughnessTexture": {"index": packed},
            },
            "normalTexture": {"index": bumps, "scale": 0.5},
            "occlusionTexture": {"index": packed, "strength": 0.5},
            "emissiveTexture": {"index": glow},
            "emissiveFactor": [1, 0.5, 0],
            "alphaMode": "BLEND",
            "doubleSided": True,
        },
    )
    masked = file.add("materials", {"alphaMode": "MASK", "alphaCutoff": 0.25})
    file.node(mesh=file.mesh(file.quad(material=full), file.quad(material=masked), file.quad()))


def _material(name: str, fields: Plain, textures: tuple[str, ...] = ()) -> None:
    def fill(file: GltfFile) -> None:
        file.uses(name)
        given = deepcopy(fields) | {each: {"index": file.texture()} for each in textures}
        number = file.add("materials", {"extensions": {name: given}, "emissiveFactor": [1, 1, 1]})
        tangents = file.accessor(np.array([[1, 0, 0, 1]] * 4, np.float32))
        file.node(mesh=file.mesh(file.quad(material=number, attributes={"TANGENT": tangents})))

    feature(name)(fill)


_material("KHR_materials_emissive_strength", {"emissiveStrength": 4.0})
_material("KHR_materials_unlit", {})
_material("KHR_materials_ior", {"ior": 1.8})
_material(
    "KHR_materials_specular",
    {"specularFactor": 0.5, "specularColorFactor": [1, 0.5, 0.25]},
    ("specularTexture", "specularColorTexture"),
)
_material(
    "KHR_materials_clearcoat",
    {"clearcoatFactor": 0.5, "clearcoatRoughnessFactor": 0.25},
    ("clearcoatTexture", "clearcoatRoughnessTexture", "clearcoatNormalTexture"),
)


@feature("KHR_texture_transform")
def texture_transform(file: GltfFile) -> None:
    file.uses("KHR_texture_transform")
    moved = {"offset": [0.5, 0.25], "rotation": 0.5, "scale": [2, 3], "texCoord": 1}
    info = {"index": file.texture(), "extensions": {"KHR_texture_transform": moved}}
    number = file.add("materials", {"pbrMetallicRoughness": {"baseColorTexture": info}})
    more = {"TEXCOORD_1": file.accessor(CORNER_UVS * np.float32(0.5))}
    file.node(mesh=file.mesh(file.quad(material=number, attributes=more)))


@feature("second coordinates")
def second_coordinates(file: GltfFile) -> None:
    infos = {"index": file.texture(), "texCoord": 1}
    number = file.add(
        "materials",
        {"pbrMetallicRoughness": {"baseColorTexture": {"index": file.texture()}}, "occlusionTexture": infos},
    )
    more = {"TEXCOORD_1": file.accessor(CORNER_UVS * np.float32(0.5))}
    file.node(mesh=file.mesh(file.quad(material=number, attributes=more)))


@feature("data URIs")
def data_uris(file: GltfFile) -> None:
    uri = "data:image/png;base64," + base64.b64encode(png()).decode()
    texture = file.add("textures", {"source": file.add("images", {"uri": uri})})
    number = file.add("materials", {"pbrMetallicRoughness": {"baseColorTexture": {"index": texture}}})
    file.node(mesh=file.mesh(file.quad(material=number)))


def meshopt_view(file: GltfFile, values: np.ndarray, mode: str, **fields: Any) -> int:
    """Add a view that EXT_meshopt_compression describes, and return its number."""
    import meshopt

    rows = np.ascontiguousarray(values)
    size = rows.dtype.itemsize * (rows.shape[1] if rows.ndim == 2 else 1)
    packed = meshopt.encode_gltf_buffer(rows, mode)
    file.view(bytes(packed))
    place = file.root["bufferViews"].pop()
    described = place | {"byteStride": size, "count": len(rows), "mode": mode} | fields
    whole: Plain = {"buffer": 1, "byteLength": rows.nbytes, "byteOffset": 0}
    if mode == "ATTRIBUTES":
        whole["byteStride"] = size
    return file.add("bufferViews", whole | {"extensions": {"EXT_meshopt_compression": described}})


@feature("EXT_meshopt_compression")
def meshopt_compression(file: GltfFile) -> None:
    file.uses("EXT_meshopt_compression", required=True)
    points = meshopt_view(file, QUAD, "ATTRIBUTES")
    corners = meshopt_view(file, QUAD_CORNERS, "TRIANGLES")
    size = file.root["bufferViews"][points]["byteLength"] + file.root["bufferViews"][corners]["byteLength"]
    file.root["bufferViews"][corners]["byteOffset"] = 48
    fallback = {"extensions": {"EXT_meshopt_compression": {"fallback": True}}}
    file.root["buffers"] = [{"byteLength": size} | fallback]
    place = {"bufferView": points, "componentType": 5126, "count": 4, "type": "VEC3"}
    position = file.add("accessors", place | {"min": [0, 0, 0], "max": [1, 1, 0]})
    indices = file.add(
        "accessors", {"bufferView": corners, "componentType": 5123, "count": 6, "type": "SCALAR"}
    )
    file.node(mesh=file.mesh({"attributes": {"POSITION": position}, "indices": indices}))


@feature("KHR_draco_mesh_compression")
def draco_compression(file: GltfFile) -> None:
    import DracoPy

    file.uses("KHR_draco_mesh_compression", required=True)
    packed = DracoPy.encode(QUAD, QUAD_CORNERS.reshape(-1, 3).astype(np.uint32), quantization_bits=16)
    place = {"componentType": 5126, "count": 4, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0]}
    position = file.add("accessors", place)
    indices = file.add("accessors", {"componentType": 5123, "count": 6, "type": "SCALAR"})
    extension = {"bufferView": file.view(packed), "attributes": {"POSITION": 0}}
    part = {"attributes": {"POSITION": position}, "indices": indices}
    file.node(mesh=file.mesh(part | {"extensions": {"KHR_draco_mesh_compression": extension}}))


def _picture(name: str, data: Callable[[], bytes], mime: str) -> None:
    """Add a file whose base colour is a picture that an extension names."""

    def fill(file: GltfFile) -> None:
        file.uses(name)
        image = file.image(data(), mime)
        texture = file.add("textures", {"extensions": {name: {"source": image}}})
        base = {"baseColorTexture": {"index": texture}}
        number = file.add("materials", {"pbrMetallicRoughness": base})
        file.node(mesh=file.mesh(file.quad(material=number)))

    feature(name)(fill)


def webp() -> bytes:
    """A WebP picture of one colour."""
    stream = io.BytesIO()
    Image.new("RGB", (4, 4), (20, 200, 90)).save(stream, "WEBP", lossless=True)
    return stream.getvalue()


def ktx2() -> bytes:
    """A KTX 2 picture of one colour; not Basis Universal, for which no encoder is available."""
    texels = bytes((20, 200, 90, 255)) * 16
    head = struct.pack("<9I", 43, 1, 4, 4, 0, 0, 1, 1, 0) + bytes(32) + struct.pack("<QQQ", 104, 64, 64)
    return KTX2_SIGNATURE + head + texels


_picture("EXT_texture_webp", webp, "image/webp")
_picture("KHR_texture_basisu", ktx2, "image/ktx2")
