"""Decompresses buffer views (EXT_meshopt_compression) and primitives (KHR_draco_mesh_compression).

Both take packages that are an extra of ours; where one is absent, the error names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.gltf.codes import GltfCode
from engine.gltf.item import Item

MESHOPT, DRACO = "EXT_meshopt_compression", "KHR_draco_mesh_compression"
_MODES = ("ATTRIBUTES", "TRIANGLES", "INDICES")
_FILTERS = ("NONE", "OCTAHEDRAL", "QUATERNION", "EXPONENTIAL")
_MAX_STRIDE = 256
_MAX_BYTES = 1 << 30
_RATIO = 1024
"""Most bytes that one byte of meshopt's data can stand for.

Each byte of the stride has two bits of a block, of 8,192 bytes and 256 elements at most, where all are alike.
"""


def package(name: str, item: Item) -> ModuleType:
    """Return a package that decodes an extension. Raises `gltf.extension` where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        message = f"this is compressed, and the package '{name}' is not installed"
        hint = f"install it: pip install 'diorama[import]', or pip install {name}"
        raise item.failure(GltfCode.EXTENSION, message, hint) from error


def meshopt_view(view: Item) -> memoryview:
    """Return the bytes of a buffer view that EXT_meshopt_compression describes."""
    extension = view.extension(MESHOPT)
    assert extension is not None
    mode = extension.required("mode").choice(*_MODES)
    given = extension.get("filter")
    form = "NONE" if given is None else given.choice(*_FILTERS)
    stride = extension.required("byteStride").integer(1, _MAX_STRIDE)
    count = extension.required("count").integer(1)
    if stride * count > _MAX_BYTES:
        raise extension.failure(GltfCode.LIMIT, f"{count} elements of {stride} bytes are more than is read")
    meshopt = package("meshopt", extension)
    packed = np.frombuffer(view.document.part(extension), np.uint8)
    if stride * count > len(packed) * _RATIO:
        message = f"{len(packed)} bytes cannot hold {count} elements of {stride}"
        raise extension.failure(GltfCode.BUFFER, f"the compressed data is damaged: {message}")
    try:
        decoded = meshopt.decode_gltf_buffer(packed, count, stride, mode, form)
    except (ValueError, TypeError, RuntimeError) as error:
        message = (
            f"the compressed data is damaged: its {len(packed)} bytes are no {count} elements of {stride}"
        )
        raise extension.failure(GltfCode.BUFFER, message) from error
    return np.ascontiguousarray(decoded).reshape(-1).view(np.uint8).data


def draco_primitive(primitive: Item, extension: Item) -> tuple[npt.NDArray[np.uint32], Mapping[str, Any]]:
    """Return the indices [count] and the attributes by their names, [vertices, width], of a primitive."""
    draco = package("DracoPy", extension)
    view = extension.required("bufferView").reference("bufferViews")
    try:
        mesh = draco.decode(bytes(primitive.document.view(view)))
    except Exception as error:
        raise extension.failure(
            GltfCode.BUFFER, "the compressed mesh is damaged: it is no Draco data"
        ) from error
    found = {attribute["unique_id"]: attribute["data"] for attribute in mesh.attributes}
    attributes = {}
    for name, child in extension.required("attributes").members():
        number = child.integer()
        if number not in found:
            raise child.failure(GltfCode.REFERENCE, f"the compressed mesh has no attribute {number}")
        attributes[name] = found[number]
    return np.asarray(mesh.faces, np.uint32).reshape(-1), attributes
