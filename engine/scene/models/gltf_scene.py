"""Describes a glTF file as assets and objects: each node is an object, each primitive a model."""

from __future__ import annotations

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
from engine.gltf.limits import MAX_DISTANCE, MAX_NODES
from engine.gltf.naming import Names, drawn_names, node_names
from engine.humon import Problem, ProblemCollector
from engine.scene.models.description import Box, ModelFile, Plain
from engine.scene.models.gltf_materials import Find, Textures, material_record, shaders_for
from engine.scene.models.gltf_meshes import SkinUse, mesh_records, triangle_count, warn_of_coordinates
from engine.scene.models.gltf_views import camera_feature, light_feature
from engine.scene.models.placement import matrix_of, placed, rounded, worlds_of

MODEL = "model"
"""The object that all nodes are below; clips move what is below it, skins find their joints there."""


def describe_gltf(gltf: Gltf, source: str, db: str, find: Find) -> ModelFile:
    """Return the assets and objects of a glTF file.

    `source` is its name beside the text that will name it, `db` the name of the database that is made;
    `find` raises FileRejectedError for the name of an image's file that must not be used. What is broken is
    left out, with its problem. Raises InputError where nothing can be said, as for nodes that are no list.
    """
    return _Description(gltf, source, db, find).describe()


class _Description:
    """The assets and objects while they are collected."""

    def __init__(self, gltf: Gltf, source: str, db: str, find: Find) -> None:
        self._gltf = gltf
        self._source = source
        self._db = db
        self._problems = ProblemCollector()
        self._tree = read_nodes(gltf.root)
        self._problems.problems += self._tree.problems
        self._nodes = self._tree.by_number
        self._worlds = worlds_of(self._tree)
        self._node_names, names = node_names(self._nodes)
        self._drawn_names = drawn_names(gltf.root, self._nodes, names)
        self._textures = Textures(source, find)
        self._materials: dict[int, tuple[Plain, GltfMaterial]] = {}
        self._names = {kind: Names() for kind in ("mesh", "material", "skeleton", "animation")}
        self._skins: dict[int, SkinUse | None] = {}
        self._skeletons: set[str] = set()
        self._read_skins: dict[int, GltfSkin | None] = {}
        self._models: dict[tuple[int, int, int | None], str] = {}
        self._assets: list[Plain] = []
        self._triangles: dict[str, int] = {}
        self._box = Box.around(np.zeros((0, 3)))
        self._has_lights = False

    def describe(self) -> ModelFile:
        """Return everything."""
        objects: Plain = {}
        self._add_clips()
        for root in self._tree.roots:
            objects[self._node_names[root]] = self._object(self._nodes[root])
        model: Plain = {}
        clips = [record["name"] for record in self._assets if record["@type"] == "animation"]
        if clips:
            model["features"] = [{"@type": "animation", "clip": [self._db, clips[0]]}]
        model["objects"] = objects
        found = (*self._problems.problems, *self._gltf.warnings)
        assets = [*self._assets, *self._textures.records]
        return ModelFile(assets, {MODEL: model}, self._box, self._has_lights, _once(found), self._triangles)

    def _object(self, node: GltfNode) -> Plain:
        """Return the object of a node with all below it."""
        found = placed(node.transform)
        below: Plain = {}
        features: list[Plain] = []
        if node.mesh is not None:
            with self._problems.catching():
                self._add_models(node, features, below)
        with self._problems.catching():
            if node.camera is not None:
                features.append(camera_feature(node.camera))
        with self._problems.catching():
            if node.light is not None:
                features.append(light_feature(node.light))
                self._has_lights = True
        for child in node.children:
            below[self._node_names[child]] = self._object(self._nodes[child])
        if features:
            found["features"] = features
        if below:
            found["objects"] = below
        return found

    def _add_models(self, node: GltfNode, features: list[Plain], below: Plain) -> None:
        """Add what a node draws: to its own features, or as objects below it where that is more than one."""
        assert node.mesh is not None
        mesh = self._gltf.root.required("meshes").element(node.mesh)
        parts = [self._drawn(node, primitive) for primitive in mesh.required("primitives").elements()]
        if node.index not in self._drawn_names:
            features += parts[0] or []
            return
        places = (None,) if node.instances is None else node.instances
        if len(self._drawn_names[node.index]) < len(parts) * len(places):
            raise node.item.failure(GltfCode.LIMIT, f"with its parts there are more than {MAX_NODES} objects")
        names = iter(self._drawn_names[node.index])
        for place in places:
            for part in parts:
                name = next(names)
                if part is not None:
                    below[name] = ({} if place is None else placed(place)) | {"features": part}

    def _drawn(self, node: GltfNode, primitive: Item) -> list[Plain] | None:
        """Return the features that draw a primitive; None for one that is broken, which is noted."""
        with self._problems.catching():
            key = node.mesh or 0, primitive.index, node.skin
            if key not in self._models:
                self._models[key] = self._add_model(node, primitive)
            with self._problems.catching():
                self._measure(node, primitive)
            features: list[Plain] = [
                {"@type": "visibleModel", "asset": [self._db, self._models[key]]},
                {"@type": "shadowCaster"},
            ]
            if node.skin is not None and self._skin(node.skin) is not None:
                features.append({"@type": "skin", "bones": MODEL})
            if targets_of(primitive):
                weights = [rounded(weight) for weight in node.weights]
                features.append({"@type": "morph"} | ({"weights": weights} if weights else {}))
            return features
        return None

    def _add_model(self, node: GltfNode, primitive: Item) -> str:
        """Add the assets of a primitive, and return the name of its model."""
        mesh = self._gltf.root.required("meshes").element(node.mesh or 0)
        name = self._names["mesh"].free(mesh.name, f"mesh{mesh.index}")
        record, material = self._material(primitive)
        skin = None if node.skin is None else self._skin(node.skin)
        records = mesh_records(primitive, name, self._source, material, skin)
        warn_of_coordinates(primitive, material)
        if "COLOR_0" in primitive.required("attributes").value:
            record["shaders"] = shaders_for(record, has_colors=True)
        self._assets.append({"@type": "model", "name": name, "mesh": name, "material": record["name"]})
        self._assets += records
        self._triangles[name] = triangle_count(primitive)
        if skin is not None and skin.skeleton not in self._skeletons:
            self._skeletons.add(skin.skeleton)
            part = f"/skins/{node.skin}"
            self._assets.append({"@type": "skeleton", "name": skin.skeleton, "source": name, "part": part})
        return name

    def _material(self, primitive: Item) -> tuple[Plain, GltfMaterial]:
        """Return the record and values of a primitive's material, added where they are new."""
        given = primitive.get("material")
        item = None
        if given is not None:
            item = self._problems.attempt(lambda: given.reference("materials"), None)
        index = -1 if item is None else item.index
        if index not in self._materials:
            material = GltfMaterial() if item is None else read_material(item)
            name = self._names["material"].free(
                material.name, "material" if item is None else f"material{index}"
            )
            material = self._textures.without_broken(material, self._problems)
            record = material_record(material, name, self._textures)
            self._assets.append(record)
            self._materials[index] = record, material
        return self._materials[index]

    def _skin(self, index: int) -> SkinUse | None:
        """Return a skin. A broken one is None, which is noted, and the meshes stay as they are."""
        if index not in self._skins:
            item = self._gltf.root.required("skins").element(index)
            found = self._problems.attempt(lambda: read_skin(item), None)
            self._read_skins[index], self._skins[index] = found, None
            if found is not None:
                name = self._names["skeleton"].free(item.name, f"skin{index}")
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
            name = self._names["animation"].free(item.name, f"animation{item.index}")
            part = f"/animations/{item.index}"
            self._assets.append({"@type": "animation", "name": name, "source": self._source, "part": part})


def _once(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problems))
