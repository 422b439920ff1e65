"""Describes a glTF file as assets and objects: each node is an object, each primitive a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.gltf import (
    Gltf,
    GltfCode,
    GltfMaterial,
    GltfNode,
    GltfSkin,
    Item,
    read_accessor,
    read_material,
    read_nodes,
    read_skin,
    targets_of,
)
from engine.gltf.json_places import pointer_of
from engine.gltf.limits import MAX_DISTANCE, MAX_NODES
from engine.gltf.naming import Given, Names, drawn_names, node_names
from engine.humon import Problem, ProblemCollector
from engine.scene.models.description import Box, ModelFile, Plain
from engine.scene.models.gltf_materials import Find, Textures, material_record, with_shaders
from engine.scene.models.gltf_meshes import SkinUse, mesh_records, triangle_count, warn_of_coordinates
from engine.scene.models.gltf_views import camera_feature, light_feature
from engine.scene.models.keeping import Own, Wrong, keep_wrong
from engine.scene.models.placement import matrix_of, placed, rounded, worlds_of

MODEL = "model"
"""The object that all nodes are below; clips move what is below it, skins find their joints there."""

_FIELDS = {
    **dict.fromkeys(("mesh", "skin", "instances", "weights"), Own.MODEL),
    "transform": Own.TRANSFORM,
    "camera": Own.CAMERA,
    "light": Own.LIGHT,
    "children": Own.CHILDREN,
}
"""What of an object each field of a node is."""


@dataclass(frozen=True, slots=True)
class _Material:
    """A material: its record, its values, and whether nothing of it is wrong."""

    record: Plain
    values: GltfMaterial
    is_whole: bool


def describe_gltf(
    gltf: Gltf, source: str, db: str, find: Find, earlier: ModelFile | None = None
) -> ModelFile:
    """Return the assets and objects of a glTF file.

    `source` is its name beside the text that will name it, `db` the name of the database that is made;
    `find` says whether the file of an image is there, and raises FileRejectedError for one that must not be
    used. What is broken is left out, or as in an `earlier` version of the file, with its problem. Raises
    InputError where nothing can be said, as for nodes that are no list.
    """
    description = _Description(gltf, source, db, find, earlier, {})
    found = description.describe()
    if earlier is None or not description.wrong.is_any:
        return found
    # what is not there now may have had a name that another asset would get
    description = _Description(gltf, source, db, find, earlier, earlier.names)
    return keep_wrong(description.describe(), earlier, description.wrong)


class _Description:
    """The assets and objects while they are collected."""

    def __init__(
        self,
        gltf: Gltf,
        source: str,
        db: str,
        find: Find,
        earlier: ModelFile | None,
        names: Mapping[str, Given],
    ) -> None:
        """`names` are those of assets in the earlier version, by type."""
        self.wrong = Wrong()
        known = () if earlier is None else earlier.assets
        self._known = {record["name"] for record in known if record["@type"] == "material"}
        self._gltf = gltf
        self._source = source
        self._db = db
        self._problems = ProblemCollector()
        self._tree = read_nodes(gltf.root, () if earlier is None else earlier.roots)
        self._problems.problems += self._tree.problems
        self._nodes = self._tree.by_number
        self._worlds = worlds_of(self._tree)
        self._node_names, taken = node_names(self._nodes)
        self._drawn_names = drawn_names(gltf.root, self._nodes, taken)
        kinds = ("mesh", "material", "skeleton", "animation", "texture2d")
        self._names = {kind: Names(names.get(kind, {})) for kind in kinds}
        self._textures = Textures(source, find, self._names["texture2d"])
        self._materials: dict[int, _Material] = {}
        self._skins: dict[int, SkinUse | None] = {}
        self._skeletons: set[str] = set()
        self._read_skins: dict[int, GltfSkin | None] = {}
        self._models: set[str] = set()
        self._parts: dict[str, tuple[str, ...]] = {}
        self._assets: list[Plain] = []
        self._triangles: dict[str, int] = {}
        self._box = Box.around(np.zeros((0, 3)))
        self._has_lights = False

    def describe(self) -> ModelFile:
        """Return everything."""
        objects: Plain = {}
        self._add_clips()
        for root in self._tree.roots:
            name = self._node_names[root]
            objects[name] = self._object(self._nodes[root], f"{MODEL}/{name}")
        if self._tree.lacks_roots:
            self._note(MODEL, Own.CHILDREN)
        model: Plain = {}
        clips = [record["name"] for record in self._assets if record["@type"] == "animation"]
        if clips:
            model["features"] = [{"@type": "animation", "clip": [self._db, clips[0]]}]
        model["objects"] = objects
        self.wrong.textures = self._textures.wrong
        found = (*self._problems.problems, *self._gltf.warnings)
        assets = with_shaders([*self._assets, *self._textures.records])
        objects = {MODEL: model}
        box, lit = self._box, self._has_lights
        names = {kind: each.given for kind, each in self._names.items()}
        of_nodes = self._triangles, self._parts, names, self._tree.roots
        return ModelFile(assets, objects, box, lit, _once(found), *of_nodes)

    @property
    def _faults(self) -> int:
        """How much was found that is wrong so far."""
        return len(self._problems.problems) + len(self._gltf.notes.faults)

    def _note(self, path: str, own: Own) -> None:
        """Note that something of an object is wrong."""
        self.wrong.objects.setdefault(path, set()).add(own)

    def _object(self, node: GltfNode, path: str) -> Plain:
        """Return the object of a node with all below it."""
        found = placed(node.transform)
        below: Plain = {}
        features: list[Plain] = []
        for name in node.wrong:
            self._note(path, _FIELDS[name])
        if node.mesh is not None:
            names: set[str] | None = None
            with self._problems.catching():
                names = self._add_models(node, path, features, below)
            if names is None or names & (self.wrong.meshes.keys() | self.wrong.skins.keys()):
                self._note(path, Own.MODEL)
        known = self._faults
        with self._problems.catching():
            if node.camera is not None:
                features.append(camera_feature(node.camera))
        if self._faults > known:
            self._note(path, Own.CAMERA)
        known = self._faults
        with self._problems.catching():
            if node.light is not None:
                features.append(light_feature(node.light))
                self._has_lights = True
        if self._faults > known:
            self._note(path, Own.LIGHT)
        for child in node.children:
            name = self._node_names[child]
            below[name] = self._object(self._nodes[child], f"{path}/{name}")
        if features:
            found["features"] = features
        if below:
            found["objects"] = below
        return found

    def _add_models(self, node: GltfNode, path: str, features: list[Plain], below: Plain) -> set[str]:
        """Add what a node draws: to its own features, or as objects below it where that is more than one.

        Returns the names of the models.
        """
        assert node.mesh is not None
        mesh = self._gltf.root.required("meshes").element(node.mesh)
        primitives = mesh.required("primitives").elements()
        used = [self._model_name(node, mesh, primitive) for primitive in primitives]
        parts = [self._drawn(*each, node) for each in zip(primitives, used, strict=True)]
        if node.index not in self._drawn_names:
            features += parts[0] or []
            return set(used)
        self._parts[path] = tuple(self._drawn_names[node.index])
        places = (None,) if node.instances is None else node.instances
        if len(self._drawn_names[node.index]) < len(parts) * len(places):
            raise node.item.failure(GltfCode.LIMIT, f"with its parts there are more than {MAX_NODES} objects")
        names = iter(self._drawn_names[node.index])
        for place in places:
            for part in parts:
                name = next(names)
                if part is not None:
                    below[name] = ({} if place is None else placed(place)) | {"features": part}
        return set(used)

    def _model_name(self, node: GltfNode, mesh: Item, primitive: Item) -> str:
        """Return the name of the model that a node draws of a primitive, broken or not."""
        key = mesh.index, primitive.index, node.skin
        return self._names["mesh"].of(key, mesh.name, f"mesh{mesh.index}")

    def _drawn(self, primitive: Item, name: str, node: GltfNode) -> list[Plain] | None:
        """Return the features that draw a primitive as the model of a name; None for one that is broken.

        That is noted.
        """
        with self._problems.catching():
            if name not in self._models:
                self.wrong.meshes[name] = pointer_of(primitive.path)
                if self._add_model(node, primitive, name):
                    del self.wrong.meshes[name]
                self._models.add(name)
            with self._problems.catching():
                self._measure(node, primitive)
            features: list[Plain] = [
                {"@type": "visibleModel", "asset": [self._db, name]},
                {"@type": "shadowCaster"},
            ]
            if node.skin is not None and self._skin(node.skin) is not None:
                features.append({"@type": "skin", "bones": MODEL})
            elif node.skin is not None or "skin" in node.wrong:
                self.wrong.skins[name] = "" if node.skin is None else f"/skins/{node.skin}"
            if targets_of(primitive):
                weights = [rounded(weight) for weight in node.weights]
                features.append({"@type": "morph"} | ({"weights": weights} if weights else {}))
            return features
        return None

    def _add_model(self, node: GltfNode, primitive: Item, name: str) -> bool:
        """Add the assets of a primitive: a model of this name and what that is made of.

        Returns whether nothing of its mesh is wrong.
        """
        record, material = self._material(primitive, name)
        skin = None if node.skin is None else self._skin(node.skin)
        known = self._faults
        records = mesh_records(primitive, name, self._source, material, skin)
        warn_of_coordinates(primitive, material)
        self._assets.append({"@type": "model", "name": name, "mesh": name, "material": record["name"]})
        self._assets += records
        self._triangles[name] = triangle_count(primitive)
        if skin is not None and skin.skeleton not in self._skeletons:
            self._skeletons.add(skin.skeleton)
            part = f"/skins/{node.skin}"
            self._assets.append({"@type": "skeleton", "name": skin.skeleton, "source": name, "part": part})
        return self._faults == known

    def _material(self, primitive: Item, model: str) -> tuple[Plain, GltfMaterial]:
        """Return the record and values of a primitive's material, added where they are new."""
        given = primitive.get("material")
        item = None
        if given is not None:
            item = self._problems.attempt(lambda: given.reference("materials"), None)
        if given is not None and item is None:
            self.wrong.materials.add(model)
        index = -1 if item is None else item.index
        if index not in self._materials:
            known = self._faults
            material = GltfMaterial() if item is None else read_material(item)
            otherwise = "material" if item is None else f"material{index}"
            name = self._names["material"].of(index, material.name, otherwise)
            is_kept = name in self._known
            material = self._textures.without_broken(material, self._problems, must_exist=is_kept)
            record = material_record(material, name, self._textures)
            self._assets.append(record)
            self._materials[index] = _Material(record, material, is_whole=self._faults == known)
        found = self._materials[index]
        if not found.is_whole:
            self.wrong.materials.add(model)
            self.wrong.records.add(found.record["name"])
        return found.record, found.values

    def _skin(self, index: int) -> SkinUse | None:
        """Return a skin. A broken one is None, which is noted, and the meshes stay as they are."""
        if index not in self._skins:
            item = self._gltf.root.required("skins").element(index)
            found = self._problems.attempt(lambda: read_skin(item), None)
            self._read_skins[index], self._skins[index] = found, None
            if found is not None:
                name = self._names["skeleton"].of(index, item.name, f"skin{index}")
                self._skins[index] = SkinUse(name, len(found.joints))
        return self._skins[index]

    def _measure(self, node: GltfNode, primitive: Item) -> None:
        """Let the box hold a primitive at its places; one with a skin is where its first joint has it."""
        accessor = primitive.required("attributes").required("POSITION").reference("accessors")
        low, high = accessor.get("min"), accessor.get("max")
        if low is not None and high is not None and accessor.get("normalized") is None:
            box = Box(np.array(low.vector(3)), np.array(high.vector(3)))
        else:
            box = Box.around(read_accessor(accessor, "VEC3").astype(np.float64))
        world = self._worlds[node.index]
        skin = None if node.skin is None else self._read_skins[node.skin]
        if skin is not None:
            world = skin.bind[0].T.astype(np.float64) @ self._worlds.get(skin.joints[0], np.identity(4))
        places = [np.identity(4)] if node.instances is None else [matrix_of(each) for each in node.instances]
        for place in places:
            with np.errstate(over="ignore", invalid="ignore"):
                matrix = place @ world
                corners = box.corners() @ matrix[:3, :3] + matrix[3, :3]
            if not (np.abs(corners) <= MAX_DISTANCE).all():
                message = f"positions are beyond {MAX_DISTANCE:g} m; the camera does not frame them"
                raise accessor.failure(GltfCode.ACCESSOR, message)
            self._box = self._box.joined(Box.around(corners))

    def _add_clips(self) -> None:
        for item in self._gltf.array("animations"):
            name = self._names["animation"].of(item.index, item.name, f"animation{item.index}")
            part = f"/animations/{item.index}"
            self._assets.append({"@type": "animation", "name": name, "source": self._source, "part": part})


def _once(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problems))
