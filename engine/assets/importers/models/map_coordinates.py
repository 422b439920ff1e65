"""Reads how a mesh of a model file makes texture coordinates: each attribute from those of the file."""

from __future__ import annotations

import re
from pathlib import Path

from engine.assets.codes import AssetCode
from engine.assets.importers.models.model_files import OBJ_SUFFIX, is_model
from engine.humon import Code, Kind, Node, expect, failure, named, vector

MapCoordinates = tuple[tuple[str, tuple[float, ...]], ...]
"""Attributes by name, each with the numbers that its coordinates are made with.

Four are the scale and the offset of u and v. Of a glTF file two more may follow: an angle in radians, and the
number of the set; and twelve are two of these for an attribute that has the coordinates of two textures.
"""

MOST = 16
PLACE = 6
"""How many numbers all of a place are: scale and offset of u and v, angle, set."""

AS_IN_FILE: tuple[float, ...] = (1.0, 1.0, 0.0, 0.0)
UNLESS_GIVEN: MapCoordinates = (("uv_albedo", AS_IN_FILE),)
"""What is made where nothing else is said."""

_LAST_SET = 255
_COUNTS = (4, PLACE, 2 * PLACE)
_NAME = re.compile(r"uv_[A-Za-z][A-Za-z0-9]{0,60}")


def read_map_coordinates(node: Node, source: Path) -> MapCoordinates:
    """Return the `coordinates` of a mesh with this source by name, among them `uv_albedo`. Raises InputError.

    Each is a list of the numbers that `MapCoordinates` describes.
    """
    if not is_model(source):
        message = f"'{source.name}' has coordinates of its own"
        raise failure(
            AssetCode.FIELD, message, node, "remove `coordinates`: they are for parts of a model file"
        )
    found = dict(UNLESS_GIVEN)
    for number, (name, child) in enumerate(expect(node, Kind.DICT).items()):
        if _NAME.fullmatch(name) is None or number == MOST:
            message = f"'{name}' is no attribute of coordinates, or one of more than {MOST}"
            raise failure(AssetCode.FIELD, message, child, "name the slot that reads them: `uv_normal`")
        found[name] = _numbers(child, is_obj=source.suffix.lower() == OBJ_SUFFIX)
    return tuple(sorted(found.items()))


def _numbers(node: Node, *, is_obj: bool) -> tuple[float, ...]:
    """Return the numbers of an attribute."""
    if is_obj:
        return vector(node, 4)
    found = vector(node)
    if len(found) not in _COUNTS:
        message = f"{named(node)} has {len(found)} numbers; coordinates have 4, 6 or 12"
        hint = "write the scale and the offset of u and v, then an angle and the number of a set"
        raise failure(Code.COUNT, message, node, hint)
    for number in found[PLACE - 1 :: PLACE]:
        if number not in range(_LAST_SET + 1):
            message = f"{number:g} is no number of a set of coordinates"
            raise failure(Code.RANGE, message, node, f"give a whole number from 0 to {_LAST_SET}")
    return found
