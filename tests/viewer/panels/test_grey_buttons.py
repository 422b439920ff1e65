"""A button that cannot be pressed now is grey, and its tool tip says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.all_panels import all_panels
from support.tips import tip_at

WHY = {
    "snapshots": {
        "snapshot save": "Choose a snapshot as A first: take or open one.",
        "snapshot remove": "Choose a snapshot as A first: take or open one.",
        "snapshot base": "Choose a snapshot as A first: take or open one.",
        "snapshot open": "Type the name of a file first.",
        "snapshot leaks": "There is no base line yet.",
    },
    "schedule": {"step": "Plans are not held.", "run": "Plans are not held."},
    "properties": {"button undo": "nothing to undo", "button redo": "nothing to redo"},
}


@pytest.mark.parametrize("title", WHY)
def test_the_tool_tip_of_a_grey_button_says_why_it_is_grey(root: Path, title: str) -> None:
    with all_panels(root / "scenes/cube.hu") as panels:
        panels.session.selection.select([panels.session.runtime.tableau["cube"].row])
        panels.frame(4)
        for place, why in WHY[title].items():
            found = tip_at(panels.mouse, panels.draw, panels.session.places[place])
            assert why in found, place


def test_a_snapshot_can_be_saved_once_it_is_chosen_and_named(root: Path) -> None:
    with all_panels(root / "scenes/cube.hu") as panels:
        panels.frame(4)
        snapshots = panels.workspace.panels["snapshots"].panel
        snapshots.take("first")
        panels.frame(2)
        place = panels.session.places["snapshot save"]
        assert "Type the name of a file first." in tip_at(panels.mouse, panels.draw, place)
        snapshots._file = "kept"
        panels.frame(2)
        (about,) = tip_at(panels.mouse, panels.draw, place)
        assert about.startswith("Write the chosen A")
