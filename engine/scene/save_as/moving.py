"""A scene that goes on as what was written under another name: its objects stay, its files are others."""

from __future__ import annotations

import os
from pathlib import Path

from engine.assets.roots import display_path
from engine.humon import InputError, Problem
from engine.scene.load import load_scene
from engine.scene.save_as.elsewhere import CODE
from engine.scene.scene import Scene
from engine.scene.snapshot import Snapshot
from engine.scene.text_positions import update_positions
from engine.tableau import ROOT, Tableau


def move_to(scene: Scene, path: Path) -> None:
    """Have a scene of one file go on as the file that it was just written to (`NewFiles.write`).

    Its databases stay those that are loaded, until the live sources follow. Raises InputError where the file
    cannot be read again, or has other objects, and changes nothing then.
    """
    fresh = load_scene(path, scene.registry)
    (part,), (now,), tableau = scene.parts, fresh.parts, scene.tableau
    if now.home is None or _paths(fresh.tableau) != _paths(tableau):
        message = f"{display_path(path)} has changed since it was written"
        raise InputError(Problem(CODE, message, help="open it to go on with it"))
    state = Snapshot.of(tableau, part.root)
    part.saver.before = state  # what was removed is in neither, and keeps the text that it had
    part.take(now, state)
    part.opened = Path(os.path.abspath(path))
    scene.path, scene.sky = fresh.path, None
    tableau.place, tableau.gaps[part.root] = fresh.tableau.place, fresh.tableau.gaps[ROOT]
    update_positions(tableau, now.home.document, part.root)


def _paths(tableau: Tableau) -> set[str]:
    return {tableau.path(row) for row in tableau.rows().tolist()}
