"""A drawable: the vertices, indices and material that a pass draws for an asset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.assets import AssetRef


@dataclass(frozen=True)
class Drawable:
    """One mesh as a pass draws it. `material` is None where the pass has shaders of its own.

    `level` is the number of its level of detail, 0 the finest, and `screen_size` the least size, as a part of
    the picture's height, at which that is drawn; -1 for a mesh without levels.
    """

    vertices: AssetRef
    indices: AssetRef
    topology: str
    material: AssetRef | None = None
    level: int = -1
    screen_size: float = 0.0
