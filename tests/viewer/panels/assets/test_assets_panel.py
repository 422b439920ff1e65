"""What the list of assets says of one: its name, kind and database, and what its bytes are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.all_panels import all_panels
from support.tips import tip_at

from viewer.panels import widgets
from viewer.panels.assets.assets_panel import OWN_HELP, PARTS_HELP


def test_an_asset_without_a_name_is_called_after_its_source(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    cut = widgets.cut

    def noted(text: str, *more: Any, **named: Any) -> None:
        written.append(text)
        cut(text, *more, **named)

    with all_panels(root / "scenes/cube.hu") as panels:
        panels.frame(4)
        rows = panels.workspace.panels["assets"].panel._rows
        row = rows.names.index("brick-normal.png")
        panels.session.selection.select_asset(int(rows.keys[row]))
        panels.frame(2)
        monkeypatch.setattr(widgets, "cut", noted)
        panels.frame()
        at = written.index("texture2d of assetDb0")
        assert written[at - 1] == "brick-normal.png"
        assert not any(text.startswith("texture2d #") for text in written)
        (label,) = tip_at(panels.mouse, panels.draw, panels.session.places["asset title"])
        assert label.startswith("texture2d")


def test_the_bytes_of_an_asset_are_explained_by_their_tool_tip(root: Path) -> None:
    with all_panels(root / "scenes/cube.hu") as panels:
        panels.frame(4)
        panel = panels.workspace.panels["assets"].panel
        rows = panel._rows
        panel._search = "brick"
        panels.frame(2)
        for name, about in (("brick-normal.png", OWN_HELP), ("brick", PARTS_HELP)):
            row = rows.names.index(name)
            size = int(panel._bytes[row])
            assert size > 100_000
            lines = tip_at(panels.mouse, panels.draw, panels.session.places[f"asset memory {name}"])
            assert lines == [f"{size:,} bytes are requested in the plan", about]
        parts = [rows.names.index(f"brick-{part}.png") for part in ("albedo", "normal")]
        assert panel._bytes[rows.names.index("brick")] >= panel._bytes[parts].sum(), "with its parts"


def test_an_asset_without_bytes_in_the_plan_has_no_such_tool_tip(root: Path) -> None:
    with all_panels(root / "scenes/cube.hu") as panels:
        panels.frame(4)
        panel = panels.workspace.panels["assets"].panel
        row = next(row for row, size in enumerate(panel._bytes.tolist()) if not size)
        name = panel._rows.names[row]
        panel._search = name
        panels.frame(3)
        place = panels.session.places[f"asset memory {name}"]
        assert tip_at(panels.mouse, panels.draw, place) == []
