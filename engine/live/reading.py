"""Reads the databases of a scene again, from their texts, or the models and skies that they are made of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from engine.assets.codes import AssetCode
from engine.assets.database import read_asset_db
from engine.assets.files import FileGate
from engine.assets.importers.models.model_files import is_model, is_sky
from engine.assets.records import AssetDb
from engine.humon import Problem, read
from engine.humon.values import failure
from engine.scene import Scene
from engine.scene.models import ModelFile, model_document, sky_document

LeftOut = dict[Path, tuple[Problem, ...]]


def read_database(
    path: Path,
    root: Path,
    name: str,
    number: int,
    shown: str,
    tolerated: Collection[Problem] | None = (),
) -> AssetDb:
    """Return the database in a file, with the name and the number that it has in a scene. Raises InputError
    as `read_asset_db`, `asset.none` where the file has none any more.

    `shown` is the path of the file in messages.
    """
    if is_model(path):
        document, _ = model_document(path, FileGate(root))
    elif is_sky(path):
        document = sky_document(path)
    else:
        document = read(path, shown, root, keep_first=True)
    db = read_asset_db(document, path, number, root, tolerated=tolerated)
    if db is None:
        raise failure(
            AssetCode.NONE,
            f"the file has the assetDb '{name}' no more",
            document.root,
            "give it back, or open the scene again",
        )
    return replace(db, name=name)


def models_of(scene: Scene) -> dict[Path, ModelFile]:
    """Return what the texts around models were made of, by the paths that these are opened by."""
    firsts = {part.opened: part.files[0].model for part in scene.parts}
    return {opened: model for opened, model in firsts.items() if model is not None}


def left_out_of(scene: Scene) -> LeftOut:
    """Return the problems of what is not used of each file that was opened: a save may have them still."""
    return {part.files[0].path: part.left_out for part in scene.parts}


def read_again(db: AssetDb, fresh: AssetDb | None, is_changed: bool, number: int) -> AssetDb:
    """Return a database as its text is now, by a number: that of the scene, if that was read again.

    `is_changed` is whether its file, a text, was saved. Raises InputError.
    """
    if fresh is None and is_changed:
        where = db.path, db.root, db.name, number, db.document.name
        return read_database(*where, tolerated=db.left_out)
    now = db if fresh is None or fresh.reads_as(db) else fresh
    known = None if fresh is not None and now is db else db.left_out  # links may lead elsewhere
    again = read_asset_db(now.document, now.path, number, now.root, tolerated=known)
    assert again is not None, "its text had a database before"
    return replace(again, name=db.name)


def texts_of(scene: Scene) -> set[Path]:
    """Return the files of a scene, and links to them."""
    found = {file.path for part in scene.parts for file in part.files}
    return found.union(part.opened for part in scene.parts)


def databases_of(scene: Scene | None) -> dict[str, AssetDb]:
    """Return the databases of a scene by their names."""
    return {} if scene is None else {db.name: db for db in scene.dbs}
