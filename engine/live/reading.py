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


def read_database(
    path: Path,
    root: Path,
    name: str,
    number: int,
    shown: str,
    tolerated: Collection[Problem] | None = (),
    model: ModelFile | None = None,
) -> AssetDb:
    """Return the database in a file, with the name and the number that it has in a scene. Raises InputError
    as `read_asset_db`, `asset.none` where the file has none any more.

    `shown` is the path of the file in messages. What is wrong in a model file is as in its earlier version,
    `model`, if that has it.
    """
    if is_model(path):
        document, _ = model_document(path, FileGate(root), earlier=model)
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
    """Return what the texts around the model files of a scene were made of, by their paths."""
    files = (file for part in scene.parts for file in part.files)
    return {file.path: file.model for file in files if file.model is not None}
