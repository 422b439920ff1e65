"""What a pass draws for one asset: a mesh's vertices and indices, and a material."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.assets import AssetRef


@dataclass(frozen=True)
class Drawable:
    """One mesh as a pass draws it. `material` is None where the pass brings its own shaders."""

    vertices: AssetRef
    indices: AssetRef
    topology: str
    material: AssetRef | None = None
