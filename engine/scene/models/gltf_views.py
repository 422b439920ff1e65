"""The cameras and lights of a glTF file as features of objects.

A value that is wrong is as if absent, with a warning: the default of glTF is used, or that of the feature
where glTF requires the value. One that is right, but beyond what is drawn, is limited.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from engine.gltf import GltfCode, Item, Members
from engine.scene.models.description import Plain
from engine.scene.models.placement import rounded

_ANGLE = math.radians(85.0)
_NARROW, _WIDE = math.radians(1.0), math.radians(179.0)
_STRONGEST, _FARTHEST = 1e6, 1e4
"""The largest intensity and range of a light, as the feature has them."""

_WHITE = (1.0, 1.0, 1.0)
_LENSES = ("perspective", "orthographic")


def camera_feature(camera: Item) -> Plain:
    """Return a camera, not enabled: the picture is that of the camera around the model.

    Raises InputError where neither its type nor its members say which kind of camera it is.
    """
    found: Plain = {"@type": "camera", "enabled": False}
    kind = _lens_of(camera)
    lens = Members(camera).required(kind, lambda item: Members(item.as_object()), Members(None))
    if kind == "perspective":
        angle = lens.required("yfov", _positive(_NARROW, _WIDE), 0.0)
        near = lens.required("znear", _positive(1e-4, math.inf), 0.0)
        far = lens.read("zfar", lambda item: _beyond(item, near), 0.0)
        values = {"fovY": rounded(math.degrees(angle)), "near": near, "far": far}
    else:
        height = lens.required("ymag", _positive(5e-4, 1e12), 0.0)
        near = lens.required("znear", lambda item: item.number(0.0), 0.0)
        far = lens.required("zfar", lambda item: _within(_beyond(item, near), item, 5e-3, 1e12), 0.0)
        found["projection"] = kind
        values = {"height": 2.0 * height, "depth": 2.0 * far}
    return found | {key: value for key, value in values.items() if value}


def light_feature(light: Item) -> Plain:
    """Return a light. Raises InputError where it is no object, or of no type that is known."""
    kind = light.required("type").choice("directional", "point", "spot")
    values = Members(light)
    found: Plain = {"@type": "light", "kind": kind}
    found["color"] = list(values.vector("color", _WHITE, 0.0))
    found["intensity"] = values.read("intensity", _intensity, 1.0)
    reach = values.read("range", _positive(0.0, _FARTHEST), 0.0) if kind != "directional" else 0.0
    if reach:
        found["range"] = reach
    if kind == "spot":
        cone = values.required("spot", lambda item: Members(item.as_object()), Members(None))
        outer = cone.read("outerConeAngle", _positive(_NARROW, _ANGLE), math.pi / 4)
        inner = cone.read("innerConeAngle", lambda item: _inner_angle(item, outer), 0.0)
        found["innerAngle"] = rounded(math.degrees(inner))
        found["outerAngle"] = rounded(math.degrees(outer))
    return found


def _lens_of(camera: Item) -> str:
    """Return the type of a camera; of one that is wrong the only member that describes a lens says it."""
    given = [name for name in _LENSES if camera.get(name) is not None]
    if len(given) == 1:
        return Members(camera).required("type", lambda item: item.choice(*_LENSES), given[0])
    return camera.required("type").choice(*_LENSES)


def _inner_angle(item: Item, outer: float) -> float:
    """Return the angle of full light. Raises InputError where it is below 0, or not below the outer one."""
    angle = item.number(0.0)
    if _within(angle, item, 0.0, _ANGLE) >= outer:
        message = f"{angle:g} is not below the outer angle of the cone, {outer:g}"
        raise item.failure(GltfCode.VALUE, message)
    return angle


def _beyond(item: Item, near: float) -> float:
    """Return the distance of a far plane. Raises InputError where it is not behind the near one."""
    far = item.number()
    if far <= near:
        raise item.failure(GltfCode.VALUE, f"{far:g} is not beyond znear, {near:g}")
    return far


def _positive(low: float, high: float) -> Callable[[Item], float]:
    """Return what reads a number above 0, and limits it."""

    def read(item: Item) -> float:
        value = item.number()
        if value <= 0.0:
            raise item.failure(GltfCode.VALUE, f"{value:g} is not above 0")
        return _within(value, item, low, high)

    return read


def _intensity(item: Item) -> float:
    return _within(item.number(0.0), item, 0.0, _STRONGEST)


def _within(value: float, item: Item, low: float, high: float) -> float:
    """Return a number, the nearest one from `low` to `high` with a warning where it is beyond them."""
    used = min(max(value, low), high)
    if used != value:
        item.warn(GltfCode.VALUE, f"{value:g} is beyond what is drawn; {used:g} is used")
    return used
