"""Scenes of small glTF files: panes of 1 m in a row, each with a material, seen straight from the front."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.assets.files import FileGate
from engine.assets.roots import project_root
from engine.humon import write
from engine.scene.models.opening import model_scene

Json = dict[str, Any]
SIDE = 48
"""Pixels of each pane with the gaps beside it, of which a pane takes 40."""
_STEP = 1.2
CORNERS = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)
"""Coordinates of textures at the corners: lower left, lower right, upper right, upper left."""
_PLACES = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]], np.float32)
DARK: Json = {"features": [{"@type": "light", "intensity": 0, "sky": [0, 0, 0], "ground": [0, 0, 0]}]}


@dataclass
class SmallGltf:
    """A file in the making: textures by name, and panes in a row."""

    folder: Path
    textures: dict[str, int] = field(default_factory=dict)
    _views: list[bytes] = field(default_factory=list)
    _document: Json = field(
        default_factory=lambda: {
            "asset": {"version": "2.0"},
            **{
                part: []
                for part in ("accessors", "images", "textures", "samplers", "materials", "meshes", "nodes")
            },
        }
    )

    def texture(self, name: str, texels: npt.ArrayLike, **sampler: int) -> None:
        """Add a texture, uint8[height, width, 4]."""
        file = io.BytesIO()
        Image.fromarray(np.asarray(texels, np.uint8)).save(file, "PNG")
        uri = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
        d = self._document
        d["images"].append({"name": name, "uri": uri})
        d["samplers"].append(sampler)
        self.textures[name] = len(d["textures"])
        d["textures"].append({"source": len(d["images"]) - 1, "sampler": len(d["samplers"]) - 1})

    def use(self, name: str, **more: Any) -> Json:
        """Return the textureInfo of a texture."""
        return {"index": self.textures[name], **more}

    def pane(self, material: Json, **attributes: npt.ArrayLike) -> None:
        """Add a pane with a material; `attributes` go beside or before POSITION, NORMAL and TEXCOORD_0."""
        given: Mapping[str, npt.ArrayLike] = {
            "POSITION": _PLACES,
            "NORMAL": np.tile(np.array([0, 0, 1], np.float32), (4, 1)),
            "TEXCOORD_0": CORNERS,
            **attributes,
        }
        d = self._document
        indices = self._accessor(np.array([[0], [1], [2], [0], [2], [3]], np.uint16), bounds=False)
        of = {name: self._accessor(np.asarray(values, np.float32)) for name, values in given.items()}
        d["meshes"].append(
            {"primitives": [{"attributes": of, "indices": indices, "material": len(d["materials"])}]}
        )
        d["materials"].append(material)
        d["nodes"].append({"mesh": len(d["meshes"]) - 1, "translation": [_STEP * len(d["nodes"]), 0, 0]})

    def scene(self, objects: Json, assets: Sequence[Json] = (), camera: Json | None = None) -> Path:
        """Write the file and a scene of it, with these objects and assets in place of its sky and sun."""
        d, data = dict(self._document), b"".join(self._views)
        d["bufferViews"] = [
            {"buffer": 0, "byteOffset": sum(map(len, self._views[:number])), "byteLength": len(view)}
            for number, view in enumerate(self._views)
        ]
        uri = "data:application/octet-stream;base64," + base64.b64encode(data).decode()
        d["buffers"] = [{"byteLength": len(data), "uri": uri}]
        used = {name for material in d["materials"] for name in _extensions(material)}
        d |= {"extensionsUsed": sorted(used), "scenes": [{"nodes": [*range(len(d["nodes"]))]}], "scene": 0}
        (self.folder / "assets").mkdir(exist_ok=True)
        path = self.folder / "small.gltf"
        path.write_text(json.dumps({key: value for key, value in d.items() if value != []}))
        found = model_scene(path, FileGate(project_root(path)), path.name)
        assert found.warnings == ()
        tableau = dict(found.values["tableau"])
        lens = {"@type": "camera", "projection": "orthographic", "height": _STEP, "toneMapping": "none"}
        lens |= {"antialiasing": "none", "background": [0, 0, 0], **(camera or {})}
        middle = _STEP * (len(d["nodes"]) - 1) / 2
        tableau["objects"] = {
            "model": tableau["objects"]["model"],
            "camera": {"translation": [middle, 0, 100], "features": [lens]},
            **objects,
        }
        values = {**found.values, "tableau": tableau}
        listed = [record for record in found.values["assetDb"]["assets"] if record["name"] != "sky"]
        values["assetDb"] = {**found.values["assetDb"], "assets": [*listed, *assets]}
        scene = self.folder / "small.hu"
        scene.write_text(write(values))
        return scene

    @property
    def size(self) -> tuple[int, int]:
        """The size of a picture in which the row of panes fits."""
        return SIDE * len(self._document["nodes"]), SIDE

    def _accessor(self, values: npt.NDArray[Any], *, bounds: bool = True) -> int:
        d, width = self._document, values.shape[1]
        accessor = {
            "bufferView": len(self._views),
            "componentType": 5126 if values.dtype == np.float32 else 5123,
            "count": len(values),
            "type": "SCALAR" if width == 1 else f"VEC{width}",
        }
        if bounds:
            accessor |= {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}
        raw = values.tobytes()
        self._views.append(raw + bytes(-len(raw) % 4))
        d["accessors"].append(accessor)
        return len(d["accessors"]) - 1


def middle(picture: npt.NDArray[Any], number: int) -> npt.NDArray[np.float64]:
    """Return the linear light, float64[3], in the middle of a pane."""
    return linear(picture[SIDE // 2, SIDE * number + SIDE // 2, :3])


def linear(value: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the linear light of 8-bit sRGB."""
    part = np.asarray(value) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def _extensions(value: Any) -> set[str]:
    """Return the names of extensions in a value of JSON."""
    if isinstance(value, list):
        return {name for each in value for name in _extensions(each)}
    if not isinstance(value, dict):
        return set()
    return set(value.get("extensions", ())) | {name for each in value.values() for name in _extensions(each)}
