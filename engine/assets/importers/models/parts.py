"""Imports parts of model files: primitives, skins, animations and images, by the pointers of recipes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from engine.assets.cache.results import Result, failed, made, rejected
from engine.assets.codes import AssetCode
from engine.assets.files import FileGate, FileRejectedError
from engine.assets.importers import Imported
from engine.assets.importers.memory_budget import Take
from engine.assets.importers.mesh import IndexSettings, VertexSettings, pack_indices, pack_vertices
from engine.assets.importers.mesh_source import MeshSource
from engine.assets.importers.models.gltf_clips import import_gltf_clip
from engine.assets.importers.models.gltf_primitives import primitive_source
from engine.assets.importers.models.gltf_skins import import_gltf_skin
from engine.assets.importers.models.map_coordinates import UNLESS_GIVEN, MapCoordinates
from engine.assets.importers.models.model_files import ModelFiles, OpenedModel, is_model
from engine.assets.importers.models.obj_parts import obj_source
from engine.assets.importers.morph.packing import pack_targets
from engine.assets.importers.texture import TextureSettings, import_texture
from engine.assets.limits import MAX_SOURCE_BYTES
from engine.assets.recipes import Recipe
from engine.assets.records import AssetType
from engine.assets.roots import display_path
from engine.gltf import image_bytes
from engine.humon import InputError, Position, Problem
from engine.obj import ObjFile

INDEX_SETTINGS = ("format", "topology", "lod", "tangents", "order", "simplify", "simplifier")
VERTEX_SETTINGS = ("format", "lod", "weights", "bones", "topology", "order")
"""The parameters of recipes that are the fields of IndexSettings and VertexSettings, in their order."""

TEXTURE_SETTINGS = ("color_space", "mip_levels", "format", "blocks", "channel", "directions")
"""The parameters of recipes that are the fields of TextureSettings, in their order."""

_FACTOR = 2
"""Bytes of memory for each byte of a model file while parts of it are imported."""


def import_parts(
    recipes: Sequence[Recipe],
    gate: FileGate,
    take: Take,
    files: ModelFiles,
    wanted_whole: Collection[str] = (),
) -> list[Result]:
    """Import recipes with the same source and part. Problems of the source are in the results.

    Those with the identities `wanted_whole` fail for a fault in place of which another value is taken else.
    """
    source = recipes[0].source
    if not is_model(source):
        message = f"'{source.name}' has no parts: it is no .glb, .gltf or .obj"
        problem = Problem(AssetCode.PART, message, Position(display_path(source)), help="remove `part`")
        return [failed(recipe, (problem,), gate, ()) for recipe in recipes]
    try:
        take(min(gate.stamp(source).size, MAX_SOURCE_BYTES) * _FACTOR)
        opened = files.open(source)
    except FileRejectedError as error:
        return [rejected(recipe, error, gate) for recipe in recipes]
    except InputError as error:
        return [failed(recipe, error.problems, gate, ()) for recipe in recipes]
    parts = _Parts(opened, take)
    results = []
    for recipe in recipes:
        try:
            imported = parts.imported(recipe)
            if imported.faults and recipe.identity in wanted_whole:
                raise InputError(imported.faults)
            results.append(made(recipe, imported, gate, opened.stamps))
        except InputError as error:
            results.append(failed(recipe, error.problems, gate, (*opened.stamps, *opened.unread)))
    return results


def texture_settings(recipe: Recipe) -> TextureSettings:
    """Return how a texture is imported."""
    return TextureSettings(*(recipe.parameters[name] for name in TEXTURE_SETTINGS))


class _Parts:
    """Imports the recipes of one part; a primitive is read once for all that have the same coordinates."""

    def __init__(self, opened: OpenedModel, take: Take) -> None:
        self._model = opened.content
        self._take = take
        self._sources: dict[MapCoordinates | None, MeshSource] = {}

    def imported(self, recipe: Recipe) -> Imported:
        """Import one recipe. Raises InputError."""
        model = self._model
        if recipe.asset.type in (AssetType.VERTICES, AssetType.INDICES, AssetType.MORPH_TARGETS):
            return self._mesh_part(recipe)
        if isinstance(model, ObjFile):
            message = f"an .obj has no {recipe.asset.type}: its parts are meshes"
            hint = "write the textures of its .mtl as assets of their own, with their files as `source`"
            raise InputError(Problem(AssetCode.PART, message, Position(model.lines.name), help=hint))
        place = model.at(recipe.part)
        if recipe.asset.type is AssetType.TEXTURE2D:
            name = f"{model.name}{recipe.part}"
            with model.noting() as notes:
                content = bytes(image_bytes(place))
            made = import_texture(content, name, texture_settings(recipe), self._take)
            return replace(made, warnings=(*made.warnings, *notes.warnings))
        if recipe.asset.type is AssetType.ANIMATION:
            return import_gltf_clip(model, place)
        return import_gltf_skin(model, place)

    def _mesh_part(self, recipe: Recipe) -> Imported:
        """Pack vertices or indices of a primitive or of a part of an OBJ file."""
        parameters = recipe.parameters
        source = self._source(recipe.part, parameters.get("coordinates", ()))
        if recipe.asset.type is AssetType.MORPH_TARGETS:
            made = pack_targets(source)
        elif recipe.asset.type is AssetType.INDICES:
            of_indices = IndexSettings(*(parameters[name] for name in INDEX_SETTINGS))
            made = pack_indices(source, replace(of_indices, widens=True))
        else:
            of_vertices = VertexSettings(*(parameters[name] for name in VERTEX_SETTINGS))
            made = pack_vertices(source, replace(of_vertices, widens=True))
        return replace(made, faults=source.faults)

    def _source(self, part: str, read: MapCoordinates | None) -> MeshSource:
        """Return the mesh source of a part with coordinates; any is as good where there are none to be."""
        if read == () and self._sources:
            return next(iter(self._sources.values()))
        if read not in self._sources:
            model = self._model
            if isinstance(model, ObjFile):
                self._sources[read] = obj_source(model, part, read or UNLESS_GIVEN)
            else:
                self._sources[read] = primitive_source(model, model.at(part), read)
        return self._sources[read]
