"""Whether an asset would fit what it is drawn with, had some of its parts stayed as they were."""

from __future__ import annotations

from collections.abc import Mapping

from engine.assets import AssetRef, Material, VerticesFacts
from engine.feature import Drawable
from engine.plan.terms.drawing import AlphaMode
from engine.planning.draw.material_use import default_parameters, own_parameters
from engine.planning.draw.recipes import Recipes
from engine.planning.draw.shading import check_parameters, check_shaders, fits, shader_set, stage_of


def fits_with(recipes: Recipes, key: int, earlier: Mapping[AssetRef, AssetRef]) -> bool:
    """Whether all of an asset fits the pass, with earlier versions in place of these parts of it."""
    drawables = recipes.feature.drawables(AssetRef.from_key(key), recipes.library)
    return all(_fits(recipes, drawable, earlier) for drawable in drawables)


def _fits(recipes: Recipes, drawable: Drawable, earlier: Mapping[AssetRef, AssetRef]) -> bool:
    library = recipes.library

    def version(ref: AssetRef) -> AssetRef:
        return library.usable(earlier.get(ref, ref))

    shaders, parameters = recipes.own_shaders, None
    owner = shaders[0] if shaders else AssetRef(0, 0)
    if not shaders:
        assert drawable.material is not None
        material = library.record(version(drawable.material))
        assert isinstance(material, Material)
        if AlphaMode[material.alpha_mode.name] not in recipes.declaration.materials:
            return True
        shaders, owner = tuple(version(ref) for ref in material.shaders), material.ref
        if recipes.fragment is not None:
            stage = stage_of(recipes.fragment, library)
            shaders = tuple(recipes.fragment if stage_of(one, library) is stage else one for one in shaders)
        parameters = own_parameters(material, recipes.parameters)
    if check_shaders(shaders, recipes.given, library, owner):
        return False
    shading = shader_set(shaders, library)
    if parameters is not None:
        parameters = {**default_parameters(recipes.parameters), **parameters}
        if check_parameters(shading, parameters, library, owner):
            return False
    facts = library.facts(version(drawable.vertices))
    assert isinstance(facts, VerticesFacts)
    return fits(shading, facts.vertex_format, drawable.topology)
