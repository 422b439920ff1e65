"""The healthBar feature: a bar over the picture that follows a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from engine.feature import Fault, Feature, FeatureRows, FrameView
from engine.graph import Pass
from engine.tableau import Unbound
from engine.tableau.schema import Names, color_field, float_field, text_field
from features.overlays._rectangle import (
    anchor_fields,
    overlay_pass,
    places,
    shown_rows,
    unused_offsets,
    with_opacity,
    without_camera,
)

LOW, HIGH = 0.2, 0.6
"""How full a bar is that has one of its two colours; between, they are mixed."""

FULL = 1.0
"""The number of a full bar that does not say so."""

LENGTHS = {"minimum": 0.0, "maximum": 4096.0}


class HealthBar(Feature):
    """A bar that is as full as a number is large, on the object of a camera or below it."""

    type_name = "healthBar"
    fields = (
        text_field(
            "bind",
            names=Names.NUMBER,
            help="PATH.FEATURE.FIELD of the number that it shows in place of `value`",
        ),
        float_field("value", 1.0, help="the number that it shows"),
        float_field("minimum", 0.0, help="the number of an empty bar"),
        float_field("maximum", FULL, help="the number of a full one"),
        *anchor_fields("bottomLeft", (20.0, 20.0)),
        float_field("width", 180.0, minimum=1.0, maximum=4096.0, unit="points"),
        float_field("height", 14.0, minimum=1.0, maximum=4096.0, unit="points"),
        float_field("border", 2.0, **LENGTHS, unit="points", help="of the frame around it"),
        float_field("radius", 5.0, **LENGTHS, unit="points", help="of its rounded corners"),
        color_field("color", (0.12, 0.56, 0.1), maximum=1.0, help="of a bar from 0.6 on; linear"),
        color_field("lowColor", (0.75, 0.04, 0.03), maximum=1.0, help="of one up to 0.2; mixed between"),
        color_field("background", (0.02, 0.02, 0.025), maximum=1.0, help="of the part that is not full"),
        color_field("borderColor", (0.9, 0.9, 0.9), maximum=1.0, help="of the frame"),
        float_field("opacity", 0.95, minimum=0.0, maximum=1.0),
    )
    buffers = ("healthBars",)

    def passes(self, rows: FeatureRows) -> tuple[Pass, ...]:
        """The pass that draws all of them."""
        return (overlay_pass("healthBar", rows, after=("areaMap",)),)

    def buffer_values(self, frame: FrameView) -> Mapping[str, Mapping[str, npt.ArrayLike]]:
        """Return the rows of those whose camera shows the picture."""
        rows = shown_rows(frame, self.type_name)
        if not len(rows):
            return {}
        full = np.clip(_full(rows, frame), 0.0, 1.0)[:, None]
        mixed = np.clip((full - LOW) / (HIGH - LOW), 0.0, 1.0)
        return {
            "healthBars": {
                "color": rows["lowColor"] + mixed * (rows["color"] - rows["lowColor"]),
                "background": with_opacity(rows, "background"),
                "borderColor": rows["borderColor"],
                "place": places(rows),
                "size": _pairs(rows, "width", "height"),
                "border": rows["border"],
                "radius": rows["radius"],
                "full": full,
            }
        }

    def faults(self, frame: FrameView) -> Iterable[Fault]:
        """No camera, a binding that names no number, or no room between the limits: the bar is empty."""
        yield from without_camera(frame, self.type_name)
        yield from unused_offsets(frame, self.type_name)
        rows = frame.enabled(self.type_name)
        for index, path in enumerate(rows["bind"].tolist()):
            try:
                if path:
                    frame.tableau.bindings.find(path, int(rows.objects[index]))
            except Unbound as why:
                if why.is_left_out:
                    continue
                what = f"its `bind` names no number: {why.message}"
                advice = f"{why.advice}; it is empty now"
                yield Fault(int(rows.indices[index]), why.code, what, advice, "bind")
        for index in np.flatnonzero(rows["minimum"] >= rows["maximum"]).tolist():
            low, high = rows["minimum"][index], rows["maximum"][index]
            what = f"its maximum, {high:g}, is not above its minimum, {low:g}"
            advice = "write a larger `maximum`; it is empty now"
            field = "minimum" if high == FULL else "maximum"
            yield Fault(int(rows.indices[index]), "value.range", what, advice, field)


def _full(rows: FeatureRows, frame: FrameView) -> npt.NDArray[np.float64]:
    """Return how full each bar is, 0 where it has no number; it is not limited to 0 and 1."""
    values = rows["value"].astype(np.float64)
    is_bound = rows["bind"] != ""
    if is_bound.any():
        objects = rows.objects[is_bound].astype(np.int32)
        values[is_bound] = frame.numbers(rows["bind"][is_bound].tolist(), objects)
    low, high = rows["minimum"].astype(np.float64), rows["maximum"].astype(np.float64)
    full = np.zeros(len(rows))
    np.divide(values - low, high - low, out=full, where=high > low)
    return np.nan_to_num(full)


def _pairs(rows: FeatureRows, first: str, second: str) -> npt.NDArray[np.float32]:
    """Return two fields of each row, float32[n, 2]."""
    return np.stack((rows[first], rows[second]), axis=1)
