"""What one pass of the frame is drawn with, and how much all of them draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.graph import PICTURE_VIEW, DrawOrder
from engine.planning.culling import Culling
from engine.planning.draw.draw_list import DrawList, Written
from engine.planning.draw.eyes import Eye, eyes_of
from engine.planning.draw.sorted_draws import NO_PARTS, Parts, SortedDraws
from engine.planning.draw.tables import InUse
from engine.render.pass_binding import PassBinding


@dataclass(frozen=True)
class DrawCounts:
    """Counts of one frame: draw calls, instances, triangles."""

    calls: int = 0
    instances: int = 0
    triangles: int = 0


@dataclass(eq=False)
class PassState:
    """What one pass is drawn with and what it draws, kept from plan to plan."""

    binding: PassBinding
    draws: DrawList | SortedDraws
    culling: Culling
    is_culled: bool = False
    in_use: InUse | None = None
    versions: tuple[int, ...] = ()
    culled_for: tuple[object, ...] | None = None  # what the draws of its views follow from

    @property
    def is_bound(self) -> bool:
        """Whether the binding has followed what the table uses."""
        return self.in_use is self.binding.table.in_use

    @property
    def is_current(self) -> bool:
        """Whether the draws have followed the table's rows."""
        return self.versions == self.binding.table.version

    def cull(
        self, eyes: Mapping[str, Eye | None], cull_from: int | None, parts: Parts = NO_PARTS
    ) -> Written | None:
        """Draw in each view what it sees; everything, where that would save less than it takes.

        A table of at least `cull_from` triangles is culled, None: none is. What is sorted has `parts` of
        other passes in it. Returns what has changed.
        """
        draws, table, binding = self.draws, self.binding.table, self.binding
        views = table.declaration.views
        now = (
            tuple(map(eyes.get, views)),
            eyes.get(PICTURE_VIEW) if table.declaration.order is DrawOrder.BACK_TO_FRONT else None,
            *table.version,
            table.tableau.moves.version,
            (binding.late_version, len(binding.late), len(binding.batches), len(table.batches)),
            cull_from,
            parts,
        )
        if now == self.culled_for and not table.block_boxes.is_behind:
            return None
        self.culled_for = now
        culls = cull_from is not None and draws.largest >= cull_from
        culls &= len(binding.batches) == len(table.batches)
        was_culled, self.is_culled = self.is_culled, culls
        pinned = self.culling.pinned(binding.late, binding.late_version) if culls else None
        if isinstance(draws, SortedDraws):
            return draws.order(eyes_of(views, eyes), pinned, parts)
        if pinned is None:
            return draws.cull(None, range(len(views))) if was_culled else None
        if not was_culled:
            self.culling.forget()
        changed = self.culling.update(eyes, pinned)
        return draws.cull(self.culling.visible, changed) if changed else None
