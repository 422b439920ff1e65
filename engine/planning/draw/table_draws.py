"""What a draw table draws at one time, for the needs of a frame; the table may draw something else since."""

from __future__ import annotations

from dataclasses import dataclass

from engine.graph import DrawPass
from engine.planning.draw.recipes import Recipes
from engine.planning.draw.tables import DrawTable, Ints, InUse


@dataclass(frozen=True, eq=False)
class TableDraws:
    """The table, its `assets` and `in_use` then, and its instances, lists of levels and weight of blocks."""

    table: DrawTable
    assets: Ints
    in_use: InUse
    instances: int
    lists: int
    weight: int

    @classmethod
    def of(cls, table: DrawTable) -> TableDraws:
        """Note what a table draws now."""
        lists, weight = table.levels.lists, table.blocks.weight
        return cls(table, table.assets, table.in_use, table.instances, lists, weight)

    @property
    def name(self) -> str:
        """The name of its pass."""
        return self.declaration.name

    @property
    def declaration(self) -> DrawPass:
        """Its pass."""
        return self.table.declaration

    @property
    def recipes(self) -> Recipes:
        """What its assets are drawn with; never changed for those that are known."""
        return self.table.recipes
