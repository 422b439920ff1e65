"""The areaMap feature: the scene from above, as an inset in what its camera shows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from engine.feature import Fault, Feature, FeatureRows, FrameView
from engine.graph import (
    SCENE_COLOR,
    SCENE_DEPTH,
    ColorTarget,
    DepthTarget,
    Extent,
    ImageRead,
    Pass,
    RepeatedPass,
)
from engine.math import orthographic_reversed, unit_axes, view_from_world
from engine.plan import Blend
from engine.tableau.schema import bool_field, choice_field, color_field, float_field
from features.overlays._rectangle import (
    anchor_fields,
    overlay_pass,
    places,
    shown_rows,
    unused_offsets,
    with_opacity,
    without_camera,
)
from features.visible_model import BLENDED, FORWARD

VIEW = "areaMap"
"""The name of the view from above."""

TEXELS_PER_POINT = 2.0
"""Of the image: as many as the finest screens have; on others they are averaged."""

MAX_TEXELS = 2048

HIGH = 1000.0
"""How many metres above the map highlights are seen from."""

UPWARD, NORTH = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, -1.0])

FOLLOWS = ("camera", "object", "nothing")

LENGTHS = {"minimum": 0.0, "maximum": 4096.0}

Vector = npt.NDArray[np.float64]


class AreaMap(Feature):
    """A map of what is around, on the object of a camera or below it; of several the first is shown."""

    type_name = "areaMap"
    fields = (
        float_field("extent", 20.0, minimum=0.01, maximum=1e6, unit="m", help="how wide and high it is"),
        float_field(
            "depth", 1000.0, minimum=0.01, maximum=1e6, unit="m", help="how deep it sees, half of it above"
        ),
        choice_field(
            "follow", "camera", choices=FOLLOWS, help="what is in its middle; for nothing the origin"
        ),
        bool_field("turned", False, help="whether ahead of the camera is up; else -Z is"),
        float_field("size", 180.0, minimum=8.0, maximum=1024.0, unit="points"),
        *anchor_fields("topRight", (20.0, 20.0)),
        float_field("border", 2.0, **LENGTHS, unit="points", help="of the frame around it"),
        float_field("radius", 8.0, **LENGTHS, unit="points", help="of its rounded corners"),
        float_field(
            "marker", 16.0, **LENGTHS, unit="points", help="of the arrow at the camera's place; 0: none"
        ),
        color_field("borderColor", (0.9, 0.9, 0.9), maximum=1.0, help="of the frame"),
        color_field("markerColor", (1.0, 0.42, 0.05), maximum=1.0, help="of the arrow"),
        color_field("background", (0.05, 0.06, 0.075), maximum=1.0, help="where nothing is"),
        float_field("opacity", 1.0, minimum=0.0, maximum=1.0),
    )
    buffers = ("areaMaps",)

    def passes(self, rows: FeatureRows) -> tuple[Pass, ...]:
        """The passes that draw the models from above, into images of their own, and the one that shows it."""
        texels = min(math.ceil(float(rows["size"].max()) * TEXELS_PER_POINT), MAX_TEXELS)
        extent = Extent(width=texels, height=texels)
        color = replace(SCENE_COLOR, name="areaMap", extent=extent)
        depth = replace(SCENE_DEPTH, name="areaMapDepth", extent=extent)
        models = replace(
            FORWARD,
            name="areaMapModels",
            color=(ColorTarget(color),),
            depth=DepthTarget(depth),
            views=(VIEW,),
        )
        blended = RepeatedPass(
            "areaMapBlended",
            repeats=BLENDED.name,
            color=(ColorTarget(color, Blend.PREMULTIPLIED),),
            depth=DepthTarget(depth, write=False),
            views=(VIEW,),
        )
        return models, blended, overlay_pass("areaMap", rows, reads=(ImageRead(color, "areaMap"),))

    def views(self, frame: FrameView) -> Mapping[str, Mapping[str, npt.ArrayLike]]:
        """Return the view of the map that is shown, straight down."""
        rows = shown_rows(frame, self.type_name)
        if not len(rows):
            return {}
        middle, up, _, _ = _map(rows, frame)
        world = np.identity(4)
        world[0, :3], world[1, :3], world[2, :3] = np.cross(up, UPWARD), up, UPWARD
        world[3, :3] = middle - frame.origin
        half, deep = float(rows["extent"][0]) / 2, float(rows["depth"][0]) / 2
        projection = orthographic_reversed(-half, half, -half, half, -deep, deep)
        eye = world[3, :3] + HIGH * UPWARD
        return {
            VIEW: {
                "viewProjection": view_from_world(world) @ projection,
                "cameraPosition": [*eye.tolist(), 1.0],
            }
        }

    def faults(self, frame: FrameView) -> Iterable[Fault]:
        """Maps without a camera, and offsets without effect."""
        yield from without_camera(frame, self.type_name)
        yield from unused_offsets(frame, self.type_name)

    def buffer_values(self, frame: FrameView) -> Mapping[str, Mapping[str, npt.ArrayLike]]:
        """Return the row of the map that is shown."""
        rows = shown_rows(frame, self.type_name)
        if not len(rows):
            return {}
        middle, up, place, ahead = _map(rows, frame)
        right = np.cross(up, UPWARD)
        away = (place - middle) / float(rows["extent"][0])
        values = {
            "place": places(rows),
            "background": with_opacity(rows, "background"),
            "markerSize": rows["marker"],
            **{name: rows[name] for name in ("size", "border", "radius", "borderColor", "markerColor")},
        }
        first: dict[str, npt.ArrayLike] = {name: value[:1] for name, value in values.items()}
        return {"areaMaps": {**first, "marker": [[away @ right, -away @ up, ahead @ right, -ahead @ up]]}}


def _map(rows: FeatureRows, frame: FrameView) -> tuple[Vector, Vector, Vector, Vector]:
    """Return the middle of the first map and its direction up, the camera's place and where it looks."""
    camera = frame.world(frame.enabled("camera").objects[:1])[0]
    place, follow = camera[3, :3], FOLLOWS[int(rows["follow"][0])]
    middle = place if follow == "camera" else np.zeros(3)
    if follow == "object":
        middle = frame.world(rows.objects[:1])[0, 3, :3]
    ahead = _ahead(camera)
    return middle, ahead if rows["turned"][0] else NORTH, place, ahead


def _ahead(camera: Vector) -> Vector:
    """Return where a camera looks along the ground, of length 1.

    For one that looks straight down or up it is where the top of its picture leads.
    """
    _, up, back = (np.array(axis) for axis in unit_axes(camera))
    flat = np.array([-back[0], 0.0, -back[2]])
    if np.hypot(flat[0], flat[2]) < 1e-3:
        flat = np.array([up[0], 0.0, up[2]]) * (1.0 if back[1] > 0 else -1.0)
    length = np.hypot(flat[0], flat[2])
    return flat / length if length > 0 else NORTH
