"""The shadowCaster feature: what the passes of lights draw into shadow maps."""

from __future__ import annotations

from collections.abc import Iterable

from engine.assets import AssetLibrary, AssetRef
from engine.feature import Drawable, Feature
from engine.feature.mesh_assets import alpha_requirements, mesh_drawables, mesh_requirements
from engine.plan import Requirement
from engine.tableau.schema import asset_field


class ShadowCaster(Feature):
    """The object casts a shadow in the light of those that have shadow maps."""

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
