"""Keeps what is wrong in a model file that is saved while it is drawn as it was in the version before.

Parts with data need no more than the records that they had: what is wrong makes no data, so that the library
keeps that, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from engine.scene.models.description import Box, ModelFile, Plain
from engine.scene.models.gltf_materials import with_shaders

_Key = tuple[str, str]
"""A record by type and name."""

_PLACE = ("translation", "rotation", "scale")
_OF_MODEL = ("model", "mesh", "vertices", "indices", "morphTargets")


class Own(StrEnum):
    """What an object of a model file has by itself."""

    TRANSFORM = "transform"
    MODEL = "model"
    CAMERA = "camera"
    LIGHT = "light"
    CHILDREN = "children"


_KINDS = {
    **dict.fromkeys(("visibleModel", "shadowCaster", "skin", "morph"), Own.MODEL),
    "camera": Own.CAMERA,
    "light": Own.LIGHT,
}
"""What each type of feature belongs to, in the order in which objects have them."""

_ORDER = {name: place for place, name in enumerate(_KINDS)}


@dataclass
class Wrong:
    """What of a description is wrong in the file.

    `objects` are what objects have of themselves, by their paths. `meshes` and `skins` are models of which
    the mesh or the skin is wrong, by their names, with the parts of the file that these are made of;
    `materials` models with a wrong material. `textures` and `records` are the names of textures and materials
    themselves.
    """

    objects: dict[str, set[Own]] = field(default_factory=dict)
    meshes: dict[str, str] = field(default_factory=dict)
    skins: dict[str, str] = field(default_factory=dict)
    materials: set[str] = field(default_factory=set)
    textures: set[str] = field(default_factory=set)
    records: set[str] = field(default_factory=set)

    @property
    def is_any(self) -> bool:
        """Whether anything is."""
        return bool(self.objects or self.meshes or self.skins or self.materials)


def keep_wrong(now: ModelFile, earlier: ModelFile, wrong: Wrong) -> ModelFile:
    """Return a description with what is wrong in it as an earlier one has it, if that has it.

    What was not there before stays as it is.
    """
    return _Keeping(now, earlier, wrong).kept() if wrong.is_any else now


class _Keeping:
    """One description while what is wrong in it is replaced."""

    def __init__(self, now: ModelFile, earlier: ModelFile, wrong: Wrong) -> None:
        self._now = now
        self._earlier = earlier
        self._wrong = wrong
        self._records = {_key(record): record for record in now.assets}
        self._before = {_key(record): record for record in earlier.assets}
        self._names = {name for name, _ in _objects(now.objects)}
        self._parts = {**earlier.parts, **now.parts}  # objects that are kept are not in the present file

    def kept(self) -> ModelFile:
        """Return the description with what was kept."""
        for name in {**self._wrong.meshes, **self._wrong.skins, **dict.fromkeys(self._wrong.materials)}:
            self._keep_model(name)
        objects = self._below(self._now.objects, self._earlier.objects, "")
        features = [feature for _, one in _objects(objects) for feature in _features(one)]
        for feature in features:
            if feature["@type"] == "visibleModel":
                self._complete(("model", feature["asset"][1]))
        self._leave_unused()
        lit = any(feature["@type"] == "light" for feature in features)
        return replace(
            self._now,
            assets=with_shaders(self._records.values()),
            objects=objects,
            box=self._box(),
            has_lights=lit,
            triangles={**self._earlier.triangles, **self._now.triangles},
            parts=self._parts,
            names={
                kind: {**self._earlier.names.get(kind, {}), **names}
                for kind, names in self._now.names.items()
            },
        )

    def _box(self) -> Box:
        """Return the box to frame: as before where it is not known how large what is wrong would be."""
        wrong = self._wrong
        is_unknown = bool(wrong.objects or wrong.meshes or wrong.skins)
        return self._earlier.box if is_unknown else self._now.box.joined(self._earlier.box)

    def _keep_model(self, name: str) -> None:
        """Take the records of a model as they were; its mesh is still made of its part of the file."""
        wrong, before = self._wrong, self._before
        mesh, known = before.get(("mesh", name)), self._records.get(("mesh", name))
        if mesh is None or ("model", name) not in before:
            return
        if known is not None and name not in wrong.meshes and not _is_alike(mesh, known):
            return  # it draws something else than it did, for which the material was not made
        part = wrong.meshes.get(name) or (known or mesh)["part"]
        for kind in _OF_MODEL:
            if (kind, name) in before:
                self._records[kind, name] = before[kind, name]
            else:
                self._records.pop((kind, name), None)
        self._records["mesh", name] = {**mesh, "part": part}
        skeleton = mesh.get("skeleton")
        if skeleton and name in wrong.skins and ("skeleton", skeleton) in before:
            record = before["skeleton", skeleton]
            self._records["skeleton", skeleton] = {**record, "part": wrong.skins[name] or record["part"]}
        material = before["material", before["model", name]["material"]]
        is_there = _key(material) in self._records and material["name"] not in wrong.records
        if name in wrong.materials and not is_there:
            self._records[_key(material)] = material
            for texture in material["textures"].values():
                if texture in wrong.textures and ("texture2d", texture) in before:
                    self._records["texture2d", texture] = before["texture2d", texture]

    def _complete(self, key: _Key) -> None:
        """Take a record, and all that it names, as they were where they are not there now."""
        todo = [key]
        done: set[_Key] = set()
        while todo:
            one = todo.pop()
            if one in done:
                continue
            done.add(one)
            if one not in self._records and one in self._before:
                self._records[one] = self._before[one]
            if one in self._records:
                todo += _named(self._records[one])

    def _leave_unused(self) -> None:
        """Leave out textures, and materials that are wrong, with which nothing is drawn now."""
        records = self._records
        used = {record["material"] for (kind, _), record in records.items() if kind == "model"}
        for name in self._wrong.records - used:
            records.pop(("material", name), None)
        read = {
            texture
            for (kind, _), record in records.items()
            if kind == "material"
            for texture in record["textures"].values()
        }
        for key in [key for key in records if key[0] == "texture2d" and key[1] not in read]:
            del records[key]

    def _below(self, now: Plain, earlier: Plain, path: str) -> Plain:
        """Return objects by their names, with what was kept of those that were there before."""
        found: Plain = {}
        for name, one in now.items():
            below = f"{path}/{name}" if path else name
            before = earlier.get(name)
            found[name] = one if before is None else self._object(one, before, below)
        return found

    def _object(self, now: Plain, earlier: Plain, path: str) -> Plain:
        """Return an object with what was kept of it and of those below it."""
        kinds = self._wrong.objects.get(path, set[Own]())
        found = {key: value for key, value in now.items() if key not in ("features", "objects")}
        if Own.TRANSFORM in kinds:
            found = {key: value for key, value in found.items() if key not in _PLACE}
            found |= {key: earlier[key] for key in _PLACE if key in earlier}
        kept = [one for one in _features(earlier) if _KINDS.get(one["@type"]) in kinds]
        stays = [one for one in _features(now) if _KINDS.get(one["@type"]) not in kinds]
        features = stays
        if kinds:
            features = sorted((*stays, *kept), key=lambda one: _ORDER.get(one["@type"], 0))
        below: Plain = self._below(now.get("objects", {}), earlier.get("objects", {}), path)
        before: Plain = earlier.get("objects", {})
        parts = self._earlier.parts.get(path, ())
        if Own.MODEL in kinds:
            below = {name: one for name, one in below.items() if name not in self._parts.get(path, ())}
            below |= {name: before[name] for name in parts if name in before}
            self._parts[path] = parts
        if Own.CHILDREN in kinds:
            gone = (name for name in before if name not in self._names and name not in parts)
            below |= {name: before[name] for name in gone}
        return found | ({"features": features} if features else {}) | ({"objects": below} if below else {})


def _key(record: Plain) -> _Key:
    return record["@type"], record["name"]


def _is_alike(one: Plain, other: Plain) -> bool:
    """Whether two meshes draw the same kind of primitives."""
    return bool(one["lods"][0]["topology"] == other["lods"][0]["topology"])


def _named(record: Plain) -> Iterator[_Key]:
    """Yield the records that one names."""
    kind = record["@type"]
    if kind == "model":
        yield from (("mesh", record["mesh"]), ("material", record["material"]))
    elif kind == "mesh":
        for lod in record["lods"]:
            yield from (("vertices", lod["vertices"]), ("indices", lod["indices"]))
        yield from (("skeleton", record[key]) for key in ("skeleton",) if key in record)
        yield from (("morphTargets", record[key]) for key in ("targets",) if key in record)
    elif kind == "skeleton":
        yield "mesh", record["source"]
    elif kind == "material":
        yield from (("texture2d", name) for name in record["textures"].values())


def _features(one: Plain) -> list[Plain]:
    found: list[Plain] = one.get("features", [])
    return found


def _objects(objects: Mapping[str, Plain]) -> Iterator[tuple[str, Plain]]:
    """Yield all objects: the name of each, and what it is."""
    todo = [objects]
    while todo:
        for name, one in todo.pop().items():
            yield name, one
            if "objects" in one:
                todo.append(one["objects"])
