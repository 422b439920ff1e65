"""What of surfaces with holes is there: their alpha where a ray hits them, as fragments read it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary, AssetRef, Material, Sampling, VerticesFacts
from engine.plan.terms.drawing import AlphaMode
from engine.planning.draw.rays import Covers, Ray, Triangles, barycentric, read_attribute
from engine.planning.draw.recipes import Recipes
from engine.planning.picking.texture_alpha import TextureAlpha

Doubles = npt.NDArray[np.float64]

ALPHA_SLACK = 1e-4
"""As in assets/builtin/shader/mask.glsl: rounding of what is interpolated."""

LEAST_ALPHA = 0.5 / 255
"""What blends and covers less is not seen."""


@dataclass(frozen=True)
class Cutout:
    """How a material covers: where its alpha is at least `least`.

    Alpha is `factor` times that of `texture`, if there is one, and of colours of vertices, if they are read.
    """

    least: float
    factor: float
    texture: AssetRef | None
    sampling: Sampling
    reads_colors: bool


@dataclass(frozen=True, eq=False)
class SurfaceAlpha:
    """What vertices have for alpha: coordinates of the texture [n, 2] and alpha [n]; None where it is 1."""

    places: Doubles | None
    alpha: Doubles | None

    @property
    def size(self) -> int:
        """The bytes that it takes."""
        return sum(one.nbytes for one in (self.places, self.alpha) if one is not None)


def cutout_of(recipes: Recipes, batch: np.void) -> Cutout | None:
    """Return how a batch covers, None where it covers all. What its shaders do not read counts as 1."""
    pipeline, shading = recipes.pipelines[batch["pipeline"]], recipes.shadings[batch["shading"]]
    if pipeline.alpha is AlphaMode.OPAQUE or batch["material"] < 0:
        return None
    use = recipes.materials[batch["shading"]][batch["material"]]
    material = recipes.library.record(recipes.library.usable(use.ref))
    assert isinstance(material, Material)
    reads_factor = shading.material is not None and "baseColor" in shading.material.fields
    color = material.parameters.get("baseColor", ()) if reads_factor else ()
    albedo = next((binding for slot, binding in shading.slots if slot == "albedo"), -1)
    texture = next((one for one in use.textures if one.binding == albedo), None)
    reads_colors = any(variable.name == "color" for variable in shading.inputs)
    if recipes.own_shaders:
        reads_colors = "readsColors" in pipeline.traits
    return Cutout(
        material.alpha_cutoff - ALPHA_SLACK if pipeline.alpha is AlphaMode.MASK else LEAST_ALPHA,
        max(color[3], 0.0) if len(color) > 3 else 1.0,
        AssetRef.from_key(texture.key) if texture is not None else None,
        Sampling.numbered(texture.sampler if texture is not None else 0),
        reads_colors,
    )


def read_surface_alpha(library: AssetLibrary, vertices: int) -> SurfaceAlpha:
    """Read what a mesh has for alpha, by the key of its vertices. Raises CacheMissError."""
    ref = AssetRef.from_key(vertices)
    facts = library.facts(ref)
    assert isinstance(facts, VerticesFacts)
    formats, content = dict(facts.vertex_format), library.read(ref)
    places = alpha = None
    if "uv_albedo" in formats and formats["uv_albedo"].components >= 2:
        places = np.nan_to_num(read_attribute(facts, content, "uv_albedo")[:, :2])
    if "color" in formats and formats["color"].components == 4:
        alpha = np.nan_to_num(read_attribute(facts, content, "color")[:, 3])
    return SurfaceAlpha(places, alpha)


def covers_where(
    cutout: Cutout,
    texture: TextureAlpha | None,
    surface: SurfaceAlpha,
    mesh: Triangles,
    rays: tuple[Ray, Ray, Ray],
) -> Covers:
    """Return what says where a mesh covers along a ray; two more are of the pixels to the right and below."""

    def covers(triangles: npt.NDArray[np.int64], corners: Doubles) -> npt.NDArray[np.bool_]:
        vertices = mesh.corners[triangles]
        here, right, down = (barycentric(ray, corners) for ray in rays)
        alpha: Doubles = np.full(len(triangles), cutout.factor)
        if cutout.reads_colors and surface.alpha is not None:
            alpha *= np.einsum("ni,ni->n", here, surface.alpha[vertices])
        if texture is not None and surface.places is not None:
            places = surface.places[vertices]
            at, beside, below = (np.einsum("ni,nij->nj", weights, places) for weights in (here, right, down))
            alpha *= texture.sampled(at, beside, below, cutout.sampling)
        covered: npt.NDArray[np.bool_] = alpha >= cutout.least
        return covered

    return covers
