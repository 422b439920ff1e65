"""Recipes: what each asset draws with in a pass, worked out once per asset and remembered.

The numbers of shader sets, pipelines, materials and batches count up and never change, whatever is switched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary, AssetRef, IndicesFacts, Material, Mesh, VertexFormat, VerticesFacts
from engine.feature import Drawable, Feature
from engine.graph import Pass
from engine.humon import InputError, Problem
from engine.plan.requirements.request_table import GrowingArray
from engine.planning.draw.shading import ShaderSet, check_inputs, fits, shader_set

BATCH_KEYS = np.dtype(
    [
        ("shading", "<i4"),
        ("pipeline", "<i4"),
        ("material", "<i4"),
        ("fallback", "<i4"),
        ("vertices", "<i8"),
        ("indices", "<i8"),
        ("stride", "<i4"),
        ("index_bytes", "<i4"),
        ("index_count", "<u4"),
        ("low", "<f4", 3),
        ("high", "<f4", 3),
    ]
)
"""One batch: numbers of its shader set, pipeline and material (-1: none); the pipeline that draws the
placeholder mesh instead until its own has arrived (-1: none fits); keys and layout of its mesh; and the
bounds of the mesh in object space (`low`, `high`)."""


BUILTIN_DB = 0

TEXTURE = np.dtype([("shading", "<i4"), ("material", "<i4"), ("key", "<i8"), ("fallback", "<i8")])
"""One texture of a material: numbers of shader set and material, keys of the texture and of its fallback."""


@dataclass(frozen=True)
class PipelineKey:
    """The key of a pipeline within a pass: shader set, vertex format and stride, topology."""

    shading: int
    vertex_format: tuple[tuple[str, str], ...]
    offsets: tuple[int, ...]
    stride: int
    topology: str


@dataclass(frozen=True)
class TextureUse:
    """Keys of the texture at a binding, and of the builtin texture that is bound until it has arrived."""

    binding: int
    key: int
    fallback: int


@dataclass(frozen=True)
class MaterialUse:
    """A material for a shader set: its textures by binding, and its parameters by name."""

    ref: AssetRef
    label: str
    textures: tuple[TextureUse, ...]
    parameters: tuple[tuple[str, tuple[float, ...]], ...]


class Recipes:
    """The batches that draw each asset in one pass.

    `materials` has the materials of each shader set. `report` is called with the problems of materials whose
    shaders do not match a mesh; they get the placeholder material.
    """

    def __init__(
        self,
        declaration: Pass,
        feature: Feature,
        library: AssetLibrary,
        report: Callable[[Problem], None],
    ) -> None:
        self.shadings: list[ShaderSet] = []
        self.materials: list[list[MaterialUse]] = []
        self.pipelines: list[PipelineKey] = []
        # Most materials have the same builtin textures, so a number stands for the set of them.
        self._builtin_numbers: dict[frozenset[int], int] = {}
        self._builtin_of: list[GrowingArray] = []
        self._batches = GrowingArray(BATCH_KEYS)
        self._textures = GrowingArray(TEXTURE)
        self._declaration = declaration
        self._feature = feature
        self._library = library
        self._report = report
        self._provided = provided(declaration)
        self._own_shaders = tuple(library.find("builtin", name, ("shader",)) for name in declaration.shaders)
        self._neutral = lru_cache(maxsize=None)(lambda slot: neutral_texture(slot, library))
        self._of_asset: dict[int, tuple[int, ...]] = {}
        self._shading_numbers: dict[tuple[AssetRef, ...], int] = {}
        self._material_numbers: dict[tuple[int, AssetRef], int] = {}
        self._pipeline_numbers: dict[tuple[object, ...], int] = {}
        self._batch_numbers: dict[tuple[int, int, int, int], int] = {}
        self._checked: set[tuple[int, tuple[tuple[str, VertexFormat], ...]]] = set()
        self._fitting: dict[tuple[int, tuple[tuple[str, VertexFormat], ...]], bool] = {}
        self.placeholder = self._placeholder()

    @property
    def batches(self) -> npt.NDArray[np.void]:
        """All batches, those of assets that are not drawn now included: BATCH_KEYS[n]."""
        return self._batches.rows

    @property
    def textures(self) -> npt.NDArray[np.void]:
        """The textures of all materials: TEXTURE[n]."""
        return self._textures.rows

    def textures_of(self, shading: int) -> npt.NDArray[np.void]:
        """The textures of the materials of a shader set, by material and slot: TEXTURE[materials, slots]."""
        textures = self._textures.rows
        ours: npt.NDArray[np.void] = textures[textures["shading"] == shading]
        return ours.reshape(len(self.materials[shading]), len(self.shadings[shading].slots))

    def builtin_textures(self, materials: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
        """The keys of builtin textures that these materials (by shader set) have or fall back to, sorted."""
        used = np.zeros(len(self._builtin_numbers), np.bool_)
        for kinds, numbers in zip(self._builtin_of, materials, strict=False):
            used[kinds.rows[numbers]] = True
        keys = {
            key for keys, is_used in zip(self._builtin_numbers, used, strict=True) if is_used for key in keys
        }
        return np.array(sorted(keys), np.int64)

    def batches_of(self, keys: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the batches that draw these assets, one asset after the other, and how many each has.

        Raises what the feature's `drawables` raises.
        """
        found = [self._of_asset.get(key) or self._learn(key) for key in keys.tolist()]
        counts = np.array([len(batches) for batches in found], np.int64)
        return np.array([batch for batches in found for batch in batches], np.int64), counts

    def mesh_facts(self, vertices: AssetRef, indices: AssetRef) -> tuple[VerticesFacts, IndicesFacts]:
        """Return what is known of the data of a mesh."""
        of_vertices, of_indices = self._library.facts(vertices), self._library.facts(indices)
        assert isinstance(of_vertices, VerticesFacts)
        assert isinstance(of_indices, IndicesFacts)
        return of_vertices, of_indices

    def learn(self, key: int) -> None:
        """Work out the batches of one asset ahead of time. Raises what the feature's `drawables` raises."""
        if key not in self._of_asset:
            self._learn(key)

    def _learn(self, key: int) -> tuple[int, ...]:
        drawables = self._feature.drawables(AssetRef.from_key(key), self._library)
        found = self._of_asset[key] = tuple(self._batch(drawable) for drawable in drawables)
        return found

    def _placeholder(self) -> Drawable:
        """Return the mesh that is drawn for others until they have arrived, without a material."""
        mesh = self._library.record(self._library.placeholder("mesh"))
        assert isinstance(mesh, Mesh)
        lod = mesh.lods[0]
        return Drawable(lod.vertices, lod.indices, lod.topology.name)

    def _batch(self, drawable: Drawable) -> int:
        """Return the number of the batch that draws a drawable; a new one is added."""
        vertices, indices = self.mesh_facts(drawable.vertices, drawable.indices)
        shading, material = self._shade(drawable, vertices)
        fallback = self._fallback(drawable, shading)
        pipeline = self._pipeline(shading, vertices, drawable.topology)
        identity = (pipeline, material, drawable.vertices.key, drawable.indices.key)
        found = self._batch_numbers.get(identity)
        if found is None:
            found = self._batch_numbers[identity] = len(self._batches)
            row = (
                shading,
                pipeline,
                material,
                fallback,
                drawable.vertices.key,
                drawable.indices.key,
                vertices.stride,
                indices.type.dtype.itemsize,
                indices.count,
                vertices.minimum,
                vertices.maximum,
            )
            self._batches.add(np.array([row], BATCH_KEYS))
        return found

    def _fallback(self, drawable: Drawable, shading: int) -> int:
        """Return the pipeline for the placeholder mesh with these shaders, -1 where it does not fit."""
        if drawable.vertices == self.placeholder.vertices:
            return -1
        offered, _ = self.mesh_facts(self.placeholder.vertices, self.placeholder.indices)
        known = (shading, offered.vertex_format)
        if known not in self._fitting:
            self._fitting[known] = fits(self.shadings[shading], offered.vertex_format)
        return self._pipeline(shading, offered, self.placeholder.topology) if self._fitting[known] else -1

    def _pipeline(self, shading: int, vertices: VerticesFacts, topology: str) -> int:
        layout = vertices.vertex_format, vertices.offsets, vertices.stride
        number = self._pipeline_numbers.setdefault((shading, topology, *layout), len(self.pipelines))
        if number == len(self.pipelines):
            attributes = tuple((name, form.value) for name, form in vertices.vertex_format)
            self.pipelines.append(
                PipelineKey(shading, attributes, vertices.offsets, vertices.stride, topology)
            )
        return number

    def _shade(self, drawable: Drawable, vertices: VerticesFacts) -> tuple[int, int]:
        """Return (shader set, material) for a drawable: the pass's own shaders, or the material's."""
        if self._own_shaders:
            return self._shading(self._own_shaders, drawable, vertices), -1
        assert drawable.material is not None
        material = self._library.record(drawable.material)
        assert isinstance(material, Material)
        try:
            shading = self._shading(self._usable(material.shaders), drawable, vertices)
        except InputError as error:
            for problem in error.problems:
                self._report(problem)
            material = self._library.record(self._library.placeholder("material"))
            assert isinstance(material, Material)
            shading = self._shading(self._usable(material.shaders), drawable, vertices)
        materials = self.materials[shading]
        number = self._material_numbers.setdefault((shading, material.ref), len(materials))
        if number == len(materials):
            use = self._use(material, self.shadings[shading])
            materials.append(use)
            rows = [(shading, number, texture.key, texture.fallback) for texture in use.textures]
            self._textures.add(np.array(rows, TEXTURE))
            keys = {key for _, _, *pair in rows for key in pair if key >> 32 == BUILTIN_DB}
            kind = self._builtin_numbers.setdefault(frozenset(keys), len(self._builtin_numbers))
            self._builtin_of[shading].add(np.array([kind], np.int32))
        return shading, number

    def _use(self, material: Material, shading: ShaderSet) -> MaterialUse:
        """Resolve a material's textures for a shader set; an empty slot gets a builtin texture."""
        textures = []
        for slot, binding in shading.slots:
            neutral = self._neutral(slot)
            texture = material.textures.get(slot, neutral)
            textures.append(TextureUse(binding, texture.key, neutral.key))
        parameters = {**dict(self._declaration.material_defaults), **material.parameters}
        return MaterialUse(material.ref, material.label, tuple(textures), tuple(sorted(parameters.items())))

    def _usable(self, shaders: Sequence[AssetRef]) -> tuple[AssetRef, ...]:
        return tuple(self._library.usable(ref) for ref in shaders)

    def _shading(self, shaders: tuple[AssetRef, ...], drawable: Drawable, vertices: VerticesFacts) -> int:
        """Return the number of a shader set that reads these vertices. Raises InputError where it cannot."""
        number = self._shading_numbers.get(shaders)
        if number is not None and (number, vertices.vertex_format) in self._checked:
            return number
        owner = drawable.material or shaders[0]
        made = (
            self.shadings[number]
            if number is not None
            else shader_set(shaders, self._provided, self._library, owner)
        )
        mesh = self._library.record(drawable.vertices).label
        check_inputs(made, vertices.vertex_format, mesh, self._library, owner)
        if number is None:
            number = self._shading_numbers[shaders] = len(self.shadings)
            self.shadings.append(made)
            self.materials.append([])
            self._builtin_of.append(GrowingArray(np.int32))
        self._checked.add((number, vertices.vertex_format))
        return number


def provided(declaration: Pass) -> frozenset[str]:
    """Return the names that the frame set of a pass's shaders may bind."""
    return frozenset({"frame", "instances", "draws", "materials", *(r.binding for r in declaration.reads)})


_NEUTRAL_TEXTURES = {"normal": "flatNormal", "tangent": "flatNormal", "roughness": "matte"}


def neutral_texture(slot: str, library: AssetLibrary) -> AssetRef:
    """Return the builtin texture for a slot that is empty or has not arrived: it changes nothing."""
    return library.find("builtin", _NEUTRAL_TEXTURES.get(slot, "white"), ("texture2d",))
