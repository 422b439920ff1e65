"""Describes a glTF file as assets and objects: each node is an object, each primitive a model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from engine.gltf import (
    Gltf,
    GltfMaterial,
    GltfNode,
    Item,
    Transform,
    read_accessor,
    read_material,
    read_nodes,
    read_skin,
)
from engine.gltf.naming import Names, drawn_names, node_names
from engine.humon import Problem, ProblemCollector
from engine.math import compose
from engine.scene.models.description import Box, ModelFile, Plain
from engine.scene.models.gltf_materials import Textures, material_record, shaders_for
from engine.scene.models.gltf_meshes import SkinUse, mesh_records

MODEL = "model"
"""The object that all nodes are below; clips move what is below it, skins find their joints there."""


def describe_gltf(gltf: Gltf, source: str, db: str) -> ModelFile:
    """Return the assets and objects of a glTF file.

    `source` is its name beside the text that will name it, `db` the name of the database that is made. What
    is broken is left out, with its problem. Raises InputError where nothing can be said, as for nodes in a
    circle.
    """
    return _Description(gltf, source, db).describe()


class _Description:
    """The assets and objects while they are collected."""

    def __init__(self, gltf: Gltf, source: str, db: str) -> None:
        self._gltf = gltf
        self._source = source
        self._db = db
        self._problems = ProblemCollector()
        self._nodes, self._roots = read_nodes(gltf.root)
        self._worlds = _worlds(self._nodes, self._roots)
        self._node_names, names = node_names(self._nodes)
        self._drawn_names = drawn_names(gltf.root, self._nodes, names)
        self._textures = Textures(source)
        self._materials: dict[int, tuple[Plain, GltfMaterial]] = {}
        self._names = {kind: Names() for kind in ("mesh", "material", "skeleton", "animation")}
        self._skins: dict[int, SkinUse] = {}
        self._models: dict[tuple[int, int, int | None], str] = {}
        self._assets: list[Plain] = []
        self._box = Box.around(np.zeros((0, 3)))
        self._has_lights = False

    def describe(self) -> ModelFile:
        """Return everything."""
        objects: Plain = {}
        self._add_clips()
        for root in self._roots:
            objects[self._node_names[root]] = self._object(self._nodes[root])
        model: Plain = {}
        clips = [record["name"] for record in self._assets if record["@type"] == "animation"]
        if clips:
            model["features"] = [{"@type": "animation", "clip": [self._db, clips[0]]}]
        model["objects"] = objects
        found = (*self._problems.problems, *self._gltf.warnings)
        assets = [*self._assets, *self._textures.records]
        return ModelFile(assets, {MODEL: model}, self._box, self._has_lights, _once(found))

    def _object(self, node: GltfNode) -> Plain:
        """Return the object of a node with all below it."""
        found = _placed(node.transform)
        below: Plain = {}
        features: list[Plain] = []
        if node.mesh is not None:
            with self._problems.catching():
                self._add_models(node, features, below)
        for feature in (self._camera(node), self._light(node)):
            if feature is not None:
                features.append(feature)
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
        mesh = self._gltf.array("meshes")[node.mesh]
        parts = [self._drawn(node, primitive) for primitive in mesh.required("primitives").elements()]
        if node.index not in self._drawn_names:
            features += parts[0] or []
            return
        names = iter(self._drawn_names[node.index])
        for place in (None,) if node.instances is None else node.instances:
            for part in parts:
                name = next(names)
                if part is not None:
                    below[name] = ({} if place is None else _placed(place)) | {"features": part}

    def _drawn(self, node: GltfNode, primitive: Item) -> list[Plain] | None:
        """Return the features that draw a primitive; None for one that is broken, which is noted."""
        with self._problems.catching():
            key = node.mesh or 0, primitive.index, node.skin
            if key not in self._models:
                self._models[key] = self._add_model(node, primitive)
            self._measure(node, primitive)
            features: list[Plain] = [
                {"@type": "visibleModel", "asset": [self._db, self._models[key]]},
                {"@type": "shadowCaster"},
            ]
            if node.skin is not None:
                features.append({"@type": "skin", "bones": MODEL})
            if primitive.children("targets"):
                features.append(
                    {"@type": "morph"} | ({"weights": list(node.weights)} if node.weights else {})
                )
            return features
        return None

    def _add_model(self, node: GltfNode, primitive: Item) -> str:
        """Add the assets of a primitive, and return the name of its model."""
        mesh = self._gltf.array("meshes")[node.mesh or 0]
        name = self._names["mesh"].free(mesh.name, f"mesh{mesh.index}")
        record, material = self._material(primitive)
        if "COLOR_0" in dict(primitive.required("attributes").members()):
            record["shaders"] = shaders_for(record, has_colors=True)
        skin = None if node.skin is None else self._skin(node.skin, name)
        self._assets.append({"@type": "model", "name": name, "mesh": name, "material": record["name"]})
        self._assets += mesh_records(primitive, name, self._source, material, skin)
        return name

    def _material(self, primitive: Item) -> tuple[Plain, GltfMaterial]:
        """Return the record and values of a primitive's material, added where they are new."""
        given = primitive.get("material")
        item = None if given is None else given.reference("materials")
        index = -1 if item is None else item.index
        if index not in self._materials:
            material = GltfMaterial()
            if item is not None:
                material = self._problems.attempt(lambda: read_material(item), material)
            name = self._names["material"].free(
                material.name, "material" if item is None else f"material{index}"
            )
            record = self._problems.attempt(lambda: material_record(material, name, self._textures), None)
            if record is None:  # a texture is broken: the rest of the material is drawn
                material = replace(material, textures={})
                record = material_record(material, name, self._textures)
            self._assets.append(record)
            self._materials[index] = record, material
        return self._materials[index]

    def _skin(self, index: int, mesh: str) -> SkinUse:
        """Return a skin, its skeleton's record added where it is new; `mesh` is the first that it bends."""
        if index not in self._skins:
            item = self._gltf.array("skins")[index]
            name = self._names["skeleton"].free(item.name, f"skin{index}")
            joints = len(item.required("joints").elements())
            record = {"@type": "skeleton", "name": name, "source": mesh, "part": f"/skins/{index}"}
            self._assets.append(record)
            self._skins[index] = SkinUse(name, joints)
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
        if node.skin is not None:
            skin = read_skin(self._gltf.array("skins")[node.skin])
            world = skin.bind[0].T.astype(np.float64) @ self._worlds.get(skin.joints[0], np.identity(4))
        places = [np.identity(4)] if node.instances is None else [_matrix(each) for each in node.instances]
        for place in places:
            matrix = place @ world
            corners = box.corners() @ matrix[:3, :3] + matrix[3, :3]
            self._box = self._box.joined(Box.around(corners))

    def _camera(self, node: GltfNode) -> Plain | None:
        """Return the camera of a node, not enabled: the picture is that of the camera around the model."""
        if node.camera is None:
            return None
        with self._problems.catching():
            found: Plain = {"@type": "camera", "enabled": False}
            if node.camera.required("type").choice("perspective", "orthographic") == "perspective":
                lens = node.camera.required("perspective")
                found["fovY"] = math.degrees(lens.required("yfov").number(1e-3, math.pi))
                found["near"] = lens.required("znear").number(1e-4)
                far = lens.get("zfar")
                if far is not None:
                    found["far"] = far.number(0.0)
            else:
                lens = node.camera.required("orthographic")
                found |= {"projection": "orthographic", "height": 2.0 * lens.required("ymag").number(1e-3)}
                found["depth"] = 2.0 * lens.required("zfar").number(1e-2)
            return found
        return None

    def _light(self, node: GltfNode) -> Plain | None:
        if node.light is None:
            return None
        with self._problems.catching():
            light = node.light
            kind = light.required("type").choice("directional", "point", "spot")
            found: Plain = {"@type": "light", "kind": kind}
            color = light.vector_or("color", (1.0, 1.0, 1.0), 0.0)
            found |= {"color": list(color), "intensity": light.number_or("intensity", 1.0, 0.0)}
            reach = light.get("range")
            if reach is not None and kind != "directional":
                found["range"] = reach.number(0.0)
            if kind == "spot":
                cone = light.get("spot") or Item(self._gltf, {}, light.path)
                found["innerAngle"] = math.degrees(cone.number_or("innerConeAngle", 0.0, 0.0, math.pi / 2))
                found["outerAngle"] = math.degrees(
                    cone.number_or("outerConeAngle", math.pi / 4, 0.0, math.pi / 2)
                )
            self._has_lights = True
            return found
        return None

    def _add_clips(self) -> None:
        for item in self._gltf.array("animations"):
            name = self._names["animation"].free(item.name, f"animation{item.index}")
            part = f"/animations/{item.index}"
            self._assets.append({"@type": "animation", "name": name, "source": self._source, "part": part})


def _placed(transform: Transform) -> Plain:
    """Return the fields of a transform that differ from the identity."""
    usual = Transform()
    found: Plain = {}
    for name in ("translation", "rotation", "scale"):
        value = getattr(transform, name)
        if value != getattr(usual, name):
            found[name] = [float(f"{number:.9g}") for number in value]  # all that 32 bits hold
    return found


def _matrix(transform: Transform) -> npt.NDArray[np.float64]:
    """Return the stored matrix [4, 4] of a transform: points are rows to its left."""
    matrices = compose(
        np.array([transform.translation]),
        np.array([transform.rotation]),
        np.array([transform.scale], np.float32),
    )
    return np.asarray(matrices[0], np.float64)


def _worlds(nodes: Mapping[int, GltfNode], roots: tuple[int, ...]) -> dict[int, npt.NDArray[np.float64]]:
    """Return the stored matrix of each node to the space of the scene."""
    found = {root: _matrix(nodes[root].transform) for root in roots}
    for index, node in nodes.items():  # parents before children
        for child in node.children:
            found[child] = _matrix(nodes[child].transform) @ found[index]
    return found


def _once(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problems))
