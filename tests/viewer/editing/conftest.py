"""A scene of small features and its editor."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.small_features import ASSETS, OBJECTS_BEFORE_LAMP, Light, ShadowCaster, VisibleModel

from engine.feature import Registry
from engine.scene import Scene, load_scene
from viewer.editing.editor import Editor

TEXT = (
    ASSETS
    + "tableau: {\n"
    + OBJECTS_BEFORE_LAMP
    + """        lamp: { euler: [0 90 0]  translation: [0 3 0]
            features: [ { @type: light  intensity: 2.0 } ] }   // bright
    }
}
"""
)


@pytest.fixture
def registry() -> Registry:
    return Registry([VisibleModel(), ShadowCaster(), Light()])


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry) -> Callable[[str], Scene]:
    """Load a scene from its text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "assets").mkdir()
    (tmp_path / "scenes").mkdir()

    def load(text: str = TEXT) -> Scene:
        path = tmp_path / "scenes" / "a.hu"
        path.write_text(text, encoding="utf-8")
        return load_scene(path, registry)

    return load


@pytest.fixture
def editor(load: Callable[[str], Scene]) -> Editor:
    return Editor(load(TEXT))
