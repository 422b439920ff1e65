"""The shadowCaster feature and the passes that draw the shadow map."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.assets import AssetLibrary, AssetRef
from engine.feature import Drawable, Feature, FeatureRows
from engine.graph import DepthTarget, DrawPass, Extent, ImageDecl, MaterialParameter, Pass, RasterState
from engine.plan import AlphaMode, CullMode, Format, Requirement
from engine.tableau.schema import asset_field
from features._assets import alpha_requirements, mesh_drawables, mesh_requirements

SHADOW_TEXELS = 2048

SHADOW_MAP = ImageDecl("shadowMap", Format.D32_SFLOAT, Extent(width=SHADOW_TEXELS, height=SHADOW_TEXELS))
"""Depth from the first light; reversed, so the cleared value 0 is far away and unshadowed."""

SHADOW_PASS = DrawPass(
    "shadow",
    draws="shadowCaster",
    depth=DepthTarget(SHADOW_MAP),
    shaders=("shadow",),
    state=RasterState(cull=CullMode.NONE, depth_bias=-2.0, depth_bias_slope=-2.5),
    materials=(AlphaMode.OPAQUE,),
)
MASKED_SHADOW_PASS = replace(
    SHADOW_PASS,
    name="shadowMasked",
    shaders=("shadowMasked.vs", "shadowMasked.fs"),
    parameters=(MaterialParameter("baseColor", (1.0, 1.0, 1.0, 1.0), 0.0),),
    materials=(AlphaMode.MASK, AlphaMode.BLEND),
    needs_rows=True,
)
"""What has holes casts where its alpha reaches the cutoff."""


class ShadowCaster(Feature):
    """The object casts a shadow in the light of the first directional light."""

    type_name = "shadowCaster"
    draws_as = "visibleModel"
    fields = (
        asset_field(
            "asset",
            types=("mesh", "model"),
            optional=True,
            help="what casts, seen or not: a mesh or a model; without it the visible model of the object",
        ),
    )

    def requirements(self, asset: AssetRef, library: AssetLibrary) -> Iterable[Requirement]:
        """Request the mesh's vertices and indices, and the texture with its holes."""
        yield from mesh_requirements(asset, library)
        yield from alpha_requirements(asset, library)

    def drawables(self, asset: AssetRef, library: AssetLibrary) -> Iterable[Drawable]:
        """Draw the mesh; the material of a model may have holes."""
        return mesh_drawables(asset, library)

    def passes(self, rows: FeatureRows) -> tuple[Pass, ...]:
        """The shadow pass, and that of what has holes."""
        return (SHADOW_PASS, MASKED_SHADOW_PASS)
