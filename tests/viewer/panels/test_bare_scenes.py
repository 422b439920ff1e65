"""Scenes in which nothing is drawn, seen or lit: every panel shows them, and can be clicked anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.all_panels import DISPLAY, all_panels

MODEL = "features: [ { @type: visibleModel  asset: [builtin placeholder] } ]"
SCENES = {
    "nothing": "name: nothing",
    "no objects": "name: nothing  objects: {}",
    "no model": "name: seen  objects: { camera: { features: [ { @type: camera } ] } }",
    "no camera and no light": f"name: unseen  objects: {{ one: {{ {MODEL} }} }}",
    "all switched off": f"name: off  objects: {{ one: {{ active: false  enabled: false  {MODEL} }} }}",
}
STEP = 95
"""Points between the places that are clicked."""


@pytest.mark.parametrize("text", SCENES.values(), ids=SCENES)
def test_every_panel_shows_a_scene_that_lacks_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "bare.hu"
    file.write_text(f"version: 1\ntableau: {{ {text} }}\n", encoding="utf-8")
    with all_panels(file) as panels:
        panels.frame(6)
        drawn = {name for name in panels.session.places if name.startswith("panel ")}
        assert drawn == {f"panel {title}" for title in panels.workspace.panels}
        panels.session.selection.select(panels.session.runtime.tableau.rows())
        for x in range(15, DISPLAY[0], 4 * STEP):
            for y in range(60, DISPLAY[1], STEP):
                panels.mouse.click(panels.draw, x, y)
        panels.frame(2)
