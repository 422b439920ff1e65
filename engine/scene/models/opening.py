"""Opens a model file as a scene: its text is made around it, and read like that of a `.hu` file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from engine.assets.codes import AssetCode
from engine.assets.files import FileGate, FileRejectedError
from engine.assets.importers.models.model_files import open_model
from engine.assets.importers.models.obj_materials import read_material_files
from engine.assets.problems import AS_A_SCENE, listed_once
from engine.assets.roots import display_path
from engine.files.signatures import Probed, signatures
from engine.gltf.naming import Names
from engine.humon import Document, InputError, Position, Problem, Severity, parse, write
from engine.obj import ObjFile
from engine.scene.models.description import ModelFile, Plain
from engine.scene.models.gltf_scene import describe_gltf
from engine.scene.models.obj_scene import describe_obj
from engine.scene.models.staging import Sky, database_values, scene_values, sky_record


@dataclass(frozen=True, slots=True)
class ModelScene:
    """The scene around a model file: the values of its text, by keys, and warnings of what was left out.

    `model` is what these values are made of.
    """

    name: str
    values: Plain
    warnings: tuple[Problem, ...]
    model: ModelFile


LEAST_TRIANGLES = 4096
"""Meshes of fewer triangles get no coarser levels: they are drawn as quickly, and each level is a draw
more."""


def model_scene(
    path: Path,
    gate: FileGate,
    source: str,
    levels: int = 0,
    *,
    opened: Path | None = None,
    compress: bool = False,
    sky: Sky | None = None,
    probed: Probed | None = None,
    earlier: ModelFile | None = None,
) -> ModelScene:
    """Return the scene around a model file, which the scene's text names `source`.

    It has the name of the path by which the file is `opened`, maybe a link: what that leads to is another
    version of one model. Its cache has the name of the file.
    Of meshes of LEAST_TRIANGLES and more so many coarser levels are to be made. A model that is opened needs
    none, as it fills the picture; where it is imported, it may be drawn small, and often. `compress` has its
    textures made into blocks. `sky` is that around the model, None for the usual one. `probed` gets the other
    files that the text follows from. What is wrong in the file is as in an `earlier` version, where that
    has it.
    Raises InputError where the file cannot be used at all.
    """
    _check_name(source, path)
    name = Names().free((opened or path).stem, "model")
    model = _described(path, gate, source, name, {} if probed is None else probed, earlier)
    errors = [problem for problem in model.problems if problem.severity is Severity.ERROR]
    if errors and model.box.is_empty:
        raise InputError(listed_once(errors))
    warnings = tuple(replace(problem, severity=Severity.WARNING) for problem in listed_once(model.problems))
    for record in model.assets if levels else ():
        if record["@type"] == "mesh" and model.triangles.get(record["name"], 0) >= LEAST_TRIANGLES:
            record["simplify"] = {"levels": levels}
    values = scene_values(model, name, Names().free(path.stem, "model"), compress=compress, sky=sky)
    return ModelScene(name, values, warnings, model)


def model_document(
    path: Path,
    gate: FileGate,
    probed: Probed | None = None,
    *,
    opened: Path | None = None,
    sky: Path | None = None,
    earlier: ModelFile | None = None,
) -> tuple[Document, ModelScene]:
    """Return the scene around a model file as a document; `opened`, `probed`, `earlier`: see `model_scene`.

    `sky` is the path by which a file is opened whose `sky_document` is another one of the scene. Raises
    InputError.
    """
    given = None if sky is None else Sky(sky_database(sky))
    around = model_scene(path, gate, path.name, opened=opened, sky=given, probed=probed, earlier=earlier)
    return parse(write(around.values), f"{display_path(path)}{AS_A_SCENE}"), around


def sky_document(path: Path, opened: Path | None = None) -> Document:
    """Return the database around a picture of light as a document. Raises InputError `file.name`.

    `opened` as for `model_scene`.
    """
    _check_name(path.name, path)
    names = sky_database(opened or path), sky_database(path)
    values = {"version": 1, "assetDb": database_values(*names, [sky_record(path.name)])}
    return parse(write(values), f"{display_path(path)} (as a sky)")


def sky_database(path: Path) -> str:
    """Return the name of the database around a picture of light, which is not that of a model."""
    return f"sky {Names().free(path.stem, 'picture')}"


def _check_name(source: str, path: Path) -> None:
    try:
        source.encode()
    except UnicodeEncodeError as error:
        message = f"the text of a scene cannot name '{source}': it is not UTF-8"
        raise InputError(
            Problem(
                AssetCode.FILE_NAME, message, Position(display_path(path)), help="rename the file or folder"
            )
        ) from error


def _described(
    path: Path, gate: FileGate, source: str, name: str, probed: Probed, earlier: ModelFile | None
) -> ModelFile:
    def picture(file: str) -> bool:
        try:
            found = gate.resolve(file, path.parent)
        except FileRejectedError:
            probed.update(signatures(gate.places(file, path.parent)))
            raise
        if gate.is_missing(found):
            probed.update(signatures(gate.places(file, path.parent)))
            return False
        return True

    try:
        opened = open_model(path, gate, probed)
    except FileRejectedError as error:
        place = Position(display_path(path))
        raise InputError(Problem(error.code, error.reason, place, help=error.help)) from error
    content = opened.content
    if isinstance(content, ObjFile):
        materials = read_material_files(content, path, gate, probed)
        return describe_obj(content, materials, source, name, earlier)
    return describe_gltf(content, source, name, picture, earlier)
