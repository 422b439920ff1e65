"""Rows of the frame graph stay where they are, whichever image is looked at."""

from __future__ import annotations

from support.random_scenes import profile
from support.scenes import ROOT

from engine.assets import open_library
from engine.planning.scene import ScenePlanner
from engine.scene import load_scene
from viewer.panels.frame.graph_rows import ImageRow, image_rows


def test_rows_keep_their_order_when_an_image_is_looked_at() -> None:
    scene = load_scene(ROOT / "scenes/tableau.hu")
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 48))

        def rows(*watched: str) -> list[ImageRow]:
            planner.watch(frozenset(watched))
            needs = planner.needs()
            return image_rows(needs.graph, planner.plan(needs), (64, 48))

        before = rows()
        names = [row.name for row in before]
        moved = 0
        for name in names:
            now = rows(name)
            assert [row.name for row in now] == names, name
            lives = zip(before, now, strict=True)
            moved += any((one.first, one.last) != (two.first, two.last) for one, two in lives)
        assert moved, "what is looked at lives longer"
