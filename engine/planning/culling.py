"""Culling: which blocks of instances each view of a pass draws.

A block is drawn where its box meets the view's frustum: so every instance that is seen is drawn, and others
of its block. All boxes are tested against all planes by one product of matrices; that is done again where the
eye of the view or the box has changed, so a view at rest costs nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.assets import AssetRef, AssetType
from engine.plan.terms.drawing import ShaderStage
from engine.plan.terms.table import is_in, some
from engine.planning.draw.eyes import Eye
from engine.planning.draw.shading import ShaderSet
from engine.planning.draw.tables import DrawTable

Mask = npt.NDArray[np.bool_]

MOST_MEASURED = 4096
"""How many boxes of instances (or of bones) are measured in a frame for culling: 0.3 ms of it."""

GPU_TRIANGLES = 1 << 18
SOFTWARE_TRIANGLES = 1 << 12
"""A pass of fewer triangles is drawn whole: what culling takes of the processor would save less elsewhere."""


def cull_from(culling: bool | None, device_type: str) -> int | None:
    """Return how many triangles a pass has at least that is culled, on a device of this type; None: none is.

    `culling` says whether any pass is; None: where it pays.
    """
    if culling is None:
        return SOFTWARE_TRIANGLES if device_type == "cpu" else GPU_TRIANGLES
    return 0 if culling else None


class Culling:
    """Which blocks of one table are seen in each view of its pass.

    Blocks whose instances are not where their boxes are, are always drawn: those of vertex shaders that are
    not builtin, as others may move vertices, and those that draw the placeholder mesh.
    """

    def __init__(self, table: DrawTable) -> None:
        self._table = table
        views = len(table.declaration.views)
        self.visible: Mask = np.ones((views, 0), np.bool_)
        self._eyes: list[Eye | None] = [None] * views
        self._seen: tuple[int, int] | None = None
        self._late: tuple[int, int] | None = None
        self._pinned: Mask = np.zeros(0, np.bool_)
        self._known = -1  # how many shader sets there were
        self._is_plain = True  # whether each of them reads the places of what it draws alone

    def forget(self) -> None:
        """Find everything again with the next `update`."""
        self._seen = None

    def pinned(self, late: Mask, version: int) -> Mask:
        """Return which batches are always drawn; `late` are those that draw the placeholder mesh.

        That is worked out again where `version` or the number of batches is another.
        """
        table, now = self._table, (version, len(late))
        if now != self._late:
            free = np.array([not self._keeps_vertices(each) for each in table.recipes.shadings], np.bool_)
            self._pinned, self._late, self._seen = late | free[table.batches["shading"]], now, None
        return self._pinned

    def follows(self, objects: npt.NDArray[np.int32]) -> bool:
        """Whether the table may draw something else after these objects have moved: they are drawn, or bones.

        Where a shader that reads places is not builtin, it may read that of any object.
        """
        table = self._table
        if len(table.recipes.shadings) != self._known:
            self._known = len(table.recipes.shadings)
            self._is_plain = all(map(self._reads_own_places, table.recipes.shadings))
        bones = table.bones.objects
        return (
            not self._is_plain
            or bool(len(bones) and is_in(objects, bones).any())
            or len(table.feature.rows_of(objects)) > 0
        )

    def update(self, eyes: Mapping[str, Eye | None], pinned: Mask) -> list[int]:
        """Find what is `visible`, bool[views, blocks], for these eyes; return the views in which it changed.

        A view without an eye sees everything. `pinned` are the batches that are always drawn.
        """
        table = self._table
        boxes, count = table.block_boxes, len(table.blocks.blocks)
        boxes.follow(MOST_MEASURED)
        now = [eyes.get(view) for view in table.declaration.views]
        views = [i for i, eye in enumerate(now) if eye is not self._eyes[i]]
        blocks, before = None, self._seen
        self._eyes, self._seen = now, (table.blocks.layout, boxes.measured.version)
        if before is not None and before[0] == table.blocks.layout and self.visible.shape[1] == count:
            if before == self._seen and not views:
                return views
            blocks = boxes.measured.since(before[1])
        if blocks is None:
            views, self.visible = list(range(len(now))), np.ones((len(now), count), np.bool_)
            blocks = np.zeros(0, np.int32)
        drawn = pinned[table.blocks.blocks.rows["batch"]] if views and some(pinned) else False
        for view in views:
            self.visible[view] = drawn | self._sees(now[view], boxes.corners)
        if not len(blocks):
            return views
        corners, drawn = boxes.corners[:, blocks], pinned[table.blocks.blocks.rows["batch"][blocks]]
        for view in range(len(now)):
            if view not in views:
                self.visible[view, blocks] = drawn | self._sees(now[view], corners)
        return list(range(len(now)))

    def _sees(self, eye: Eye | None, corners: npt.NDArray[np.float64]) -> Mask:
        """Return which boxes an eye sees."""
        if eye is None:
            return np.ones(corners.shape[1], np.bool_)
        return ~eye.misses(corners, clamped=self._table.declaration.state.depth_clamp)

    def _keeps_vertices(self, shading: ShaderSet) -> bool:
        """Whether vertices stay where their mesh and bones have them: the vertex shader is a builtin one."""
        return self._is_builtin(shading, ShaderStage.VERTEX)

    def _reads_own_places(self, shading: ShaderSet) -> bool:
        """Whether no shader reads the places of others than what it draws, as builtin ones do not."""
        (of_frame, *_) = (*shading.sets, ())
        reading = {stage for row in of_frame if row.name == "instances" for stage in row.stages}
        return all(self._is_builtin(shading, stage) for stage in reading | {ShaderStage.VERTEX})

    def _is_builtin(self, shading: ShaderSet, stage: ShaderStage) -> bool:
        """Whether the shader of a stage is a builtin one."""
        stages = zip(shading.shaders, shading.stages, strict=True)
        return any(of is stage and self._code(ref) in self._builtin for ref, (of, _) in stages)

    @cached_property
    def _builtin(self) -> frozenset[bytes]:
        """The digests of the builtin shaders."""
        assets = self._table.recipes.library.dbs[0].assets
        return frozenset(self._code(each.ref) for each in assets if each.type is AssetType.SHADER)

    def _code(self, shader: AssetRef) -> bytes:
        return hashlib.sha256(self._table.recipes.library.read(shader)).digest()
