"""Reads one asset of an assetDb: its fields, its references by index or name, its files through FileGate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TypeVar

from engine.assets.codes import AssetCode
from engine.assets.files import FileGate, FileRejectedError
from engine.assets.formats import (
    ColorSpace,
    IndexFormat,
    ShaderStage,
    TextureFormat,
    Topology,
    VertexFormat,
)
from engine.assets.limits import MAX_BONES, MAX_TEXTURE_SIDE
from engine.assets.names import NameTable
from engine.assets.records import (
    Asset,
    AssetRef,
    AssetType,
    Declared,
    Indices,
    Lod,
    Material,
    Mesh,
    Model,
    Shader,
    Skeleton,
    Texture2d,
    Vertices,
)
from engine.humon import (
    Code,
    Kind,
    Node,
    ProblemCollector,
    choice,
    expect,
    failure,
    integer,
    number,
    required,
    suggestion,
    text,
    vector,
)

T = TypeVar("T", bound=Enum)

_BY_INDEX = "_adbi"
_ALL_BY_INDEX = "_adbis"
_DATA_FIELDS = {
    AssetType.VERTICES: "vxData",
    AssetType.INDICES: "idxData",
    AssetType.SKELETON: "boneData",
    AssetType.SHADER: "bytecode",
    AssetType.TEXTURE2D: "txData",
}
_CACHE_FIELDS = ("cacheIndex", "cacheOffset", "cacheSize")
_KNOWN_KEYS: Mapping[AssetType, tuple[str, ...]] = {
    AssetType.MODEL: ("mesh", "mesh_adbi", "material", "material_adbi"),
    AssetType.MESH: ("source", "lods", "skeleton", "skeleton_adbi"),
    AssetType.VERTICES: ("source", "source_adbi", "vertexFormat"),
    AssetType.INDICES: ("source", "source_adbi", "indexFormat"),
    AssetType.SKELETON: ("source", "source_adbi", "numBones"),
    AssetType.MATERIAL: ("shaders", "shader_adbis", "textures", "texture_adbis", "parameters"),
    AssetType.SHADER: ("source", "stage", "entryPoint"),
    AssetType.TEXTURE2D: ("source", "dims", "format", "mipLevels", "colorSpace"),
}
_LOD_KEYS = (
    "topology",
    "vertices",
    "vertices_adbi",
    "indices",
    "indices_adbi",
    "numBlendWeights",
    "numBones",
)
_MAX_PARAMETER_NUMBERS = 16


class AssetReader:
    """Reads one asset; `declared` collects derived fields that its text has nevertheless."""

    def __init__(self, node: Node, ref: AssetRef, names: NameTable, gate: FileGate, folder: Path) -> None:
        self._node = node
        self._ref = ref
        self._names = names
        self._gate = gate
        self._folder = folder
        self._problems = ProblemCollector()
        self.declared: list[Declared] = []

    def read(self, kind: AssetType) -> Asset:
        """Return the record of the asset. Raises InputError with all its problems."""
        data = _DATA_FIELDS.get(kind)
        self._check_keys(self._node, ("name", *_KNOWN_KEYS[kind], *([data] if data else [])), kind.value)
        if data is not None and data in self._node:
            self._problems.attempt(lambda: self._declare_cache(expect(self._node[data], Kind.DICT)), None)
        record = self._problems.attempt(lambda: self._record(kind), None)
        self._problems.check()
        assert record is not None
        return record

    def _record(self, kind: AssetType) -> Asset:
        readers: Mapping[AssetType, Callable[[str], Asset]] = {
            AssetType.MODEL: self._model,
            AssetType.MESH: self._mesh,
            AssetType.VERTICES: self._vertices,
            AssetType.INDICES: self._indices,
            AssetType.SKELETON: self._skeleton,
            AssetType.MATERIAL: self._material,
            AssetType.SHADER: self._shader,
            AssetType.TEXTURE2D: self._texture,
        }
        return readers[kind](self._node["name"].text if "name" in self._node else "")

    def _model(self, name: str) -> Model:
        mesh = self._reference(self._node, "mesh", AssetType.MESH)
        material = self._reference(self._node, "material", AssetType.MATERIAL)
        return Model(self._ref, name, self._node.position, mesh, material)

    def _mesh(self, name: str) -> Mesh:
        lods = tuple(self._lod(child) for child in expect(required(self._node, "lods"), Kind.LIST))
        if not lods:
            raise failure(AssetCode.LODS, "a mesh needs at least one level of detail", self._node["lods"])
        skeleton = None
        if "skeleton" in self._node or "skeleton_adbi" in self._node:
            skeleton = self._reference(self._node, "skeleton", AssetType.SKELETON)
        return Mesh(self._ref, name, self._node.position, self._source(), lods, skeleton)

    def _lod(self, node: Node) -> Lod:
        self._check_keys(expect(node, Kind.DICT), _LOD_KEYS, "level of detail")
        return Lod(
            topology=_enum(required(node, "topology"), Topology),
            vertices=self._reference(node, "vertices", AssetType.VERTICES),
            indices=self._reference(node, "indices", AssetType.INDICES),
            num_blend_weights=integer(node["numBlendWeights"], 0, 64) if "numBlendWeights" in node else 0,
            num_bones=integer(node["numBones"], 0, MAX_BONES) if "numBones" in node else 0,
        )

    def _vertices(self, name: str) -> Vertices:
        attributes: dict[str, VertexFormat] = {}
        rows = expect(required(self._node, "vertexFormat"), Kind.LIST)
        for row in rows:
            if row.kind is not Kind.LIST or len(row) != 2:
                raise failure(Code.COUNT, "an attribute is written [ name, format ]", row)
            attribute = text(row[0])
            if attribute in attributes:
                raise failure(AssetCode.ATTRIBUTE, f"'{attribute}' is in the vertex format twice", row)
            attributes[attribute] = _enum(row[1], VertexFormat)
        if not attributes:
            raise failure(AssetCode.ATTRIBUTE, "the vertex format is empty", rows)
        mesh = self._reference(self._node, "source", AssetType.MESH)
        return Vertices(self._ref, name, self._node.position, mesh, tuple(attributes.items()))

    def _indices(self, name: str) -> Indices:
        form = _enum(required(self._node, "indexFormat"), IndexFormat)
        mesh = self._reference(self._node, "source", AssetType.MESH)
        return Indices(self._ref, name, self._node.position, mesh, form)

    def _skeleton(self, name: str) -> Skeleton:
        bones = integer(self._node["numBones"], 0, MAX_BONES) if "numBones" in self._node else None
        if bones is not None:
            self._declare("numBones", (bones,), self._node["numBones"])
        mesh = self._reference(self._node, "source", AssetType.MESH)
        return Skeleton(self._ref, name, self._node.position, mesh, bones)

    def _material(self, name: str) -> Material:
        key = self._one_key(self._node, "shaders", "shader" + _ALL_BY_INDEX)
        shaders = tuple(
            self._find(child, AssetType.SHADER) for child in expect(required(self._node, key), Kind.LIST)
        )
        if not shaders or len(set(shaders)) != len(shaders):
            raise failure(AssetCode.SHADERS, "a material needs its shaders, each once", self._node[key])
        textures: dict[str, AssetRef] = {}
        key = self._one_key(self._node, "textures", "texture" + _ALL_BY_INDEX)
        if key in self._node:
            for slot, child in self._slots(self._node[key]):
                if slot in textures:
                    raise failure(AssetCode.SLOT, f"slot '{slot}' is filled twice", child)
                textures[slot] = self._find(child, AssetType.TEXTURE2D)
        parameters: dict[str, tuple[float, ...]] = {}
        if "parameters" in self._node:
            for parameter, child in expect(self._node["parameters"], Kind.DICT).items():
                values = vector(child) if child.kind is Kind.LIST else (number(child),)
                if not 0 < len(values) <= _MAX_PARAMETER_NUMBERS:
                    message = (
                        f"'{parameter}' has {len(values)} numbers; 1 to {_MAX_PARAMETER_NUMBERS} are allowed"
                    )
                    raise failure(Code.COUNT, message, child)
                parameters[parameter] = values
        return Material(self._ref, name, self._node.position, shaders, textures, parameters)

    def _slots(self, node: Node) -> list[tuple[str, Node]]:
        """Return the slots of `[[albedo 8] ...]` or `{ albedo: brick ... }`."""
        if node.kind is Kind.DICT:
            return list(node.items())
        for row in expect(node, Kind.LIST):
            if row.kind is not Kind.LIST or len(row) != 2:
                raise failure(Code.COUNT, "a texture is written [ slot, asset ]", row)
        return [(text(row[0]), row[1]) for row in node]

    def _shader(self, name: str) -> Shader:
        stage = _enum(required(self._node, "stage"), ShaderStage)
        entry_point = text(self._node["entryPoint"]) if "entryPoint" in self._node else "main"
        if not entry_point.isidentifier() or not entry_point.isascii() or len(entry_point) > 255:
            raise failure(
                AssetCode.ENTRY_POINT, "an entry point must be a GLSL name", self._node["entryPoint"]
            )
        return Shader(self._ref, name, self._node.position, self._source(), stage, entry_point)

    def _texture(self, name: str) -> Texture2d:
        node = self._node
        dims = None
        if "dims" in node:
            values = [integer(child, 1, MAX_TEXTURE_SIDE) for child in expect(node["dims"], Kind.LIST)]
            if len(values) != 2:
                raise failure(Code.COUNT, "'dims' is [ width, height ]", node["dims"])
            dims = (values[0], values[1])
            self._declare("dims", dims, node["dims"])
        form = _enum(node["format"], TextureFormat) if "format" in node else None
        levels = integer(node["mipLevels"], 1, 16) if "mipLevels" in node else None
        space = _enum(node["colorSpace"], ColorSpace) if "colorSpace" in node else None
        return Texture2d(self._ref, name, node.position, self._source(), dims, form, levels, space)

    def _source(self) -> Path:
        node = required(self._node, "source")
        try:
            return self._gate.resolve(text(node), self._folder)
        except FileRejectedError as error:
            raise failure(error.code, error.reason, node, error.help) from error

    def _reference(self, node: Node, key: str, kind: AssetType) -> AssetRef:
        return self._find(required(node, self._one_key(node, key, key + _BY_INDEX)), kind)

    def _find(self, node: Node, kind: AssetType) -> AssetRef:
        return AssetRef(self._ref.db, self._names.find(node, (kind,)))

    def _one_key(self, node: Node, plain: str, by_index: str) -> str:
        if plain in node and by_index in node:
            raise failure(AssetCode.FIELD, f"'{plain}' and '{by_index}' are the same field", node[by_index])
        return by_index if by_index in node else plain

    def _check_keys(self, node: Node, known: Sequence[str], what: str) -> None:
        for key, child in node.items():
            if key not in known:
                problem = node.document.problem(
                    AssetCode.FIELD, f"a {what} has no field '{key}'", child, suggestion(key, known)
                )
                self._problems.add(problem)

    def _declare_cache(self, node: Node) -> None:
        self._check_keys(node, _CACHE_FIELDS, "place in a cache")
        for key, child in node.items():
            if key in _CACHE_FIELDS:
                self._declare(key, (integer(child, 0),), child)

    def _declare(self, field: str, value: tuple[int, ...], node: Node) -> None:
        self.declared.append(Declared(self._ref, field, value, node))


def _enum(node: Node, kind: type[T]) -> T:
    """Return the enum member that a node names."""
    return choice(node, kind)
