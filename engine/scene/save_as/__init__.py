"""A scene under another name: its texts, with references that lead where they led from the new folder."""

from engine.scene.save_as.elsewhere import NewFiles, is_own, new_files
from engine.scene.save_as.moving import move_to

__all__ = ["NewFiles", "is_own", "move_to", "new_files"]
