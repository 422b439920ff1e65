"""A registry of small features, and files written for a test."""

import pytest
from support.small_features import ASSETS, Light, ShadowCaster, VisibleModel

from engine.feature import Registry
from engine.scene import load_scene

__all__ = ["ASSETS"]


@pytest.fixture
def registry():
    return Registry([VisibleModel(), ShadowCaster(), Light()])


@pytest.fixture
def write(tmp_path):
    """Write a file below a project root and return its path."""
    (tmp_path / "assets").mkdir()

    def write(text, name="scenes/a.hu"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def load(write, registry, monkeypatch, tmp_path):
    """Load a scene from its text; positions name `scenes/a.hu`."""
    monkeypatch.chdir(tmp_path)

    def load(text, name="scenes/a.hu"):
        return load_scene(write(text, name), registry)

    return load
