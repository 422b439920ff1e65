"""Claims about the requesters in a plan where there are very many."""

from __future__ import annotations

from engine.plan.text.why import why
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


def test_why_lists_what_passes_need_for_any_of_many_objects() -> None:
    with open_scene("scenes/cube.hu", profile="unified", size=(64, 48)) as scene:
        model = {"asset": scene["cube"].visibleModel["asset"]}
        for number in range(40):
            scene.tableau.add_object(f"row{number:02}", None, features={"visibleModel": model})
        scene.settle()
        plan = scene.plan
        first, last = ({one.name: one for one in why(plan, name)} for name in ("row00", "row39"))
        assert first.keys() == last.keys()
        assert "forward.draws" in last
        named = last["forward.draws"].requesters
        assert "visibleModel on 'row39'" in named
        others = [name for name in named if "more object" in name]
        assert others == ["visibleModel on 25 more objects"], "16 and this one of 42 are named"
        assert named.index("visibleModel on 'row39'") >= 0
        scene.tableau["row39"].visibleModel.active = False
        scene.settle()
        again = {one.name: one for one in why(scene.plan, "row38")}
        assert again.keys() == last.keys(), "another group has the others"
