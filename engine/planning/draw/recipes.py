"""Recipes: what each asset draws with in a pass, worked out once per asset and remembered.

The numbers of shader sets, pipelines, materials and batches count up and never change, whatever is switched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain, compress

import numpy as np
import numpy.typing as npt

from engine.assets import (
    AssetLibrary,
    AssetRef,
    IndicesFacts,
    Material,
    Mesh,
    VertexFormat,
    VerticesFacts,
)
from engine.assets.reported_problems import Report
from engine.feature import Drawable, Feature
from engine.graph import DrawPass, checked_on_error, yielded
from engine.humon import Problem
from engine.plan.requirements.request_table import GrowingArray
from engine.plan.terms.by_database import ByDatabase
from engine.plan.terms.drawing import AlphaMode
from engine.plan.terms.table import is_in
from engine.planning.draw.frame_layout import frame_members
from engine.planning.draw.interfaces import PassInterface
from engine.planning.draw.levels import Detail
from engine.planning.draw.material_use import (
    TEXTURE,
    MaterialUse,
    Ordering,
    covering,
    default_parameters,
    neutral_texture,
    own_parameters,
    parameter_problems,
    use_of,
)
from engine.planning.draw.shading import (
    PipelineKey,
    ShaderSet,
    check_inputs,
    check_own_shaders,
    check_parameters,
    check_shaders,
    find_shader,
    fits,
    shader_set,
    stage_of,
)

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
        ("first_index", "<u4"),
        ("index_count", "<u4"),
        ("low", "<f4", 3),
        ("high", "<f4", 3),
        ("level", "<i4"),
        ("family", "<i8"),
        ("rank", "<i8"),
    ]
)
"""One batch: numbers of its shader set, pipeline and material (-1: none); the pipeline that draws the
placeholder mesh instead until its own has arrived (-1: none fits); keys and layout of its mesh; and the
bounds of the mesh in object space (`low`, `high`). `level` is its level of detail, -1 for the only one.
`family` and `rank` order batches by what they draw, see `Ordering`."""

BUILTIN_DB = 0

_Layout = tuple[tuple[tuple[str, VertexFormat], ...], str]
"""Vertex format and topology of a mesh."""

Usable = Callable[[PipelineKey, ShaderSet], bool]
"""Says whether a pipeline may be drawn with now; asked again for one that may not."""


class Recipes:
    """The batches that draw each asset in one pass.

    `materials` has the materials of each shader set, `details` the levels of detail of assets with several.
    `report` takes the problems of what cannot be drawn as it is. A material whose shaders do not fit
    together, or do not fit the mesh, is replaced by the placeholder material; where that does not fit the
    mesh either, or the pass has shaders of its own, the placeholder mesh is drawn; and where that does not
    fit, nothing. The same replaces a material for as long as its pipeline is not `usable`; `outdated` names
    what has become so since it was learnt.

    Raises InputError (shader.interface) where the pass's own shaders do not fit together.
    """

    def __init__(
        self,
        declaration: DrawPass,
        feature: Feature,
        library: AssetLibrary,
        report: Report,
        features: frozenset[str] | None = None,
        usable: Usable | None = None,
        columns: frozenset[str] = frozenset(),
    ) -> None:
        self.shadings: list[ShaderSet] = []
        self.materials: list[list[MaterialUse]] = []
        self.pipelines: list[PipelineKey] = []
        # Most materials have the same builtin textures, so a number stands for the set of them.
        self._builtin_numbers: dict[frozenset[int], int] = {}
        self._builtin_of: list[GrowingArray] = []
        self._texture_rows: list[GrowingArray] = []  # by shader set and material: the row of the first slot
        self._misfits: list[dict[str, tuple[float, ...]]] = []  # by shader set: defaults that do not fit it
        self._default_rows: list[npt.NDArray[np.uint8]] = []  # by shader set: of a material that sets nothing
        self._packed: list[GrowingArray] = []  # material rows by shader set, with parameters and no layers
        self._batches = GrowingArray(BATCH_KEYS)
        self._textures = GrowingArray(TEXTURE)
        self.declaration = declaration
        self.parameters = {one.name: one for one in declaration.parameters}
        self.feature = feature
        self.library = library
        self._report = report
        self.given = PassInterface.of(declaration, features, frame_members(library), columns)
        self.own_shaders = tuple(find_shader(library, name) for name in declaration.shaders)
        self.fragment = find_shader(library, declaration.fragment) if declaration.fragment else None
        self._neutral = lru_cache(maxsize=None)(lambda slot: neutral_texture(slot, library))
        self._ordering = Ordering(library)
        self._of_asset = ByDatabase[tuple[int, ...]]()
        self.details: dict[int, Detail] = {}
        self._usable = usable
        self._used = {-1}  # pipelines that were found usable
        self._replaced: dict[int, set[int]] = {}  # by asset: pipelines that were not
        self._unusable: set[int] = set()  # those of the asset that is learnt
        self._assumed: set[int] = set()  # assets with batches of pipelines that must not be drawn with yet
        self._assumes = False
        self._faults: dict[int, tuple[Problem, ...]] = {}  # by asset: why it is not drawn as it is
        self._found: list[Problem] = []  # that of the asset that is learnt
        self._learnt = AssetRef(0, 0)
        self._shading_numbers: dict[tuple[AssetRef, ...], int] = {}
        self._material_numbers: dict[tuple[int, AssetRef], int] = {}
        self._pipeline_numbers: dict[tuple[object, ...], int] = {}
        self._batch_numbers: dict[tuple[int | tuple[int, int] | None, ...], int] = {}
        self._material_problems: dict[AssetRef, tuple[Problem, ...]] = {}
        self._unread: dict[tuple[int, _Layout, AssetRef], tuple[Problem, ...]] = {}
        self._fitting: dict[tuple[int, _Layout], bool] = {}
        self.placeholder = self._placeholder()
        if self.own_shaders:
            own = self.own_shaders
            check_own_shaders(own, own[0], declaration.name, self.given, library)

    @property
    def batches(self) -> npt.NDArray[np.void]:
        """All batches, those of assets that are not drawn now included: BATCH_KEYS[n]."""
        return self._batches.rows

    @property
    def textures(self) -> npt.NDArray[np.void]:
        """The textures of all materials: TEXTURE[n]."""
        return self._textures.rows

    def textures_of(self, shading: int, materials: npt.NDArray[np.integer]) -> npt.NDArray[np.void]:
        """The textures of these materials of a shader set, by material and slot: TEXTURE[n, slots]."""
        first = self._texture_rows[shading].rows[materials]
        found: npt.NDArray[np.void] = self._textures.rows.take(
            first[:, None] + np.arange(len(self.shadings[shading].slots))
        )
        return found

    def material_rows(self, shading: int, materials: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
        """Return the material rows of these materials of a shader set, uint8[n, bytes], without layers."""
        rows: npt.NDArray[np.void] = self._packed[shading].rows[materials]
        return rows.view(np.uint8).reshape(len(rows), rows.itemsize)

    def builtin_textures(self, materials: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
        """The keys of builtin textures that these materials (by shader set) have or fall back to, sorted."""
        used = np.zeros(len(self._builtin_numbers), np.bool_)
        for kinds, numbers in zip(self._builtin_of, materials, strict=False):
            used[kinds.rows[numbers]] = True
        keys = chain.from_iterable(compress(self._builtin_numbers, used))
        return np.array(sorted(set(keys)), np.int64)

    def batches_of(self, keys: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the batches that draw these assets, which are known, in order, and how many each has."""
        found = list(map(self._of_asset.__getitem__, keys.tolist()))
        counts = np.fromiter(map(len, found), np.int64, len(found))
        return np.fromiter(chain.from_iterable(found), np.int64, int(counts.sum())), counts

    def unknown(self, keys: npt.NDArray[np.int64]) -> list[int]:
        """Return those of these assets that have not been learnt, sorted."""
        return sorted({key for key in keys.tolist() if key not in self._of_asset or key in self._assumed})

    def mesh_facts(self, vertices: AssetRef, indices: AssetRef) -> tuple[VerticesFacts, IndicesFacts]:
        """Return what is known of the data of a mesh."""
        of_indices = self.library.facts(indices)
        assert isinstance(of_indices, IndicesFacts)
        return self._vertices_facts(vertices), of_indices

    def _vertices_facts(self, vertices: AssetRef) -> VerticesFacts:
        facts = self.library.facts(vertices)
        assert isinstance(facts, VerticesFacts)
        return facts

    def learn(self, key: int, *, again: bool = False, assumes: bool = False) -> None:
        """Work out the batches of one asset, once, or again. Raises what the feature's `drawables` raises.

        With `assumes`, for an asset that no row has yet, they are those of usable pipelines: what replaces it
        is worked out where it is learnt without, as long as they are not.
        """
        if key in self._assumed:
            again = not all(map(self._is_usable, sorted(self._replaced[key])))
            if again and assumes:
                return
            self._assumed.discard(key)
            self._replaced.pop(key)
        if again or key not in self._of_asset:
            self._learnt, self._assumes = AssetRef.from_key(key), assumes
            found = self.feature.drawables(self._learnt, self.library)
            drawables: list[Drawable] = yielded(found, "drawables")
            self._unusable, self._found = set(), []
            with checked_on_error(drawables, Drawable, "drawables"):
                ours = [one for one in drawables if self._takes(one)]
                self._note_levels(key, ours)
                self._of_asset[key] = tuple(batch for one in ours for batch in self._batches_for(one))
            self._replaced.pop(key, None)
            self._faults.pop(key, None)
            if self._unusable:
                self._replaced[key] = self._unusable
                self._assumed |= {key} if assumes else set()
            if self._found:
                self._faults[key] = tuple(self._found)

    def _note_levels(self, key: int, drawables: Sequence[Drawable]) -> None:
        """Note the levels of detail of an asset, where it has several."""
        levels = {one.level: one for one in drawables if one.level >= 0}
        if len(levels) > 1:
            ordered = [levels[level] for level in sorted(levels)]
            facts = self._vertices_facts(ordered[0].vertices)
            self.details[key] = Detail.of(ordered, facts.minimum, facts.maximum)

    def forget(self, dbs: Collection[int]) -> None:
        """Forget assets of databases that are gone, by their numbers; what they drew keeps its rows."""
        for key in self._of_asset.forget(dbs):
            self._assumed.discard(key)
            for known in (self._replaced, self._faults, self.details):
                known.pop(key, None)

    def is_replaced(self, key: int) -> bool:
        """Whether something else is drawn in place of an asset until its pipelines are usable."""
        return key in self._replaced

    def faults(self, key: int) -> tuple[Problem, ...]:
        """Return why something else is drawn in place of an asset for good: it does not fit."""
        return self._faults.get(key, ())

    def outdated(self, keys: npt.NDArray[np.int64]) -> list[int]:
        """Return those of these assets whose pipelines have become usable since they were learnt, sorted."""
        if not self._replaced:
            return []
        replaced = set(keys[is_in(keys, list(self._replaced))].tolist())
        return sorted(filter(self.is_outdated, replaced))

    def is_outdated(self, key: int) -> bool:
        """Whether a pipeline has become usable without which an asset was learnt."""
        return any(map(self._is_usable, sorted(self._replaced.get(key, ()))))

    def _placeholder(self) -> Drawable:
        """Return the mesh that is drawn for others until they have arrived, without a material."""
        mesh = self.library.record(self.library.placeholder("mesh"))
        assert isinstance(mesh, Mesh)
        lod = mesh.lods[0]
        return Drawable(lod.vertices, lod.indices, lod.topology.name)

    def _batches_for(self, drawable: Drawable) -> Iterator[int]:
        """Yield the number of the batch that draws a drawable, or what replaces it; none where nothing fits.

        The problems of the drawable are reported, not those of what is tried in its place.
        """
        for choice in self._choices(drawable):
            shading, problems = self._shading(choice)
            if choice is drawable and not self._stands_in(drawable):
                self._found += problems
                for problem in problems:
                    self._report(problem, self._learnt)
            if problems:
                continue
            fallback = self._fallback(choice, shading)
            pipeline = self._pipeline(choice, shading, choice)
            unusable = [number for number in (fallback, pipeline) if not self._is_usable(number)]
            self._unusable.update(unusable)
            if not unusable or self._assumes:
                yield self._batch(choice, shading, fallback, pipeline)
                return

    def _is_usable(self, pipeline: int) -> bool:
        """Whether a pipeline may be drawn with now; -1 is none."""
        if pipeline not in self._used:
            key = self.pipelines[pipeline]
            if self._usable is not None and not self._usable(key, self.shadings[key.shading]):
                return False
            self._used.add(pipeline)
        return True

    def _stands_in(self, drawable: Drawable) -> bool:
        """Whether a drawable has a builtin material: it replaces a broken one, which is reported already."""
        return not self.own_shaders and self._material_record(drawable).ref.db == BUILTIN_DB

    def _choices(self, drawable: Drawable) -> Iterator[Drawable]:
        """Yield a drawable, then what may replace it: with the placeholder material, then as placeholder."""
        yield drawable
        material = drawable.material if self.own_shaders else self.library.placeholder("material")
        if not self.own_shaders:
            yield replace(drawable, material=material)
        yield replace(self.placeholder, material=material, level=drawable.level)

    def _batch(self, drawable: Drawable, shading: int, fallback: int, pipeline: int) -> int:
        """Return the number of the batch that draws a drawable with a shader set; a new one is added.

        `fallback` is the pipeline for the placeholder mesh in its place, -1 for none.
        """
        vertices, indices = self.mesh_facts(drawable.vertices, drawable.indices)
        is_material_read = not self.own_shaders or self.shadings[shading].reads_material
        material = self._material(drawable, shading) if is_material_read else -1
        mesh = drawable.vertices.key, drawable.indices.key, drawable.part
        identity = (pipeline, material, *mesh, drawable.level)
        found = self._batch_numbers.get(identity)
        if found is None:
            found = self._batch_numbers[identity] = len(self._batches)
            key, used = self.pipelines[pipeline], self.materials[shading][material] if material >= 0 else None
            row = (
                *(shading, pipeline, material, fallback),
                *(drawable.vertices.key, drawable.indices.key),
                *(vertices.stride, indices.type.dtype.itemsize),
                *(drawable.part or (0, indices.count)),
                *(vertices.minimum, vertices.maximum, drawable.level),
                *self._ordering.of(drawable, key, self.shadings[shading], used, indices.type.dtype.itemsize),
            )
            self._batches.add(np.array([row], BATCH_KEYS))
        return found

    def _fallback(self, drawable: Drawable, shading: int) -> int:
        """Return the pipeline for the placeholder mesh with these shaders, -1 where it does not fit."""
        if drawable.vertices == self.placeholder.vertices:
            return -1
        offered = self._vertices_facts(self.placeholder.vertices)
        if not self._fits(shading, (offered.vertex_format, self.placeholder.topology)):
            return -1
        return self._pipeline(drawable, shading, self.placeholder)

    def _pipeline(self, drawable: Drawable, shading: int, mesh: Drawable) -> int:
        """Return the number of the pipeline with the material of one drawable for the mesh of another."""
        vertices = self._vertices_facts(mesh.vertices)
        covers: tuple[AlphaMode, bool, tuple[str, ...]] = AlphaMode.OPAQUE, False, ()
        if drawable.material is not None or not self.own_shaders:
            material = self._material_record(drawable)
            covers = covering(material, self.shadings[shading], self.declaration, self.library)
        known = shading, mesh.topology, vertices.vertex_format, vertices.offsets, vertices.stride, *covers
        number = self._pipeline_numbers.setdefault(known, len(self.pipelines))
        if number == len(self.pipelines):
            attributes = tuple((name, form.value) for name, form in vertices.vertex_format)
            layout = attributes, vertices.offsets, vertices.stride, mesh.topology
            self.pipelines.append(PipelineKey(shading, *layout, *covers))
        return number

    def _takes(self, drawable: Drawable) -> bool:
        """Whether a drawable has a material that the pass draws."""
        if drawable.material is None and self.own_shaders:
            return AlphaMode.OPAQUE in self.declaration.materials
        return AlphaMode[self._material_record(drawable).alpha_mode.name] in self.declaration.materials

    def _material(self, drawable: Drawable, shading: int) -> int:
        """Return the number of a drawable's material among those of a shader set; a new one is added."""
        material, materials = self._material_record(drawable), self.materials[shading]
        number = self._material_numbers.setdefault((shading, material.ref), len(materials))
        if number == len(materials):
            use = use_of(material, self.shadings[shading], self.library, self._neutral)
            for problem in parameter_problems(material, self.parameters, self.library):
                self._report(problem, material.ref)
            materials.append(use)
            rows = [(shading, number, one.key, one.fallback, one.sampler) for one in use.textures]
            self._texture_rows[shading].add(np.array([len(self._textures)], np.int64))
            self._textures.add(np.array(rows, TEXTURE))
            pairs = {key for one in use.textures for key in (one.key, one.fallback)}
            keys = {key for key in pairs if key >> 32 == BUILTIN_DB}
            kind = self._builtin_numbers.setdefault(frozenset(keys), len(self._builtin_numbers))
            self._builtin_of[shading].add(np.array([kind], np.int32))
            block = self.shadings[shading].material
            if block is not None:
                row = self._default_rows[shading].copy()
                block.pack_into(row, self._fitting_parameters(material, self.shadings[shading]))
                self._packed[shading].add(row.view(self._packed[shading].rows.dtype))
        return number

    def _fitting_parameters(self, material: Material, shading: ShaderSet) -> dict[str, Sequence[float]]:
        """Return the parameters of a material that its row has room for; the others keep their default.

        With shaders of the material's own, one that does not fit had the placeholder put in its place.
        """
        own = own_parameters(material, self.parameters, shading)
        for problem in check_parameters(shading, own, self.library, material.ref):
            self._report(problem, material.ref)
        assert shading.material is not None
        return {name: value for name, value in own.items() if not shading.material.misfit(name, value)}

    def _material_record(self, drawable: Drawable) -> Material:
        """Return the material of a drawable, or the placeholder of a broken one."""
        if drawable.material is None:
            raise ValueError(f"pass '{self.declaration.name}' has no shaders, and the drawable no material")
        material = self.library.record(self.library.usable(drawable.material))
        if not isinstance(material, Material):
            raise TypeError(f"{material.label} is no material")
        return material

    def _shading(self, drawable: Drawable) -> tuple[int, tuple[Problem, ...]]:
        """Return the number of the shader set that draws a drawable, and why it cannot draw it.

        The shaders are those of the pass, or of the drawable's material. The problems are the same for all
        meshes that have one material, vertex format and topology. The number is -1 where there is no shader
        set.
        """
        if self.own_shaders:
            return self._reading(self.own_shaders, drawable, drawable.vertices)
        material = self._material_record(drawable)
        problems = self._material_problems.get(material.ref)
        shaders = self._shaders_of(material)
        if problems is None:
            problems = ()
            if shaders not in self._shading_numbers:  # else they were found to fit each other and the pass
                problems = check_shaders(shaders, self.given, self.library, material.ref)
            if not problems:
                number = self._shading_number(shaders)
                parameters = {**self._misfits[number], **own_parameters(material, self.parameters)}
                problems = check_parameters(self.shadings[number], parameters, self.library, material.ref)
            self._material_problems[material.ref] = problems
        return (-1, problems) if problems else self._reading(shaders, drawable, material.ref)

    def _shaders_of(self, material: Material) -> tuple[AssetRef, ...]:
        """Return the shaders of a material in this pass."""
        shaders = tuple(self.library.usable(ref) for ref in material.shaders)
        given = self.fragment
        if given is None:
            return shaders
        stage = stage_of(given, self.library)
        return tuple(given if stage_of(ref, self.library) is stage else ref for ref in shaders)

    def _reading(
        self, shaders: tuple[AssetRef, ...], drawable: Drawable, owner: AssetRef
    ) -> tuple[int, tuple[Problem, ...]]:
        """Return the number of a shader set, and why it cannot read a drawable's vertices.

        The problems have the place of the asset `owner`.
        """
        number, vertices = self._shading_number(shaders), self._vertices_facts(drawable.vertices)
        layout = vertices.vertex_format, drawable.topology
        if self._fits(number, layout):
            return number, ()
        problems = self._unread.get((number, layout, owner))
        if problems is None:
            mesh = self.library.record(drawable.vertices).label
            problems = check_inputs(self.shadings[number], *layout, mesh, self.library, owner)
            self._unread[number, layout, owner] = problems
        return number, problems

    def _fits(self, shading: int, layout: _Layout) -> bool:
        """Whether a shader set reads and draws such vertices."""
        known = (shading, layout)
        if known not in self._fitting:
            self._fitting[known] = fits(self.shadings[shading], *layout)
        return self._fitting[known]

    def _shading_number(self, shaders: tuple[AssetRef, ...]) -> int:
        """Return the number of a shader set; a new one is added."""
        number = self._shading_numbers.setdefault(shaders, len(self.shadings))
        if number == len(self.shadings):
            self.shadings.append(shader_set(shaders, self.library))
            self.materials.append([])
            self._builtin_of.append(GrowingArray(np.int32))
            self._texture_rows.append(GrowingArray(np.int64))
            block = self.shadings[number].material
            defaults = default_parameters(self.parameters) if block is not None else {}
            misfits = {
                name: numbers
                for name, numbers in defaults.items()
                if block is not None and block.misfit(name, numbers)
            }
            fitting = {name: numbers for name, numbers in defaults.items() if name not in misfits}
            self._misfits.append(misfits)
            self._default_rows.append(np.zeros(0, np.uint8) if block is None else block.pack(fitting))
            self._packed.append(GrowingArray(np.dtype((np.void, block.size if block is not None else 1))))
        return number
