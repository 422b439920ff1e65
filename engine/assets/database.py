"""Reads an assetDb from the nodes of a `.hu` file into an `AssetDb` of typed records."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from engine.assets.asset_reader import AssetReader, left_out
from engine.assets.codes import AssetCode
from engine.assets.files import FileGate, FileRejectedError, folded
from engine.assets.limits import MAX_ASSETS
from engine.assets.names import BUILTIN, NameTable, checked_name
from engine.assets.records import (
    Animation,
    Asset,
    AssetDb,
    AssetRef,
    AssetType,
    Declared,
    Environment,
    Indices,
    LeftOut,
    Material,
    Mesh,
    MorphTargets,
    Skeleton,
    Vertices,
)
from engine.assets.roots import data_root, display_path, project_root
from engine.humon import (
    Document,
    InputError,
    Kind,
    Node,
    Problem,
    ProblemCollector,
    boolean,
    expect,
    failure,
    nearest,
    read,
    required,
    suggestion,
    text,
)

CACHE_SUFFIX = ".ogCache"
"""Suffix of every cache file; no other file is ever overwritten."""

_TYPES = {kind.value: kind for kind in AssetType}
_KNOWN_KEYS = ("name", "cacheFile", "compressTextures", "assets")


def read_asset_db(
    document: Document,
    path: Path,
    db_id: int,
    root: Path | None = None,
    gate: FileGate | None = None,
    *,
    tolerated: Collection[Problem] | None = (),
) -> AssetDb | None:
    """Return the assetDb in the document of the file `path`, or None if it has none.

    `db_id` is part of every reference: from 1 in the order in which databases are loaded, 0 for the builtin
    one. `root` is the project root (None: found from `path`). Raises InputError with all problems of the
    text: `asset.*`, `file.*`, `value.*`. The contents of sources are checked when they are cooked.

    What is wrong in a record or a field leaves that out where the error is one of `tolerated`, or with None,
    see `AssetDb.left_out`; a name or a list of assets that is wrong leaves no database.
    """
    root_node = document.root
    if root_node.kind is not Kind.DICT or "assetDb" not in root_node:
        return None
    node = expect(root_node["assetDb"], Kind.DICT)
    path = Path(os.path.realpath(path))
    gate = gate or FileGate(root or project_root(path))
    problems, fatal = ProblemCollector(), ProblemCollector()
    for key, child in node.items():
        if key not in _KNOWN_KEYS:
            problem = document.problem(
                AssetCode.FIELD, f"an assetDb has no '{key}'", child, suggestion(key, _KNOWN_KEYS)
            )
            problems.add(problem)
    name = fatal.attempt(lambda: checked_name(required(node, "name")), "")
    if name == BUILTIN and db_id != 0:
        fatal.add(
            document.problem(
                AssetCode.NAME,
                "'builtin' is the name of Diorama's own database",
                node["name"],
                "give it another name",
            )
        )
    cache_file, given = None, node.get("cacheFile")
    if given is not None:
        cache_file = problems.attempt(lambda: _cache_file(text(given), given, path, gate), None)
    if cache_file is None:
        usual = f"{name}{CACHE_SUFFIX}"
        cache_file = fatal.attempt(lambda: _cache_file(usual, node, path, gate), path)
    compress = node.get("compressTextures")
    compresses = compress is not None and problems.attempt(lambda: boolean(compress), False)
    assets: tuple[Asset, ...] = ()
    declared: tuple[Declared, ...] = ()
    warnings: tuple[Problem, ...] = ()
    with fatal.catching():
        assets, declared, warnings = _assets(node, db_id, path, gate, problems)
    if fatal.problems:
        raise InputError([*fatal.problems, *problems.problems])
    return AssetDb(
        id=db_id,
        name=name,
        path=path,
        root=gate.root,
        cache_file=cache_file,
        assets=assets,
        document=document,
        position=node.position,
        declared=declared,
        compress_textures=compresses,
        warnings=warnings,
        left_out=problems.tolerate(tolerated),
    )


def read_asset_db_file(
    path: Path, db_id: int, root: Path | None = None, *, tolerated: Collection[Problem] | None = ()
) -> AssetDb:
    """Return the assetDb of a file. Raises InputError as `read_asset_db`, `asset.none` if it has none."""
    document = read(path, display_path(path), keep_first=True)
    database = read_asset_db(document, path, db_id, root, tolerated=tolerated)
    if database is None:
        raise failure(
            AssetCode.NONE,
            "the file has no assetDb",
            document.root,
            "write `assetDb: { name: assets  assets: [ ] }`",
        )
    problems = ProblemCollector()
    problems.problems += document.repeated
    return replace(database, left_out=(*problems.tolerate(tolerated), *database.left_out))


@cache
def builtin_db() -> AssetDb:
    """Return Diorama's own database of placeholders and pass shaders; read once."""
    root = data_root()
    return read_asset_db_file(root / "assets" / "builtin" / "builtin.hu", 0, root)


def _cache_file(written: str, place: Node, path: Path, gate: FileGate) -> Path:
    """Return the path of a cache, whose name is `written` at a place. Raises InputError."""
    if not written.endswith(CACHE_SUFFIX):
        message = f"'{written}' does not end in {CACHE_SUFFIX}"
        raise failure(AssetCode.CACHE_FILE, message, place, "a cache never replaces another file")
    try:
        found = gate.resolve(written, path.parent)
    except FileRejectedError as error:
        raise failure(error.code, error.reason, place, error.help) from error
    if not found.name.endswith(CACHE_SUFFIX):
        message = f"'{written}' is a link to '{gate.relative(found)}', which does not end in {CACHE_SUFFIX}"
        raise failure(AssetCode.CACHE_FILE, message, place, "a cache never replaces another file")
    return found


def _assets(
    node: Node, db_id: int, path: Path, gate: FileGate, problems: ProblemCollector
) -> tuple[tuple[Asset, ...], tuple[Declared, ...], tuple[Problem, ...]]:
    rows = list(expect(required(node, "assets"), Kind.LIST))
    if len(rows) > MAX_ASSETS:
        raise failure(
            AssetCode.ASSET_COUNT,
            f"{len(rows)} assets; a database has at most {MAX_ASSETS}",
            node,
            "divide it into several databases, each in a file of its own",
        )
    names = NameTable(db_id)
    known: list[AssetType | None] = []
    badly_named: set[int] = set()
    for index, row in enumerate(rows):
        kind = problems.attempt(lambda: _type(row), None)  # noqa: B023 (called at once)
        known.append(kind)
        before = len(problems.problems)
        with problems.catching():
            names.add(kind or _meant_type(row), row)
        if len(problems.problems) > before:
            badly_named.add(index)
    reader = AssetReader(names, gate, path.parent, problems)
    assets: list[Asset] = []
    for index, (row, ref, kind) in enumerate(zip(rows, names.refs, known, strict=True)):
        asset = reader.read(row, ref, kind) if kind is not None else left_out(row, ref, AssetType.MODEL)
        assets.append(left_out(row, ref, asset.type) if index in badly_named else asset)
    for index, kind in enumerate(known):
        if kind is None:
            meant = names.types[index] or names.asked.get(index, AssetType.MODEL)
            assets[index] = left_out(rows[index], names.refs[index], meant)
    problems.problems.extend(_similar_sources(assets, node, gate))
    return tuple(_without_gaps(assets, rows)), tuple(reader.declared), tuple(reader.warnings)


def _without_gaps(assets: list[Asset], rows: Sequence[Node]) -> list[Asset]:
    """Leave out what cannot be made without records that are left out, and targets that are.

    What remains may name a mesh, a material or a texture that is left out, which have placeholders.
    """
    gone = {asset.ref for asset in assets if isinstance(asset, LeftOut)}
    while gone:
        more: set[AssetRef] = set()
        for index, asset in enumerate(assets):
            if isinstance(asset, Mesh) and asset.targets in gone:
                assets[index] = asset = replace(asset, targets=None)
            if not isinstance(asset, LeftOut) and not gone.isdisjoint(_needed(asset)):
                assets[index] = left_out(rows[index], asset.ref, asset.type)
                more.add(asset.ref)
        gone = more
    return assets


def _needed(asset: Asset) -> Iterator[AssetRef]:
    """Yield the assets without which a record says nothing."""
    if isinstance(asset, Vertices | Indices | Skeleton | MorphTargets):
        yield asset.source
    elif isinstance(asset, Mesh):
        yield from (part for lod in asset.lods for part in (lod.vertices, lod.indices))
        yield from (asset.skeleton,) if asset.skeleton is not None else ()
    elif isinstance(asset, Material):
        yield from asset.shaders


def _type(node: Node) -> AssetType:
    written = expect(node, Kind.DICT).type
    if written is None:
        raise failure(AssetCode.TYPE, "the asset has no @type", node, f"known: {', '.join(_TYPES)}")
    kind = _TYPES.get(written)
    if kind is None:
        message = f"there is no asset type '{written}'"
        raise failure(AssetCode.TYPE, message, node, suggestion(written, _TYPES))
    return kind


def _meant_type(node: Node) -> AssetType | None:
    """Return the type that is nearest to what an asset has as its type."""
    near = nearest(node.type or "", _TYPES)
    return None if near is None else _TYPES[near]


def sources_of(asset: Asset) -> tuple[Path, ...]:
    """Return the files that a record names."""
    if isinstance(asset, Environment):
        return asset.sources
    if isinstance(asset, Animation):
        return (asset.source,) if asset.data is None else (asset.source, asset.data)
    source = getattr(asset, "source", None)
    return (source,) if isinstance(source, Path) else ()


def _similar_sources(assets: list[Asset], node: Node, gate: FileGate) -> list[Problem]:
    """Return problems for pairs of sources that are one file on some file systems."""
    seen: dict[str, Path] = {}
    first: dict[Path, Path] = {}
    found = []
    for asset in assets:
        for source in sources_of(asset):
            if source not in first:
                first[source] = seen.setdefault(folded(gate.relative(source)), source)
            other = first[source]
            if other != source:
                message = (
                    f"'{source.name}' and '{other.name}' differ only by letter case or Unicode normal form"
                )
                row = node["assets"][asset.ref.index]
                place = row.get("source") or row["sources"]
                found.append(
                    node.document.problem(
                        AssetCode.FILE_CASE,
                        message,
                        place,
                        "give one of the files another name: some systems take both names for one file",
                    )
                )
    return found


def check_databases(dbs: Sequence[AssetDb]) -> None:
    """Check that ids are places in a list, and names and caches unique. Raises InputError, ValueError."""
    problems = []
    for place, db in enumerate(dbs):
        if db.id != place:
            raise ValueError(f"database '{db.name}' has id {db.id} but is number {place} in the list")
        for other in dbs[:place]:
            node = db.document.root["assetDb"]
            if other.name == db.name:
                message = f"there are two databases '{db.name}'; the other one is at {other.position}"
                problems.append(
                    db.document.problem(
                        AssetCode.NAME, message, node["name"], "give one of them another name"
                    )
                )
            elif other.cache_file == db.cache_file:
                message = f"'{other.name}' ({other.position}) uses the same cache"
                place_node = node.get("cacheFile") or node
                problems.append(
                    db.document.problem(
                        AssetCode.CACHE_FILE, message, place_node, "give one of them another `cacheFile`"
                    )
                )
    if problems:
        raise InputError(problems)
