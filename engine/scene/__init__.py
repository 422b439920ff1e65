"""Scenes: loads scene files, changes values by path, saves changes."""

from engine.scene.files import SceneFile
from engine.scene.load import load_scene
from engine.scene.scene import Scene
from engine.scene.settings import apply_setting

__all__ = ["Scene", "SceneFile", "apply_setting", "load_scene"]
