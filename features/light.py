"""The light feature: directional, point and spot lights, the shadows of some, and clusters for many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from engine.feature import Feature, FeatureRows, FrameView
from engine.feature.fault import Fault
from engine.graph import Pass
from engine.math import unit_axes
from engine.tableau.schema import angle_field, choice_field, color_field, float_field, int_field
from features._light_clusters import MAX_LOCAL_LIGHTS, cluster_pass, words
from features._local_lights import (
    DIRECTIONAL,
    POINT,
    SPOT,
    cone,
    cone_faults,
    face_matrices,
    first_maps,
    light_colors,
    light_ranges,
    spot_matrix,
    without_effect,
)
from features._shadow_maps import (
    LOCAL_TEXELS,
    MAX_CASCADES,
    MAX_LOCAL_MAPS,
    SHADOW_TEXELS,
    cascade_passes,
    cascade_view,
    local_passes,
    local_view,
)
from features._shadow_view import ShadowView, shadow_views
from features._unused_fields import unused_fields

MAX_LIGHTS = 4
"""How many directional lights are used; further ones are not."""

AUTO, ON, OFF = range(3)
"""The choices of `shadows`."""


class Light(Feature):
    """Light along the object's -Z from far away, from its place all around, or from there within a cone.

    The first directional light also brings ambient light from sky and ground. White paper under 3.14 lux is
    white in the picture where the camera's exposure is 0.
    """

    type_name = "light"
    fields = (
        choice_field("kind", "directional", choices=("directional", "point", "spot")),
        color_field("color", (1.0, 1.0, 1.0), help="colour in linear light"),
        float_field(
            "temperature",
            0.0,
            minimum=0.0,
            maximum=40_000.0,
            unit="K",
            help="from 1667 to 25000: the light of a glowing body, times `color`; 0: `color` alone",
        ),
        float_field(
            "intensity",
            3.0,
            minimum=0.0,
            maximum=1e6,
            help="in lux (directional), else in the unit",
        ),
        choice_field("unit", "candela", choices=("candela", "lumen"), help="of a point or spot light"),
        float_field(
            "range",
            0.0,
            minimum=0.0,
            maximum=1e4,
            unit="m",
            help="how far a point or spot light reaches; 0: until it is as weak as 0.02 lux",
        ),
        angle_field(
            "innerAngle", 20.0, minimum=0.0, maximum=85.0, help="of a spot: full light, from its axis"
        ),
        angle_field("outerAngle", 30.0, minimum=1.0, maximum=85.0, help="of a spot: no light, from its axis"),
        choice_field(
            "shadows",
            "auto",
            choices=("auto", "on", "off"),
            help="whether it casts shadows, of directional lights one; auto: the first of these does",
        ),
        color_field(
            "sky",
            (0.22, 0.27, 0.36),
            help="light from above, of the first directional light, else of the first",
        ),
        float_field(
            "shadowDistance",
            40.0,
            minimum=1.0,
            maximum=1e6,
            unit="m",
            help="from the camera, within which shadows fall, where casters are spread wider",
        ),
        int_field(
            "cascades",
            1,
            minimum=1,
            maximum=MAX_CASCADES,
            help="maps of a directional light, each for a third of the distance of the next: several"
            " keep shadows near the camera sharp where casters are spread wide",
        ),
        color_field(
            "ground",
            (0.10, 0.085, 0.07),
            help="light from below, of the first directional light, else of the first",
        ),
    )
    absent = "models are drawn without light"
    instead = ("skybox",)
    buffers = ("lights", "shadowViews")

    def passes(self, rows: FeatureRows) -> tuple[Pass, ...]:
        """The passes of shadow maps and of clusters, as far as the active lights need them."""
        kinds = rows["kind"] if len(rows) else np.zeros(0, np.int64)
        found: list[Pass] = []
        cascades = _cascades(rows)
        if cascades:
            found += cascade_passes(cascades)
        maps = _maps(rows)[1]
        if maps:
            found += local_passes(maps)
        local = min(int((kinds != DIRECTIONAL).sum()), MAX_LOCAL_LIGHTS)
        if local:
            found.append(cluster_pass(local))
        return tuple(found)

    def buffer_rows(self, rows: FeatureRows) -> Mapping[str, int]:
        """A row for each light, and for each map of a local light."""
        return {"lights": min(len(rows), MAX_LIGHTS + MAX_LOCAL_LIGHTS), "shadowViews": _maps(rows)[1]}

    def faults(self, frame: FrameView) -> Iterable[Fault]:
        """Lights with fields without effect, without room for their maps, or of which there are too many."""
        rows = frame.active(self.type_name)
        yield from cone_faults(rows)
        yield from without_effect(rows)
        yield from self._without_ambient(frame)
        yield from self._without_cascades(rows)
        first, count = _maps(rows)
        for number in np.flatnonzero((rows["shadows"] == ON) & (first < 0)) if len(rows) else ():
            if rows["kind"][number] != DIRECTIONAL:
                yield Fault(
                    int(rows.indices[number]),
                    "light.shadows",
                    f"there is no room for its shadow maps: {count} of {MAX_LOCAL_MAPS} are taken",
                    "it shines without shadow: switch off the shadows of others; a point light takes 6 maps",
                    "shadows",
                )
        for kinds, most, what in (
            (np.array([DIRECTIONAL]), MAX_LIGHTS, "directional"),
            (np.array([POINT, SPOT]), MAX_LOCAL_LIGHTS, "point and spot"),
        ):
            of_kind = np.flatnonzero(np.isin(rows["kind"], kinds)) if len(rows) else np.zeros(0, np.int64)
            if len(of_kind) > most:
                yield Fault(
                    int(rows.indices[of_kind[most]]),
                    "light.count",
                    f"it is one of {len(of_kind)} {what} lights: {most} shine",
                    "make lights inactive that are not needed",
                )

    def _without_ambient(self, frame: FrameView) -> Iterator[Fault]:
        """Yield a fault for each ambient light that another light brings instead."""
        rows = frame.enabled(self.type_name)
        if len(rows) > 1:
            assert rows.table is not None
            first = _first(rows)
            others = np.arange(len(rows)) != first
            why = f"the ambient light is that of '{rows.table.path(int(rows.indices[first]))}'"
            yield from unused_fields(rows, others, ("sky", "ground"), why, "set it there")

    def _without_cascades(self, rows: FeatureRows) -> Iterator[Fault]:
        """Yield a fault for each directional light that should cast shadows beside the one that does."""
        caster = _caster(rows)
        wanted = (rows["kind"] == DIRECTIONAL) & (rows["shadows"] == ON) if caster >= 0 else np.zeros(0)
        for number in np.flatnonzero(wanted).tolist():
            if number != caster:
                assert rows.table is not None
                yield Fault(
                    int(rows.indices[number]),
                    "light.shadows",
                    f"one directional light casts shadows, that on '{rows.table.path(rows.indices[caster])}'",
                    "it shines without shadow: write `shadows: off` for the other one, or for this one",
                    "shadows",
                )

    def frame_values(self, frame: FrameView) -> Mapping[str, npt.ArrayLike]:
        """Return ambient light, how many lights there are, and the cascades of the first directional one."""
        rows = frame.enabled(self.type_name)
        if not len(rows):
            return {}
        order, directional = self._order(frame)
        found: dict[str, npt.ArrayLike] = {
            "lightCounts": [directional, len(order) - directional, 0, 0],
            "skyAmbient": rows["sky"][_first(rows)],
            "groundAmbient": rows["ground"][_first(rows)],
            "localShadow": [1.0 / LOCAL_TEXELS, 0.0, 0.0, 0.0],
        }
        cascades, moved_on = self._shadow_views(frame)
        if cascades:
            found["shadowMatrices"] = np.stack([cascade.matrix for cascade in cascades])
            found["shadowTexels"] = [cascade.texel for cascade in cascades]
            found["shadow"] = [len(cascades), 1.0 / SHADOW_TEXELS, moved_on, cascades[-1].fade]
        return found

    def views(self, frame: FrameView) -> Mapping[str, Mapping[str, npt.ArrayLike]]:
        """Return the views of the shadow maps, and that lights are found by cluster in the picture's view."""
        rows = frame.enabled(self.type_name)
        if not len(rows):
            return {}
        order, directional = self._order(frame)
        local = len(order) - directional
        found: dict[str, Mapping[str, npt.ArrayLike]] = {
            "": {"lightCounts": [directional, local, words(local), 0]}
        }
        for number, cascade in enumerate(self._shadow_views(frame)[0]):
            found[cascade_view(number)] = {"viewProjection": cascade.matrix}
        for number, matrix in enumerate(self._local_views(frame)):
            found[local_view(number)] = {"viewProjection": matrix}
        return found

    def buffer_values(self, frame: FrameView) -> Mapping[str, Mapping[str, npt.ArrayLike]]:
        """Return the lights, directional ones first, and the matrices of local shadow maps."""
        rows = frame.enabled(self.type_name)
        if not len(rows):
            return {}
        order, _ = self._order(frame)
        colors = light_colors(rows)
        scale, offset = cone(rows)
        world = frame.world(rows.objects)
        back = world[:, 2, :3] / np.maximum(np.linalg.norm(world[:, 2, :3], axis=1, keepdims=True), 1e-30)
        first = first_maps_of(frame)[rows.indices]
        columns = {
            "position": world[:, 3, :3] - frame.origin,
            "range": light_ranges(rows, colors),
            "color": colors,
            "kind": rows["kind"],
            "direction": back,
            "coneScale": scale,
            "coneOffset": offset,
            "shadow": first,
        }
        lights = {name: column[order] for name, column in columns.items()}
        return {"lights": lights, "shadowViews": {"matrix": self._local_views(frame)}}

    def _order(self, frame: FrameView) -> tuple[npt.NDArray[np.int64], int]:
        """Return the order of the enabled lights, see `_order`, found once for a frame."""
        if "order" not in frame.memo:
            frame.memo["order"] = _order(frame.enabled(self.type_name))
        found: tuple[npt.NDArray[np.int64], int] = frame.memo["order"]
        return found

    def _shadow_views(self, frame: FrameView) -> tuple[list[ShadowView], float]:
        """Return the cascades of the first directional light as `shadow_views`; none without shadows."""
        if "cascades" not in frame.memo:
            frame.memo["cascades"] = self._fitted(frame)
        found: tuple[list[ShadowView], float] = frame.memo["cascades"]
        return found

    def _fitted(self, frame: FrameView) -> tuple[list[ShadowView], float]:
        """Return the cascades, fitted to what casts and what is seen."""
        rows = frame.enabled(self.type_name)
        first = _caster(rows)
        if first < 0:
            return [], 1.0
        light = frame.world(rows.objects[first : first + 1])[0]
        casters, distance = frame.bounds("shadowCaster"), float(rows["shadowDistance"][first])
        place, axes = tuple(light[3, :3].tolist()), unit_axes(light)
        return shadow_views(place, axes, casters, frame, distance, _cascades(frame.active(self.type_name)))

    def _local_views(self, frame: FrameView) -> npt.NDArray[np.float64]:
        """Return the matrices [n, 4, 4] to the maps of local lights; of those switched off, all zero."""
        active = frame.active(self.type_name)
        first, count = _maps(active)
        found = np.zeros((count, 4, 4))
        if not count:
            return found
        enabled = np.isin(active.indices, frame.enabled(self.type_name).indices)
        casting = np.flatnonzero(enabled & (first >= 0))
        world = frame.world(active.objects[casting])
        for place, number in enumerate(casting.tolist()):
            position = world[place, 3, :3] - frame.origin
            at = int(first[number])
            if active["kind"][number] == SPOT:
                axes = np.array(unit_axes(world[place]))
                found[at] = spot_matrix(position, axes, float(active["outerAngle"][number]))
            else:
                found[at : at + 6] = face_matrices(position)
        return found


def first_maps_of(frame: FrameView) -> npt.NDArray[np.int64]:
    """Return the first shadow map of each row of the feature table, -1 without one."""
    active = frame.active(Light.type_name)
    found = np.full(int(active.indices.max(initial=-1)) + 1, -1, np.int64)
    found[active.indices] = _maps(active)[0]
    return found


def _order(rows: FeatureRows) -> tuple[npt.NDArray[np.int64], int]:
    """Return rows in the order of shaders, and how many directional lights there are.

    These come first, and the first of them is the one that casts shadows, if any does.
    """
    if not len(rows):
        return np.zeros(0, np.int64), 0
    is_local = rows["kind"] != DIRECTIONAL
    first = (~is_local).nonzero()[0][:MAX_LIGHTS]
    caster = _caster(rows)
    if caster in first:
        first = np.concatenate(([caster], first[first != caster]))
    return np.concatenate((first, is_local.nonzero()[0][:MAX_LOCAL_LIGHTS])), len(first)


def _cascades(rows: FeatureRows) -> int:
    """Return how many cascades there are: those of the active light that `_caster` returns, else 0."""
    caster = _caster(rows)
    return int(rows["cascades"][caster]) if caster >= 0 else 0


def _caster(rows: FeatureRows) -> int:
    """Return the directional light that casts shadows, -1 for none.

    That is the first one, or where its shadows are off the first one with shadows on, of those that shine.
    """
    if not len(rows):
        return -1
    shining = np.flatnonzero(rows["kind"] == DIRECTIONAL)[:MAX_LIGHTS]
    shadows = rows["shadows"][shining]
    casting = np.flatnonzero((shadows == ON) | ((shadows != OFF) & (np.arange(len(shining)) == 0)))
    return int(shining[casting[0]]) if len(casting) else -1


def _first(rows: FeatureRows) -> int:
    """Return the first light, directional ones before others."""
    return int(np.argmax(rows["kind"] == DIRECTIONAL))


def _maps(rows: FeatureRows) -> tuple[npt.NDArray[np.int64], int]:
    """Return the first map of each local light among active rows, -1 without one, and their number."""
    if not len(rows):
        return np.zeros(0, np.int64), 0
    casting = rows["shadows"] == ON
    if not casting.any():
        return np.full(len(casting), -1, np.int64), 0
    return first_maps(rows["kind"], casting)
