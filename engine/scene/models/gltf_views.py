"""The cameras and lights of a glTF file as features of objects."""

from __future__ import annotations

import math

from engine.gltf import GltfCode, Item
from engine.scene.models.description import Plain
from engine.scene.models.placement import rounded

_ANGLE = math.radians(85.0)
_NARROW, _WIDE = math.radians(1.0), math.radians(179.0)
_STRONGEST, _FARTHEST = 1e6, 1e4
"""The largest intensity and range of a light, as the feature has them."""


def camera_feature(camera: Item) -> Plain:
    """Return a camera, not enabled: the picture is that of the camera around the model."""
    found: Plain = {"@type": "camera", "enabled": False}
    if camera.required("type").choice("perspective", "orthographic") == "perspective":
        lens = camera.required("perspective")
        found["fovY"] = rounded(math.degrees(_within(lens.required("yfov"), _NARROW, _WIDE)))
        found["near"] = _within(lens.required("znear"), 1e-4, math.inf)
        far = lens.get("zfar")
        if far is not None:
            found["far"] = far.number(0.0)
    else:
        lens = camera.required("orthographic")
        found |= {"projection": "orthographic", "height": 2.0 * _within(lens.required("ymag"), 5e-4, 1e12)}
        found["depth"] = 2.0 * _within(lens.required("zfar"), 5e-3, 1e12)
    return found


def light_feature(light: Item) -> Plain:
    """Return a light."""
    kind = light.required("type").choice("directional", "point", "spot")
    found: Plain = {"@type": "light", "kind": kind}
    found["color"] = list(light.vector_or("color", (1.0, 1.0, 1.0), 0.0))
    intensity, reach = light.get("intensity"), light.get("range")
    found["intensity"] = 1.0 if intensity is None else _within(intensity, 0.0, _STRONGEST)
    if reach is not None and kind != "directional":
        found["range"] = _within(reach, 0.0, _FARTHEST)
    if kind == "spot":
        cone = light.get("spot") or Item(light.document, {}, light.path)
        inner, outer = cone.get("innerConeAngle"), cone.get("outerConeAngle")
        found["innerAngle"] = 0.0 if inner is None else rounded(math.degrees(_within(inner, 0.0, _ANGLE)))
        found["outerAngle"] = (
            45.0 if outer is None else rounded(math.degrees(_within(outer, _NARROW, _ANGLE)))
        )
    return found


def _within(item: Item, low: float, high: float) -> float:
    """Return a number, the nearest one from `low` to `high` with a warning where it is beyond them."""
    value = item.number()
    used = min(max(value, low), high)
    if used != value:
        item.warn(GltfCode.VALUE, f"{value:g} is beyond what is drawn; {used:g} is used")
    return used
