from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.random_scenes import profile

from engine.assets import open_library
from engine.feature import Feature, Registry, discover
from engine.graph import DepthTarget, ImageDecl, Pass
from engine.plan import Format
from engine.planning import scene as planning
from engine.planning.draw.tables import distinct_keys
from engine.planning.scene import ScenePlanner
from engine.scene import load_scene

KEYS = st.one_of(
    st.lists(st.builds(lambda db, index: db << 32 | index, st.integers(0, 3), st.integers(0, 20))),
    st.lists(st.integers(0, 1 << 50)),
)


@given(KEYS)
def test_distinct_keys_are_those_of_a_sort_for_any_databases(keys):
    keys = np.array(keys, np.int64)
    for found, wanted in zip(distinct_keys(keys), np.unique(keys, return_inverse=True), strict=True):
        assert found.tolist() == wanted.tolist()


def test_a_row_without_an_asset_draws_nothing_and_does_not_affect_others(root, monkeypatch):
    monkeypatch.chdir(root)
    scene = load_scene(Path("scenes/cube.hu"))
    tableau = scene.tableau
    blank = tableau.add_object("blank", features={"visibleModel": {}})
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(tableau, scene.registry, library, profile("nvidia-h200"), (64, 64))
        needs = planner.needs()
        assert {name: table.instances for name, table in needs.tables.items()} == {"shadow": 1, "forward": 2}
        for name in ("cube", "ground"):
            tableau[name].active = False
        needs = planner.needs()
        assert {name: table.instances for name, table in needs.tables.items()} == {"forward": 0}
        planner.plan(needs)
    assert blank.visibleModel.active
    assert tableau.warnings == []


def test_a_feature_whose_drawables_raise_is_switched_off_and_reported(cube, monkeypatch):
    scene, library = cube

    def drawables(asset, library):
        raise RuntimeError("no meshes")

    monkeypatch.setattr(scene.registry["visibleModel"], "drawables", drawables)
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64))
    assert "forward" not in planner.needs().tables
    assert not len(scene.tableau.tables["visibleModel"].rows_active())
    (warning,) = scene.tableau.warnings
    assert "no meshes" in warning.message


class Wrong(Feature):
    """A feature without an asset, whose pass names a shader that is not there."""

    type_name = "wrong"
    shaders = ("nowhere",)

    def passes(self):
        image = ImageDecl("wrongDepth", Format.D32_SFLOAT)
        return (Pass("wrong", draws="wrong", depth=DepthTarget(image), shaders=self.shaders),)


@pytest.mark.parametrize("shaders", [("nowhere",), ()])
@pytest.mark.parametrize("few", [0, 128])
def test_a_feature_whose_pass_cannot_be_drawn_is_switched_off_and_the_rest_goes_on(
    root, monkeypatch, shaders, few
):
    monkeypatch.chdir(root)
    monkeypatch.setattr(planning, "FEW_ASSETS", few)
    wrong, known = Wrong(), discover()
    wrong.shaders = shaders
    scene = load_scene(Path("scenes/cube.hu"), Registry([wrong, *(known[name] for name in known)]))
    scene.tableau.add_object("bad", features={"wrong": {}})
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64))
        while not planner.prepare(0.0):
            pass
        assert planner.needs().tables.keys() == {"shadow", "forward"}
    assert "wrong on 'bad' is switched off" in scene.tableau.warnings[0].message
