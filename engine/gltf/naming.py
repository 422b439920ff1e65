"""Names for what a glTF file holds: unique, and valid for objects and assets alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from engine.gltf.item import Item
from engine.gltf.nodes import GltfNode

_MAX_NAME = 200
_SEPARATORS = str.maketrans({"/": "_", "\\": "_", ".": "_", "@": "_"})


class Names:
    """Gives names, each once, also without regard to letter case."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def free(self, wanted: str, otherwise: str) -> str:
        """Return a name like the `wanted` one, or like `otherwise` where that has no letter.

        Separators of paths and what cannot be printed are replaced; a taken name gets a number from 2.
        """
        name = "".join(letter for letter in wanted.translate(_SEPARATORS) if letter.isprintable())
        name = unicodedata.normalize("NFC", name).strip()[:_MAX_NAME]
        if not any(letter.isalpha() for letter in name):
            name = f"{otherwise}{name}" if name else otherwise
        found, number = name, 1
        while found.casefold() in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found.casefold())
        return found


def node_names(nodes: Mapping[int, GltfNode]) -> tuple[dict[int, str], Names]:
    """Return a name for each node, unique in the whole file, and the names that are taken by them."""
    names = Names()
    return {index: names.free(node.item.name, f"node{index}") for index, node in nodes.items()}, names


def node_paths(
    nodes: Mapping[int, GltfNode], roots: Sequence[int], names: Mapping[int, str]
) -> dict[int, str]:
    """Return the path of each node from the object that the roots are below: names with `/` between them."""
    paths = {root: names[root] for root in roots}
    for index, node in nodes.items():  # parents before children
        for child in node.children:
            paths[child] = f"{paths[index]}/{names[child]}"
    return paths


def drawn_names(root: Item, nodes: Mapping[int, GltfNode], names: Names) -> dict[int, list[str]]:
    """Return, of nodes that draw several things, the names of objects below them: one for each.

    They are in the order of instances, and of primitives within each.
    """
    meshes = root.children("meshes")
    found: dict[int, list[str]] = {}
    for index, node in nodes.items():
        if node.mesh is None:
            continue
        primitives = meshes[node.mesh].get("primitives")
        count = len(primitives.value) if primitives is not None and isinstance(primitives.value, list) else 0
        if node.instances is not None or count != 1:
            times = 1 if node.instances is None else len(node.instances)
            wanted = f"{node.item.name}_part"
            found[index] = [names.free(wanted, f"node{index}_part") for _ in range(count * times)]
    return found
