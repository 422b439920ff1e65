"""Preferences are kept as they change: a crash loses none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, mouse, session_of

from engine.tableau import Tableau
from viewer.panels.workspace import Workspace
from viewer.run.kept_preferences import KeptPreferences

__all__ = ["mouse"]


class NoPanels:
    """A workspace that has nothing to note."""

    def __init__(self) -> None:
        self.kept = 0

    def keep(self) -> None:
        self.kept += 1
        imgui.get_io().want_save_ini_settings = False


def test_what_is_set_is_written_at_once_and_nothing_else(
    mouse: Mouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    mouse.frame(lambda: None)
    imgui.get_io().want_save_ini_settings = False
    session, panels = session_of(Tableau([])), NoPanels()
    workspace = cast("Workspace", panels)
    kept = KeptPreferences(lambda problem: pytest.fail(str(problem)))
    session.preferences = kept.preferences
    kept.keep_changes(session, workspace)
    assert not list(tmp_path.rglob("viewer.hu"))
    session.preferences = replace(session.preferences, recent=(str(tmp_path / "a.hu"),))
    kept.keep_changes(session, workspace)
    (file,) = tmp_path.rglob("viewer.hu")
    assert "a.hu" in file.read_text(encoding="utf-8")
    kept.keep_changes(session, workspace)
    assert panels.kept == 1, "written once"
