"""The records of an assetDb, read from its text before anything is cooked.

A record has the fields of its `.hu` text, with references as `AssetRef` and names as enums. Values from the
source files (sizes, bounds, reflection) are facts, see `engine.assets.cache.facts`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from engine.assets.formats import (
    USUAL_SAMPLING,
    AlphaMode,
    ColorSpace,
    IndexFormat,
    Sampling,
    ShaderStage,
    TextureFormat,
    Topology,
    VertexFormat,
)

if TYPE_CHECKING:
    from engine.humon import Document, Node, Position, Problem


class AssetType(StrEnum):
    """The types of assets, the values of `@type`."""

    MODEL = "model"
    MESH = "mesh"
    VERTICES = "vertices"
    INDICES = "indices"
    SKELETON = "skeleton"
    MATERIAL = "material"
    SHADER = "shader"
    TEXTURE2D = "texture2d"
    ENVIRONMENT = "environment"
    ANIMATION = "animation"
    MORPH_TARGETS = "morphTargets"

    @property
    def has_data(self) -> bool:
        """Whether an asset of this type has bytes in the cache."""
        return self not in (AssetType.MODEL, AssetType.MESH, AssetType.MATERIAL)


@dataclass(frozen=True, slots=True, order=True)
class AssetRef:
    """One asset: the id of its database (0 is the builtin one) and its index there."""

    db: int
    index: int

    @property
    def key(self) -> int:
        """The reference as one 64-bit number for columns: db << 32 | index."""
        return self.db << 32 | self.index

    @classmethod
    def from_key(cls, key: int) -> AssetRef:
        """Return the reference with this key."""
        return cls(key >> 32, key & 0xFFFF_FFFF)


@dataclass(frozen=True, slots=True)
class Asset(ABC):
    """The fields of every asset: reference and name (may be empty)."""

    ref: AssetRef
    name: str

    @property
    @abstractmethod
    def type(self) -> AssetType:
        """The type, which each kind of record sets."""

    @property
    def has_data(self) -> bool:
        """Whether it has bytes in the cache."""
        return self.type.has_data

    @property
    def label(self) -> str:
        """The asset in messages: its type with its name, else with its index."""
        return f"{self.type} '{self.name}'" if self.name else f"{self.type} #{self.ref.index}"


@dataclass(frozen=True, slots=True)
class Model(Asset):
    """A mesh drawn with a material."""

    type = AssetType.MODEL
    mesh: AssetRef
    material: AssetRef


@dataclass(frozen=True, slots=True)
class Lod:
    """One level of detail of a mesh; level 0 is the finest.

    It is drawn while the sphere around the mesh takes `screen_size` of the picture's height, or more.
    """

    topology: Topology
    vertices: AssetRef
    indices: AssetRef
    num_blend_weights: int = 0
    num_bones: int = 0
    screen_size: float = 0.0


@dataclass(frozen=True, slots=True)
class Simplify:
    """Which coarser levels of detail are made of a mesh when it is cooked.

    There are at most `levels`. Each has `ratio` of the triangles of the one before, and is off by no more
    than `error`, a part of the diagonal of the box around the mesh.
    """

    levels: int = 3
    ratio: float = 0.5
    error: float = 0.02


@dataclass(frozen=True, slots=True)
class Mesh(Asset):
    """Levels of detail, an optional skeleton and morph targets; with `simplify` more levels are made.

    `source` is a `.hu` mesh source, or a model file; `part` is then the JSON pointer of a primitive, and
    `coordinates` are what `MapCoordinates` describes. Without them they are as in an OBJ file, and as the
    material of a glTF file has them.
    """

    type = AssetType.MESH
    source: Path
    lods: tuple[Lod, ...]
    skeleton: AssetRef | None = None
    targets: AssetRef | None = None
    part: str = ""
    simplify: Simplify | None = None
    coordinates: tuple[tuple[str, tuple[float, ...]], ...] | None = None


@dataclass(frozen=True, slots=True)
class Vertices(Asset):
    """Vertices of a mesh source, packed attribute by attribute in the order of `vertex_format`."""

    type = AssetType.VERTICES
    source: AssetRef
    vertex_format: tuple[tuple[str, VertexFormat], ...]


@dataclass(frozen=True, slots=True)
class Indices(Asset):
    """Indices of a mesh source."""

    type = AssetType.INDICES
    source: AssetRef
    index_format: IndexFormat


@dataclass(frozen=True, slots=True)
class Skeleton(Asset):
    """Bones of a mesh source, 34 bytes each; of a model file, joints of the skin that `part` points to."""

    type = AssetType.SKELETON
    source: AssetRef
    num_bones: int | None = None
    part: str = ""


@dataclass(frozen=True, slots=True)
class MorphTargets(Asset):
    """Shapes of a mesh source that its vertices can be morphed to, of all its levels of detail."""

    type = AssetType.MORPH_TARGETS
    source: AssetRef


@dataclass(frozen=True, slots=True)
class Material(Asset):
    """Shaders, one per stage; textures by slot; parameters by their names in the shaders.

    `alpha_cutoff`, from 0 to 1, is for masked materials. The back faces of a `double_sided` one are drawn.
    An `unlit` one is seen as its colour says, without light.
    """

    type = AssetType.MATERIAL
    shaders: tuple[AssetRef, ...]
    textures: Mapping[str, AssetRef] = field(default_factory=dict)
    parameters: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    alpha_mode: AlphaMode = AlphaMode.OPAQUE
    alpha_cutoff: float = 0.5
    double_sided: bool = False
    unlit: bool = False


@dataclass(frozen=True, slots=True)
class Shader(Asset):
    """A GLSL or SPIR-V source for one stage."""

    type = AssetType.SHADER
    source: Path
    stage: ShaderStage
    entry_point: str = "main"


@dataclass(frozen=True, slots=True)
class Texture2d(Asset):
    """A picture. `mip_levels` None means the full chain, `dims` None that it is not given.

    `part` is the JSON pointer of an image in a source that is a model file. `sampling` changes no texel.
    `compress` says whether it is made of blocks that its slots choose, None that its database says so.
    """

    type = AssetType.TEXTURE2D
    source: Path
    dims: tuple[int, int] | None = None
    format: TextureFormat | None = None
    mip_levels: int | None = None
    color_space: ColorSpace | None = None
    part: str = ""
    sampling: Sampling = USUAL_SAMPLING
    compress: bool | None = None


@dataclass(frozen=True, slots=True)
class Environment(Asset):
    """Light from all directions: one equirectangular picture, or six faces in the order px nx py ny pz nz."""

    type = AssetType.ENVIRONMENT
    sources: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Animation(Asset):
    """A clip, a `.hu` source of channels; `data` is a file of numbers that it takes keys from.

    `part` is the JSON pointer of an animation in a source that is a model file.
    """

    type = AssetType.ANIMATION
    source: Path
    data: Path | None = None
    part: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut(Asset):
    """A record whose text is wrong: it keeps its place, and is broken as one without a source is."""

    kind: AssetType

    @property
    def type(self) -> AssetType:
        """The type that the text names, or means."""
        return self.kind

    @property
    def has_data(self) -> bool:
        """It has none."""
        return False


def source_name(record: Asset) -> str:
    """Return the name of the file that a record is made from; empty where it is made from none."""
    source = getattr(record, "source", None)
    if isinstance(record, Environment):
        source = record.sources[0] if record.sources else None
    return source.name if isinstance(source, Path) else ""


def origin(record: Asset, record_of: Callable[[AssetRef], Asset]) -> str:
    """Return what an asset without a name is made from: a file, a part of one, or another asset.

    Empty for one that has a name, or is made from nothing.
    """
    if record.name:
        return ""
    source = getattr(record, "source", None)
    if isinstance(source, AssetRef):
        of = record_of(source)
        made = f"of {of.label}"
        return made if of.name or not source_name(of) else f"{made}, {source_name(of)}"
    part = getattr(record, "part", "")
    return f"{source_name(record)} {part}".rstrip()


@dataclass(frozen=True, slots=True)
class Declared:
    """A derived field that the text has nevertheless: compared with the source, which wins."""

    ref: AssetRef
    field: str
    value: tuple[int, ...]
    node: Node


def _database_text(document: Document) -> str:
    """Return the text of the database in a document, from its key to the next key of the file."""
    starts, rows = document.columns.starts, document.children(0)
    assert isinstance(rows, dict)
    start = starts[rows["assetDb"]]
    following = (starts[row] for row in rows.values() if starts[row] > start)
    return document.text[start : min(following, default=None)]


@dataclass(frozen=True)
class AssetDb:
    """One assetDb: its records in the order of the text, and the path of its cache.

    `compress_textures` is for textures that name no format and do not say themselves.
    `warnings` are about records that are used without what is wrong in them, `left_out` about what of the
    text is not used: fields, and records, which are `LeftOut` then.
    """

    id: int
    name: str
    path: Path
    root: Path
    cache_file: Path
    assets: tuple[Asset, ...]
    document: Document
    position: Position
    declared: tuple[Declared, ...] = ()
    compress_textures: bool = False
    warnings: tuple[Problem, ...] = ()
    left_out: tuple[Problem, ...] = ()

    def __getitem__(self, ref: AssetRef) -> Asset:
        """Return the record of `ref`."""
        return self.assets[ref.index]

    def reads_as(self, other: AssetDb) -> bool:
        """Whether another database was read from the same text at the same place, with the same problems.

        Whatever else is in the file may differ: objects, for example, and what comes after the database.
        """
        found = (self.left_out, self.warnings) == (other.left_out, other.warnings)
        return found and self.path == other.path and self.is_written_in(other.document)

    @property
    def text(self) -> str:
        """Its text, from its key to the next key of the file."""
        return _database_text(self.document)

    def is_written_in(self, document: Document) -> bool:
        """Whether a document has the text of this database at the same place."""
        rows = document.children(0)
        if not isinstance(rows, dict) or "assetDb" not in rows or document.name != self.document.name:
            return False
        if document.root["assetDb"].position != self.position:
            return False
        return _database_text(document) == self.text

    def node(self, ref: AssetRef) -> Node:
        """Return the node that `ref` was read from."""
        return self.document.root["assetDb"]["assets"][ref.index]

    @cached_property
    def by_name(self) -> Mapping[tuple[str, str], AssetRef]:
        """The assets by type and name, made at the first look-up; of those without a name, the first."""
        return {(asset.type, asset.name): asset.ref for asset in reversed(self.assets)}
