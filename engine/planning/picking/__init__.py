"""Picking: which object, triangle and place in the world a frame shows at a pixel."""

from engine.planning.picking.picker import Picker, PickHit

__all__ = ["PickHit", "Picker"]
