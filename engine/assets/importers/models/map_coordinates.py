"""Reads how a mesh of an OBJ file makes texture coordinates: each attribute from those of the file."""

from __future__ import annotations

import re
from pathlib import Path

from engine.assets.codes import AssetCode
from engine.assets.importers.models.model_files import OBJ_SUFFIX
from engine.humon import Kind, Node, expect, failure, vector

MapCoordinates = tuple[tuple[str, tuple[float, ...]], ...]
"""Attributes by name, each with a scale and an offset of u and v, which count upwards."""

MOST = 16
_NAME = re.compile(r"uv_[A-Za-z][A-Za-z0-9]{0,60}")


def read_map_coordinates(node: Node, source: Path) -> MapCoordinates:
    """Return the `coordinates` of a mesh with this source, by name. Raises InputError.

    Each is a list of four numbers: the scale of u and v, and what is added then.
    """
    if source.suffix.lower() != OBJ_SUFFIX:
        message = f"'{source.name}' has coordinates of its own"
        raise failure(AssetCode.FIELD, message, node, "remove `coordinates`: they are for parts of an .obj")
    found: dict[str, tuple[float, ...]] = {}
    for name, child in expect(node, Kind.DICT).items():
        if _NAME.fullmatch(name) is None or len(found) == MOST:
            message = f"'{name}' is no attribute of coordinates, or one of more than {MOST}"
            raise failure(AssetCode.FIELD, message, child, "name the slot that reads them: `uv_normal`")
        found[name] = vector(child, 4)
    return tuple(sorted(found.items()))
