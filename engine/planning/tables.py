"""Draw tables: for each pass, what its feature's active rows draw, as batches and columns.

A table is made again only when the structure changes (rows, their assets, active). Its cost in Python grows
with the number of distinct assets; rows are numpy columns. Enabled rows are selected later, per frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary, AssetRef, IndicesFacts, Material, Mesh, VerticesFacts
from engine.feature import Drawable, Feature
from engine.graph import Pass
from engine.humon import InputError, Problem
from engine.planning.shading import ShaderSet, check_inputs, fits, shader_set
from engine.tableau import NO_ASSET, FeatureTable

BATCH_KEYS = np.dtype(
    [
        ("shading", "<i4"),
        ("pipeline", "<i4"),
        ("material", "<i4"),
        ("vertices", "<i8"),
        ("indices", "<i8"),
        ("stride", "<i4"),
        ("index_bytes", "<i4"),
        ("index_count", "<u4"),
        ("low", "<f4", 3),
        ("high", "<f4", 3),
        ("fallback", "<i4"),
    ]
)
"""One batch: indices of shader set, pipeline and material in the table; keys and layout of its mesh; bounds
(`low`, `high`) in object space; and the batch that is drawn until its mesh has arrived, -1 for none."""


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


@dataclass
class DrawTable:
    """What one pass can draw. `rows` are rows of the feature table, `batch` their batch numbers."""

    declaration: Pass
    feature: FeatureTable | None
    shadings: list[ShaderSet] = field(default_factory=list)
    materials: list[list[MaterialUse]] = field(default_factory=list)
    pipelines: list[PipelineKey] = field(default_factory=list)
    batches: npt.NDArray[np.void] = field(default_factory=lambda: np.zeros(0, BATCH_KEYS))
    rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    batch: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @cached_property
    def assets(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The assets of all batches as pairs: batch numbers, and keys of vertices, indices and textures."""
        textures = np.array(
            [
                (shading, number, texture.key)
                for shading, materials in enumerate(self.materials)
                for number, material in enumerate(materials)
                for texture in material.textures
            ],
            np.int64,
        ).reshape(-1, 3)
        many = max((len(materials) for materials in self.materials), default=0)
        of_batch = self.batches["shading"].astype(np.int64) * many + self.batches["material"]
        of_batch[self.batches["material"] < 0] = -1
        of_texture = textures[:, 0] * many + textures[:, 1]  # ascending, as they were listed
        first, end = (np.searchsorted(of_texture, of_batch, side) for side in ("left", "right"))
        count = end - first
        spans = np.arange(count.sum()) + np.repeat(first - (np.cumsum(count) - count), count)
        numbers = np.arange(len(self.batches))
        batch = np.concatenate((numbers, numbers, np.repeat(numbers, count)))
        keys = (self.batches["vertices"], self.batches["indices"], textures[spans, 2])
        return batch, np.concatenate(keys)

    @property
    def objects(self) -> npt.NDArray[np.integer]:
        """The object of each row."""
        return self.rows if self.feature is None else self.feature.object[self.rows]

    def bounds(
        self, world: npt.NDArray[np.float32], drawn: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None:
        """Return the world box of the drawn rows, (low[3], high[3]); None if no row is drawn.

        `world` are the matrices of all objects, `drawn` is a mask over the table's rows.
        """
        if not drawn.any():
            return None
        middle, reach = self.boxes(world, np.flatnonzero(drawn))
        return (middle - reach).min(axis=0), (middle + reach).max(axis=0)

    def boxes(
        self, world: npt.NDArray[np.float32], rows: npt.NDArray[np.integer]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return centres and half sizes, [n, 3] each, of the world boxes of these rows of the table."""
        low, high = self.batches["low"], self.batches["high"]
        of_batch = self.batch[rows]
        matrices = world.take(self.objects[rows], axis=0)
        centre, half = ((high + low) / 2).take(of_batch, axis=0), ((high - low) / 2).take(of_batch, axis=0)
        middle = np.einsum("ni,nij->nj", centre, matrices[:, :3, :3]) + matrices[:, 3, :3]
        return middle, np.einsum("ni,nij->nj", half, np.abs(matrices[:, :3, :3]))


def draw_table(
    declaration: Pass,
    feature: Feature,
    table: FeatureTable,
    library: AssetLibrary,
    report: Callable[[Problem], None],
) -> DrawTable:
    """Build the draw table of a pass over the active rows of the feature that it draws.

    A material whose shaders do not match the mesh is reported and replaced by the placeholder material.
    """
    builder = _Builder(DrawTable(declaration, table), library, report)
    rows = table.rows_active()
    keys = table.column(feature.schema.asset_fields[0].name)[rows]
    if (keys == NO_ASSET).any():
        rows, keys = rows[keys != NO_ASSET], keys[keys != NO_ASSET]
    assets, inverse = _distinct(keys)
    batches_of = [builder.batches_for(AssetRef.from_key(key), feature) for key in assets.tolist()]
    counts = np.array([len(batches) for batches in batches_of], np.int64)
    starts = np.cumsum(counts) - counts
    flat = np.array([batch for batches in batches_of for batch in batches], np.int64)
    per_row = counts[inverse]
    result = builder.finish()
    result.rows = np.repeat(rows, per_row)
    offset = np.arange(len(result.rows)) - np.repeat(np.cumsum(per_row) - per_row, per_row)
    result.batch = flat[np.repeat(starts[inverse], per_row) + offset]
    return result


def _distinct(keys: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The distinct keys, ascending, and the index of each key among them."""
    db, index = keys >> 32, keys & 0xFFFF_FFFF
    stride = int(index.max(initial=0)) + 1
    if (int(db.max(initial=0)) + 1) * stride > 4 * len(keys) + 65_536:
        return np.unique(keys, return_inverse=True)
    code = db * stride + index  # small, as databases and their assets are numbered from 0: no sort is needed
    used = np.flatnonzero(np.bincount(code))
    places = np.zeros(int(used.max(initial=0)) + 1, np.int64)
    places[used] = np.arange(len(used))
    return used // stride << 32 | used % stride, places[code]


def provided(declaration: Pass) -> frozenset[str]:
    """Return the names that the frame set of a pass's shaders may bind."""
    return frozenset({"frame", "instances", "draws", "materials", *(r.binding for r in declaration.reads)})


class _Builder:
    """Numbers the shader sets, materials, pipelines and batches of one draw table."""

    def __init__(self, table: DrawTable, library: AssetLibrary, report: Callable[[Problem], None]) -> None:
        self._table = table
        self._library = library
        self._report = report
        self._provided = provided(table.declaration)
        self._rows: list[tuple[object, ...]] = []
        self._shadings: dict[tuple[AssetRef, ...], int] = {}
        self._batches: dict[tuple[int, int, int, int], int] = {}
        self._pipelines: dict[PipelineKey, int] = {}
        self._materials: dict[tuple[int, AssetRef], int] = {}

    def batches_for(self, asset: AssetRef, feature: Feature) -> list[int]:
        """Return the batches that draw one asset."""
        return [self._batch(drawable) for drawable in feature.drawables(asset, self._library)]

    def finish(self) -> DrawTable:
        """Return the table with its batches as one array."""
        self._table.batches = np.array(self._rows, BATCH_KEYS)
        return self._table

    def _batch(self, drawable: Drawable) -> int:
        vertices = self._library.facts(drawable.vertices)
        assert isinstance(vertices, VerticesFacts)
        shading, material = self._shade(drawable, vertices)
        return self._row(drawable, shading, material, self._fallback(drawable, shading, material))

    def _fallback(self, drawable: Drawable, shading: int, material: int) -> int:
        """Return the batch of the placeholder mesh with these shaders, -1 where its format does not match."""
        mesh = self._library.record(self._library.placeholder("mesh"))
        assert isinstance(mesh, Mesh)
        lod = mesh.lods[0]
        if drawable.vertices == lod.vertices:
            return -1
        offered = self._library.facts(lod.vertices)
        assert isinstance(offered, VerticesFacts)
        if not fits(self._table.shadings[shading], offered.vertex_format):
            return -1
        placeholder = Drawable(lod.vertices, lod.indices, lod.topology.name)
        return self._row(placeholder, shading, material, -1)

    def _row(self, drawable: Drawable, shading: int, material: int, fallback: int) -> int:
        vertices, indices = self._library.facts(drawable.vertices), self._library.facts(drawable.indices)
        assert isinstance(vertices, VerticesFacts)
        assert isinstance(indices, IndicesFacts)
        key = PipelineKey(
            shading,
            tuple((name, form.value) for name, form in vertices.vertex_format),
            vertices.offsets,
            vertices.stride,
            drawable.topology,
        )
        pipeline = self._pipelines.setdefault(key, len(self._pipelines))
        if pipeline == len(self._table.pipelines):
            self._table.pipelines.append(key)
        identity = (pipeline, material, drawable.vertices.key, drawable.indices.key)
        found = self._batches.get(identity)
        if found is None:
            found = self._batches[identity] = len(self._rows)
            self._rows.append(
                (
                    shading,
                    pipeline,
                    material,
                    drawable.vertices.key,
                    drawable.indices.key,
                    vertices.stride,
                    indices.type.dtype.itemsize,
                    indices.count,
                    vertices.minimum,
                    vertices.maximum,
                    fallback,
                )
            )
        return found

    def _shade(self, drawable: Drawable, vertices: VerticesFacts) -> tuple[int, int]:
        """Return (shader set, material) for a drawable: the pass's own shaders, or the material's."""
        names = self._table.declaration.shaders
        if names:
            shaders = tuple(self._library.find("builtin", name, ("shader",)) for name in names)
            return self._shading(shaders, drawable, vertices), -1
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
        materials = self._table.materials[shading]
        number = self._materials.setdefault((shading, material.ref), len(materials))
        if number == len(materials):
            materials.append(self._use(material, self._table.shadings[shading]))
        return shading, number

    def _use(self, material: Material, shading: ShaderSet) -> MaterialUse:
        """Resolve a material's textures for a shader set; an empty slot gets a builtin texture."""
        textures = []
        for slot, binding in shading.slots:
            neutral = neutral_texture(slot, self._library)
            texture = material.textures.get(slot, neutral)
            textures.append(TextureUse(binding, texture.key, neutral.key))
        parameters = {**dict(self._table.declaration.material_defaults), **material.parameters}
        return MaterialUse(material.ref, material.label, tuple(textures), tuple(sorted(parameters.items())))

    def _usable(self, shaders: Sequence[AssetRef]) -> tuple[AssetRef, ...]:
        return tuple(self._library.usable(ref) for ref in shaders)

    def _shading(self, shaders: tuple[AssetRef, ...], drawable: Drawable, vertices: VerticesFacts) -> int:
        number = self._shadings.get(shaders)
        owner = drawable.material or shaders[0]
        made = (
            self._table.shadings[number]
            if number is not None
            else shader_set(shaders, self._provided, self._library, owner)
        )
        mesh = self._library.record(drawable.vertices).label
        check_inputs(made, vertices.vertex_format, mesh, self._library, owner)
        if number is None:
            number = self._shadings[shaders] = len(self._table.shadings)
            self._table.shadings.append(made)
            self._table.materials.append([])
        return number


_NEUTRAL_TEXTURES = {"normal": "flatNormal", "tangent": "flatNormal", "roughness": "matte"}


def neutral_texture(slot: str, library: AssetLibrary) -> AssetRef:
    """Return the builtin texture for a slot that is empty or has not arrived: it changes nothing."""
    return library.find("builtin", _NEUTRAL_TEXTURES.get(slot, "white"), ("texture2d",))
