"""The extensions of glTF that are read, and what a file says that it uses."""

from __future__ import annotations

from engine.gltf.codes import GltfCode
from engine.gltf.item import Item

SUPPORTED = frozenset(
    {
        "EXT_mesh_gpu_instancing",
        "EXT_meshopt_compression",
        "EXT_texture_webp",
        "KHR_draco_mesh_compression",
        "KHR_lights_punctual",
        "KHR_materials_clearcoat",
        "KHR_materials_emissive_strength",
        "KHR_materials_ior",
        "KHR_materials_specular",
        "KHR_materials_unlit",
        "KHR_mesh_quantization",
        "KHR_texture_basisu",
        "KHR_texture_transform",
    }
)
"""The extensions that have their effect in the picture."""


def check_extensions(root: Item) -> None:
    """Raise `gltf.extension` for one that is required and not supported; warn of those that are only used."""
    required = {element.text() for element in root.children("extensionsRequired")}
    for element in root.children("extensionsRequired"):
        name = element.text()
        if name not in SUPPORTED:
            message = f"the file requires the extension '{name}', which is not supported"
            raise element.failure(GltfCode.EXTENSION, message, "export the model without it")
    for element in root.children("extensionsUsed"):
        name = element.text()
        if name not in SUPPORTED and name not in required:
            message = f"the extension '{name}' is not supported; what it says is left out"
            element.warn(GltfCode.EXTENSION, message, "export the model without it to see it as it was made")
