"""The shadowCaster feature and the pass that draws the shadow map."""

from __future__ import annotations

from collections.abc import Iterable

from engine.assets import AssetLibrary, AssetRef
from engine.feature import Drawable, Feature, FeatureRows
from engine.graph import DepthTarget, DrawPass, Extent, ImageDecl, Pass, RasterState
from engine.plan import CullMode, Format, Requirement
from engine.tableau.schema import asset_field
from features._assets import mesh_drawables, mesh_requirements

SHADOW_TEXELS = 2048

SHADOW_MAP = ImageDecl("shadowMap", Format.D32_SFLOAT, Extent(width=SHADOW_TEXELS, height=SHADOW_TEXELS))
"""Depth from the first light; reversed, so the cleared value 0 is far away and unshadowed."""

SHADOW_PASS = DrawPass(
    "shadow",
    draws="shadowCaster",
    depth=DepthTarget(SHADOW_MAP),
    shaders=("shadow",),
    state=RasterState(cull=CullMode.NONE, depth_bias=-2.0, depth_bias_slope=-2.5),
)


class ShadowCaster(Feature):
    """The object casts a shadow in the light of the first directional light."""

    type_name = "shadowCaster"
    requires = ("visibleModel",)
    fields = (asset_field("asset", types=("mesh", "model"), help="what casts: a mesh, or a model's mesh"),)

    def requirements(self, asset: AssetRef, library: AssetLibrary) -> Iterable[Requirement]:
        """Request the mesh's vertices and indices."""
        return mesh_requirements(asset, library)

    def drawables(self, asset: AssetRef, library: AssetLibrary) -> Iterable[Drawable]:
        """Draw the mesh, whatever its material."""
        return mesh_drawables(asset, library)

    def passes(self, rows: FeatureRows) -> tuple[Pass, ...]:
        """The shadow pass."""
        return (SHADOW_PASS,)
