"""The images and passes of shadow maps: cascades of the first directional light, and maps of local lights."""

from __future__ import annotations

from dataclasses import replace

from engine.graph import (
    SHADOW,
    DepthTarget,
    DrawPass,
    Extent,
    ImageDecl,
    ImageRead,
    MaterialParameter,
    RasterState,
)
from engine.plan import AlphaMode, CullMode, Format

SHADOW_TEXELS = 2048
LOCAL_TEXELS = 512
MAX_CASCADES = 4
MAX_LOCAL_MAPS = 24
"""How many maps local lights share: 24 MiB. A spot light takes one, a point light six."""

SHADOW_MAP = ImageDecl(
    "shadowMap",
    Format.D32_SFLOAT,
    Extent(width=SHADOW_TEXELS, height=SHADOW_TEXELS),
    clear=(0.0, 0.0, 0.0, 0.0),
    array=True,
)
"""Depth from the first directional light, a layer for each cascade; reversed, so 0 is far and unshadowed."""

LOCAL_SHADOWS = replace(
    SHADOW_MAP, name="localShadows", extent=Extent(width=LOCAL_TEXELS, height=LOCAL_TEXELS)
)
"""Depth from spot lights, a layer each, and from point lights, a layer for each face of a cube."""

READS = (
    ImageRead(SHADOW_MAP, "shadowMap", SHADOW, optional=True),
    ImageRead(LOCAL_SHADOWS, "localShadows", SHADOW, optional=True),
)
"""What a pass reads whose shaders are lit."""

_STATE = RasterState(cull=CullMode.NONE, depth_bias=-2.0, depth_bias_slope=-2.5)


def cascade_passes(count: int) -> tuple[DrawPass, ...]:
    """The passes that draw the casters into so many cascades."""
    return _passes("shadow", replace(SHADOW_MAP, layers=count), tuple(map(cascade_view, range(count))))


def local_passes(count: int) -> tuple[DrawPass, ...]:
    """The passes that draw the casters into so many maps of local lights."""
    return _passes("localShadow", replace(LOCAL_SHADOWS, layers=count), tuple(map(local_view, range(count))))


def cascade_view(number: int) -> str:
    """The name of the view of a cascade."""
    return f"cascade.{number}"


def local_view(number: int) -> str:
    """The name of the view of a map of a local light."""
    return f"localLight.{number}"


def _passes(name: str, image: ImageDecl, views: tuple[str, ...]) -> tuple[DrawPass, ...]:
    """One pass for what is solid, and one for what has holes: that casts where alpha reaches the cutoff."""
    solid = DrawPass(
        name,
        draws="shadowCaster",
        depth=DepthTarget(image),
        shaders=("shadow",),
        state=_STATE,
        materials=(AlphaMode.OPAQUE,),
        views=views,
        needs_rows=True,
    )
    masked = replace(
        solid,
        name=f"{name}Masked",
        shaders=("shadowMasked.vs", "shadowMasked.fs"),
        parameters=(MaterialParameter("baseColor", (1.0, 1.0, 1.0, 1.0), 0.0),),
        materials=(AlphaMode.MASK, AlphaMode.BLEND),
    )
    return solid, masked
