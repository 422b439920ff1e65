"""`import`: write a database and a tableau around a model file, to be edited by hand from then on."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.exits import ExitCode

if TYPE_CHECKING:
    from engine.scene.models import ModelScene


def run(options: argparse.Namespace) -> int:
    """Write `NAME.assets.hu` and `NAME.hu` into the folder, and the mark of a new project above both.

    Raises InputError; nothing is written then.
    """
    from engine.assets.codes import AssetCode
    from engine.assets.files import FileGate
    from engine.assets.importers.models.model_files import MODEL_SUFFIXES, is_model
    from engine.assets.roots import PROJECT_FILE, display_path, marked_root
    from engine.humon import InputError, Position, Problem
    from engine.humon.saving import write_atomically
    from engine.scene import check_sky
    from engine.scene.models import Sky, model_scene
    from engine.scene.save_as.project_folder import project_of, write_mark

    model = Path(os.path.realpath(options.model))
    folder = Path(os.path.realpath(options.out))
    marked = marked_root(folder)
    used = [Path(path) for path in (options.model, options.sky) if path is not None]
    root = project_of(Path(options.out), *used)
    if not is_model(model):
        message = f"'{model.name}' is no model file: their names end in {', '.join(MODEL_SUFFIXES)}"
        hint = "a scene file is opened as it is: python -m viewer SCENE"
        raise InputError(Problem(AssetCode.PART, message, Position(display_path(model)), help=hint))
    sky = None
    if options.sky is not None:
        check_sky(options.sky, [model])
        sky = Path(os.path.realpath(options.sky))
    for what, file, more in (("model", model, ", with the files that it names,"), ("sky", sky, "")):
        if file is not None and not file.is_relative_to(root):
            message = f"the {what} is outside of the project that the scene is written to, {root}"
            hint = f"copy it{more} to {root} first"
            if marked is None:
                hint += f"; or make a folder that holds both a project, by an empty file '{PROJECT_FILE}'"
            raise InputError(Problem("file.outside", message, Position(display_path(file)), help=hint))
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise InputError(
            Problem(
                "output.folder",
                f"cannot write into {options.out}: it is no folder",
                help="name a folder with --out",
            )
        )
    source = os.path.relpath(model, folder).replace(os.sep, "/")
    around = Sky(source=os.path.relpath(sky, folder).replace(os.sep, "/")) if sky is not None else None
    how = {"compress": options.compress, "sky": around}
    scene = model_scene(model, FileGate(root), source, options.levels, **how)
    texts = _texts(scene, model.name)
    taken = [name for name in texts if os.path.lexists(folder / name)]
    if taken and not options.replace:
        message = f"there is a {taken[0]} already, which may have been edited"
        hint = "choose another folder, or add --replace"
        raise InputError(
            Problem("output.exists", message, Position(display_path(folder / taken[0])), help=hint)
        )
    for problem in scene.warnings:
        print(problem.render(), file=sys.stderr)
    mark = write_mark(root, folder)
    if mark is not None:
        print(display_path(mark))
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_atomically(folder / name, text, follow=False)
        print(display_path(folder / name))
    return ExitCode.DONE


def _texts(scene: ModelScene, model: str) -> dict[str, str]:
    """Return the texts of the two files by their names."""
    from engine.humon import write

    name, values = scene.name, scene.values
    assets = {"version": 1, "assetDb": values["assetDb"]}
    tableau = {"version": 1, "include": [f"{name}.assets.hu"], "tableau": values["tableau"]}
    return {
        f"{name}.assets.hu": f"// The assets of {model}.\n" + write(assets),
        f"{name}.hu": f"// The objects of {model}, and a camera, light and a sky around them.\n"
        + write(tableau),
    }
