"""The reticle feature: a cross, circle or dot in the middle of what its camera shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy.typing as npt

from engine.feature import Fault, Feature, FeatureRows, FrameView
from engine.graph import Pass
from engine.tableau.schema import choice_field, color_field, float_field
from features.overlays._rectangle import overlay_pass, shown_rows, with_opacity, without_camera


class Reticle(Feature):
    """A mark in the middle of what a camera shows, on the camera's object or below it."""

    type_name = "reticle"
    fields = (
        choice_field("kind", "cross", choices=("cross", "circle", "dot")),
        float_field("size", 24.0, minimum=1.0, maximum=4096.0, unit="points", help="from edge to edge"),
        float_field(
            "thickness", 2.0, minimum=0.0, maximum=4096.0, unit="points", help="at least a pixel is drawn"
        ),
        float_field(
            "gap",
            4.0,
            minimum=0.0,
            maximum=4096.0,
            unit="points",
            help="from the middle to the arms of a cross",
        ),
        color_field("color", (1.0, 1.0, 1.0), maximum=1.0, help="as it is shown; linear"),
        float_field("opacity", 0.9, minimum=0.0, maximum=1.0),
        float_field(
            "outline", 1.0, minimum=0.0, maximum=64.0, unit="points", help="of the dark edge around it"
        ),
    )
    buffers = ("reticles",)

    def passes(self, rows: FeatureRows) -> tuple[Pass, ...]:
        """The pass that draws all of them, over other overlays."""
        return (overlay_pass("reticle", rows, after=("areaMap", "healthBar")),)

    def faults(self, frame: FrameView) -> Iterable[Fault]:
        """Reticles without a camera."""
        return without_camera(frame, self.type_name)

    def buffer_values(self, frame: FrameView) -> Mapping[str, Mapping[str, npt.ArrayLike]]:
        """Return the rows of those whose camera shows the picture."""
        rows = shown_rows(frame, self.type_name)
        if not len(rows):
            return {}
        numbers = {name: rows[name] for name in ("size", "thickness", "gap", "outline", "kind")}
        return {"reticles": {"color": with_opacity(rows, "color"), **numbers}}
