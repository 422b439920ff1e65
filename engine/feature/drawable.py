"""A drawable: the vertices, indices and material that a pass draws for an asset."""

from __future__ import annotations

from dataclasses import dataclass

from engine.assets import AssetRef


@dataclass(frozen=True)
class Drawable:
    """One mesh as a pass draws it. `material` is None where the pass has shaders of its own.

    `level` is the number of its level of detail, 0 the finest; -1 for a mesh without levels. A level of the
    source is drawn from `screen_size` on, a part of the picture's height. One that was made has its `error`
    in metres instead, and is drawn where that is too small to be seen. `part` is the first of the indices
    that are drawn, and how many there are; None for all.
    """

    vertices: AssetRef
    indices: AssetRef
    topology: str
    material: AssetRef | None = None
    level: int = -1
    screen_size: float = 0.0
    error: float | None = None
    part: tuple[int, int] | None = None
