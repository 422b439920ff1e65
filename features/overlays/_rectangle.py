"""Overlays: rectangles over the finished picture, in points, that hang under the camera that shows it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from engine.feature import Fault, FeatureRows, FrameView
from engine.graph import PICTURE, ColorTarget, ImageRead, PrimitivePass
from engine.plan import Blend
from engine.tableau import Tableau
from engine.tableau.schema import FieldSpec, choice_field, float_field
from features._unused_fields import unused_fields

ANCHORS = (
    *("topLeft", "top", "topRight"),
    *("left", "middle", "right"),
    *("bottomLeft", "bottom", "bottomRight"),
)
"""The choices of `anchor`, in rows."""

VERTICES = 6
"""Of a rectangle: two triangles."""


def anchor_fields(anchor: str, offset: tuple[float, float]) -> tuple[FieldSpec, ...]:
    """Return the fields that say where an overlay lies in the viewport, with these defaults."""
    along = {"minimum": -1e5, "maximum": 1e5}
    inward = "in from the {} edge, if anchored there"
    return (
        choice_field("anchor", anchor, choices=ANCHORS, help="where it lies in the camera's viewport"),
        float_field("offsetX", offset[0], **along, unit="points", help=inward.format("left or right")),
        float_field("offsetY", offset[1], **along, unit="points", help=inward.format("top or bottom")),
    )


def overlay_pass(
    name: str, rows: FeatureRows, *, reads: tuple[ImageRead, ...] = (), after: tuple[str, ...] = ()
) -> PrimitivePass:
    """Return the pass that draws a rectangle for each row, with the builtin shaders of its name.

    It blends colours that are multiplied by alpha, after the passes that make the picture, and those of
    `after`.
    """
    return PrimitivePass(
        name,
        color=(ColorTarget(PICTURE, Blend.PREMULTIPLIED),),
        reads=reads,
        after=after,
        shaders=(f"{name}.vs", f"{name}.fs"),
        vertices=VERTICES,
        instances=len(rows),
    )


def shown_rows(frame: FrameView, feature: str) -> FeatureRows:
    """Return the enabled rows of a feature that hang under the camera that shows the picture.

    They are on the camera's object, or below it with no other camera between.
    """
    rows, cameras = frame.enabled(feature), frame.enabled("camera")
    if not len(rows) or not len(cameras):
        return FeatureRows(rows.table)
    shown = frame.nearest("camera", rows.objects) == cameras.indices[0]
    return FeatureRows(rows.table, lambda: rows.indices[shown])


def without_camera(frame: FrameView, feature: str) -> Iterator[Fault]:
    """Yield a fault for each enabled row of a feature that hangs under no camera: it is never shown."""
    rows = frame.enabled(feature)
    if not len(rows):
        return
    without = frame.nearest("camera", rows.objects) < 0
    for row, of in zip(rows.indices[without].tolist(), rows.objects[without].tolist(), strict=True):
        if _is_camera_left_out(frame.tableau, frame.tableau.path(of)):
            continue
        yield Fault(
            row,
            "overlay.camera",
            "there is no camera on its object or above it, so no picture shows it",
            "put it on the object of a camera, or on one below that",
        )


def _is_camera_left_out(tableau: Tableau, path: str) -> bool:
    """Whether an object, or one above it, has a camera in the text that is left out."""
    names = path.split("/")
    above = ("/".join(names[:count]) for count in range(1, len(names) + 1))
    return any(tableau.gaps.has(one, "camera") for one in above)


def with_opacity(rows: FeatureRows, color: str) -> npt.NDArray[np.float32]:
    """Return a colour and the opacity of each row, float32[n, 4]."""
    return np.concatenate((rows[color], rows["opacity"][:, None]), axis=1)


def places(rows: FeatureRows) -> npt.NDArray[np.float32]:
    """Return the anchor of each row in parts of the viewport, and its offset in points, float32[n, 4].

    Where no edge is anchored along an axis, what is drawn is in the middle, without an offset.
    """
    down, right = np.divmod(rows["anchor"], 3)
    anchors = np.stack((right, down), axis=1)
    offsets = np.stack((rows["offsetX"], rows["offsetY"]), axis=1)
    return np.concatenate((anchors / 2, np.where(anchors == 1, 0, offsets)), axis=1).astype(np.float32)


def unused_offsets(frame: FrameView, feature: str) -> Iterator[Fault]:
    """Yield a fault for each offset along an axis of which no edge is anchored."""
    rows = frame.enabled(feature)
    if not len(rows):
        return
    down, right = np.divmod(rows["anchor"], 3)
    for name, part, edges in (("offsetX", right, "left or right"), ("offsetY", down, "top or bottom")):
        why = f"it is anchored to no {edges} edge, but to the middle"
        yield from unused_fields(rows, part == 1, (name,), why, "anchor it to an edge")
