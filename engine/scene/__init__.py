"""Scenes: loads scene files, changes values by path, saves changes."""

from engine.scene.files import SceneFile, check_sky
from engine.scene.load import load_scene, load_scenes
from engine.scene.scene import Scene, ScenePart
from engine.scene.settings import apply_setting

__all__ = ["Scene", "SceneFile", "ScenePart", "apply_setting", "check_sky", "load_scene", "load_scenes"]
