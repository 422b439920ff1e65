"""A drawable: the vertices, indices and material that a pass draws for an asset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.assets import AssetRef


@dataclass(frozen=True)
class Drawable:
    """One mesh as a pass draws it. `material` is None where the pass has shaders of its own."""

    vertices: AssetRef
    indices: AssetRef
    topology: str
    material: AssetRef | None = None
