"""Reads the assets of an assetDb: fields, references by index or name, files through FileGate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from engine.assets.codes import AssetCode
from engine.assets.files import FileGate, FileRejectedError
from engine.assets.formats import (
    AlphaMode,
    ColorSpace,
    IndexFormat,
    Sampling,
    ShaderStage,
    TextureFilter,
    Topology,
    Wrap,
    read_texture_format,
    read_vertex_format,
)
from engine.assets.importers.models.map_coordinates import read_map_coordinates
from engine.assets.limits import MAX_BLEND_WEIGHTS, MAX_BONES, MAX_LODS, MAX_TEXTURE_SIDE
from engine.assets.names import NameTable
from engine.assets.records import (
    Animation,
    Asset,
    AssetRef,
    AssetType,
    Declared,
    Environment,
    Indices,
    LeftOut,
    Lod,
    Material,
    Mesh,
    Model,
    MorphTargets,
    Shader,
    Simplify,
    Skeleton,
    Texture2d,
    Vertices,
)
from engine.humon import (
    Code,
    InputError,
    Kind,
    Node,
    Problem,
    ProblemCollector,
    Severity,
    boolean,
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

T = TypeVar("T")
E = TypeVar("E", bound=Enum)

_BY_INDEX = "_adbi"
_ALL_BY_INDEX = "_adbis"
_TEXTURES = ("textures", "texture" + _ALL_BY_INDEX)
_DATA_FIELDS = {
    AssetType.VERTICES: "vxData",
    AssetType.INDICES: "idxData",
    AssetType.SKELETON: "boneData",
    AssetType.SHADER: "bytecode",
    AssetType.TEXTURE2D: "txData",
}
_CACHE_FIELDS = frozenset({"cacheIndex", "cacheOffset", "cacheSize"})
_FIELDS: Mapping[AssetType, tuple[str, ...]] = {
    AssetType.MODEL: ("mesh", "mesh_adbi", "material", "material_adbi"),
    AssetType.MESH: (
        "source",
        "part",
        "coordinates",
        "lods",
        "simplify",
        "skeleton",
        "skeleton_adbi",
        "targets",
        "targets_adbi",
    ),
    AssetType.VERTICES: ("source", "source_adbi", "vertexFormat"),
    AssetType.INDICES: ("source", "source_adbi", "indexFormat"),
    AssetType.SKELETON: ("source", "source_adbi", "part", "numBones"),
    AssetType.MATERIAL: (
        "shaders",
        "shader_adbis",
        "textures",
        "texture_adbis",
        "parameters",
        "alphaMode",
        "alphaCutoff",
        "doubleSided",
        "unlit",
    ),
    AssetType.SHADER: ("source", "stage", "entryPoint"),
    AssetType.TEXTURE2D: (
        "source",
        "part",
        "dims",
        "format",
        "compress",
        "mipLevels",
        "colorSpace",
        "wrap",
        "filter",
    ),
    AssetType.ENVIRONMENT: ("source", "sources"),
    AssetType.ANIMATION: ("source", "part", "data"),
    AssetType.MORPH_TARGETS: ("source", "source_adbi"),
}
_KNOWN_KEYS = {
    kind: frozenset(("name", *fields, *([_DATA_FIELDS[kind]] if kind in _DATA_FIELDS else [])))
    for kind, fields in _FIELDS.items()
}
_LOD_KEYS = frozenset(
    (
        "topology",
        "vertices",
        "vertices_adbi",
        "indices",
        "indices_adbi",
        "numBlendWeights",
        "numBones",
        "screenSize",
    )
)
_MAX_PARAMETER_NUMBERS = 16
FIRST_SCREEN_SIZE = 0.25
"""The screenSize of the finest of several levels that has none; a further one has half of that before it."""
MIN_SCREEN_SIZE, MAX_SCREEN_SIZE = 1e-6, 1000.0
_SIMPLIFY_KEYS = ("levels", "ratio", "error")
MIN_RATIO, MAX_RATIO = 0.01, 0.95
MIN_ERROR = 1e-6
_FACES = 6


class AssetReader:
    """Reads the assets of one database; a name of a file or a list that occurs often is read once.

    Adds problems to a collector. `declared` collects derived fields that the text has nevertheless,
    `warnings` what is wrong in records that can be used all the same.
    """

    def __init__(self, names: NameTable, gate: FileGate, folder: Path, problems: ProblemCollector) -> None:
        self._names = names
        self._gate = gate
        self._folder = folder
        self._problems = problems
        self._sources: dict[str, Path] = {}
        self._lists: dict[object, Any] = {}
        self.declared: list[Declared] = []
        self.warnings: list[Problem] = []

    def read(self, node: Node, ref: AssetRef, kind: AssetType) -> Asset:
        """Return the record of an asset; one that is left out, after adding why, where a value is wrong.

        A field that is not known is reported, and the record is used without it.
        """
        self._check_keys(node, _KNOWN_KEYS[kind], kind.value)
        data = _DATA_FIELDS.get(kind)
        if data is not None and data in node:
            with self._problems.catching():
                self._declare_cache(ref, expect(node[data], Kind.DICT))
        with self._problems.catching():
            name = node.get("name")
            return _READERS[kind](self, node, ref, "" if name is None else name.text)
        return left_out(node, ref, kind)

    def _model(self, node: Node, ref: AssetRef, name: str) -> Model:
        mesh = self._reference(node, "mesh", AssetType.MESH)
        return Model(ref, name, mesh, self._reference(node, "material", AssetType.MATERIAL))

    def _mesh(self, node: Node, ref: AssetRef, name: str) -> Mesh:
        nodes = list(expect(required(node, "lods"), Kind.LIST))
        if not 0 < len(nodes) <= MAX_LODS:
            message = f"{len(nodes) or 'no'} levels of detail; a mesh has 1 to {MAX_LODS}"
            hint = "give one level for each distance: `lods: [ { topology: triangle_list  ... } ]`"
            raise failure(AssetCode.LODS, message, node["lods"], hint)
        lods: tuple[Lod, ...] = ()
        for child in nodes:
            lods += (self._lod(child, lods, is_last=len(lods) == len(nodes) - 1),)
        skeleton = None
        if "skeleton" in node or "skeleton_adbi" in node:
            skeleton = self._reference(node, "skeleton", AssetType.SKELETON)
        targets = None
        if "targets" in node or "targets_adbi" in node:
            targets = self._reference(node, "targets", AssetType.MORPH_TARGETS)
        source, part = self._source(node), self._part(node)
        read = read_map_coordinates(node["coordinates"], source) if "coordinates" in node else None
        return Mesh(ref, name, source, lods, skeleton, targets, part, self._simplify(node, lods), read)

    def _simplify(self, node: Node, lods: Sequence[Lod]) -> Simplify | None:
        """Read which levels are to be made; what is wrong is a warning, and none are made then."""
        if "simplify" not in node:
            return None
        try:
            return self._checked_simplify(node["simplify"], lods)
        except InputError as error:
            hint = "the mesh is drawn in full detail until this is mended"
            self.warnings += [
                replace(problem, severity=Severity.WARNING, help=problem.help or hint)
                for problem in error.problems
            ]
        return None

    def _checked_simplify(self, given: Node, lods: Sequence[Lod]) -> Simplify:
        """Read which levels are to be made. Raises InputError; only one level of triangles can have some."""
        for key, child in expect(given, Kind.DICT).items():
            if key not in _SIMPLIFY_KEYS:
                hint = suggestion(key, _SIMPLIFY_KEYS)
                raise failure(AssetCode.FIELD, f"a simplify has no field '{key}'", child, hint)
        if len(lods) > 1:
            message = f"the mesh has {len(lods)} levels of detail, so none are made"
            raise failure(AssetCode.SIMPLIFY, message, given, "remove `simplify`, or the coarser `lods`")
        if lods[0].topology is not Topology.TRIANGLE_LIST:
            message = f"a {lods[0].topology} cannot be simplified"
            hint = "remove `simplify`, or make the mesh a triangle_list"
            raise failure(AssetCode.SIMPLIFY, message, given, hint)
        usual = Simplify()
        return Simplify(
            integer(given["levels"], 1, MAX_LODS - 1) if "levels" in given else usual.levels,
            number(given["ratio"], MIN_RATIO, MAX_RATIO) if "ratio" in given else usual.ratio,
            number(given["error"], MIN_ERROR, 1.0) if "error" in given else usual.error,
        )

    def _lod(self, node: Node, finer: Sequence[Lod], *, is_last: bool) -> Lod:
        self._check_keys(expect(node, Kind.DICT), _LOD_KEYS, "level of detail")
        if is_last and "screenSize" in node:
            message = "the last level of detail is drawn however small the mesh is: it has no screenSize"
            raise failure(
                AssetCode.LODS, message, node["screenSize"], "give it to the finer levels, or remove it"
            )
        size = 0.0 if is_last else finer[-1].screen_size / 2 if finer else FIRST_SCREEN_SIZE
        if "screenSize" in node:
            size = number(node["screenSize"], MIN_SCREEN_SIZE, MAX_SCREEN_SIZE)
            if finer and size >= finer[-1].screen_size:
                message = (
                    f"screenSize {size:g} is not below that of the finer level, {finer[-1].screen_size:g}"
                )
                advice = "list the levels from fine to coarse, with falling sizes"
                raise failure(AssetCode.LODS, message, node["screenSize"], advice)
        return Lod(
            topology=_enum(required(node, "topology"), Topology),
            vertices=self._reference(node, "vertices", AssetType.VERTICES),
            indices=self._reference(node, "indices", AssetType.INDICES),
            num_blend_weights=integer(node["numBlendWeights"], 0, MAX_BLEND_WEIGHTS)
            if "numBlendWeights" in node
            else 0,
            num_bones=integer(node["numBones"], 0, MAX_BONES) if "numBones" in node else 0,
            screen_size=size,
        )

    def _vertices(self, node: Node, ref: AssetRef, name: str) -> Vertices:
        rows = expect(required(node, "vertexFormat"), Kind.LIST)
        vertex_format = self._once(rows, read_vertex_format)
        return Vertices(ref, name, self._reference(node, "source", AssetType.MESH), vertex_format)

    def _indices(self, node: Node, ref: AssetRef, name: str) -> Indices:
        form = _enum(required(node, "indexFormat"), IndexFormat)
        return Indices(ref, name, self._reference(node, "source", AssetType.MESH), form)

    def _skeleton(self, node: Node, ref: AssetRef, name: str) -> Skeleton:
        bones = integer(node["numBones"], 0, MAX_BONES) if "numBones" in node else None
        if bones is not None:
            self.declared.append(Declared(ref, "numBones", (bones,), node["numBones"]))
        return Skeleton(ref, name, self._reference(node, "source", AssetType.MESH), bones, self._part(node))

    def _morph_targets(self, node: Node, ref: AssetRef, name: str) -> MorphTargets:
        return MorphTargets(ref, name, self._reference(node, "source", AssetType.MESH))

    def _material(self, node: Node, ref: AssetRef, name: str) -> Material:
        key = self._one_key(node, "shaders", "shader" + _ALL_BY_INDEX)
        shaders = self._once(expect(required(node, key), Kind.LIST), self._shaders)
        textures: dict[str, AssetRef] = {}
        self._one_key(node, *_TEXTURES)
        for slot, child in texture_slots(node):
            if slot in textures:
                raise failure(
                    AssetCode.SLOT, f"slot '{slot}' is filled twice", child, "leave one of them out"
                )
            textures[slot] = self._names.find(child, AssetType.TEXTURE2D)
        parameters: dict[str, tuple[float, ...]] = {}
        if "parameters" in node:
            for parameter, child in expect(node["parameters"], Kind.DICT).items():
                values = vector(child) if child.kind is Kind.LIST else (number(child),)
                if not 0 < len(values) <= _MAX_PARAMETER_NUMBERS:
                    message = (
                        f"'{parameter}' has {len(values)} numbers; 1 to {_MAX_PARAMETER_NUMBERS} are allowed"
                    )
                    hint = "write a number, or as many as the shader's parameter has: `[1 1 1 1]`"
                    raise failure(Code.COUNT, message, child, hint)
                parameters[parameter] = values
        return Material(
            ref,
            name,
            shaders,
            textures,
            parameters,
            alpha_mode=_enum(node["alphaMode"], AlphaMode) if "alphaMode" in node else AlphaMode.OPAQUE,
            alpha_cutoff=number(node["alphaCutoff"], 0.0, 1.0) if "alphaCutoff" in node else 0.5,
            double_sided="doubleSided" in node and boolean(node["doubleSided"]),
            unlit="unlit" in node and boolean(node["unlit"]),
        )

    def _shaders(self, node: Node) -> tuple[AssetRef, ...]:
        shaders = tuple(self._names.find(child, AssetType.SHADER) for child in node)
        if not shaders or len(set(shaders)) != len(shaders):
            hint = "write `shaders: [ vertex fragment ]`, the names of a vertex and a fragment shader"
            raise failure(AssetCode.SHADERS, "a material needs its shaders, each once", node, hint)
        return shaders

    def _shader(self, node: Node, ref: AssetRef, name: str) -> Shader:
        stage = _enum(required(node, "stage"), ShaderStage)
        entry_point = text(node["entryPoint"]) if "entryPoint" in node else "main"
        if not entry_point.isidentifier() or not entry_point.isascii() or len(entry_point) > 255:
            message = "an entry point must be a GLSL name"
            hint = "write the name of a function, such as `entryPoint: main`"
            raise failure(AssetCode.ENTRY_POINT, message, node["entryPoint"], hint)
        return Shader(ref, name, self._source(node), stage, entry_point)

    def _texture(self, node: Node, ref: AssetRef, name: str) -> Texture2d:
        dims = None
        if "dims" in node:
            values = [integer(child, 1, MAX_TEXTURE_SIDE) for child in expect(node["dims"], Kind.LIST)]
            if len(values) != 2:
                hint = "write its size in texels, such as `dims: [256 256]`"
                raise failure(Code.COUNT, "'dims' is [ width, height ]", node["dims"], hint)
            dims = (values[0], values[1])
            self.declared.append(Declared(ref, "dims", dims, node["dims"]))
        form = read_texture_format(node["format"]) if "format" in node else None
        compress = boolean(node["compress"]) if "compress" in node else None
        if form is not None and compress is not None:
            message = "'format' says already whether the texture is compressed"
            raise failure(AssetCode.FIELD, message, node["compress"], "remove 'compress' or 'format'")
        levels = integer(node["mipLevels"], 1, 16) if "mipLevels" in node else None
        space = _enum(node["colorSpace"], ColorSpace) if "colorSpace" in node else None
        part, sampling = self._part(node), _sampling(node)
        source = self._source(node)
        return Texture2d(ref, name, source, dims, form, levels, space, part, sampling, compress)

    def _environment(self, node: Node, ref: AssetRef, name: str) -> Environment:
        if "sources" not in node:
            return Environment(ref, name, (self._source(node),))
        faces = expect(node["sources"], Kind.LIST)
        if "source" in node:
            message = "'source' and 'sources' are one picture or six faces"
            raise failure(AssetCode.FIELD, message, node["source"], "leave one of them out")
        if len(faces) != _FACES:
            message = f"an environment has {_FACES} faces, not {len(faces)}"
            hint = "give them in the order px nx py ny pz nz, or one equirectangular picture as 'source'"
            raise failure(AssetCode.ENVIRONMENT_FACES, message, faces, hint)
        return Environment(ref, name, tuple(self._path(face) for face in faces))

    def _animation(self, node: Node, ref: AssetRef, name: str) -> Animation:
        data = self._path(node["data"]) if "data" in node else None
        return Animation(ref, name, self._source(node), data, self._part(node))

    def _source(self, node: Node) -> Path:
        return self._path(required(node, "source"))

    def _part(self, node: Node) -> str:
        """Return the JSON pointer of a part of a model file, empty where there is none."""
        child = node.get("part")
        if child is None:
            return ""
        part = text(child)
        if not part.startswith("/"):
            message = f"'{part}' is no JSON pointer, such as /meshes/0/primitives/0"
            hint = "write the place in the file, such as `part: /meshes/0/primitives/0`"
            raise failure(AssetCode.PART, message, child, hint)
        return part

    def _path(self, source: Node) -> Path:
        written = text(source)
        path = self._sources.get(written)
        if path is None:
            try:
                path = self._sources[written] = self._gate.resolve(written, self._folder)
            except FileRejectedError as error:
                raise failure(error.code, error.reason, source, error.help) from error
        return path

    def _reference(self, node: Node, key: str, kind: AssetType) -> AssetRef:
        return self._names.find(required(node, self._one_key(node, key, key + _BY_INDEX)), kind)

    def _one_key(self, node: Node, plain: str, by_index: str) -> str:
        if by_index not in node:
            return plain
        if plain in node:
            message, hint = f"'{plain}' and '{by_index}' are the same field", f"leave `{by_index}` out"
            raise failure(AssetCode.FIELD, message, node[by_index], hint)
        return by_index

    def _once(self, node: Node, read: Callable[[Node], T]) -> T:
        """Return what `read` makes of a list; of the same lexemes with the same key, what it made before."""
        lexemes = node.lexemes
        if lexemes is None:
            return read(node)
        if (node.key, lexemes) not in self._lists:
            self._lists[node.key, lexemes] = read(node)
        known: T = self._lists[node.key, lexemes]
        return known

    def _check_keys(self, node: Node, known: frozenset[str], what: str) -> None:
        if node.keys() <= known:
            return
        for key, child in node.items():
            if key not in known:
                problem = node.document.problem(
                    AssetCode.FIELD, f"a {what} has no field '{key}'", child, suggestion(key, known)
                )
                self._problems.add(problem)

    def _declare_cache(self, ref: AssetRef, node: Node) -> None:
        self._check_keys(node, _CACHE_FIELDS, "place in a cache")
        for key, child in node.items():
            if key in _CACHE_FIELDS:
                self.declared.append(Declared(ref, key, (integer(child, 0),), child))


def left_out(node: Node, ref: AssetRef, kind: AssetType) -> LeftOut:
    """Return the record of an asset whose text is wrong."""
    name = node.get("name")
    return LeftOut(ref, name.text if name is not None and name.kind is Kind.VALUE else "", kind)


_READERS: Mapping[AssetType, Callable[[AssetReader, Node, AssetRef, str], Asset]] = {
    AssetType.MODEL: AssetReader._model,
    AssetType.MESH: AssetReader._mesh,
    AssetType.VERTICES: AssetReader._vertices,
    AssetType.INDICES: AssetReader._indices,
    AssetType.SKELETON: AssetReader._skeleton,
    AssetType.MATERIAL: AssetReader._material,
    AssetType.SHADER: AssetReader._shader,
    AssetType.TEXTURE2D: AssetReader._texture,
    AssetType.ENVIRONMENT: AssetReader._environment,
    AssetType.MORPH_TARGETS: AssetReader._morph_targets,
    AssetType.ANIMATION: AssetReader._animation,
}


def _sampling(texture: Node) -> Sampling:
    """Return how a texture is sampled: `wrap: clamp` or `wrap: [repeat clamp]`, and `filter: nearest`."""
    usual = Sampling()
    wrap, node = usual.wrap, texture.get("wrap")
    if node is not None:
        written = list(node) if node.kind is Kind.LIST else [node, node]
        if len(written) != 2:
            message = "'wrap' is one word, or one along u and one along v"
            raise failure(Code.COUNT, message, node, "such as [repeat clamp]")
        wrap = _enum(written[0], Wrap), _enum(written[1], Wrap)
    texel = _enum(texture["filter"], TextureFilter) if "filter" in texture else usual.filter
    return Sampling(wrap, texel)


def _enum(node: Node, kind: type[E]) -> E:
    """Return the enum member that a node names."""
    return choice(node, kind)


def texture_slots(material: Node) -> list[tuple[str, Node]]:
    """Return the slots of a material: `textures: [[albedo 8] ...]` or `textures: { albedo: brick ... }`."""
    node = next((material[key] for key in _TEXTURES if key in material), None)
    if node is None:
        return []
    if node.kind is Kind.DICT:
        return list(node.items())
    for row in expect(node, Kind.LIST):
        if row.kind is not Kind.LIST or len(row) != 2:
            hint = "write a slot and a texture, such as `[albedo bricks]`"
            raise failure(Code.COUNT, "a texture is written [ slot, asset ]", row, hint)
    return [(text(row[0]), row[1]) for row in node]
