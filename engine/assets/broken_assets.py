"""Finds the broken assets of a cooked database, with warnings for them and for fields without effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from engine.assets.asset_reader import texture_slots
from engine.assets.codes import AssetCode
from engine.assets.cook import CookedDb
from engine.assets.importers.blend_weights import BlendLayout
from engine.assets.importers.models.model_files import is_model
from engine.assets.importers.morph.source import MORPH
from engine.assets.problems import problem_from_json
from engine.assets.recipes import source_level
from engine.assets.records import (
    AssetDb,
    AssetRef,
    AssetType,
    Declared,
    Indices,
    LeftOut,
    Lod,
    Material,
    Mesh,
    Vertices,
)
from engine.assets.spirv.reflection import MATERIAL_SET, MATERIALS_BLOCK
from engine.humon import Code, Problem, Severity, suggestion

_MOVERS = (AssetType.ANIMATION, AssetType.MORPH_TARGETS)
"""Assets without which everything is drawn, but stays as it is."""


@dataclass(frozen=True, slots=True)
class BrokenAssets:
    """The broken assets of a database (`refs`), the slot of each texture, and all warnings."""

    refs: frozenset[AssetRef] = frozenset()
    slots: dict[AssetRef, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def find_broken_assets(
    cooked: CookedDb, stays: Callable[[AssetRef], bool] = lambda ref: False
) -> BrokenAssets:
    """Return the broken assets: a broken part breaks its whole mesh, a broken shader its material.

    `stays` says of a broken asset whether it is drawn in an earlier version: with such a shader, the material
    is drawn with all else that is new of it.
    """
    db = cooked.db
    broken = {db.assets[index].ref for index, entry in cooked.entries.items() if entry.failure}
    broken |= {asset.ref for asset in db.assets if isinstance(asset, LeftOut)}
    broken |= {db.assets[index].ref for index in cooked.refused}
    problems: dict[tuple[object, ...], Problem] = {}
    for problem in chain(_failures(cooked, stays), _mismatched_meshes(cooked, broken)):
        problems.setdefault((problem.code, problem.position, problem.message), problem)
    slots: dict[AssetRef, str] = {}
    incomplete: set[AssetRef] = set()
    for asset in db.assets:
        if isinstance(asset, Mesh) and broken:
            parts = [part for lod in asset.lods for part in (lod.vertices, lod.indices)]
            if any(part in broken for part in (*parts, asset.skeleton)):
                broken.add(asset.ref)
        elif isinstance(asset, Material):
            slots |= {ref: slot for slot, ref in asset.textures.items()}
            unusable = [ref for ref in asset.shaders if ref in broken or ref.index in cooked.refused]
            if unusable:
                incomplete.add(asset.ref)
            if not all(map(stays, unusable)):
                broken.add(asset.ref)
    useless = [
        *_derived_problems(cooked),
        *_bone_problems(cooked, broken),
        *_target_problems(cooked),
        *_unread_problems(cooked, broken | incomplete),
    ]
    refused = dict.fromkeys(cooked.refused.values())
    return BrokenAssets(frozenset(broken), slots, (*db.warnings, *refused, *problems.values(), *useless))


def _failures(cooked: CookedDb, stays: Callable[[AssetRef], bool]) -> Iterator[Problem]:
    """Yield one warning for all assets that fail for the same reason, and the problems in their sources."""
    db = cooked.db
    alike: dict[str, list[int]] = {}
    for index in sorted(index for index, entry in cooked.entries.items() if entry.failure or entry.warnings):
        entry = cooked.entries[index]
        alike.setdefault(repr((entry.failure, entry.warnings)), []).append(index)
    for indices in alike.values():
        entry = cooked.entries[indices[0]]
        found = [problem_from_json(row, db.root) for row in (*entry.failure, *entry.warnings)]
        asset, others = db.assets[indices[0]], len(indices) - 1
        node = db.node(asset.ref)
        place = node.get("source") or node.get("sources") or node
        if entry.failure:
            who = f"{asset.label} and {others} more are" if others else f"{asset.label} is"
            alone = not others
            moves = all(db.assets[index].type in _MOVERS for index in indices)
            as_it_was = all(stays(db.assets[index].ref) for index in indices)
            more = f" (and {len(entry.failure) - 1} more)" if len(entry.failure) > 1 else ""
            file = found[0].position.file if "sources" in node and found[0].position is not None else ""
            place = next((one for one in place if file.endswith(one.text)), place) if file else place
            file = "" if found[0].code == Code.FILE_MISSING else file  # which its message names
            if as_it_was:
                done = "stays as it was" if alone else "stay as they were"
            elif moves:
                done = "moves nothing" if alone else "move nothing"
            else:
                done = "replaced"
            if _is_in_model(found[0]):
                message = f"{found[0].message}{more}: {who} broken and {done}"
                found = [replace(found[0], message=message, severity=Severity.WARNING), *found[1:]]
            else:
                message = f"{who} broken and {done}: {file and file + ': '}{found[0].message}{more}"
                yield db.document.problem(AssetCode.BROKEN, message, place, found[0].help, Severity.WARNING)
        for problem in found:
            if problem.position is not None and problem.position.line:
                yield problem
            elif not entry.failure:  # others without a line are already in the warning above
                message = f"{asset.label}: {problem.message}"
                yield db.document.problem(problem.code, message, place, problem.help, problem.severity)


def _is_in_model(problem: Problem) -> bool:
    """Whether a problem has a line in a model: it is listed there, with what is broken by it."""
    place = problem.position
    return place is not None and bool(place.line) and is_model(Path(place.file))


def _mismatched_meshes(cooked: CookedDb, broken: set[AssetRef]) -> Iterator[Problem]:
    """Yield warnings for meshes whose indices lack vertices, and add them to `broken`.

    Within one level of detail of one source, the importer has checked that.
    """
    db = cooked.db
    for mesh in db.assets:
        if not isinstance(mesh, Mesh):
            continue
        for number, lod in enumerate(mesh.lods):
            if lod.vertices in broken or lod.indices in broken or _of_one_level(db, mesh, lod):
                continue
            indices, vertices = cooked.entries[lod.indices.index], cooked.entries[lod.vertices.index]
            assert indices.facts is not None
            assert vertices.facts is not None
            highest, count = indices.facts["highest"], vertices.facts["count"]
            if highest >= count:
                broken.add(mesh.ref)
                message = (
                    f"{mesh.label} is replaced: {db[lod.indices].label} has index {highest}, "
                    f"{db[lod.vertices].label} has {count} vertices"
                )
                advice = "take vertices and indices of one level of detail"
                document, place = db.document, db.node(mesh.ref)["lods"][number]
                yield document.problem(AssetCode.MESH_INDEX, message, place, advice, Severity.WARNING)


def _of_one_level(db: AssetDb, mesh: Mesh, lod: Lod) -> bool:
    """Whether vertices and indices are made of one level of detail of one source."""
    vertices, indices = db[lod.vertices], db[lod.indices]
    assert isinstance(vertices, Vertices)
    assert isinstance(indices, Indices)
    if vertices.source == indices.source == mesh.ref and len(mesh.lods) == 1:
        return True
    return source_level(db, vertices) == source_level(db, indices)


def _derived_problems(cooked: CookedDb) -> Iterator[Problem]:
    """Yield warnings for derived fields in the text that differ from the source."""
    places = {index: place for place, index in enumerate(cooked.entries)} if cooked.db.declared else {}
    for declared in cooked.db.declared:
        derived = _derived_value(cooked, declared, places)
        if derived is not None and derived != declared.value:
            given, actual = _plain(declared.value), _plain(derived)
            label = cooked.db[declared.ref].label
            message = f"{label} has {declared.field}: {given} instead of {actual}"
            advice = f"remove '{declared.field}': it is derived"
            document = cooked.db.document
            yield document.problem(AssetCode.DERIVED, message, declared.node, advice, Severity.WARNING)


def _bone_problems(cooked: CookedDb, broken: set[AssetRef]) -> Iterator[Problem]:
    """Yield warnings for levels of detail with other numBones than their mesh's skeleton has.

    And for those with other numBlendWeights than their vertices have. What is broken has its own problem.
    """
    for mesh in cooked.db.assets:
        if not isinstance(mesh, Mesh) or mesh.ref in broken:
            continue
        facts = None if mesh.skeleton is None else cooked.entries[mesh.skeleton.index].facts
        weights = [_weights_of(cooked.db, lod) for lod in mesh.lods]
        is_right = all(lod.num_blend_weights == own for lod, own in zip(mesh.lods, weights, strict=True))
        if is_right and (facts is None or all(lod.num_bones == facts["count"] for lod in mesh.lods)):
            continue
        lods = cooked.db.node(mesh.ref)["lods"]
        for lod, own, node in zip(mesh.lods, weights, lods, strict=True):
            found = [("numBlendWeights", lod.num_blend_weights, own)]
            found += [] if facts is None else [("numBones", lod.num_bones, facts["count"])]
            for name, given, actual in found:
                if name in node and given != actual:
                    message = f"{mesh.label} has {name}: {given} instead of {actual}"
                    advice = f"remove '{name}': it is derived"
                    document, place = cooked.db.document, node[name]
                    yield document.problem(AssetCode.DERIVED, message, place, advice, Severity.WARNING)


def _weights_of(db: AssetDb, lod: Lod) -> int:
    """Return how many bones each vertex of a level of detail follows, as the format of its vertices says."""
    vertices = db[lod.vertices]
    assert isinstance(vertices, Vertices)
    layout = BlendLayout.of(vertices.vertex_format)
    return 0 if layout is None else layout.weights


def _target_problems(cooked: CookedDb) -> Iterator[Problem]:
    """Yield warnings for meshes with targets of which a level of detail has no vertices that follow them."""
    db = cooked.db
    for mesh in db.assets:
        if not isinstance(mesh, Mesh) or mesh.targets is None:
            continue
        for number, lod in enumerate(mesh.lods):
            vertices = db[lod.vertices]
            assert isinstance(vertices, Vertices)
            if MORPH not in dict(vertices.vertex_format):
                message = f"{vertices.label} of {mesh.label} has no attribute '{MORPH}': no target moves it"
                advice = f"add `[{MORPH} r32_uint]` to its vertexFormat"
                place = db.node(mesh.ref)["lods"][number]
                yield db.document.problem(AssetCode.MESH_TARGET, message, place, advice, Severity.WARNING)


def _unread_problems(cooked: CookedDb, broken: set[AssetRef]) -> Iterator[Problem]:
    """Yield warnings for what of materials no shader reads, one for all materials alike."""
    alike: dict[tuple[str, str, tuple[AssetRef, ...]], list[Material]] = {}
    known: dict[tuple[AssetRef, ...], tuple[set[str], set[str], set[str]]] = {}
    for material in cooked.db.assets:
        if not isinstance(material, Material) or material.ref in broken:
            continue
        if material.shaders not in known:
            known[material.shaders] = _read_by(cooked, material.shaders)
        slots, parameters, constants = known[material.shaders]
        for slot in material.textures.keys() - slots:
            alike.setdefault(("slot", slot, material.shaders), []).append(material)
        for parameter in material.parameters.keys() - parameters:
            alike.setdefault(("parameter", parameter, material.shaders), []).append(material)
        if material.unlit and "isUnlit" not in constants:
            alike.setdefault(("field", "unlit", material.shaders), []).append(material)
    for (kind, name, shaders), materials in alike.items():
        node = cooked.db.node(materials[0].ref)
        place = node[name] if kind == "field" else None
        if place is None:
            place = dict(texture_slots(node))[name] if kind == "slot" else node["parameters"][name]
        more = f" and {len(materials) - 1} more have" if len(materials) > 1 else " has"
        message = f"{materials[0].label}{more} the {kind} '{name}', which none of its shaders reads"
        advice = "" if kind == "field" else suggestion(name, known[shaders][kind == "parameter"])
        if name in _FULL:
            advice = "builtin:material/fullMaterial.*.glsl are shaders that read it"
        advice = advice or "remove it"
        yield cooked.db.document.problem(AssetCode.UNREAD, message, place, advice, Severity.WARNING)


_FULL = frozenset(
    (
        *("unlit", "ior", "specular", "specularColor", "clearcoat", "clearcoatRoughness"),
        *("clearcoatNormal", "clearcoatNormalScale"),
    )
)
"""What the shaders of the full material read beyond those of the default one."""


def _read_by(cooked: CookedDb, shaders: tuple[AssetRef, ...]) -> tuple[set[str], set[str], set[str]]:
    """Return the texture slots and the parameters that shaders read, and the constants that they declare."""
    slots: set[str] = set()
    parameters: set[str] = set()
    constants: set[str] = set()
    for shader in shaders:
        facts = cooked.entries[shader.index].facts
        constants.update(
            one["name"] for one in (facts["reflection"]["constants"] if facts is not None else ())
        )
        for binding in facts["reflection"]["bindings"] if facts is not None else ():
            if binding["set"] == MATERIAL_SET:
                slots.add(binding["name"])
            elif binding["type"] == MATERIALS_BLOCK:
                parameters.update(
                    member["name"] for row in binding["members"][:1] for member in row["members"]
                )
    return slots, parameters, constants


def _derived_value(cooked: CookedDb, declared: Declared, places: dict[int, int]) -> tuple[int, ...] | None:
    entry = cooked.entries[declared.ref.index]
    if entry.failure or entry.facts is None:
        return None
    if declared.field == "cacheIndex":
        return (places[declared.ref.index],)
    if declared.field == "cacheOffset":
        return (entry.offset,)
    if declared.field == "cacheSize":
        return (entry.size,)
    if declared.field == "numBones":
        return (entry.facts["count"],)
    return (entry.facts["width"], entry.facts["height"])


def _plain(value: tuple[int, ...]) -> str:
    return str(value[0]) if len(value) == 1 else "[" + " ".join(map(str, value)) + "]"
