"""glTF 2.0 files: an own reader on `json` and views of numpy, which knows nothing of the engine.

`read_gltf` opens a `.gltf` or `.glb`. What it holds is read part by part (`read_primitive`, `read_material`,
`read_nodes`, ...); each part is an `Item` of the JSON, and a wrong value raises an InputError that names the
JSON pointer and the byte of the file. Numbers are views of the file's bytes where they are stored plainly.
"""

from engine.gltf.accessors import read_accessor
from engine.gltf.clips import Channel, read_clip
from engine.gltf.codes import GltfCode
from engine.gltf.document import Gltf, OpenFile, read_gltf
from engine.gltf.images import Sampling, file_of, image_bytes, image_of, sampling_of
from engine.gltf.item import Item, Members
from engine.gltf.materials import Cover, GltfMaterial, TextureUse, read_material
from engine.gltf.meshes import Draws, Primitive, read_primitive, targets_of
from engine.gltf.nodes import GltfNode, Nodes, Transform, read_nodes, read_weights
from engine.gltf.skins import GltfSkin, read_skin

__all__ = [
    "Channel",
    "Cover",
    "Draws",
    "Gltf",
    "GltfCode",
    "GltfMaterial",
    "GltfNode",
    "GltfSkin",
    "Item",
    "Members",
    "Nodes",
    "OpenFile",
    "Primitive",
    "Sampling",
    "TextureUse",
    "Transform",
    "file_of",
    "image_bytes",
    "image_of",
    "read_accessor",
    "read_clip",
    "read_gltf",
    "read_material",
    "read_nodes",
    "read_primitive",
    "read_skin",
    "read_weights",
    "sampling_of",
    "targets_of",
]
