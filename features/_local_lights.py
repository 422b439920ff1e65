"""Rows of lights for shaders, and the views of the shadow maps of local lights, in columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.feature import Fault, FeatureRows
from engine.math import perspective_reversed
from features._shadow_maps import MAX_LOCAL_MAPS
from features._unused_fields import unused_fields

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DIRECTIONAL, POINT, SPOT = range(3)
"""The choices of `light.kind`, in order."""

LUMEN = 1
"""The choice of `light.unit`."""

LEAST = 0.02
"""Lux: where a light without a range has become so weak, it ends."""

FARTHEST = 1e4
"""Metres: the longest range."""

NEAR = 0.05
"""Metres along the axis of a map: what is nearer to a local light casts no shadow."""

FACE_ANGLE = np.radians(91.0)
"""Of the map of a cube's face: a little wider than the face, so that filtering does not leave it."""

MARGIN = 1.02
"""How much wider the map of a spot light is than its cone: by five texels a side, for filtering."""

FACES = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float64)
"""Directions of the six maps of a point light, in the order of lights.glsl."""


def temperature_color(kelvin: npt.ArrayLike) -> Floats:
    """Return the colour of a black body, linear sRGB [n, 3] of luminance 1, for 1,667 to 25,000 kelvin.

    Its chromaticity follows the cubic approximations of B. Kang et al., "Design of Advanced Color Temperature
    Control System for HDTV Applications", 2002; below 1,667 and above 25,000 kelvin that of these.
    """
    t = np.clip(np.asarray(kelvin, np.float64), 1667.0, 25000.0)
    low = -0.2661239e9 / t**3 - 0.2343589e6 / t**2 + 0.8776956e3 / t + 0.179910
    high = -3.0258469e9 / t**3 + 2.1070379e6 / t**2 + 0.2226347e3 / t + 0.240390
    x = np.where(t <= 4000.0, low, high)
    y = np.where(
        t <= 2222.0,
        -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683,
        np.where(
            t <= 4000.0,
            -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867,
            3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483,
        ),
    )
    xyz = np.stack((x / y, np.ones_like(x), (1.0 - x - y) / y), axis=-1)
    found: Floats = np.maximum(xyz @ _RGB_OF_XYZ.T, 0.0)
    return found


_RGB_OF_XYZ = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)
"""From CIE XYZ to linear sRGB (IEC 61966-2-1)."""


def light_colors(rows: Any) -> Floats:
    """Return colour times intensity of light rows, [n, 3]: lux of directional lights, else candela.

    Lumens are spread over the sphere; those of a spot light as if its cone were a third of it (pi), so that
    its angle changes where light falls and not how bright it is (Lagarde and de Rousiers, "Moving Frostbite
    to Physically Based Rendering", 2014).
    """
    kelvin = rows["temperature"].astype(np.float64)
    tint = np.where((kelvin > 0)[:, None], temperature_color(np.maximum(kelvin, 1.0)), 1.0)
    strength = rows["intensity"].astype(np.float64)
    kind = rows["kind"]
    is_lumen = (rows["unit"] == LUMEN) & (kind != DIRECTIONAL)
    strength = np.where(is_lumen & (kind == POINT), strength / (4 * np.pi), strength)
    strength = np.where(is_lumen & (kind == SPOT), strength / np.pi, strength)
    found: Floats = rows["color"] * tint * strength[:, None]
    return found


def light_ranges(rows: Any, colors: Floats) -> Floats:
    """Return how far local lights reach in metres, [n]; where no range is given, until they are LEAST."""
    given = rows["range"].astype(np.float64)
    reach = np.sqrt(colors.max(axis=1, initial=0.0) / LEAST)
    found: Floats = np.minimum(np.where(given > 0, given, np.maximum(reach, 1e-3)), FARTHEST)
    return found


def cone(rows: Any) -> tuple[Floats, Floats]:
    """Return scale and offset [n] of the cosine from a spot's axis: 0 at the outer and 1 at the inner angle.

    As in KHR_lights_punctual (Khronos Group, 2018).
    """
    outer = np.cos(rows["outerAngle"].astype(np.float64))
    inner = np.cos(np.minimum(rows["innerAngle"], rows["outerAngle"]).astype(np.float64))
    scale = 1.0 / np.maximum(inner - outer, 1e-3)
    return scale, -outer * scale


def cone_faults(rows: FeatureRows) -> Iterator[Fault]:
    """Yield a fault for each spot light whose inner angle is larger than its outer one."""
    if not len(rows):
        return
    inner, outer = np.degrees(rows["innerAngle"]), np.degrees(rows["outerAngle"])
    for number in np.flatnonzero((rows["kind"] == SPOT) & (inner > outer)).tolist():
        yield Fault(
            int(rows.indices[number]),
            "value.range",
            f"its inner angle, {inner[number]:g} degrees, is larger than its outer one, {outer[number]:g}",
            "write an `innerAngle` up to `outerAngle`; its light ends sharply at the outer angle now",
            "innerAngle",
        )


def without_effect(rows: FeatureRows) -> Iterator[Fault]:
    """Yield a fault for each field of a light that lights of its kind do not have."""
    if not len(rows):
        return
    kinds = rows["kind"]
    local = "make it a point or spot light (`kind: point`)"
    for of_kind, fields, why, advice in (
        (DIRECTIONAL, ("unit",), "its intensity is in lux, as that of every directional light", local),
        (DIRECTIONAL, ("range",), "a directional light reaches everything", local),
        *(
            (kind, ("innerAngle", "outerAngle"), f"a {word} light has no cone", "write `kind: spot`")
            for kind, word in ((DIRECTIONAL, "directional"), (POINT, "point"))
        ),
        *(
            (
                kind,
                ("cascades", "shadowDistance"),
                "the shadows of point and spot lights reach as far as their light",
                "write `kind: directional`",
            )
            for kind in (POINT, SPOT)
        ),
    ):
        yield from unused_fields(rows, kinds == of_kind, fields, why, advice)


def first_maps(kinds: npt.NDArray[np.integer], casting: npt.NDArray[np.bool_]) -> tuple[Ints, int]:
    """Return the first map of each light, -1 without one, [n], and how many maps there are.

    Lights get theirs in their order, as long as there is room.
    """
    needed = np.where(casting, np.where(kinds == POINT, 6, np.where(kinds == SPOT, 1, 0)), 0)
    found = np.full(len(kinds), -1, np.int64)
    used = 0
    for number in np.flatnonzero(needed).tolist():
        if used + needed[number] <= MAX_LOCAL_MAPS:
            found[number], used = used, used + int(needed[number])
    return found, used


def face_matrices(position: Floats) -> Floats:
    """Return the matrices [6, 4, 4] from the frame's space to the maps of a point light, there [3]."""
    projection = perspective_reversed(float(FACE_ANGLE), 1.0, NEAR).astype(np.float64)
    return np.stack([_looking(position, direction) @ projection for direction in FACES])


def spot_matrix(position: Floats, axes: Floats, outer: float) -> Floats:
    """Return the matrix [4, 4] to the map of a spot light with these axes (rows right, up, back)."""
    angle = 2 * np.arctan(MARGIN * np.tan(outer))
    view = np.eye(4)
    view[:3, :3] = axes.T
    view[3, :3] = -position @ axes.T
    return view @ perspective_reversed(float(angle), 1.0, NEAR).astype(np.float64)


def _looking(position: Floats, direction: Floats) -> Floats:
    """Return the view matrix of an eye that looks along an axis of the world."""
    up = np.array([0.0, 0.0, 1.0]) if abs(direction[1]) > 0.5 else np.array([0.0, 1.0, 0.0])
    right = np.cross(direction, up)
    view = np.eye(4)
    view[:3, :3] = np.stack((right, np.cross(right, direction), -direction)).T
    view[3, :3] = -position @ view[:3, :3]
    return view
