"""The camera feature: perspective or orthographic, looking along its object's -Z."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from engine.feature import Feature, FeatureRows, FrameView, View
from engine.feature.frame import Lens
from engine.graph import (
    BACKGROUND,
    PICTURE,
    SCENE_COLOR,
    ColorTarget,
    FullscreenPass,
    ImageDecl,
    ImageRead,
    Pass,
    Sampler,
)
from engine.math import frame_origin, orthographic_reversed, perspective_reversed, view_from_world
from engine.tableau.schema import angle_field, choice_field, color_field, float_field

DEFAULT_EYE = (0.0, 1.6, 5.0)
"""The eye position of a frame without an enabled camera, looking along -Z."""

TONE_CURVES = ("neutral", "aces", "agx", "exponential", "none")
"""The choices of `toneMapping`, in the order of toneMap.fs.glsl, which names their sources."""

SAMPLES = {"msaa4": 4, "msaa2": 2, "fxaa": 1, "none": 1}
"""The choices of `antialiasing`, with the number of samples of the scene's images."""

TONE_MAPPED = ImageDecl("toneMapped", PICTURE.format)

TONE_MAP = FullscreenPass(
    "toneMap",
    color=(ColorTarget(PICTURE),),
    reads=(ImageRead(SCENE_COLOR, "sceneColor", Sampler(nearest=True)),),
    shader="toneMap",
)
TONE_MAP_AND_FXAA = (
    replace(TONE_MAP, color=(ColorTarget(TONE_MAPPED),)),
    FullscreenPass(
        "fxaa",
        color=(ColorTarget(PICTURE),),
        reads=(ImageRead(TONE_MAPPED, "toneMapped"),),
        shader="fxaa",
    ),
)

_DEFAULT_WORLD = np.identity(4)
_DEFAULT_WORLD[3, :3] = DEFAULT_EYE


class Camera(Feature):
    """The view of the scene; the first enabled camera is the one in use."""

    type_name = "camera"
    fields = (
        choice_field("projection", "perspective", choices=("perspective", "orthographic")),
        angle_field("fovY", 45.0, minimum=1.0, maximum=179.0, help="vertical field of view (perspective)"),
        float_field("height", 4.0, minimum=1e-3, help="metres from bottom to top (orthographic)"),
        float_field("near", 0.05, minimum=1e-4, help="distance of the near plane in metres (perspective)"),
        float_field(
            "depth", 1000.0, minimum=1e-2, help="metres of depth, half behind the camera (orthographic)"
        ),
        float_field(
            "exposure",
            0.0,
            minimum=-20.0,
            maximum=20.0,
            help="EV: each step doubles how bright light is",
        ),
        choice_field(
            "toneMapping",
            "neutral",
            choices=TONE_CURVES,
            help="how light beyond the picture's white is shown",
        ),
        color_field("background", BACKGROUND[:3], help="where nothing is seen; linear, no tone mapping"),
        choice_field(
            "antialiasing",
            "msaa4",
            choices=tuple(SAMPLES),
            help="smooth edges: by 4 or 2 samples of each texel, in the finished picture, or not at all",
        ),
    )

    absent = "the scene is seen in the default view"
    in_every_frame = True

    def passes(self, rows: FeatureRows) -> tuple[Pass, ...]:
        """The pass that makes the picture of the scene's light, and the one that smooths it with FXAA."""
        return TONE_MAP_AND_FXAA if _antialiasing(rows) == "fxaa" else (TONE_MAP,)

    def samples(self, rows: FeatureRows) -> int:
        """As many as the first camera asks for."""
        return SAMPLES[_antialiasing(rows)]

    def view(self, frame: FrameView) -> View:
        """Return the view of the camera in use."""
        aspect = frame.size[0] / frame.size[1]
        diagonal = math.hypot(aspect, 1.0)
        rows = frame.enabled(self.type_name)
        world = _DEFAULT_WORLD.copy()
        fov_y, near = math.radians(45.0), 0.05
        if len(rows):
            world = frame.world(rows.objects[:1])[0].copy()
            fov_y, near = float(rows["fovY"][0]), float(rows["near"][0])
        if len(rows) and rows["projection"][0]:
            top, deep = float(rows["height"][0]) / 2, float(rows["depth"][0]) / 2
            projection = orthographic_reversed(-top * aspect, top * aspect, -top, top, -deep, deep)
            lens = Lens(-deep, top * diagonal, 0.0)
        else:
            projection = perspective_reversed(fov_y, aspect, near)
            lens = Lens(0.0, 0.0, math.tan(fov_y / 2) * diagonal)
        eye = world[3, :3].copy()
        origin = frame_origin(eye)
        world[3, :3] -= origin
        turned = view_from_world(world)
        return View(origin, turned @ projection, eye, -turned[:3, 2].astype(np.float64), lens)

    def frame_values(self, frame: FrameView) -> Mapping[str, npt.ArrayLike]:
        """Return the matrix from the frame's space to clip space, the eye's position, how light is shown."""
        view = frame.view or self.view(frame)
        rows = frame.enabled(self.type_name)
        stops, curve, background = 0.0, 0, BACKGROUND[:3]
        if len(rows):
            stops, curve = float(rows["exposure"][0]), int(rows["toneMapping"][0])
            background = tuple(rows["background"][0].tolist())
        position = (view.eye - view.origin).tolist()
        return {
            "viewProjection": view.view_projection,
            "cameraPosition": [*position, 1.0],
            "exposure": 2.0**stops,
            "toneMapping": curve,
            "background": background,
        }


def _antialiasing(rows: FeatureRows) -> str:
    """Return the choice of the first camera."""
    return tuple(SAMPLES)[int(rows["antialiasing"][0])] if len(rows) else "msaa4"
