"""Claims about scenes whose objects come and go: who is gone is forgotten, and nothing else changes."""

from __future__ import annotations

import pytest

from engine.testing import OpenedScene, assert_no_upload, open_scene


def come_and_go(scene: OpenedScene, name: str) -> None:
    """An object like the cube appears and is removed again, each time for a plan or longer."""
    model = {"asset": scene["cube"].visibleModel["asset"]}
    came = scene.tableau.add_object(name, None, translation=(1, 0, 0), features={"visibleModel": model})
    scene.settle()
    scene.tableau.remove(came)
    scene.settle()


@pytest.mark.parametrize("budget", [None, 20 << 20])
def test_who_is_gone_is_forgotten_and_nothing_else_changes(
    monkeypatch: pytest.MonkeyPatch, budget: int | None
) -> None:
    monkeypatch.setattr("engine.planning.scene.FORGOTTEN", 8)
    with open_scene("scenes/cube.hu", profile="unified", size=(320, 240), budget=budget) as scene:
        planner = scene.host._planner  # type: ignore[attr-defined]
        come_and_go(scene, "first")
        text, known = scene.plan_text, len(planner._requirements.requesters)
        tables = [planner._requirements]
        with assert_no_upload(scene):
            for number in range(40):
                come_and_go(scene, f"object {number}")
                tables += [] if planner._requirements is tables[-1] else [planner._requirements]
                assert len(planner._requirements.requesters) < known + 30
        assert len(tables) > 3
        assert scene.plan_text == text
