"""Scenes made around model files: what a `.glb`, `.gltf` or `.obj` holds as the text of a `.hu` file."""

from engine.scene.models.description import ModelFile
from engine.scene.models.opening import ModelScene, model_document, model_scene, sky_document
from engine.scene.models.staging import Sky

__all__ = ["ModelFile", "ModelScene", "Sky", "model_document", "model_scene", "sky_document"]
