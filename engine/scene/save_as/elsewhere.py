"""The texts of a scene under another name, with what was changed in it; written together or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.assets.database import CACHE_SUFFIX, sources_of
from engine.assets.importers.models.model_files import is_model, is_sky
from engine.assets.roots import display_path, project_root
from engine.files.opening import reason_of
from engine.humon import Document, InputError, Position, Problem, parse
from engine.humon.files import read_bytes
from engine.humon.saving import write_atomically
from engine.humon.writer import inline
from engine.scene.files import SCENE_SUFFIX, SceneFile
from engine.scene.save_as.project_folder import project_of, write_mark
from engine.scene.save_as.references import is_path, named_files, rebased
from engine.scene.scene import Scene, ScenePart

CODE = "scene.elsewhere"
OUTSIDE = "file.outside"
ASSETS_SUFFIX = ".assets.hu"
SKY_SUFFIX = f".sky{ASSETS_SUFFIX}"


@dataclass(frozen=True)
class NewFiles:
    """The files of a scene under another name: their texts, that of the scene last, and the project root."""

    scene: Path
    root: Path
    texts: Mapping[Path, str]

    def taken(self) -> list[Path]:
        """Return those that are there already."""
        return [path for path in self.texts if os.path.lexists(path)]

    def write(self) -> None:
        """Write all of them, over what is there. Raises InputError `output.write`, and undoes all then."""
        folder, before = self.scene.parent, {path: _content(path) for path in self.texts}
        made = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
        mark, done = None, list[Path]()
        try:
            os.makedirs(folder, exist_ok=True)
            mark = write_mark(self.root, folder)
            for path, text in self.texts.items():
                write_atomically(path, text)
                done.append(path)
        except (OSError, InputError) as error:
            for path in [*done, *([mark] if mark is not None else [])]:
                _put_back(path, before.get(path))
            for each in made:
                if os.path.isdir(each):
                    each.rmdir()
            if isinstance(error, InputError):
                raise
            message = f"cannot write into {display_path(folder)}: {reason_of(error)}"
            raise InputError(Problem("output.write", message, help="choose another folder")) from error


def new_files(scene: Scene, path: Path) -> NewFiles:
    """Return the files of a scene, as it is now, at another path; around a model, a database is one of them.

    Raises InputError `scene.elsewhere` where a scene cannot be at the path, `file.outside` where its project
    does not hold what the scene is made of, and as `Scene.save`.
    """
    part = _only_part(scene)
    path = Path(os.path.realpath(path))
    _check_path(scene, path)
    home = part.home
    document = part.saver.rendered()
    assert home is not None
    assert document is not None
    before, folder = home.path.parent, path.parent
    files = [before / node.text for node in named_files(document) if is_path(node.text)]
    own = project_root(home.path)  # what is outside of it is not used there either
    files = [file for file in files if file.suffix != CACHE_SUFFIX and _is_below(own, file)]
    files += [file.path for file in part.files if is_sky(file.path)]
    root = project_of(folder, *files)
    _check_inside(root, files)
    text = rebased(document, before, folder)
    if not is_model(home.path):
        return NewFiles(path, root, {path: text})
    skies = [file for file in part.files if is_sky(file.path)]
    texts = {path.with_name(path.stem + SKY_SUFFIX): _of_sky(file, path) for file in skies}
    texts |= _divided(parse(text, document.name), path, home.path.name, [each.name for each in texts])
    return NewFiles(path, root, texts)


def is_own(scene: Scene, path: Path) -> bool:
    """Whether a path is that of the file with the tableau: a scene is saved there as ever."""
    homes = [part.home.path for part in scene.parts if part.home is not None]
    return Path(os.path.realpath(path)) in homes


def _only_part(scene: Scene) -> ScenePart:
    """Return the part of a scene of one file. Raises InputError for others."""
    part = scene.parts[0]
    if len(scene.parts) > 1:
        message = "several files are shown together, which have no other name as a whole"
        raise InputError(Problem(CODE, message, help="open one of them alone to save it under another name"))
    if part.home is None:
        message = f"{display_path(scene.path)} has no tableau"
        raise InputError(Problem(CODE, message, help="add `tableau: { }` to it"))
    if part.home is not part.files[0]:
        message = f"the tableau of {display_path(scene.path)} is in a file that it includes"
        raise InputError(Problem(CODE, message, help=f"open {display_path(part.home.path)}, and save that"))
    return part


def _check_path(scene: Scene, path: Path) -> None:
    """Raise InputError where a scene cannot be at a path."""
    name = display_path(path)
    try:
        path.name.encode()
    except UnicodeEncodeError as error:
        raise InputError(Problem(CODE, f"{name} is not UTF-8", help="choose another name")) from error
    ends_right = path.name.endswith(SCENE_SUFFIX) and not path.name.endswith(ASSETS_SUFFIX)
    if not ends_right or not path.name.removesuffix(SCENE_SUFFIX).strip():
        message = f"{name} is no name of a scene"
        raise InputError(Problem(CODE, message, help=f"choose a name that ends in {SCENE_SUFFIX}"))
    made_of = [file.path for file in scene.parts[0].files]  # a database may still be that of an earlier name
    made_of += (source for db in scene.dbs for asset in db.assets for source in sources_of(asset))
    inputs = {Path(os.path.realpath(each)) for each in made_of}
    beside = [ASSETS_SUFFIX, SKY_SUFFIX] if is_model(scene.path) else []
    for each in (path, *(path.with_name(path.stem + suffix) for suffix in beside)):
        if os.path.isdir(each):
            raise InputError(Problem(CODE, f"{display_path(each)} is a folder", help="choose another name"))
        if each in inputs:
            message = f"{display_path(each)} is one of the files that the scene is made of"
            raise InputError(Problem(CODE, message, help="choose another name"))


def _check_inside(root: Path, files: list[Path]) -> None:
    """Raise InputError where a project does not hold all files that a scene names."""
    for file in files:
        if not _is_below(root, file):
            message = f"{file.name}, which the scene names, is outside of the project of that folder, {root}"
            hint = "choose a folder of the project that has it, or copy it into that one first"
            raise InputError(Problem(OUTSIDE, message, Position(display_path(file)), help=hint))


def _is_below(root: Path, file: Path) -> bool:
    return Path(os.path.realpath(file)).is_relative_to(root)


def _of_sky(file: SceneFile, path: Path) -> str:
    """Return the text of the database of a sky that was chosen for a model, beside the scene at a path."""
    document = file.document.with_text(rebased(file.document, file.path.parent, path.parent))
    return document.replace(document.root["assetDb"]["cacheFile"], f"{path.stem}.sky{CACHE_SUFFIX}")


def _divided(document: Document, path: Path, model: str, more: Sequence[str]) -> dict[Path, str]:
    """Return the texts of a database and of a scene that includes it, from one text that has both."""
    edits = document.edits()
    edits.replace(document.root["assetDb"]["cacheFile"], f"{path.stem}{CACHE_SUFFIX}")
    document = document.with_text(edits.apply())
    beside = path.with_name(path.stem + ASSETS_SUFFIX)
    db, tableau = (_text_of(document, key) for key in ("assetDb", "tableau"))
    include = inline([beside.name, *more])
    return {
        beside: f"// The assets of {model}.\nversion: 1\n{db}\n",
        path: f"// The objects of {model}.\nversion: 1\ninclude: {include}\n{tableau}\n",
    }


def _text_of(document: Document, key: str) -> str:
    """Return a member of the root as it is written, with its key."""
    start, end = document.root[key].span
    return f"{key}: {document.text[start:end]}"


def _content(path: Path) -> bytes | None:
    """Return what is in a file; None where there is none. Raises InputError for anything else."""
    return read_bytes(path, display_path(path)) if os.path.lexists(path) else None


def _put_back(path: Path, content: bytes | None) -> None:
    """Give a file back what was in it, or remove it where there was none."""
    if content is None:
        os.unlink(path)
    else:
        write_atomically(path, content)
