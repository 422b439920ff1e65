"""The visibleModel feature and the passes that shade visible models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.assets import AssetLibrary, AssetRef
from engine.feature import Drawable, Feature, FeatureRows
from engine.feature.mesh_assets import material_requirements, mesh_drawables, mesh_requirements
from engine.graph import (
    SCENE_COLOR,
    SCENE_DEPTH,
    ColorTarget,
    DepthTarget,
    DrawOrder,
    DrawPass,
    MaterialParameter,
    Pass,
)
from engine.plan import AlphaMode, Blend, Requirement
from engine.tableau.schema import asset_field
from features._light_clusters import READ
from features._shadow_maps import READS
from features.skybox import ENVIRONMENT

FORWARD = DrawPass(
    "forward",
    draws="visibleModel",
    color=(ColorTarget(SCENE_COLOR),),
    depth=DepthTarget(SCENE_DEPTH),
    reads=READS,
    buffers=(READ,),
    cubes=(ENVIRONMENT,),
    materials=(AlphaMode.OPAQUE, AlphaMode.MASK),
    parameters=(
        MaterialParameter("baseColor", (1.0, 1.0, 1.0, 1.0), 0.0),
        MaterialParameter("roughness", (1.0,), 0.0, 1.0),
        MaterialParameter("metallic", (1.0,), 0.0, 1.0),
        MaterialParameter("normalScale", (1.0,)),
        MaterialParameter("anisotropy", (0.0,), -1.0, 1.0),
        MaterialParameter("emissive", (0.0, 0.0, 0.0), 0.0),
        MaterialParameter("occlusionStrength", (1.0,), 0.0, 1.0),
        MaterialParameter("ior", (1.5,), 0.0),
        MaterialParameter("specular", (1.0,), 0.0, 1.0),
        MaterialParameter("specularColor", (1.0, 1.0, 1.0), 0.0),
        MaterialParameter("clearcoat", (0.0,), 0.0, 1.0),
        MaterialParameter("clearcoatRoughness", (0.0,), 0.0, 1.0),
        MaterialParameter("clearcoatNormalScale", (1.0,)),
    ),
)

BLENDED = replace(
    FORWARD,
    name="blended",
    color=(ColorTarget(SCENE_COLOR, Blend.PREMULTIPLIED),),
    depth=DepthTarget(SCENE_DEPTH, write=False),
    materials=(AlphaMode.BLEND,),
    order=DrawOrder.BACK_TO_FRONT,
    needs_rows=True,
)
"""What is seen through, from back to front over what is behind."""


class VisibleModel(Feature):
    """The object is visible: its model is drawn with its material."""

    type_name = "visibleModel"
    fields = (
        asset_field("asset", types=("model",), help="the model to draw"),
        asset_field(
            "material", types=("material",), optional=True, help="a material in place of the model's own"
        ),
    )
    absent = "the picture is the background"

    def requirements(self, asset: AssetRef, library: AssetLibrary) -> Iterable[Requirement]:
        """Request the mesh's vertices and indices and the material's textures."""
        yield from mesh_requirements(asset, library)
        yield from material_requirements(asset, library)

    def drawables(self, asset: AssetRef, library: AssetLibrary) -> Iterable[Drawable]:
        """Draw the model's mesh with its material."""
        return mesh_drawables(asset, library)

    def passes(self, rows: FeatureRows) -> tuple[Pass, ...]:
        """The forward pass, and the one that blends."""
        return (FORWARD, BLENDED)
