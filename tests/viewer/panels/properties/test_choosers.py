"""Choosers of assets and of paths take Enter for the first that a search finds."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, drawn, middle, mouse, session_of, workspace_of

from engine.assets import AssetRef
from engine.tableau import FeatureSchema, Tableau
from engine.tableau.schema import Names, asset_field, text_field
from viewer.panels.panel import Dock, Placed
from viewer.panels.properties import asset_chooser
from viewer.panels.properties.asset_chooser import AssetChooser
from viewer.panels.properties.path_chooser import PathChooser
from viewer.session.session import Session

__all__ = ["mouse"]

MODELS = asset_field("asset", types=("model",), optional=True)
TARGET = text_field("target", names=Names.OBJECT)


class Chooser:
    """A panel with one chooser; `changes` are what was chosen."""

    title = "chooser"

    def __init__(self, draw: object) -> None:
        self._draw = draw
        self.changes: list[object] = []

    def draw(self) -> None:
        change = self._draw()  # type: ignore[operator]
        self.changes += [] if change is None else [change.value]


def of_assets(monkeypatch: pytest.MonkeyPatch) -> tuple[Session, Chooser]:
    monkeypatch.setattr(asset_chooser, "draw_asset_picture", lambda *args, **more: None)
    assets = tuple(
        SimpleNamespace(ref=AssetRef(1, index), name=name, label=name, type="model")
        for index, name in enumerate(("brick", "glass", "grass"))
    )
    db = SimpleNamespace(name="xyz", assets=assets)
    tableau = Tableau()
    tableau.add_object("cube")
    builtin = SimpleNamespace(name="builtin", assets=())
    library = SimpleNamespace(version=0, dbs=(builtin, db), renewed=lambda ref: ref)
    session = session_of(tableau, library=library)
    session.runtime.scene.part_of(0).dbs = (db,)  # type: ignore[misc]
    chooser = AssetChooser(session)
    keys = np.array([AssetRef(1, 0).key], np.int64)
    return session, Chooser(lambda: chooser.draw(MODELS, keys, 0))


def of_paths() -> tuple[Session, Chooser]:
    tableau = Tableau([FeatureSchema("link", (TARGET,))])
    for name in ("brick", "glass", "grass"):
        tableau.add_object(name)
    session = session_of(tableau)
    chooser = PathChooser(session)
    texts = np.array(["brick"], object)
    return session, Chooser(lambda: chooser.draw(TARGET, texts, 0))


@pytest.mark.parametrize("kind", ["assets", "paths"])
@pytest.mark.parametrize(("typed", "taken"), [("gra", "grass"), ("g", "glass"), ("none", None), ("", None)])
def test_enter_takes_the_first_that_is_found(
    mouse: Mouse, monkeypatch: pytest.MonkeyPatch, kind: str, typed: str, taken: str | None
) -> None:
    session, chooser = of_assets(monkeypatch) if kind == "assets" else of_paths()
    draw = drawn(workspace_of(session, [Placed(chooser, Dock.RIGHT)]), session)
    for _ in range(4):
        mouse.frame(draw)
    name = "asset" if kind == "assets" else "target"
    x, y = middle(session.places[f"arrow {name}"])
    mouse.click(draw, x - 100, y)
    mouse.frame(draw)
    assert "choice glass" in session.places
    imgui.get_io().add_input_characters_utf8(typed)
    mouse.frame(draw)
    mouse.frame(draw)
    mouse.press(draw, imgui.Key.enter)
    mouse.frame(draw)
    wanted: dict[str, object] = {"grass": AssetRef(1, 2).key, "glass": AssetRef(1, 1).key}
    expected = [] if taken is None else [wanted[taken] if kind == "assets" else taken]
    found = [value.item() if isinstance(value, np.ndarray) else value for value in chooser.changes]
    assert found == expected
    is_open = imgui.is_popup_open("", imgui.PopupFlags_.any_popup.value)
    assert bool(is_open) == (typed == "none"), "what is found closes the list, and so does nothing to find"
