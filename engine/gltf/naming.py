"""Names for what a glTF file holds: unique, and valid for objects and assets alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Mapping

from engine.gltf.item import Item
from engine.gltf.limits import MAX_NODES
from engine.gltf.nodes import GltfNode, Nodes

_MAX_NAME = 200
_SEPARATORS = str.maketrans({"/": "_", "\\": "_", ".": "_", "@": "_"})


Given = Mapping[Hashable, tuple[str, str]]
"""By what has a name: the name that it should have had, and the one that it has."""

_NONE: Given = {}


class Names:
    """Gives names, each once, also without regard to letter case; `given` are those of `of`."""

    def __init__(self, earlier: Given = _NONE) -> None:
        """`earlier` are those of another version, which nothing else gets."""
        self._taken = {name.casefold() for _, name in earlier.values()}
        self._numbers: dict[str, int] = {}
        self._earlier = earlier
        self.given: dict[Hashable, tuple[str, str]] = {}

    def of(self, what: Hashable, wanted: str, otherwise: str) -> str:
        """Return the name of something: as it was if that was made of the same one, else a free one."""
        if what not in self.given:
            before, name = self._earlier.get(what, ("", ""))
            name = name if name and before == wanted else self.free(wanted, otherwise)
            self.given[what] = wanted, name
        return self.given[what][1]

    def free(self, wanted: str, otherwise: str) -> str:
        """Return a name like the `wanted` one, or like `otherwise` where that has no letter.

        Separators of paths and what cannot be printed are replaced; a taken name gets a number from 2.
        """
        name = "".join(letter for letter in wanted.translate(_SEPARATORS) if letter.isprintable())
        name = unicodedata.normalize("NFC", name).strip()[:_MAX_NAME]
        if not any(letter.isalpha() for letter in name):
            name = f"{otherwise}{name}" if name else otherwise
        found, key = name, name.casefold()
        number = self._numbers.get(key, 1)
        while found.casefold() in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._numbers[key] = number
        self._taken.add(found.casefold())
        return found


def node_names(nodes: Mapping[int, GltfNode]) -> tuple[dict[int, str], Names]:
    """Return a name for each node, unique in the whole file, and the names that are taken by them."""
    names = Names()
    return {index: names.free(node.item.name, f"node{index}") for index, node in nodes.items()}, names


def node_paths(nodes: Nodes, names: Mapping[int, str]) -> dict[int, str]:
    """Return the path of each node from the object that the roots are below: names with `/` between them."""
    paths = {root: names[root] for root in nodes.roots}
    for index, node in nodes.by_number.items():  # parents before children
        for child in node.children:
            paths[child] = f"{paths[index]}/{names[child]}"
    return paths


def drawn_names(root: Item, nodes: Mapping[int, GltfNode], names: Names) -> dict[int, list[str]]:
    """Return, of nodes that draw several things, the names of objects below them: one for each.

    They are in the order of instances, and of primitives within each. A node has none with which there would
    be more than MAX_NODES in all.
    """
    meshes = root.children("meshes")
    found: dict[int, list[str]] = {}
    room = MAX_NODES
    for index, node in nodes.items():
        if node.mesh is None:
            continue
        mesh = meshes[node.mesh].value
        primitives = mesh.get("primitives") if isinstance(mesh, dict) else None
        count = len(primitives) if isinstance(primitives, list) else 0
        if node.instances is not None or count != 1:
            count *= 1 if node.instances is None else len(node.instances)
            wanted = f"{node.item.name}_part"
            count = count if count <= room else 0
            room -= count
            found[index] = [names.free(wanted, f"node{index}_part") for _ in range(count)]
    return found
