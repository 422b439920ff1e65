"""Claims about the requesters in a plan where there are very many."""

from __future__ import annotations

from engine.testing import open_scene


def test_a_pass_over_a_thousand_objects_counts_them_all() -> None:
    with open_scene("scenes/cube.hu", profile="unified", size=(64, 48)) as scene:
        model = {"asset": scene["cube"].visibleModel["asset"]}
        there = len(scene.tableau.tables["visibleModel"].rows_active())
        for number in range(1000 - there):
            scene.tableau.add_object(f"row, {number}", None, features={"visibleModel": model})
        scene.settle()
        key = scene.plan.requirements.keys.transient("forward.draws")
        named = scene.plan.requesters(key)
        assert len(named) == 17
        assert all(words.startswith("visibleModel on '") for words in named[:16])
        assert named[16] == "984 more"
        assert "visibleModel on 984 more objects" in str(scene.plan) == scene.plan_text
