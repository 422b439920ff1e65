"""The extensions of glTF that are read, and what a file says that it uses."""

from __future__ import annotations

from engine.gltf.codes import GltfCode
from engine.gltf.item import Item, Members

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


MOST_NAMED = 100
"""Most extensions that are not supported and are named each by itself."""


def check_extensions(root: Item) -> None:
    """Raise `gltf.extension` for one that is required and not supported; warn of those that are only used.

    What is no name of an extension is left out, with a warning.
    """
    required = _names(root, "extensionsRequired")
    for name, element in required.items():
        if name not in SUPPORTED:
            message = f"the file requires the extension '{name}', which is not supported"
            raise element.failure(GltfCode.EXTENSION, message, "export the model without it")
    used = _names(root, "extensionsUsed")
    others = [name for name in used if name not in SUPPORTED and name not in required]
    hint = "export the model without it to see it as it was made"
    for name in others[:MOST_NAMED]:
        message = f"the extension '{name}' is not supported; what it says is left out"
        used[name].warn(GltfCode.EXTENSION, message, hint)
    if len(others) > MOST_NAMED:
        message = f"{len(others) - MOST_NAMED} more extensions are not supported"
        used[others[MOST_NAMED]].warn(GltfCode.EXTENSION, message, hint)


def _names(root: Item, key: str) -> dict[str, Item]:
    """Return the names in a list of the file, each with its first element."""
    found: dict[str, Item] = {}
    for element in Members(root).read(key, lambda item: item.elements(), list[Item]()):
        name = root.document.attempt(element.text, "")
        if name:
            found.setdefault(name, element)
    return found
