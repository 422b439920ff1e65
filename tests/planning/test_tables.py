from __future__ import annotations

from pathlib import Path

from support.random_scenes import profile

from engine.assets import open_library
from engine.planning.scene import ScenePlanner
from engine.scene import load_scene


def test_a_row_without_an_asset_draws_nothing_and_leaves_the_others_alone(root, monkeypatch):
    monkeypatch.chdir(root)
    scene = load_scene(Path("scenes/cube.hu"))
    tableau = scene.tableau
    blank = tableau.add_object("blank", features={"visibleModel": {}})
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(tableau, scene.registry, library, profile("nvidia-h200"), (64, 64))
        needs = planner.needs()
        assert {name: len(table.rows) for name, table in needs.tables.items()} == {"shadow": 1, "forward": 2}
        for name in ("cube", "ground"):
            tableau[name].active = False
        needs = planner.needs()
        assert {name: len(table.rows) for name, table in needs.tables.items()} == {"forward": 0}
        planner.plan(needs)
    assert blank.visibleModel.active
    assert tableau.warnings == []
