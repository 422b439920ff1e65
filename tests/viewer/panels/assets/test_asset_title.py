"""The details of an asset begin with its name, its kind and its database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.all_panels import all_panels
from support.tips import tip_at

from viewer.panels import widgets


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
