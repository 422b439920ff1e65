"""Writes glTF files part by part: views, accessors, images, and what uses them."""

from __future__ import annotations

import base64
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Plain = dict[str, Any]

COMPONENTS = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}

TRIANGLE = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
QUAD = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
QUAD_CORNERS = np.array([0, 1, 2, 0, 2, 3], np.uint16)
FACING = np.array([[0, 0, 1]] * 4, np.float32)
CORNER_UVS = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)


def png(color: tuple[int, ...] = (200, 100, 50), size: int = 2) -> bytes:
    """The bytes of a PNG picture of one colour."""
    out = io.BytesIO()
    Image.fromarray(np.full((size, size, len(color)), color, np.uint8)).save(out, "PNG")
    return out.getvalue()


class GltfFile:
    """A glTF file in the making: `root` is its JSON, `data` its one buffer."""

    def __init__(self) -> None:
        self.root: Plain = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": []}]}
        self.data = bytearray()

    def add(self, array: str, value: Any) -> int:
        """Append to an array of the root and return the number of the element."""
        self.root.setdefault(array, []).append(value)
        return len(self.root[array]) - 1

    def view(self, data: bytes, **fields: Any) -> int:
        """Add bytes as a buffer view, which begins at a multiple of 4."""
        self.data += bytes(-len(self.data) % 4)
        start = len(self.data)
        self.data += data
        return self.add("bufferViews", {"buffer": 0, "byteOffset": start, "byteLength": len(data)} | fields)

    def accessor(self, values: npt.ArrayLike, kind: str = "", stride: int = 0, **fields: Any) -> int:
        """Add the elements of an array, [count] or [count, width], as an accessor with a view of its own."""
        array = np.asarray(values)
        array = array.reshape(len(array), -1)
        row = array.itemsize * array.shape[1]
        given: Plain = {}
        content = array.tobytes()
        if stride:
            rows = np.zeros((len(array), stride), np.uint8)
            rows[:, :row] = np.frombuffer(content, np.uint8).reshape(len(array), row)
            content, given = rows.tobytes()[: stride * (len(array) - 1) + row], {"byteStride": stride}
        return self.add(
            "accessors",
            {
                "bufferView": self.view(content, **given),
                "componentType": COMPONENTS[array.dtype.str[1:]],
                "count": len(array),
                "type": kind or TYPES[array.shape[1]],
            }
            | fields,
        )

    def positions(self, values: npt.ArrayLike, **fields: Any) -> int:
        """Add positions with the box around them."""
        array = np.asarray(values)
        low, high = array.min(axis=0).tolist(), array.max(axis=0).tolist()
        return self.accessor(array, min=low, max=high, **fields)

    def mesh(self, *primitives: Plain, **fields: Any) -> int:
        """Add a mesh."""
        return self.add("meshes", {"primitives": list(primitives)} | fields)

    def node(self, *, top: bool = True, **fields: Any) -> int:
        """Add a node, to the scene as well if it is at the `top`."""
        number = self.add("nodes", fields)
        if top:
            self.root["scenes"][0]["nodes"].append(number)
        return number

    def image(self, data: bytes | None = None, mime: str = "image/png", **fields: Any) -> int:
        """Add an image with its own view."""
        return self.add(
            "images",
            {"bufferView": self.view(data if data is not None else png()), "mimeType": mime} | fields,
        )

    def texture(self, data: bytes | None = None, **fields: Any) -> int:
        """Add a texture with an image of its own."""
        return self.add("textures", {"source": self.image(data)} | fields)

    def uses(self, *names: str, required: bool = False) -> None:
        """Note extensions as used, and as required."""
        for name in names:
            self.root.setdefault("extensionsUsed", []).append(name)
            if required:
                self.root.setdefault("extensionsRequired", []).append(name)

    def quad(self, **fields: Any) -> Plain:
        """A primitive: a square of a metre that faces +Z, with coordinates."""
        attributes = {
            "POSITION": self.positions(QUAD),
            "NORMAL": self.accessor(FACING),
            "TEXCOORD_0": self.accessor(CORNER_UVS),
        } | fields.pop("attributes", {})
        return {"attributes": attributes, "indices": self.accessor(QUAD_CORNERS)} | fields

    def finished(self, uri: str | None = None) -> Plain:
        """The JSON with its buffer, which has a URI or is the chunk of a `.glb`."""
        first = {"byteLength": len(self.data)} | ({} if uri is None else {"uri": uri})
        return self.root | ({"buffers": [first, *self.root.get("buffers", [])]} if self.data else {})

    def glb(self) -> bytes:
        """The file as a `.glb`."""
        return glb(json.dumps(self.finished()).encode(), bytes(self.data))

    def text(self) -> str:
        """The file as a `.gltf` with its buffer in a data URI."""
        uri = "data:application/octet-stream;base64," + base64.b64encode(self.data).decode()
        return json.dumps(self.finished(uri), indent=1)

    def write(self, path: Path) -> Path:
        """Write the file as its name says; the buffer of a `.gltf` beside it."""
        if path.suffix == ".glb":
            path.write_bytes(self.glb())
        else:
            name = f"{path.stem}.bin"
            (path.parent / name).write_bytes(bytes(self.data))
            path.write_text(json.dumps(self.finished(name), indent=1), encoding="utf-8")
        return path


def glb(text: bytes, data: bytes = b"") -> bytes:
    """A `.glb` of a JSON text and a binary chunk."""
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if data:
        data += bytes(-len(data) % 4)
        chunks += struct.pack("<I4s", len(data), b"BIN\0") + data
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
