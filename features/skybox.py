"""The skybox feature: an environment around the scene, which is seen and lights what is in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary, AssetRef, EnvironmentFacts
from engine.feature import Feature, FeatureRows, FrameView
from engine.feature.requirement_builders import environment_requirement
from engine.graph import (
    SCENE_COLOR,
    SCENE_DEPTH,
    ColorTarget,
    CubeRead,
    DepthTarget,
    FullscreenPass,
    Pass,
)
from engine.plan import CompareOp, Requirement
from engine.tableau.schema import angle_field, asset_field, bool_field, float_field

ENVIRONMENT = CubeRead("environment", "environment")
"""The environment of the first enabled skybox, for every pass that shades."""

SKY = FullscreenPass(
    "sky",
    color=(ColorTarget(SCENE_COLOR),),
    depth=DepthTarget(SCENE_DEPTH, write=False, compare=CompareOp.GREATER_OR_EQUAL),
    cubes=(ENVIRONMENT,),
    shader="sky",
)
"""The sky where nothing is seen: at the farthest depth."""


class Skybox(Feature):
    """An environment around everything, seen and as light: the first enabled one is the one in use."""

    type_name = "skybox"
    at_most = 1
    fields = (
        asset_field("asset", types=("environment",), help="the environment"),
        angle_field("rotation", 0.0, help="turns the sky about the vertical, to the left"),
        float_field("intensity", 1.0, minimum=0.0, maximum=1e6, help="factor on the environment's light"),
        bool_field("visible", True, help="whether it is seen, beside lighting the scene"),
    )

    def requirements(self, asset: AssetRef, library: AssetLibrary) -> Iterable[Requirement]:
        """Request the environment's cube."""
        yield environment_requirement(asset, library)

    def cubes(self, rows: FeatureRows) -> Mapping[str, AssetRef]:
        """The environment of the first row."""
        return {ENVIRONMENT.name: _asset(rows)} if len(rows) else {}

    def passes(self, rows: FeatureRows) -> tuple[Pass, ...]:
        """The pass that draws the sky, unless all skyboxes are only light."""
        return (SKY,) if rows["visible"].any() else ()

    def frame_values(self, frame: FrameView) -> Mapping[str, npt.ArrayLike]:
        """Return rotation, intensity and levels of the environment in use, and its irradiance."""
        rows = frame.enabled(self.type_name)
        if not len(rows):
            return {}
        facts = frame.facts(_asset(rows))
        assert isinstance(facts, EnvironmentFacts)
        turn, intensity = float(rows["rotation"][0]), float(rows["intensity"][0])
        return {
            "environment": [math.cos(turn), math.sin(turn), intensity, facts.mip_levels - 1],
            "irradiance": np.array(facts.irradiance) * intensity,
            "skyVisible": float(rows["visible"][0]),
        }


def _asset(rows: FeatureRows) -> AssetRef:
    """Return the environment of the first row."""
    return AssetRef.from_key(int(rows["asset"][0]))
