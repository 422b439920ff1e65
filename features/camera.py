"""The camera feature: perspective or orthographic, looking along its object's -Z."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import mul
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.feature import Fault, Feature, FeatureRows, FrameView, View
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
from engine.tableau.schema import angle_field, choice_field, color_field, float_field, vec4_field

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
    reads=(ImageRead(SCENE_COLOR, "sceneColor", Sampler(nearest=True), optional=True),),
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

WHOLE_PICTURE = (0.0, 0.0, 1.0, 1.0)
"""The viewport of a camera that fills the picture: left, top, width, height in parts of it."""

_DEFAULT_WORLD = np.identity(4)
_DEFAULT_WORLD[3, :3] = DEFAULT_EYE


class Camera(Feature):
    """The view of the scene; the first enabled camera is the one in use.

    The view reaches over the whole picture, whatever the viewport, so that all passes draw and read their
    images alike: the last one shows the viewport alone.
    """

    type_name = "camera"
    fields = (
        choice_field("projection", "perspective", choices=("perspective", "orthographic")),
        angle_field("fovY", 45.0, minimum=1.0, maximum=179.0, help="vertical field of view (perspective)"),
        float_field("height", 4.0, minimum=1e-3, unit="m", help="from bottom to top (orthographic)"),
        float_field("near", 0.05, minimum=1e-4, unit="m", help="distance of the near plane (perspective)"),
        float_field(
            "far",
            0.0,
            minimum=0.0,
            unit="m",
            help="distance of the plane behind which nothing is drawn (perspective); 0: none",
        ),
        float_field(
            "depth", 1000.0, minimum=1e-2, unit="m", help="half of it behind the camera (orthographic)"
        ),
        float_field(
            "exposure",
            0.0,
            minimum=-20.0,
            maximum=20.0,
            unit="EV",
            help="each step doubles how bright light is",
        ),
        choice_field(
            "toneMapping",
            "neutral",
            choices=TONE_CURVES,
            help="how light beyond the picture's white is shown",
        ),
        color_field("background", BACKGROUND[:3], help="where nothing is seen; linear, no tone mapping"),
        vec4_field(
            "viewport",
            WHOLE_PICTURE,
            minimum=0.0,
            maximum=1.0,
            help="left, top, width and height in parts of the picture, cut at its edges; else background",
        ),
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
        """Return the view of the camera in use, which reaches beyond its viewport to the whole picture."""
        rows = frame.enabled(self.type_name)
        first = rows.first if len(rows) else {}
        viewport = _whole_texels(first, frame.size)
        aspect = frame.size[0] / frame.size[1] * (viewport[2] / viewport[3])
        if first:
            world = frame.world(rows.objects[:1])[0]
            is_parallel, planes = bool(first["projection"]), (first["near"], first["far"])
            shown = _shown(
                is_parallel, first["fovY"], planes, first["height"], first["depth"], aspect, viewport
            )
        else:
            world = _DEFAULT_WORLD.copy()
            shown = _shown(False, math.radians(45.0), (0.05, 0.0), 0.0, 0.0, aspect, viewport)
        projection, half_size, lens = shown
        eye = world[3, :3].copy()
        origin = _shared(*frame_origin(eye).tolist())
        world[3, :3] -= origin
        turned = view_from_world(world)
        forward = -turned[:3, 2].astype(np.float64)
        return View(origin, turned @ projection, eye, forward, lens, turned, half_size)

    def faults(self, frame: FrameView) -> Iterable[Fault]:
        """A far plane that is not behind the near one, a viewport without area, or an object without size."""
        rows = frame.enabled(self.type_name)
        near, far, viewports = rows["near"], rows["far"], rows["viewport"]
        is_wrong = (rows["projection"] == 0) & (far > 0) & (far <= near)
        for index in np.flatnonzero(is_wrong).tolist():
            planes = f"its far plane, at {far[index]:g} m, is not behind its near one, at {near[index]:g} m"
            advice = "write a `far` above `near`, or 0 for none; it sees without end now"
            yield Fault(int(rows.indices[index]), "value.range", planes, advice, "far")
        is_empty = (viewports[:, 2:] == 0).any(axis=1) | (viewports[:, :2] == 1).any(axis=1)
        for index in np.flatnonzero(is_empty).tolist():
            numbers = " ".join(f"{number:g}" for number in viewports[index].tolist())
            advice = "write `viewport: [0 0 1 1]`, left, top, width and height; it fills the picture now"
            area = f"its viewport [{numbers}] has no area within the picture"
            yield Fault(int(rows.indices[index]), "value.range", area, advice, "viewport")
        lost = (np.linalg.norm(frame.world(rows.objects)[:, :3, :3], axis=2) == 0).sum(axis=1)
        for index in np.flatnonzero(lost == 3).tolist():
            flat = "its object, or one above it, has a scale of 0, so that its direction is lost"
            advice = "scale it otherwise, or put the camera on another object; it looks along -Z now"
            yield Fault(int(rows.indices[index]), "camera.scale", flat, advice)

    def frame_values(self, frame: FrameView) -> Mapping[str, npt.ArrayLike]:
        """Return the matrix from the frame's space to clip space, the eye's position, how light is shown."""
        view = frame.view or self.view(frame)
        rows = frame.enabled(self.type_name)
        stops, curve, background = 0.0, 0, BACKGROUND[:3]
        first = rows.first if len(rows) else {}
        if first:
            stops, curve, background = first["exposure"], first["toneMapping"], first["background"]
        position = (view.eye - view.origin).tolist()
        return {
            "clipToDirection": clip_to_direction(view),
            "viewProjection": view.view_projection,
            "cameraPosition": [*position, 1.0],
            "depthToMetres": depth_to_metres(view),
            "viewFromFrame": view.view_from_frame,
            "lens": view.half_size,
            "targetSize": (*frame.size, 1.0 / frame.size[0], 1.0 / frame.size[1]),
            "exposure": 2.0**stops,
            "toneMapping": curve,
            "background": background,
            "viewport": _whole_texels(first, frame.size),
        }


def shown_viewport(rows: FeatureRows, size: tuple[int, int]) -> tuple[float, ...]:
    """Return the viewport of the first camera, cut off at the picture's edges, in whole texels of it.

    It is the whole picture where that leaves nothing, or there is no camera.
    """
    return _whole_texels(rows.first if len(rows) else {}, size)


def _whole_texels(camera: Mapping[str, Any], size: tuple[int, int]) -> tuple[float, ...]:
    """Return what `shown_viewport` does, of a camera with these values; empty ones for none."""
    left, top, width, height = camera.get("viewport", WHOLE_PICTURE)
    if (left, top, width, height) == WHOLE_PICTURE:
        return WHOLE_PICTURE
    sides = []
    for start, length, texels in ((left, width, size[0]), (top, height, size[1])):
        first = math.floor(start * texels + 0.5)
        last = min(math.floor((start + length) * texels + 0.5), texels)
        if length <= 0 or start >= 1:
            return WHOLE_PICTURE
        first = min(first, texels - 1)
        sides.append((first / texels, max(last - first, 1) / texels))
    return sides[0][0], sides[1][0], sides[0][1], sides[1][1]


@lru_cache(maxsize=64)
def _shared(x: float, y: float, z: float) -> npt.NDArray[np.float64]:
    """Return a point as the same array each time, so that it is quickly compared."""
    return np.array((x, y, z))


@lru_cache(maxsize=64)
def _shown(
    is_parallel: bool,
    fov_y: float,
    planes: tuple[float, float],
    height: float,
    depth: float,
    aspect: float,
    viewport: tuple[float, ...],
) -> tuple[npt.NDArray[np.float32], tuple[float, float, float], Lens]:
    """Return the projection of a camera with these values [4, 4], as stored, half its size, and its lens."""
    diagonal = math.hypot(aspect, 1.0)
    if is_parallel:
        top, deep = height / 2, depth / 2
        projection = orthographic_reversed(-top * aspect, top * aspect, -top, top, -deep, deep)
        half_size, lens = (top * aspect, top, 0.0), Lens(-deep, top * diagonal, 0.0)
    else:
        near, far = planes
        slope = math.tan(fov_y / 2)
        projection = perspective_reversed(fov_y, aspect, near, far if far > near else math.inf)
        half_size, lens = (slope * aspect, slope, 1.0), Lens(0.0, 0.0, slope * diagonal)
    if viewport != WHOLE_PICTURE:
        projection = projection @ _into(viewport)
    projection.flags.writeable = False
    return projection, half_size, lens


def _into(viewport: Sequence[float]) -> npt.NDArray[np.float32]:
    """Return the matrix [4, 4], as stored, that leads from a picture's clip space to that of a part of it."""
    left, top, width, height = viewport
    m = np.identity(4, np.float32)
    m[0, 0], m[1, 1] = width, height
    m[3, :2] = 2 * left + width - 1, 2 * top + height - 1
    return m


def clip_to_direction(view: View) -> npt.NDArray[np.float32]:
    """Return the matrix from x, y, 0, 1 in clip space to the direction in the world that is seen there.

    float32[4, 4], stored as in `engine.math`. Without perspective all directions are that of the view.
    """
    found = np.zeros((4, 4), np.float32)
    rows = view.view_projection[:3].tolist()
    (a, b, _, c), (d, e, _, f), (g, h, _, i) = rows
    if not (c or f or i):
        found[3, :3] = view.forward
        return found
    # In plain Python, as numpy is slow for so few numbers.
    x, y, z = e * i - f * h, f * g - d * i, d * h - e * g
    size = a * x + b * y + c * z
    if not 0 < abs(size) < math.inf:
        found[[0, 1, 3], :3] = np.linalg.inv(np.array(rows)[:, [0, 1, 3]])
        return found
    found[0, :3] = x / size, (c * h - b * i) / size, (b * f - c * e) / size
    found[1, :3] = y / size, (a * i - c * g) / size, (c * d - a * f) / size
    found[3, :3] = z / size, (b * g - a * h) / size, (a * e - b * d) / size
    return found


def depth_to_metres(view: View) -> tuple[float, float, float, float]:
    """Return a, b, c and d, with which (a - depth * b) / (c - depth * d) is the distance of a depth.

    It is along the view, in metres in front of the eye, and negative behind it.
    """
    # Depth is (z * c + a) / (z * d + b), and the distance -z, as the eye looks along -z of its space.
    along, columns = view.view_from_frame[:, 2].tolist(), view.view_projection[:, 2:].T.tolist()
    squared = sum(number * number for number in along[:3]) or 1.0
    c, d = (sum(map(mul, column[:3], along[:3])) / squared for column in columns)
    return columns[0][3] - along[3] * c, columns[1][3] - along[3] * d, c, d


def _antialiasing(rows: FeatureRows) -> str:
    """Return the choice of the first camera."""
    return tuple(SAMPLES)[rows.first["antialiasing"]] if len(rows) else "msaa4"
